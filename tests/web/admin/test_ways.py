"""Staff say which ways to pay are on, read who sees what, and why a way is absent from an order."""

from __future__ import annotations

import httpx

from app.kernel import db
from app.merchants.queries import Merchant
from tests.factories.checkout import a_line
from tests.factories.companies import a_business_session

PAGE = "/admin/settings/ways"
EVERY = {
    "card_on": "1",
    "mobilepay_on": "1",
    "invoice_on": "1",
    "instalments_on": "1",
    "company_limit": "5000.00",
}


async def test_what_is_saved_is_shown_again_and_stands_in_the_audit_log(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    form = EVERY | {"invoice_min": "10,00", "invoice_max": "500", "invoice_not_for": "gift-card, phones"}
    del form["card_on"]
    answer = await desk.post(PAGE, data=form)
    assert answer.status_code == 303
    page = (await desk.get(answer.headers["location"])).text
    for told in (
        'value="10.00"',
        'value="500.00"',
        'value="gift-card, phones"',
        "switched off in the settings",
    ):
        assert told in page
    row = await db.fetch_one(
        "SELECT * FROM merchant_methods WHERE merchant_id = $1 AND method = 'card'", merchant.id
    )
    assert row is not None
    assert not row["is_on"]
    detail = await db.fetch_value("SELECT detail FROM audit_log WHERE action = 'merchant.ways_to_pay'")
    assert set(detail["changed"]) == {"card", "invoice"}


async def test_what_is_wrong_is_said_at_its_field_and_nothing_is_saved(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    del merchant
    wrong = {"card_min": "200", "card_max": "100", "invoice_min": "ten"}
    answer = await desk.post(PAGE, data=EVERY | wrong)
    assert answer.status_code == 422
    assert 'id="f-invoice_min-wrong"' in answer.text
    answer = await desk.post(PAGE, data=EVERY | {"card_min": "200", "card_max": "100"})
    assert answer.status_code == 422
    assert "The largest sum is below the smallest." in answer.text
    assert await db.fetch_value("SELECT count(*) FROM merchant_methods") == 0


async def test_who_sees_what_is_told_for_six_kinds_of_buyer(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    del merchant
    page = (await desk.get(PAGE)).text
    assert page.count("<h3>A consumer") == 4
    assert page.count("<h3>A company") == 2
    assert "not for this kind of buyer" in page
    assert "the provider does not answer" in page or "no provider is set up" in page


async def test_an_order_tells_staff_what_its_buyer_sees_and_why_not(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    await a_business_session(merchant, a_line())
    order = await db.fetch_value("SELECT public_id FROM orders")
    page = (await desk.get(f"/admin/orders/{order}")).text
    assert "What whoever pays this order is shown now" in page
    assert "Instalments: not for this kind of buyer" in page
