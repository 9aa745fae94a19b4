"""A customer's points in the admin: what there is and why, and a change by hand with its reason."""

from __future__ import annotations

import html
import re

import httpx

from app.kernel import clock, db, ids
from app.loyalty.actions import Adjustment, adjust
from app.loyalty.queries import adjustment_reasons, customer_id_of, points_statement
from app.merchants.queries import Merchant
from tests.factories.checkout import a_line, a_merchant
from tests.factories.invoices import a_purchase
from tests.factories.loyalty import (
    AT_ONCE,
    PLAIN,
    buyer_of,
    earned,
    programme_saved,
    standing,
    wallet_switched,
)
from tests.support import pages
from tests.web.admin.conftest import a_person, sign_in

TYPED = {
    "do": "give",
    "points": "50",
    "reason": "Sorry for the late parcel",
    "key": "0192f0c1-0000-7000-8000-000000000001",
}


def text_of(answer: httpx.Response) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


async def a_customer(merchant: Merchant, programme: object = AT_ONCE) -> tuple[str, str]:
    """Somebody with 129 points, and their page."""
    merchant = await wallet_switched(merchant, on=True)
    await programme_saved(merchant, programme)  # type: ignore[arg-type]  # one of the two above
    order = await a_purchase(merchant, a_line())
    await earned(merchant, order)
    customer = await buyer_of(merchant, order)
    return customer, f"/admin/wallets/{customer}/points"


async def test_the_page_tells_what_there_is_and_where_it_came_from(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    _, page = await a_customer(merchant, PLAIN)
    told = text_of(await desk.get(page))
    assert "Can be used now 0" in told
    assert "Waiting 129" in told
    assert "Earned by a purchase +129 After it 129" in told


async def test_a_change_by_hand_stands_with_its_reason_and_who_made_it_and_happens_once(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    customer, page = await a_customer(merchant)
    for _ in range(2):
        answer = await desk.post(page, data=TYPED)
        assert answer.headers["location"] == f"{page}?saved=1"
    assert (await standing(merchant, customer)).total == 179
    told = text_of(await desk.get(page))
    assert "Changed by the shop Sorry for the late parcel · Omena Owner +50 After it 179" in told
    await desk.post(page, data=TYPED | {"do": "take", "points": "179", "key": ""})
    assert (await standing(merchant, customer)).total == 0


async def test_a_page_that_was_sent_before_is_not_called_saved_with_something_else_in_it(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    customer, page = await a_customer(merchant)
    await desk.post(page, data=TYPED)
    for other in ({"points": "500"}, {"do": "take"}, {"reason": "A birthday"}):
        answer = await desk.post(page, data=TYPED | other)
        assert (answer.status_code, answer.headers["location"]) == (303, page)
    assert (await standing(merchant, customer)).total == 179


async def test_what_cannot_be_is_told_at_its_field_and_moves_nothing(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    customer, page = await a_customer(merchant)
    faults = (
        ("points", "", "Enter whole points, from 1 to 1,000,000."),
        ("points", "-5", "Enter whole points, from 1 to 1,000,000."),
        ("points", "0", "Enter whole points, from 1 to 1,000,000."),
        ("points", "1000001", "Enter whole points, from 1 to 1,000,000."),
        ("points", "99999999", "Enter whole points, from 1 to 1,000,000."),
        ("reason", "", "Say why, in a few words."),
        ("reason", "x", "Say why, in a few words."),
        ("reason", "x" * 301, "This is too long."),
        ("do", "double", "Choose one of the two."),
    )
    for name, typed, told in faults:
        answer = await desk.post(page, data=TYPED | {name: typed})
        assert answer.status_code == 422, (name, typed)
        assert told in text_of(answer), (name, typed)
        assert f'id="f-{name}-wrong"' in answer.text, (name, typed)
    taken = await desk.post(page, data=TYPED | {"do": "take", "points": "130"})
    assert taken.status_code == 422
    assert "Only 129 points can be used now." in text_of(taken)
    assert "Sorry for the late parcel" in taken.text
    assert (await standing(merchant, customer)).total == 129


async def test_a_customer_of_another_shop_and_what_is_no_customer_are_not_found(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    _, theirs = await a_customer(await a_merchant("Other shop"))
    for page in (theirs, "/admin/wallets/cus_1/points"):
        assert (await desk.get(page)).status_code == 404
        assert (await desk.post(page, data=TYPED)).status_code == 404
    assert await db.fetch_value("SELECT count(*) FROM loyalty_adjustments") == 0


async def test_only_the_owner_changes_points(app: object, merchant: Merchant) -> None:
    customer, page = await a_customer(merchant)
    cashier = await a_person(merchant, "till@havu.example", role="cashier")
    async with pages.browser(app) as client:  # type: ignore[arg-type]  # the fixture's application
        await sign_in(client, cashier)
        assert (await client.post(page, data=TYPED)).status_code == 403
    assert (await standing(merchant, customer)).total == 129


async def test_the_page_of_an_order_tells_what_it_earned_and_why(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    await a_customer(merchant, PLAIN)
    order = await db.fetch_value("SELECT public_id FROM orders WHERE state = 'paid'")
    told = text_of(await desk.get(f"/admin/orders/{order}"))
    assert "Wool blanket €129.00, at 1 point for each €1.00 129 Points of this order 129" in told
    assert "Parts of a point are left out, once for the whole order." in told


async def test_only_the_reasons_of_the_movements_that_are_shown_are_read(merchant: Merchant) -> None:
    customer, _ = await a_customer(merchant)
    inner_id, now = await customer_id_of(merchant.id, customer), await clock.business_now()
    made = [Adjustment(ids.internal_id(), 1, f"Reason {number}") for number in range(3)]
    for each in made:
        await adjust(merchant, customer, each, actor="staff:x", now=now)
    page = await points_statement(merchant.id, customer, None, 2)
    shown = [line.key for line in page.lines]
    assert await adjustment_reasons(merchant.id, inner_id, shown) == {
        f"adjust_points:{each.id}": (each.reason, "staff:x") for each in made[1:]
    }
    # Movements of other causes have none, and ask for nothing.
    with db.counting() as counts:
        assert await adjustment_reasons(merchant.id, inner_id, ["earn:of_an_order"]) == {}
    assert counts.queries == 0
