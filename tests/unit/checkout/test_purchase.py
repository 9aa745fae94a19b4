"""A purchase from basket to paid, below the web."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from app.checkout import shown
from app.checkout.actions import Details, cancel_session, expire_due
from app.checkout.errors import (
    CreditRefused,
    DecisionsSpent,
    DetailsMissing,
    SessionEnded,
    ShownTotalChanged,
    StepNotReached,
)
from app.checkout.states import MACHINE as SESSIONS
from app.checkout.states import SessionState
from app.checkout.steps import Progress
from app.checkout.told import session_for_api
from app.kernel import clock, db
from app.ledger.queries import postings_about
from app.orders.states import MACHINE as ORDERS
from tests.factories.checkout import (
    Shopper,
    a_known_person,
    a_line,
    a_merchant,
    a_session,
    a_shopper_at_confirm,
    an_identity,
    nobody_has_bought_before,
)

pytestmark = pytest.mark.usefixtures("db")


async def test_a_returning_shopper_buys_on_invoice_and_the_books_balance() -> None:
    merchant = await a_merchant()
    shopper = await a_shopper_at_confirm(merchant)
    await shopper.confirm()
    flow = await shopper.flow()
    assert flow.state is SessionState.CONFIRMED
    assert flow.order_state == "paid"
    postings = await postings_about(merchant.id, flow.order_public_id)
    assert [(p.cause, p.amount_minor) for p in postings] == [("purchase", 12_900), ("purchase", -12_900)]
    events = await db.fetch_all("SELECT type FROM events ORDER BY id")
    assert [row["type"] for row in events] == ["session.confirmed", "order.paid"]


async def test_confirming_twice_buys_once() -> None:
    merchant = await a_merchant()
    shopper = await a_shopper_at_confirm(merchant)
    field = shown.sign(await shopper.flow())
    await asyncio.gather(*(shopper.confirm(shown_field=field) for _ in range(10)))
    assert await db.fetch_value("SELECT count(*) FROM transfers") == 1
    assert await db.fetch_value("SELECT count(*) FROM events") == 2
    assert await db.fetch_value("SELECT exposure_minor FROM credit_exposures") == 12_900


async def test_another_total_than_the_one_shown_is_refused() -> None:
    shopper = await a_shopper_at_confirm(await a_merchant())
    with pytest.raises(ShownTotalChanged):
        await shopper.confirm(shown_field="made-up")
    field = shown.sign(await shopper.flow())
    await shopper.choose("instalments", 6)
    await shopper.be_decided()
    with pytest.raises(ShownTotalChanged):
        await shopper.confirm(shown_field=field)


async def test_a_new_plan_needs_a_new_decision() -> None:
    shopper = await a_shopper_at_confirm(await a_merchant())
    await shopper.choose("instalments", 6)
    with pytest.raises(CreditRefused):
        await shopper.confirm()


async def test_a_session_gets_three_decisions() -> None:
    shopper = await a_shopper_at_confirm(await a_merchant())
    for months in (3, 4):
        await shopper.choose("instalments", months)
        await shopper.be_decided()
    await shopper.choose("instalments", 5)
    with pytest.raises(DecisionsSpent):
        await shopper.be_decided()


async def test_two_sessions_at_once_cannot_both_pass_the_limit() -> None:
    merchant = await a_merchant(credit_limit_minor=20_000)
    await a_known_person()
    shoppers = []
    for address in ("203.0.113.1", "203.0.113.2"):
        shopper = Shopper.at(await a_session(merchant))
        await shopper.choose()
        await shopper.return_from_bank()
        await shopper.be_decided()
        shoppers.append(shopper)
        del address
    results = await asyncio.gather(*(shopper.confirm() for shopper in shoppers), return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["CreditRefused", "Flow"]
    assert await db.fetch_value("SELECT exposure_minor FROM credit_exposures") == 12_900


async def test_a_credit_ban_is_a_refusal_that_leaves_the_session_open() -> None:
    merchant = await a_merchant()
    shopper = Shopper.at(await a_session(merchant))
    await shopper.choose()
    await shopper.return_from_bank()
    assert await shopper.be_decided(credit_ban=True) == "declined"
    flow = await shopper.flow()
    assert (flow.state, flow.progress) == (SessionState.OPEN, Progress.REFUSED)
    with pytest.raises(CreditRefused):
        await shopper.confirm()


async def test_a_first_timer_by_bank_is_recognised_by_code_the_next_time() -> None:
    merchant = await a_merchant()
    first = Shopper.at(await a_session(merchant))
    await first.choose()
    assert (await first.type_code(await first.ask_code())).outcome == "needs_bank"
    await first.return_from_bank(an_identity())
    await first.be_decided()
    await first.confirm()
    second = Shopper.at(await a_session(merchant))
    await second.choose()
    await _a_minute_passes()
    assert (await second.type_code(await second.ask_code())).outcome == "identified"


async def test_a_phone_only_claimed_at_the_bank_counts_once_a_code_reaches_it() -> None:
    merchant = await a_merchant()
    first = Shopper.at(await a_session(merchant))
    await first.choose()
    await first.return_from_bank()
    await first.be_decided()
    await first.confirm()
    second = Shopper.at(await a_session(merchant))
    await second.choose()
    assert (await second.type_code(await second.ask_code())).outcome == "identified"


async def test_identifying_without_buying_lends_nobodys_name_to_the_phone_that_the_shop_passed() -> None:
    merchant = await a_merchant()
    lured = Shopper.at(await a_session(merchant))
    await lured.choose()
    await lured.return_from_bank()
    stranger = Shopper.at(await a_session(merchant))
    await stranger.choose()
    assert (await stranger.type_code(await stranger.ask_code())).outcome == "needs_bank"


async def test_the_right_code_with_another_postcode_leads_to_the_bank() -> None:
    merchant = await a_merchant()
    await a_known_person()
    shopper = Shopper.at(await a_session(merchant))
    await shopper.choose()
    assert (await shopper.type_code(await shopper.ask_code(postcode="99999"))).outcome == "needs_bank"
    assert (await shopper.flow()).progress is Progress.CHOSEN


async def test_another_browser_begins_at_step_two_and_cannot_confirm() -> None:
    shopper = await a_shopper_at_confirm(await a_merchant())
    other = Shopper.at(shopper.session)
    assert (await other.flow()).progress is Progress.ELSEWHERE
    with pytest.raises(StepNotReached):
        await other.confirm()


async def test_paper_needs_an_address_and_names_what_is_missing() -> None:
    merchant = await a_merchant()
    await a_known_person()
    shopper = Shopper.at(await a_session(merchant, email=None))
    await shopper.choose()
    await shopper.type_code(await shopper.ask_code())
    await shopper.be_decided()
    with pytest.raises(DetailsMissing) as refusal:
        await shopper.confirm()
    assert refusal.value.fields == {"email"}
    await shopper.confirm(Details(email="aino@example.test"))
    assert (await shopper.flow()).contact.email == "aino@example.test"


async def test_a_paid_order_refuses_every_edit_in_the_database() -> None:
    shopper = await a_shopper_at_confirm(await a_merchant(), a_line())
    await shopper.confirm()
    for statement in (
        "UPDATE orders SET total_minor = 1",
        "UPDATE orders SET reference = 'x'",
        "UPDATE order_lines SET quantity = 2",
        "DELETE FROM order_lines",
        "UPDATE postings SET amount_minor = 1",
        "DELETE FROM postings",
        "DELETE FROM order_history",
        """INSERT INTO order_lines (merchant_id, order_id, version, position, type, name, quantity, unit_price_minor,
           vat_percent, total_minor) SELECT merchant_id, order_id, 1, 9, 'item', 'x', 1, 1, 0, 1 FROM order_lines""",
    ):
        with pytest.raises(Exception, match=r"locked|never changed|only grow"):
            await db.in_tx(partial(db.execute, statement))


async def test_a_cancelled_session_is_over_for_everybody() -> None:
    merchant = await a_merchant()
    shopper = await a_shopper_at_confirm(merchant)
    field = shown.sign(await shopper.flow())
    now = await clock.business_now()
    assert await cancel_session(merchant.id, shopper.session, actor="merchant", now=now)
    assert not await cancel_session(merchant.id, shopper.session, actor="merchant", now=now)
    with pytest.raises(SessionEnded):
        await shopper.confirm(shown_field=field)
    assert (await shopper.flow()).order_state == "cancelled"


async def test_a_session_expires_once_and_its_draft_order_with_it() -> None:
    merchant = await a_merchant()
    shopper = await a_shopper_at_confirm(merchant)
    await db.in_tx(lambda: clock.set_offset_s(90_000))
    now = await clock.business_now()
    assert (await shopper.flow()).state is SessionState.EXPIRED
    assert await expire_due(now) == 1
    assert await expire_due(now) == 0
    answer = await session_for_api(merchant.id, shopper.session, now)
    assert answer is not None
    assert answer.state == "expired"
    with pytest.raises(SessionEnded):
        await shopper.confirm()


async def test_expiry_and_payment_at_once_have_exactly_one_winner() -> None:
    merchant = await a_merchant()
    for _ in range(10):
        await nobody_has_bought_before()
        shopper = await a_shopper_at_confirm(merchant)
        flow = await shopper.flow()
        results = await asyncio.gather(shopper.confirm(), expire_due(flow.expires_at), return_exceptions=True)
        state = (await shopper.flow()).order_state
        assert state == ("expired" if isinstance(results[0], SessionEnded) else "paid")
        await db.in_tx(lambda: db.execute("DELETE FROM limits"))
        await db.in_tx(lambda: db.execute("UPDATE credit_exposures SET exposure_minor = 0"))


async def _a_minute_passes() -> None:
    await db.in_tx(lambda: clock.set_offset_s(61))


async def test_cancelling_a_held_session_cancels_its_order_too() -> None:
    merchant = await a_merchant()
    shopper = await a_shopper_at_confirm(merchant)
    flow = await shopper.flow()

    async def hold() -> None:
        await SESSIONS.move(
            merchant.id, flow.session_id, expected="open", to="held", actor="test", at=flow.now
        )
        await ORDERS.move(
            merchant.id, flow.order_id, expected="in_payment", to="held", actor="test", at=flow.now
        )

    await db.in_tx(hold)
    assert await cancel_session(merchant.id, shopper.session, actor="merchant", now=flow.now)
    assert (await shopper.flow()).order_state == "cancelled"
