"""A case about who somebody is: what staff see, what they must say before they approve, and what becomes of it."""

from __future__ import annotations

import httpx
import pytest

from app.cases.queries import CaseView, waiting
from app.checkout import actions
from app.checkout.actions.vouching import ask_who
from app.kernel import clock, db
from app.merchants.queries import Merchant
from tests.factories.checkout import ADDRESS, Shopper, a_merchant, a_session

PHONE = "+359888123456"
CHECKED = {"answer": "approve", "name": "Ivanka Petrova", "how": "document", "finances": "1"}


@pytest.fixture
async def merchant(settings: object) -> Merchant:
    del settings
    return await a_merchant("Magazin", country="BG")


async def a_case(merchant: Merchant) -> tuple[Shopper, CaseView]:
    shopper = Shopper.at(await a_session(merchant, email="ivanka@example.test"))
    await shopper.choose()
    code = await shopper.ask_code(PHONE, "1000")
    await actions.identify_by_code(
        await shopper.flow(), code, code_is_enough=False, address=ADDRESS, wall=clock.wall()
    )
    await ask_who(await shopper.flow(), shopper.browser, "Ivanka <b>Petrova", lang="bg")
    [case] = await waiting(merchant.id)
    return shopper, case


async def test_staff_see_who_it_says_it_is_how_to_reach_them_the_plan_and_what_to_check(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    _, case = await a_case(merchant)
    queue = await desk.get("/admin/reviews")
    assert "No electronic identity exists here" in queue.text
    page = await desk.get(f"/admin/reviews/{case.public_id}")
    for words in (
        "Ivanka &lt;b&gt;Petrova",
        f"tel:{PHONE}",
        "mailto:ivanka@example.test",
        "€129.00",
        "<dd>1000</dd>",
        "Invoice",
        "What to check, and how",
        "passport or identity card",
        "Decline",
    ):
        assert words in page.text
    assert "Why the rules did not approve" not in page.text


@pytest.mark.parametrize(
    ("left_out", "words"),
    [
        ("name", "Enter your name."),
        ("how", "Say how you have checked who it is."),
        ("finances", "The law wants income and debts looked at before credit is given."),
    ],
)
async def test_an_approval_that_leaves_something_out_is_asked_at_its_field_and_keeps_the_rest(
    desk: httpx.AsyncClient, merchant: Merchant, left_out: str, words: str
) -> None:
    _, case = await a_case(merchant)
    typed = {name: value for name, value in CHECKED.items() if name != left_out} | {"note": "Seen today"}
    page = await desk.post(f"/admin/reviews/{case.public_id}", data=typed)
    assert page.status_code == 422
    assert words in page.text
    assert "Seen today" in page.text
    assert await db.fetch_value("SELECT state FROM cases") == "open"


async def test_approved_the_shopper_may_confirm_and_staff_and_way_are_written_down(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    shopper, case = await a_case(merchant)
    answer = await desk.post(f"/admin/reviews/{case.public_id}", data=CHECKED)
    assert answer.status_code == 303
    page = await desk.get(f"/admin/reviews/{case.public_id}")
    assert "Omena Owner" in page.text
    flow = await read(shopper)
    assert flow == ("open", "person", "Ivanka Petrova", "document")
    order = await desk.get(f"/admin/orders/{case.order_public_id}")
    assert "by a person on the staff" in order.text


async def test_to_decline_needs_a_note_and_none_of_the_checks(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    _, case = await a_case(merchant)
    address = f"/admin/reviews/{case.public_id}"
    page = await desk.post(address, data={"answer": "decline"})
    assert page.status_code == 422
    assert "Say in a few words why you decline." in page.text
    assert "Say how you have checked who it is." not in page.text
    answer = await desk.post(address, data={"answer": "decline", "note": "Did not pick up"})
    assert answer.status_code == 303
    assert await db.fetch_value("SELECT state FROM checkout_sessions") == "declined"


async def read(shopper: Shopper) -> tuple[str, str, str, str]:
    row = await db.fetch_one(
        """SELECT s.state, s.identified_by, v.name, v.acr FROM checkout_sessions s
           JOIN verified_identities v ON v.customer_id = s.customer_id WHERE s.public_id = $1""",
        shopper.session,
    )
    assert row is not None
    return row["state"], row["identified_by"], row["name"], row["acr"]
