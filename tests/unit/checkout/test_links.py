"""Payments by a link: several people may begin, one of them pays, and the shop may stop all of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from app.checkout import actions, shown
from app.checkout.actions import Details, confirming, withdraw_link
from app.checkout.books import check_books
from app.checkout.contacts import known_contact
from app.checkout.errors import SessionEnded
from app.checkout.queries import flow as read_flow
from app.checkout.states import SessionState
from app.checkout.told import session_for_api
from app.identity.actions import browsers
from app.kernel import clock, db
from app.kernel.limits import LimitReached
from app.links import actions as links
from app.links.errors import LinkEnded, LinkPaused
from app.links.queries import LinkView, link_of_order
from app.links.states import LinkState
from app.merchants.queries import Merchant
from app.orders.actions import Contact
from app.orders.errors import OrderLocked
from tests.factories.checkout import Shopper, a_merchant, approving
from tests.factories.link_shoppers import at_confirm_of, press, to_decide_at
from tests.factories.links import STAFF, a_link, an_open_order
from tests.support.waiting import until

pytestmark = pytest.mark.usefixtures("db")


async def order_state(link: LinkView) -> str:
    state = await db.fetch_value("SELECT state FROM orders WHERE id = $1", link.order_id)
    assert isinstance(state, str)
    return state


async def stored(shopper: Shopper) -> str:
    state = await db.fetch_value("SELECT state FROM checkout_sessions WHERE public_id = $1", shopper.session)
    assert isinstance(state, str)
    return state


async def as_it_is(link: LinkView) -> LinkView:
    found = await link_of_order(link.merchant_id, link.order_id)
    assert found is not None
    return found


async def cancelled_by_shopper(shopper: Shopper) -> None:
    flow = await shopper.flow()
    assert await actions.cancel_session(flow.merchant.id, flow.public_id, actor="shopper", now=flow.now)


async def events(link: LinkView, event_type: str) -> int:
    count = await db.fetch_value("SELECT count(*) FROM events WHERE type = $1", event_type)
    assert isinstance(count, int)
    return count


# --- opening --------------------------------------------------------------------------------------------------------


async def test_a_press_makes_a_session_and_tells_the_shop() -> None:
    link = await a_link(await a_merchant())
    shopper = await press(link)
    flow = await shopper.flow()
    assert (flow.link_id, flow.ours, flow.state) == (link.id, True, SessionState.OPEN)
    assert (await as_it_is(link)).opened_at is not None
    assert await events(link, "link.opened") == 1


async def test_the_same_browser_goes_on_where_it_was_and_another_one_begins_its_own() -> None:
    link = await a_link(await a_merchant())
    first = await press(link)
    again = await press(link, first.browser)
    other = await press(link)
    assert again.session == first.session
    assert other.session != first.session
    assert await events(link, "link.opened") == 2


async def test_many_presses_of_one_browser_at_once_are_one_session() -> None:
    link = await a_link(await a_merchant())
    browser = browsers.read(None, wall=clock.wall())
    pressed = await asyncio.gather(*(press(link, browser) for _ in range(6)))
    assert len({shopper.session for shopper in pressed}) == 1
    assert await events(link, "link.opened") == 1


async def test_after_a_cancelled_payment_the_same_browser_begins_anew() -> None:
    link = await a_link(await a_merchant())
    first = await press(link)
    await cancelled_by_shopper(first)
    assert (await press(link, first.browser)).session != first.session


async def test_what_one_person_typed_is_never_passed_to_another() -> None:
    merchant = await a_merchant()
    order = await an_open_order(merchant, contact=Contact(name="Aino Virta"))
    link = await a_link(merchant, order)
    one = await press(link, typed=Contact(email="one@example.test", city="Turku"))
    other = await press(link, typed=Contact(email="other@example.test"))
    assert (await one.flow()).passed == Contact(name="Aino Virta", email="one@example.test", city="Turku")
    assert (await other.flow()).passed == Contact(name="Aino Virta", email="other@example.test")


async def test_without_prefill_nothing_that_the_shop_knows_is_passed() -> None:
    shopper = await press(await a_link(await a_merchant()), prefill=False)
    assert (await shopper.flow()).passed == Contact()


async def test_what_was_typed_and_what_the_shop_knew_are_enough_to_confirm() -> None:
    merchant = await a_merchant()
    order = await an_open_order(merchant, contact=Contact(name="Aino Virta"))
    link = await a_link(merchant, order)
    shopper = await press(link, typed=Contact(email="one@example.test"))
    contact = known_contact(await shopper.flow(), Details())
    assert (contact.name, contact.email) == ("Aino Virta", "one@example.test")


async def test_one_link_cannot_be_pressed_without_end() -> None:
    link = await a_link(await a_merchant())
    for _ in range(60):
        await press(link)
    with pytest.raises(LimitReached):
        await press(link)


@pytest.mark.parametrize(
    ("stop", "refusal"),
    [("pause", LinkPaused), ("withdraw", LinkEnded)],
)
async def test_nothing_begins_by_a_link_that_the_shop_has_stopped(
    stop: str, refusal: type[Exception]
) -> None:
    link = await a_link(await a_merchant())
    now = await clock.business_now()
    verb = {"pause": links.pause, "withdraw": withdraw_link}[stop]
    await verb(link.merchant_id, link.order_public_id, actor=STAFF, now=now)
    with pytest.raises(refusal):
        await press(link)


async def test_nothing_begins_after_the_end_and_what_was_begun_in_time_lasts_for_the_grace() -> None:
    merchant = await a_merchant()
    link = await a_link(merchant, lasts=timedelta(hours=1))
    shopper = await at_confirm_of(link)
    assert link.expires_at is not None
    assert (await shopper.flow()).expires_at == link.expires_at + timedelta(seconds=1800)
    await db.in_tx(lambda: clock.set_offset_s(3600 + 60))
    with pytest.raises(LinkEnded):
        await press(link)
    # An approval holds for half an hour; it is decided anew.
    await shopper.be_decided()
    await shopper.confirm()
    assert await order_state(link) == "paid"


async def test_after_the_grace_it_is_too_late() -> None:
    link = await a_link(await a_merchant(), lasts=timedelta(hours=1))
    shopper = await at_confirm_of(link)
    await db.in_tx(lambda: clock.set_offset_s(3600 + 1801))
    with pytest.raises(SessionEnded):
        await shopper.confirm()


# --- one pays -------------------------------------------------------------------------------------------------------


async def test_the_one_who_pays_ends_the_payments_of_all_others() -> None:
    link = await a_link(await a_merchant())
    slow, fast = await at_confirm_of(link, 0), await at_confirm_of(link, 1)
    await fast.confirm()
    assert await stored(slow) == "cancelled"
    with pytest.raises(SessionEnded):
        await slow.confirm(shown_field="whatever")
    assert await order_state(link) == "paid"
    assert (await as_it_is(link)).stored_state is LinkState.USED
    assert await events(link, "session.cancelled") == 1
    assert await check_books() == []


async def test_two_payers_who_confirm_at_the_same_moment_are_one_purchase() -> None:
    link = await a_link(await a_merchant())
    payers = [await at_confirm_of(link, number) for number in range(2)]
    ends = await asyncio.gather(*(payer.confirm() for payer in payers), return_exceptions=True)
    assert [isinstance(end, SessionEnded) for end in ends].count(True) == 1, ends
    assert [isinstance(end, BaseException) for end in ends].count(True) == 1, ends
    assert await check_books() == []


@asynccontextmanager
async def held(shopper: Shopper) -> AsyncIterator[None]:
    """Another request holds this session meanwhile."""
    taken, go = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        locking = "SELECT id FROM checkout_sessions WHERE public_id = $1 FOR UPDATE"
        await db.fetch_value(locking, shopper.session)
        taken.set()
        await go.wait()

    holding = asyncio.create_task(db.in_tx(hold))
    await taken.wait()
    yield
    go.set()
    await holding


async def test_who_came_to_the_lock_second_finds_the_order_paid() -> None:
    """Somebody held the row of the slower one at that moment, so that it could not be ended: it is out of reach."""
    link = await a_link(await a_merchant())
    slow, fast = await at_confirm_of(link, 0), await at_confirm_of(link, 1)
    async with held(slow):
        await fast.confirm()
    assert await stored(slow) == "open"
    assert (await slow.flow()).state is SessionState.CANCELLED
    with pytest.raises(SessionEnded):
        await slow.confirm(shown_field="whatever")
    told = await session_for_api(link.merchant_id, slow.session, await clock.business_now())
    assert told is not None
    assert told.state == "cancelled"
    await db.in_tx(lambda: clock.set_offset_s(86_400 * 2))
    await actions.expire_due(await clock.business_now())
    assert (await stored(slow), await order_state(link)) == ("expired", "paid")
    assert await check_books() == []


# --- the order waits for its next payer -----------------------------------------------------------------------------


async def test_a_payment_that_is_cancelled_leaves_the_order_open() -> None:
    link = await a_link(await a_merchant())
    shopper = await press(link)
    await shopper.choose()
    assert await order_state(link) == "in_payment"
    await cancelled_by_shopper(shopper)
    assert await order_state(link) == "open"
    await (await at_confirm_of(link)).confirm()
    assert await order_state(link) == "paid"
    assert await check_books() == []


async def test_while_somebody_else_is_on_the_way_the_order_stays_in_payment() -> None:
    link = await a_link(await a_merchant())
    one, other = await press(link), await press(link)
    await one.choose()
    await other.choose()
    await cancelled_by_shopper(one)
    assert await order_state(link) == "in_payment"
    await cancelled_by_shopper(other)
    assert await order_state(link) == "open"


async def test_a_payment_whose_time_is_over_leaves_the_order_open_and_tells_nobody_that_it_expired() -> None:
    link = await a_link(await a_merchant())
    shopper = await press(link)
    await shopper.choose()
    await db.in_tx(lambda: clock.set_offset_s(86_400 + 60))
    await actions.expire_due(await clock.business_now())
    assert (await stored(shopper), await order_state(link)) == ("expired", "open")
    assert await events(link, "order.expired") == 0
    assert await check_books() == []


async def test_while_a_person_looks_at_one_payment_no_other_one_goes_on() -> None:
    merchant = await a_merchant()
    link = await a_link(merchant)
    other, waiting = await at_confirm_of(link, 0), await to_decide_at(link, 1)
    await be_held(waiting)
    assert (await stored(other), await order_state(link)) == ("cancelled", "held")
    with pytest.raises(OrderLocked):
        await press(link)
    assert (await press(link, waiting.browser)).session == waiting.session


async def be_held(shopper: Shopper) -> None:
    """The register gave no answer, so that a person has to look."""
    flow = await shopper.flow()
    facts = replace(approving(flow), answer=None, register_failure="timeout")
    await actions.decide(flow, facts, lang="en")


async def test_a_payment_that_a_person_declined_leaves_the_order_open_for_somebody_else() -> None:
    merchant = await a_merchant()
    link = await a_link(merchant)
    await be_held(await to_decide_at(link, 0))
    case = await db.fetch_value("SELECT public_id FROM cases")
    answer = actions.Answer("declined", "st_test", "No income.")
    await actions.answer_case(merchant, str(case), answer, await clock.business_now())
    assert await order_state(link) == "open"
    await (await at_confirm_of(link, 1)).confirm()
    assert await order_state(link) == "paid"
    assert await check_books() == []


async def test_who_could_not_be_stopped_when_somebody_else_was_held_may_pay_once_that_one_is_declined() -> (
    None
):
    merchant = await a_merchant()
    link = await a_link(merchant)
    other, waiting = await at_confirm_of(link, 0), await to_decide_at(link, 1)
    async with held(other):
        await be_held(waiting)
    with pytest.raises(SessionEnded):
        await other.confirm(shown_field="whatever")
    case = await db.fetch_value("SELECT public_id FROM cases")
    answer = actions.Answer("declined", "st_test", "No income.")
    await actions.answer_case(merchant, str(case), answer, await clock.business_now())
    await other.confirm()
    assert await order_state(link) == "paid"
    assert await check_books() == []


async def test_a_payment_that_nobody_looked_at_in_time_leaves_the_order_open() -> None:
    link = await a_link(await a_merchant())
    await be_held(await to_decide_at(link))
    await db.in_tx(lambda: clock.set_offset_s(86_400 * 6))
    await actions.expire_due(await clock.business_now())
    assert await order_state(link) == "open"
    assert await check_books() == []


# --- the shop stops it ----------------------------------------------------------------------------------------------


async def withdraw(link: LinkView) -> LinkView:
    now = await clock.business_now()
    return await withdraw_link(link.merchant_id, link.order_public_id, actor=STAFF, now=now)


async def test_withdrawing_ends_what_was_begun_and_the_order_is_open() -> None:
    link = await a_link(await a_merchant())
    shopper = await at_confirm_of(link)
    assert (await withdraw(link)).stored_state is LinkState.WITHDRAWN
    assert (await stored(shopper), await order_state(link)) == ("cancelled", "open")
    with pytest.raises(SessionEnded):
        await shopper.confirm(shown_field="whatever")
    assert (await withdraw(link)).stored_state is LinkState.WITHDRAWN
    assert await check_books() == []


async def test_withdrawing_takes_the_question_to_a_person_back_too() -> None:
    link = await a_link(await a_merchant())
    await be_held(await to_decide_at(link))
    await withdraw(link)
    assert await order_state(link) == "open"
    assert await db.fetch_value("SELECT state FROM cases") == "withdrawn"
    assert await check_books() == []


async def test_what_is_paid_cannot_be_withdrawn() -> None:
    link = await a_link(await a_merchant())
    await (await at_confirm_of(link)).confirm()
    with pytest.raises(LinkEnded):
        await withdraw(link)


async def test_a_paused_link_lets_nobody_confirm_and_a_resumed_one_goes_on() -> None:
    link = await a_link(await a_merchant())
    shopper = await at_confirm_of(link)
    field = shown.sign(await shopper.flow())
    now = await clock.business_now()
    await links.pause(link.merchant_id, link.order_public_id, actor=STAFF, now=now)
    assert (await shopper.flow()).state is SessionState.CANCELLED
    with pytest.raises(SessionEnded):
        await shopper.confirm(shown_field=field)
    await links.resume(link.merchant_id, link.order_public_id, actor=STAFF, now=now)
    await shopper.confirm(shown_field=field)
    assert await order_state(link) == "paid"


async def confirm_while_the_shop_withdraws(merchant: Merchant) -> tuple[LinkView, object]:
    """Confirm begins when the shop has taken the link back and has not committed yet: it has read a link that leads to
    its order still, and waits for the order. Answers what came of it."""
    link = await a_link(merchant)
    shopper = await at_confirm_of(link)
    field = shown.sign(await shopper.flow())
    taken, go = asyncio.Event(), asyncio.Event()

    async def slowly() -> None:
        await links.withdraw_in_tx(
            link.merchant_id, link.order_public_id, actor=STAFF, now=await clock.business_now()
        )
        taken.set()
        await go.wait()

    async def waits() -> bool:
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        return bool(await db.fetch_value(waiting))

    withdrawing = asyncio.create_task(db.in_tx(slowly))
    await taken.wait()
    paying = asyncio.create_task(shopper.confirm(shown_field=field))
    await until(waits)
    go.set()
    await withdrawing
    [end] = await asyncio.gather(paying, return_exceptions=True)
    return link, end


async def test_withdrawn_while_it_is_confirmed_is_withdrawn() -> None:
    link, end = await confirm_while_the_shop_withdraws(await a_merchant())
    assert isinstance(end, SessionEnded)
    assert await order_state(link) == "in_payment"
    assert await check_books() == []


async def test_without_the_look_at_the_link_under_its_lock_a_withdrawn_link_is_paid(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def look_away(_flow: object) -> None:
        return None

    monkeypatch.setattr(confirming, "_use_link", look_away)
    link, end = await confirm_while_the_shop_withdraws(await a_merchant())
    assert not isinstance(end, BaseException)
    assert await order_state(link) == "paid"


async def test_a_cancelled_order_takes_its_link_along() -> None:
    link = await a_link(await a_merchant())
    shopper = await at_confirm_of(link)
    now = await clock.business_now()
    await actions.cancel_order(link.merchant_id, link.order_public_id, actor=STAFF, now=now)
    assert (await as_it_is(link)).stored_state is LinkState.WITHDRAWN
    assert (await stored(shopper), await order_state(link)) == ("cancelled", "cancelled")
    with pytest.raises(LinkEnded):
        await press(link)
    assert await check_books() == []


async def test_what_was_typed_on_the_links_page_is_forgotten_with_its_session() -> None:
    link = await a_link(await a_merchant())
    shopper = await press(link, typed=Contact(city="Turku"))
    await cancelled_by_shopper(shopper)
    later = await clock.business_now() + timedelta(days=31)
    assert await actions.forget_ended(later) == 1
    assert await db.fetch_value("SELECT count(*) FROM checkout_sessions WHERE typed IS NOT NULL") == 0
    flow = await read_flow(shopper.session, shopper.browser.digest)
    assert flow is not None
    assert flow.typed == Contact()
