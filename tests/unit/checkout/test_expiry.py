"""A link's time runs out: its unpaid order is removed, who began in time may finish, and of two at once one wins."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from app.checkout import actions, shown
from app.checkout.actions import confirming, opening, removing
from app.checkout.books import check_books
from app.checkout.errors import SessionEnded
from app.kernel import clock, db
from app.links import actions as links
from app.links import sending
from app.links.queries import LinkView, link_of_order
from app.links.states import LinkState
from app.merchants.queries import Merchant
from app.messages.sandbox_clock import Due, due
from app.orders import actions as orders
from app.orders.actions import Contact
from app.orders.errors import OrderRemoved
from app.orders.queries import OrderView, order_by_id, order_timeline, versions_of_order
from app.orders.states import OrderState
from tests.factories.checkout import Shopper, a_merchant, an_identity
from tests.factories.link_shoppers import at_confirm_of, press, to_decide_at
from tests.factories.links import STAFF, a_link
from tests.factories.orders import with_socks
from tests.support.racing import Held, somebody_waits_for_a_lock
from tests.support.waiting import until

pytestmark = pytest.mark.usefixtures("db")

LASTS = timedelta(hours=1)
GRACE = timedelta(minutes=30)
SECOND = timedelta(seconds=1)


async def the_time_is(at: datetime) -> None:
    """Business time, for everybody."""
    offset = round((at - clock.wall()).total_seconds())
    await db.in_tx(lambda: db.execute("UPDATE business_clock SET offset_s = $1", offset))


async def order_of(link: LinkView) -> OrderView:
    order = await order_by_id(link.merchant_id, link.order_id)
    assert order is not None
    return order


async def link_now(link: LinkView) -> LinkView:
    found = await link_of_order(link.merchant_id, link.order_id)
    assert found is not None
    return found


def end_of(link: LinkView) -> datetime:
    assert link.expires_at is not None
    return link.expires_at


async def count(sql: str, *arguments: object) -> int:
    found = await db.fetch_value(f"SELECT count(*) FROM {sql}", *arguments)
    assert isinstance(found, int)
    return found


@pytest.fixture
async def merchant() -> Merchant:
    return await a_merchant()


# --- what goes, and what stays --------------------------------------------------------------------------------------


async def test_an_unpaid_order_is_removed_when_its_link_lapses_and_not_a_second_sooner(
    merchant: Merchant,
) -> None:
    link = await a_link(merchant, lasts=LASTS)
    assert await actions.expire_orders(end_of(link) - SECOND) == 0
    assert await actions.expire_orders(end_of(link)) == 1
    assert await actions.expire_orders(end_of(link) + LASTS) == 0
    order = await order_of(link)
    assert (order.state, order.removed, order.lines) == (OrderState.EXPIRED, True, ())
    assert (await link_now(link)).stored_state is LinkState.LAPSED
    assert await check_books() == []


async def test_nothing_that_names_somebody_or_something_is_left(merchant: Merchant) -> None:
    link = await a_link(merchant, lasts=LASTS)
    await with_socks(merchant, await order_of(link))
    now = await clock.business_now()
    await sending.ask_to_send(
        merchant.id, link, channel="email", recipient="aino@example.test", lang="en", actor=STAFF, now=now
    )
    await press(link, typed=Contact(name="Aino Virta", street="Kalevankatu 1"))
    await to_decide_at(link)
    late = end_of(link) + GRACE + SECOND
    assert await actions.expire_orders(late) == 1
    assert await count("order_lines") == 0
    gone = await db.fetch_one("SELECT name, email, phone, postcode, street, city, note FROM order_contacts")
    assert gone is not None
    assert set(gone.values()) == {None}
    said = await db.fetch_one("SELECT recipient, subject, body FROM link_sends")
    assert said is not None
    assert set(said.values()) == {None}
    for row in await db.fetch_all(
        "SELECT phone, postcode, phone_proved_at, customer_id, browser_id, typed FROM checkout_sessions"
    ):
        assert set(row.values()) == {None}
    assert await count("order_words WHERE word LIKE '%aino%' OR word LIKE '%virta%'") == 0
    assert await count("code_challenges") == 0, "the phones that codes went to"


async def test_an_end_that_is_set_sooner_holds_for_who_pays_already(merchant: Merchant) -> None:
    link = await a_link(merchant)
    shopper = await at_confirm_of(link)
    now = await clock.business_now()
    ends = now + timedelta(minutes=10)
    await actions.extend_link(merchant, link.order_public_id, expires_at=ends, actor=STAFF, now=now)
    await the_time_is(ends + GRACE + SECOND)
    with pytest.raises(SessionEnded):
        await shopper.confirm()
    assert await actions.expire_orders(ends + GRACE + SECOND) == 1
    assert (await order_of(link)).removed


async def test_an_end_that_is_set_later_takes_nothing_from_who_pays(merchant: Merchant) -> None:
    link = await a_link(merchant, lasts=LASTS)
    shopper = await at_confirm_of(link)
    now = await clock.business_now()
    later = now + timedelta(days=3)
    await actions.extend_link(merchant, link.order_public_id, expires_at=later, actor=STAFF, now=now)
    assert (await shopper.confirm()).order_state is OrderState.PAID


async def test_an_order_to_be_removed_is_counted_among_what_the_clock_still_has_to_do(
    merchant: Merchant,
) -> None:
    link = await a_link(merchant, lasts=LASTS)
    assert Due("order_expiry", 1) not in await due(end_of(link) - SECOND)
    assert Due("order_expiry", 1) in await due(end_of(link))
    await actions.expire_orders(end_of(link))
    assert Due("order_expiry", 1) not in await due(end_of(link))


async def test_a_stub_of_ids_sums_and_times_stays(merchant: Merchant) -> None:
    link = await a_link(merchant, lasts=LASTS)
    await with_socks(merchant, await order_of(link))
    await actions.expire_orders(end_of(link))
    order = await order_of(link)
    assert (order.public_id, order.reference) == (link.order_public_id, link.reference)
    versions = await versions_of_order(merchant.id, order.id)
    assert [each.total_minor for each in versions] == [20_300, 21_000]
    told = [entry.what for entry in await order_timeline(merchant.id, order.id)]
    assert {"order.created", "order.edited", "order.expired", "link.lapsed"} <= set(told)
    stub = await db.fetch_one("SELECT actor, subject, detail FROM audit_log WHERE action = 'order.removed'")
    assert stub is not None
    assert (stub["actor"], stub["subject"]) == ("clock", link.order_public_id)
    assert stub["detail"]["total_minor"] == 21_000
    data = await db.fetch_value("SELECT data FROM events WHERE type = 'order.expired'")
    assert data == {
        "order_id": link.order_public_id,
        "reference": link.reference,
        "link_id": link.public_id,
    }


async def test_what_is_removed_is_changed_by_nobody_any_more(merchant: Merchant) -> None:
    link = await a_link(merchant, lasts=LASTS)
    await actions.expire_orders(end_of(link))
    now = end_of(link) + SECOND
    with pytest.raises(OrderRemoved):
        await links.extend(merchant.id, link.order_public_id, expires_at=None, actor=STAFF, now=now)
    with pytest.raises(OrderRemoved):
        await actions.cancel_order(merchant.id, link.order_public_id, actor=STAFF, now=now)
    with pytest.raises(OrderRemoved):
        await press(link)


async def test_a_paused_link_lapses_like_any_other_and_one_without_an_end_never(merchant: Merchant) -> None:
    paused, endless = await a_link(merchant, lasts=LASTS), await a_link(merchant)
    await links.pause(merchant.id, paused.order_public_id, actor=STAFF, now=await clock.business_now())
    assert await actions.expire_orders(end_of(paused) + timedelta(days=4000)) == 1
    assert (await order_of(paused)).removed
    assert (await order_of(endless)).state is OrderState.OPEN


async def test_the_order_of_a_withdrawn_link_is_the_shops_to_keep(merchant: Merchant) -> None:
    link = await a_link(merchant, lasts=LASTS)
    await actions.withdraw_link(
        merchant.id, link.order_public_id, actor=STAFF, now=await clock.business_now()
    )
    assert await actions.expire_orders(end_of(link) + LASTS) == 0
    assert (await order_of(link)).state is OrderState.OPEN


async def test_an_end_that_was_moved_counts_as_it_is_now(merchant: Merchant) -> None:
    link = await a_link(merchant, lasts=LASTS)
    later = end_of(link) + LASTS
    await links.extend(
        merchant.id, link.order_public_id, expires_at=later, actor=STAFF, now=end_of(link) + SECOND
    )
    assert await actions.expire_orders(end_of(link) + SECOND) == 0
    assert await actions.expire_orders(later) == 1


async def test_another_shops_orders_are_not_touched(merchant: Merchant) -> None:
    ours = await a_link(merchant, lasts=LASTS)
    theirs = await a_link(await a_merchant("Pihla Oy"), lasts=LASTS * 3)
    await actions.expire_orders(end_of(ours))
    assert (await order_of(theirs)).state is OrderState.OPEN


async def test_with_nothing_due_the_clock_asks_one_question(merchant: Merchant) -> None:
    await a_link(merchant, lasts=LASTS)
    now = await clock.business_now()
    with db.counting() as counts:
        await actions.expire_orders(now)
    assert (counts.queries, counts.writes) == (1, 0)


# --- who began in time ----------------------------------------------------------------------------------------------


async def test_a_payment_begun_in_time_may_finish_within_the_grace(merchant: Merchant) -> None:
    link = await a_link(merchant, lasts=LASTS)
    shopper = await at_confirm_of(link)
    within = end_of(link) + GRACE - timedelta(minutes=1)
    await the_time_is(within)
    assert await actions.expire_orders(within) == 0
    await shopper.be_decided()
    paid = await shopper.confirm()
    assert paid.order_state is OrderState.PAID
    assert (await link_now(link)).stored_state is LinkState.USED
    assert await actions.expire_orders(end_of(link) + timedelta(days=30)) == 0
    assert (await order_of(link)).state is OrderState.PAID
    assert await check_books() == []


async def test_a_payment_that_takes_longer_than_the_grace_ends_with_its_order(merchant: Merchant) -> None:
    link = await a_link(merchant, lasts=LASTS)
    shopper = await at_confirm_of(link)
    field = shown.sign(await shopper.flow())
    late = end_of(link) + GRACE
    await the_time_is(late)
    assert await actions.expire_orders(late) == 1
    with pytest.raises(SessionEnded):
        await shopper.confirm(shown_field=field)
    assert (await shopper.flow()).state == "expired"
    assert (await order_of(link)).removed
    assert await count("events WHERE type = 'session.expired'") == 1
    assert await count("events WHERE type = 'order.expired'") == 1
    assert await check_books() == []


async def test_whoever_expires_the_session_first_the_order_goes_once(merchant: Merchant) -> None:
    link = await a_link(merchant, lasts=LASTS)
    await at_confirm_of(link)
    late = end_of(link) + GRACE
    assert await actions.expire_due(late) == 1
    assert (await order_of(link)).state is OrderState.OPEN, "it waits for nobody, and its link has lapsed"
    assert await actions.expire_orders(late) == 1
    assert await count("events WHERE type = 'order.expired'") == 1
    assert await check_books() == []


async def test_an_order_that_a_person_looks_at_waits_for_them(merchant: Merchant) -> None:
    link = await a_link(merchant, lasts=LASTS)
    shopper = await press(link)
    await shopper.choose()
    await shopper.return_from_bank(an_identity())
    await shopper.be_decided(income_minor=0)
    await actions.ask_person(shopper.session, shopper.browser, "I have a new job.", email=None, lang="en")
    assert (await order_of(link)).state is OrderState.HELD
    answered_by = await db.fetch_value("SELECT held_until FROM checkout_sessions")
    assert answered_by > end_of(link) + GRACE
    assert await actions.expire_orders(end_of(link) + GRACE + SECOND) == 0
    assert (await order_of(link)).state is OrderState.HELD
    assert await actions.expire_due(answered_by) == 1
    assert await actions.expire_orders(answered_by) == 1
    assert (await order_of(link)).removed
    assert await check_books() == []


async def test_orders_that_wait_keep_no_other_order_from_going(merchant: Merchant) -> None:
    waiting = await a_link(merchant, lasts=LASTS)
    await press(waiting)
    other = await a_link(merchant, lasts=LASTS + SECOND)
    assert await actions.expire_orders(end_of(other), limit=1) == 1
    assert (await order_of(other)).removed
    assert (await order_of(waiting)).state is OrderState.OPEN


# --- races: both orders, and what would happen without the lock -----------------------------------------------------


async def a_payment_at_the_last_moment(merchant: Merchant) -> tuple[LinkView, Shopper, str]:
    """Somebody who may still confirm by their clock, while by another one their time is over."""
    link = await a_link(merchant, lasts=LASTS)
    shopper = await at_confirm_of(link)
    return link, shopper, shown.sign(await shopper.flow())


async def test_when_the_expiry_is_first_the_payment_finds_its_session_over(
    merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    link, shopper, field = await a_payment_at_the_last_moment(merchant)
    removal = Held(monkeypatch, removing, "_remove")
    expiry = asyncio.create_task(actions.expire_orders(end_of(link) + GRACE))
    await removal.reached()
    payment = asyncio.create_task(shopper.confirm(shown_field=field))
    await until(somebody_waits_for_a_lock)
    removal.let_go()
    assert await expiry == 1
    with pytest.raises(SessionEnded):
        await payment
    assert (await order_of(link)).removed
    assert await count("transfers") == 0
    assert await check_books() == []


async def test_when_the_payment_is_first_the_expiry_finds_the_order_paid(
    merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    link, shopper, field = await a_payment_at_the_last_moment(merchant)
    buying = Held(monkeypatch, confirming, "purchase_in_tx")
    payment = asyncio.create_task(shopper.confirm(shown_field=field))
    await buying.reached()
    expiry = asyncio.create_task(actions.expire_orders(end_of(link) + GRACE))
    await until(somebody_waits_for_a_lock)
    buying.let_go()
    await payment
    assert await expiry == 0
    order = await order_of(link)
    assert (order.state, order.removed) == (OrderState.PAID, False)
    assert await count("transfers WHERE cause = 'purchase'") == 1
    assert await check_books() == []


async def test_when_the_expiry_is_first_nobody_begins_to_pay_any_more(
    merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = await a_link(merchant, lasts=LASTS)
    removal = Held(monkeypatch, removing, "_remove")
    expiry = asyncio.create_task(actions.expire_orders(end_of(link)))
    await removal.reached()
    beginning = asyncio.create_task(press(link))
    await until(somebody_waits_for_a_lock)
    removal.let_go()
    assert await expiry == 1
    with pytest.raises(OrderRemoved):
        await beginning
    assert await count("checkout_sessions") == 0


async def test_when_somebody_begins_first_the_order_waits_for_them(
    merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = await a_link(merchant, lasts=LASTS)
    begins = Held(monkeypatch, opening, "_begin")
    beginning = asyncio.create_task(press(link))
    await begins.reached()
    expiry = asyncio.create_task(actions.expire_orders(end_of(link)))
    await until(somebody_waits_for_a_lock)
    begins.let_go()
    shopper = await beginning
    assert await expiry == 0
    assert (await shopper.flow()).state == "open"
    assert (await order_of(link)).state is OrderState.OPEN


async def test_without_the_locks_somebody_begins_to_pay_an_order_that_is_gone(
    merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: what the locks of order and link prevent."""
    link = await a_link(merchant, lasts=LASTS)
    monkeypatch.setattr(orders, "_LOCK", orders._LOCK.replace(" FOR UPDATE", ""))
    monkeypatch.setattr(links, "lock_of", unlocked)
    begins = Held(monkeypatch, opening, "_begin")
    beginning = asyncio.create_task(press(link))
    await begins.reached()
    # Nothing holds the expiry up, and nothing tells it of who is about to begin. Both touch the link's row at the
    # end, where the second one would wait: so only what was decided before counts here.
    monkeypatch.setattr(links, "lapse", nothing)
    assert await actions.expire_orders(end_of(link)) == 1
    begins.let_go()
    shopper = await beginning
    assert (await order_of(link)).removed
    alive = await db.fetch_value("SELECT state FROM checkout_sessions WHERE public_id = $1", shopper.session)
    assert alive == "open", "a session that can never be paid"


async def unlocked(merchant_id: Any, order_id: Any) -> LinkView:
    found = await link_of_order(merchant_id, order_id)
    assert found is not None
    return found


async def nothing(*_: object, **__: object) -> None:
    """In place of a verb."""


async def test_a_session_that_began_between_the_two_locks_is_noticed(
    merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An order without sessions is held by nobody until it is locked itself."""
    link = await a_link(merchant, lasts=LASTS)
    locked = Held(monkeypatch, orders, "lock")
    expiry = asyncio.create_task(actions.expire_orders(end_of(link)))
    await locked.reached()
    monkeypatch.undo()
    shopper = await press(link)
    locked.let_go()
    assert await expiry == 0
    assert (await shopper.flow()).state == "open"
    assert (await order_of(link)).state is OrderState.OPEN
