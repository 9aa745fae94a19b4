"""Sessions over the API: opened, read, cancelled, and nobody else's business."""

from __future__ import annotations

from datetime import datetime, timedelta

from app.kernel import clock, db, ids
from tests.web.api.conftest import BASE_URL, Shop
from tests.web.api.documents import a_basket


async def test_a_session_is_opened_with_its_total_computed_here(shop: Shop) -> None:
    answer = await shop.opens(a_basket())
    assert answer.status_code == 201
    session = answer.json()
    assert set(session) == {"id", "url", "state", "total_minor", "currency", "expires_at", "order_id"}
    assert session["url"] == f"{BASE_URL}/pay/{session['id']}"
    assert (session["state"], session["total_minor"], session["currency"]) == ("open", 25_800, "EUR")
    lasts = datetime.fromisoformat(session["expires_at"]) - clock.wall()
    assert timedelta(hours=23, minutes=59) < lasts <= timedelta(days=1)


async def test_discounts_shipping_and_fees_count_into_the_total(shop: Shop) -> None:
    lines = [
        {"name": "Lamp", "quantity": 3, "unit_price_minor": 1_000, "vat_percent": "25.5"},
        {
            "type": "discount",
            "name": "Voucher",
            "quantity": 1,
            "unit_price_minor": -500,
            "vat_percent": "25.5",
        },
        {"type": "shipping", "name": "Parcel", "quantity": 1, "unit_price_minor": 590, "vat_percent": "25.5"},
        {"type": "fee", "name": "Packing", "quantity": 1, "unit_price_minor": 10, "vat_percent": "0"},
    ]
    assert (await shop.opens(a_basket(lines=lines))).json()["total_minor"] == 3_100


async def test_a_session_is_read_with_the_shops_reference(shop: Shop) -> None:
    opened = (await shop.opens(a_basket())).json()
    read = await shop.client.get(f"/api/v1/sessions/{opened['id']}")
    assert read.status_code == 200
    assert read.json() == opened | {"reference": "SHOP-1001"}


async def test_a_cancelled_session_stays_cancelled_however_often_it_is_cancelled(shop: Shop) -> None:
    opened = (await shop.opens(a_basket())).json()
    for _ in range(2):
        answer = await shop.client.post(f"/api/v1/sessions/{opened['id']}/cancel")
        assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    order = (await shop.client.get(f"/api/v1/orders/{opened['order_id']}")).json()
    assert order["state"] == "cancelled"


async def test_an_expired_session_cannot_be_cancelled(shop: Shop) -> None:
    opened = (await shop.opens(a_basket(expires_in_s=300))).json()
    await db.in_tx(lambda: clock.set_offset_s(301))
    assert (await shop.client.get(f"/api/v1/sessions/{opened['id']}")).json()["state"] == "expired"
    answer = await shop.client.post(f"/api/v1/sessions/{opened['id']}/cancel")
    assert (answer.status_code, answer.json()["code"]) == (409, "session_ended")


async def test_what_is_missing_malformed_or_foreign_is_answered_with_the_same_bytes(
    shop: Shop, another_shop: Shop
) -> None:
    foreign = (await another_shop.opens(a_basket())).json()
    answers = [
        await shop.client.request(method, address)
        for thing, foreign_id in (("sessions", foreign["id"]), ("orders", foreign["order_id"]))
        for unknown in (
            ids.public_id("cs" if thing == "sessions" else "ord"),
            foreign_id,
            "nonsense",
            "%00",
            "%ff",
        )
        for method, address in (("GET", f"/api/v1/{thing}/{unknown}"),)
    ]
    answers.append(await shop.client.post(f"/api/v1/sessions/{foreign['id']}/cancel"))
    answers.append(await shop.client.post(f"/api/v1/sessions/{ids.public_id('cs')}/cancel"))
    assert {(answer.status_code, answer.content) for answer in answers} == {(404, answers[0].content)}
    assert (await another_shop.client.get(f"/api/v1/sessions/{foreign['id']}")).json()["state"] == "open"


async def test_what_the_shop_passed_about_its_shopper_is_normalised(shop: Shop) -> None:
    customer = {
        "name": "  Aino\u202e  Virta ",
        "email": "aino@example.test",
        "phone": "048 000 0101",
        "postcode": "FI-00100",
        "address": {"street": "Kuusitie 1", "city": "Helsinki"},
    }
    opened = (await shop.opens(a_basket(customer=customer))).json()
    order = (await shop.client.get(f"/api/v1/orders/{opened['order_id']}")).json()
    assert order["customer"] == customer | {
        "id": None,
        "name": "Aino Virta",
        "phone": "+358480000101",
        "postcode": "00100",
    }


async def test_an_address_may_be_one_line_of_text(shop: Shop) -> None:
    opened = (await shop.opens(a_basket(customer={"address": "Kuusitie 1"}))).json()
    order = (await shop.client.get(f"/api/v1/orders/{opened['order_id']}")).json()
    assert order["customer"]["address"] == {"street": "Kuusitie 1", "city": None}


async def test_opening_a_session_asks_the_database_few_times(shop: Shop) -> None:
    await shop.opens(a_basket())
    with db.counting() as counts:
        await shop.opens(a_basket())
    # The key; the order, its lines, the session, its history.
    assert (counts.queries, counts.commits) == (5, 1)


async def test_the_company_that_a_shop_passes_is_told_with_the_order_in_its_one_form(shop: Shop) -> None:
    company = {"number": "FI20774740", "name": "Kone Oy", "purchase_order": "PO-77"}
    opened = (await shop.opens(a_basket(buyer="business", company=company))).json()
    order = (await shop.client.get(f"/api/v1/orders/{opened['order_id']}")).json()
    told = {"number": "2077474-0", "country": "FI", "vat_id": "FI20774740"}
    assert order["company"] == told | {"name": "Kone Oy", "purchase_order": "PO-77"}


async def test_a_company_number_that_is_none_and_a_company_of_a_consumer_are_refused_at_their_place(
    shop: Shop,
) -> None:
    company = {"number": "2077474-1", "name": "Kone Oy"}
    answer = await shop.opens(a_basket(company=company))
    assert answer.status_code == 422
    found = {(error["pointer"], error["code"]) for error in answer.json()["errors"]}
    assert found == {("/company", "buyer_is_consumer"), ("/company/number", "malformed")}
