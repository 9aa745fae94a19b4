"""Staff record money that came outside the checkout: it pays its order whole, or becomes a case, and is never lost."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from app.cases.errors import CaseClosed, TextRefused
from app.cases.money import MoneyCaseView, money_case_by_public_id, money_waiting
from app.cases.states import CaseState
from app.checkout import actions, shown
from app.checkout.actions import confirming, recording, removing
from app.checkout.books import check_books
from app.checkout.errors import CannotKeepFor, SessionEnded
from app.kernel import clock, db
from app.kernel.states import LostRace
from app.ledger.queries import postings_about
from app.links import actions as links
from app.links.queries import LinkView, link_of_order
from app.links.states import LinkState
from app.merchants.queries import Merchant
from app.orders import actions as orders
from app.orders.errors import OrderUnknown
from app.orders.queries import OrderView, order_by_id, order_for_api
from app.orders.states import OrderState
from app.payments.errors import RecordKeyReused, RecordRefused
from tests.factories.checkout import Shopper, a_merchant, a_session, an_identity
from tests.factories.link_shoppers import at_confirm_of, press
from tests.factories.links import STAFF, a_link, an_open_order
from tests.factories.orders import with_socks
from tests.factories.recorded import received
from tests.support.racing import Held, somebody_waits_for_a_lock
from tests.support.waiting import until

pytestmark = pytest.mark.usefixtures("db")

PRICE = 203_00
LASTS = timedelta(hours=1)
GRACE = timedelta(minutes=30)


@pytest.fixture
async def merchant() -> Merchant:
    return await a_merchant()


async def record(
    merchant: Merchant, order: str, amount_minor: int = PRICE, **said: object
) -> actions.Recorded:
    money = await received(merchant, amount_minor, **said)  # type: ignore[arg-type]
    return await actions.record_payment(merchant, order, money, await clock.business_now())


async def order_of(link: LinkView) -> OrderView:
    order = await order_by_id(link.merchant_id, link.order_id)
    assert order is not None
    return order


async def state_of_link(link: LinkView) -> LinkState:
    found = await link_of_order(link.merchant_id, link.order_id)
    assert found is not None
    return found.stored_state


async def books_of(merchant: Merchant, order: str) -> set[tuple[str, str, int]]:
    return {
        (each.cause, each.address, each.amount_minor) for each in await postings_about(merchant.id, order)
    }


async def the_case(merchant: Merchant) -> MoneyCaseView:
    [case] = await money_waiting(merchant.id)
    return case


async def count(sql: str) -> int:
    return int(await db.fetch_value(f"SELECT count(*) FROM {sql}"))


# --- money that pays ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("source", "account"), [("bank", "merchant:bank"), ("cash", "merchant:cash")])
async def test_the_whole_price_pays_an_open_order(merchant: Merchant, source: str, account: str) -> None:
    created = await an_open_order(merchant)
    recorded = await record(merchant, created.public_id, source=source)
    assert recorded.case is None
    order = await order_for_api(merchant.id, created.public_id)
    assert order is not None
    assert (order.state, order.refundable_minor, order.quote_id) == (OrderState.PAID, PRICE, None)
    assert await books_of(merchant, created.public_id) == {
        ("purchase", account, PRICE),
        ("purchase", "merchant:sales", -PRICE),
    }
    assert await count("events WHERE type = 'order.paid'") == 1
    assert await check_books() == []


async def test_it_uses_the_link_up_and_ends_whoever_was_on_the_way_to_pay(merchant: Merchant) -> None:
    link = await a_link(merchant)
    one, other = await at_confirm_of(link, 0), await at_confirm_of(link, 1)
    field = shown.sign(await one.flow())
    assert (await record(merchant, link.order_public_id)).case is None
    assert (await order_of(link)).state is OrderState.PAID
    assert await state_of_link(link) is LinkState.USED
    for shopper in (one, other):
        assert (await shopper.flow()).state == "cancelled"
    with pytest.raises(SessionEnded):
        await one.confirm(shown_field=field)
    assert await check_books() == []


async def test_an_order_of_a_shops_own_checkout_is_paid_by_it_too(merchant: Merchant) -> None:
    shopper = Shopper.at(await a_session(merchant))
    await shopper.choose()
    flow = await shopper.flow()
    assert (await record(merchant, flow.order_public_id, flow.total_minor)).case is None
    assert (await shopper.flow()).state == "cancelled"
    assert await check_books() == []


async def test_a_paused_link_stops_no_money_from_the_bank(merchant: Merchant) -> None:
    link = await a_link(merchant)
    now = await clock.business_now()
    await links.pause(merchant.id, link.order_public_id, actor=STAFF, now=now)
    assert (await record(merchant, link.order_public_id)).case is None
    assert await state_of_link(link) is LinkState.USED


async def test_a_withdrawn_link_stays_withdrawn(merchant: Merchant) -> None:
    link = await a_link(merchant)
    now = await clock.business_now()
    await actions.withdraw_link(merchant.id, link.order_public_id, actor=STAFF, now=now)
    assert (await record(merchant, link.order_public_id)).case is None
    assert await state_of_link(link) is LinkState.WITHDRAWN
    assert await check_books() == []


async def test_the_paid_order_is_locked_in_the_database_too(merchant: Merchant) -> None:
    created = await an_open_order(merchant)
    await record(merchant, created.public_id)
    for change in ("total_minor = 1", "recorded_payment_id = NULL", "paid_at = now()"):
        with pytest.raises(asyncpg.RestrictViolationError):
            await db.in_tx(lambda change=change: db.execute(f"UPDATE orders SET {change}"))  # type: ignore[misc]
    with pytest.raises(asyncpg.RestrictViolationError):
        await db.in_tx(lambda: db.execute("DELETE FROM recorded_payments"))


async def test_the_same_key_records_once(merchant: Merchant) -> None:
    created = await an_open_order(merchant)
    first = await record(merchant, created.public_id, key="staff:one")
    again = await record(merchant, created.public_id, key="staff:one")
    assert again == first
    assert await count("recorded_payments") == 1
    with pytest.raises(RecordKeyReused):
        await record(merchant, created.public_id, PRICE - 1, key="staff:one")
    assert await check_books() == []


async def test_the_same_key_for_money_that_came_late_makes_one_case(merchant: Merchant) -> None:
    created = await an_open_order(merchant)
    first = await record(merchant, created.public_id, PRICE - 1, key="staff:one")
    assert first.case is not None
    assert await record(merchant, created.public_id, PRICE - 1, key="staff:one") == first
    assert await count("cases") == 1


@pytest.mark.parametrize(
    ("amount_minor", "days", "field"),
    [(0, 0, "amount"), (-1, 0, "amount"), (PRICE, 1, "received_on"), (PRICE, -400, "received_on")],
)
async def test_what_cannot_have_come_in_is_refused_at_its_field(
    merchant: Merchant, amount_minor: int, days: int, field: str
) -> None:
    created = await an_open_order(merchant)
    day = merchant.local_date(await clock.business_now()) + timedelta(days=days)
    with pytest.raises(RecordRefused) as refused:
        await record(merchant, created.public_id, amount_minor, on=day)
    assert refused.value.field == field
    assert await count("recorded_payments") == 0


async def test_another_shops_order_is_unknown(merchant: Merchant) -> None:
    created = await an_open_order(await a_merchant("Pihla Oy"))
    with pytest.raises(OrderUnknown):
        await record(merchant, created.public_id)
    assert await count("recorded_payments") == 0


# --- money that pays no order ---------------------------------------------------------------------------------------


async def test_another_sum_than_the_total_is_a_case_and_the_order_waits_on(merchant: Merchant) -> None:
    link = await a_link(merchant)
    recorded = await record(merchant, link.order_public_id, PRICE - 1, note="Half of it, says the bank")
    assert recorded.case is not None
    case = await the_case(merchant)
    assert (case.public_id, case.amount_minor, case.currency) == (recorded.case, PRICE - 1, "EUR")
    assert (case.order_public_id, case.source, case.received_on, case.payment_note) == (
        link.order_public_id,
        "bank",
        recorded.payment.received_on,
        "Half of it, says the bank",
    )
    assert (await order_of(link)).state is OrderState.OPEN
    assert await state_of_link(link) is LinkState.ACTIVE
    assert await books_of(merchant, link.order_public_id) == {
        ("received", "merchant:bank", PRICE - 1),
        ("received", "merchant:unassigned", -(PRICE - 1)),
    }
    assert await check_books() == []


async def test_money_for_an_order_that_is_paid_removed_or_cancelled_is_a_case(merchant: Merchant) -> None:
    paid, gone, cancelled = (
        await a_link(merchant),
        await a_link(merchant, lasts=LASTS),
        await a_link(merchant),
    )
    await record(merchant, paid.order_public_id)
    assert gone.expires_at is not None
    await actions.expire_orders(gone.expires_at)
    now = await clock.business_now()
    await actions.cancel_order(merchant.id, cancelled.order_public_id, actor=STAFF, now=now)
    for link in (paid, gone, cancelled):
        assert (await record(merchant, link.order_public_id, source="cash")).case is not None
    assert [case.order_public_id for case in await money_waiting(merchant.id)] == [
        link.order_public_id for link in (paid, gone, cancelled)
    ]
    assert (await order_of(gone)).removed
    assert await count("transfers WHERE cause = 'received'") == 3
    assert await check_books() == []


async def test_while_a_person_looks_at_a_payment_other_money_is_a_case(merchant: Merchant) -> None:
    link = await a_link(merchant)
    shopper = await press(link)
    await shopper.choose()
    await shopper.return_from_bank(an_identity())
    await shopper.be_decided(income_minor=0)
    await actions.ask_person(shopper.session, shopper.browser, "I have a new job.", email=None, lang="en")
    assert (await record(merchant, link.order_public_id)).case is not None
    assert (await order_of(link)).state is OrderState.HELD
    assert await check_books() == []


# --- the answer to a case -------------------------------------------------------------------------------------------


async def test_money_that_was_sent_back_leaves_the_books(merchant: Merchant) -> None:
    created = await an_open_order(merchant)
    recorded = await record(merchant, created.public_id, PRICE + 1, source="cash")
    assert recorded.case is not None
    now = await clock.business_now()
    await actions.return_money(merchant, recorded.case, "Counted twice", STAFF, now)
    assert ("returned", "merchant:cash", -(PRICE + 1)) in await books_of(merchant, created.public_id)
    case = await money_case_by_public_id(merchant.id, recorded.case)
    assert case is not None
    assert (case.state, case.note, case.kept_for) == (CaseState.RETURNED, "Counted twice", None)
    assert await check_books() == []
    with pytest.raises(CaseClosed):
        await actions.return_money(merchant, recorded.case, "Again", STAFF, now)
    with pytest.raises(CaseClosed):
        await actions.keep_money(merchant, recorded.case, created.public_id, "Again", STAFF, now)


async def test_money_that_is_kept_pays_an_order_that_waits_for_exactly_that(merchant: Merchant) -> None:
    gone = await a_link(merchant, lasts=LASTS)
    assert gone.expires_at is not None
    await actions.expire_orders(gone.expires_at)
    recorded = await record(merchant, gone.order_public_id)
    assert recorded.case is not None
    anew = await a_link(merchant)
    now = await clock.business_now()
    await actions.keep_money(merchant, recorded.case, anew.order_public_id, "The same goods", STAFF, now)
    assert (await order_of(anew)).state is OrderState.PAID
    assert await books_of(merchant, anew.order_public_id) == {
        ("purchase", "merchant:unassigned", PRICE),
        ("purchase", "merchant:sales", -PRICE),
    }
    case = await money_case_by_public_id(merchant.id, recorded.case)
    assert case is not None
    assert (case.state, case.kept_for) == (CaseState.KEPT, anew.order_public_id)
    assert await check_books() == []


async def test_money_kept_for_an_order_that_has_ended_is_the_shops(merchant: Merchant) -> None:
    created = await an_open_order(merchant)
    await record(merchant, created.public_id)
    tip = await record(merchant, created.public_id, 5_00)
    assert tip.case is not None
    await actions.keep_money(
        merchant, tip.case, created.public_id, "Wrapped as a gift", STAFF, await clock.business_now()
    )
    assert ("kept", "merchant:sales", -5_00) in await books_of(merchant, created.public_id)
    order = await order_for_api(merchant.id, created.public_id)
    assert order is not None
    assert (order.state, order.total_minor) == (OrderState.PAID, PRICE)
    assert await check_books() == []


async def test_an_order_that_waits_for_another_sum_or_is_busy_takes_no_money(merchant: Merchant) -> None:
    link = await a_link(merchant)
    shopper = Shopper.at(await a_session(merchant))
    draft = (await shopper.flow()).order_public_id
    recorded = await record(merchant, link.order_public_id, 129_00)
    assert recorded.case is not None
    now = await clock.business_now()
    for order, reason in ((link.order_public_id, "amount"), (draft, "busy")):
        with pytest.raises(CannotKeepFor) as refused:
            await actions.keep_money(merchant, recorded.case, order, "Perhaps", STAFF, now)
        assert refused.value.reason == reason
    with pytest.raises(OrderUnknown):
        await actions.keep_money(merchant, recorded.case, "ord_nobody", "Perhaps", STAFF, now)
    with pytest.raises(TextRefused):
        await actions.keep_money(merchant, recorded.case, link.order_public_id, "  ", STAFF, now)
    assert (await the_case(merchant)).state is CaseState.OPEN
    assert await check_books() == []


# --- races: both orders ---------------------------------------------------------------------------------------------


async def test_when_the_expiry_is_first_the_money_is_a_case(
    merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = await a_link(merchant, lasts=LASTS)
    assert link.expires_at is not None
    removal = Held(monkeypatch, removing, "_remove")
    expiry = asyncio.create_task(actions.expire_orders(link.expires_at))
    await removal.reached()
    recording_it = asyncio.create_task(record(merchant, link.order_public_id))
    await until(somebody_waits_for_a_lock)
    removal.let_go()
    assert await expiry == 1
    assert (await recording_it).case is not None
    assert (await order_of(link)).removed
    assert (await the_case(merchant)).order_public_id == link.order_public_id
    assert await check_books() == []


async def test_when_the_money_is_first_the_expiry_finds_the_order_paid(
    merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = await a_link(merchant, lasts=LASTS)
    assert link.expires_at is not None
    paying = Held(monkeypatch, recording, "pay_in_tx")
    recording_it = asyncio.create_task(record(merchant, link.order_public_id))
    await paying.reached()
    expiry = asyncio.create_task(actions.expire_orders(link.expires_at))
    await until(somebody_waits_for_a_lock)
    paying.let_go()
    assert (await recording_it).case is None
    assert await expiry == 0
    order = await order_of(link)
    assert (order.state, order.removed) == (OrderState.PAID, False)
    assert await check_books() == []


async def test_of_two_recordings_at_once_one_pays_and_the_other_is_a_case(merchant: Merchant) -> None:
    link = await a_link(merchant)
    both = await asyncio.gather(*(record(merchant, link.order_public_id) for _ in range(2)))
    assert sorted(each.case is None for each in both) == [False, True]
    assert await count("transfers WHERE cause = 'purchase'") == 1
    assert len(await money_waiting(merchant.id)) == 1
    assert await check_books() == []


async def test_the_same_recording_sent_twice_at_once_is_one(merchant: Merchant) -> None:
    link = await a_link(merchant)
    one, other = await asyncio.gather(
        *(record(merchant, link.order_public_id, key="staff:same") for _ in range(2))
    )
    assert one == other
    assert await count("recorded_payments") == 1
    assert await count("cases") == 0


async def test_when_the_shopper_confirms_first_the_money_is_a_case(
    merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = await a_link(merchant)
    shopper = await at_confirm_of(link)
    buying = Held(monkeypatch, confirming, "purchase_in_tx")
    payment = asyncio.create_task(shopper.confirm())
    await buying.reached()
    recording_it = asyncio.create_task(record(merchant, link.order_public_id))
    await until(somebody_waits_for_a_lock)
    buying.let_go()
    assert (await payment).order_state is OrderState.PAID
    assert (await recording_it).case is not None
    assert await count("transfers WHERE cause = 'purchase'") == 1
    assert await check_books() == []


async def test_when_the_money_is_first_the_shopper_comes_too_late(
    merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = await a_link(merchant)
    shopper = await at_confirm_of(link)
    field = shown.sign(await shopper.flow())
    paying = Held(monkeypatch, recording, "pay_in_tx")
    recording_it = asyncio.create_task(record(merchant, link.order_public_id))
    await paying.reached()
    payment = asyncio.create_task(shopper.confirm(shown_field=field))
    await until(somebody_waits_for_a_lock)
    paying.let_go()
    assert (await recording_it).case is None
    with pytest.raises(SessionEnded):
        await payment
    assert await count("credit_exposures WHERE exposure_minor > 0") == 0
    assert await check_books() == []


async def test_who_begins_to_pay_between_the_locks_is_ended_too(
    merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = await a_link(merchant)
    locking = Held(monkeypatch, recording, "lock_even_removed")
    recording_it = asyncio.create_task(record(merchant, link.order_public_id))
    await locking.reached()
    shopper = await press(link)
    locking.let_go()
    assert (await recording_it).case is None
    assert (await shopper.flow()).state == "cancelled"
    assert await check_books() == []


async def test_of_two_answers_to_one_case_one_counts(merchant: Merchant) -> None:
    created = await an_open_order(merchant)
    recorded = await record(merchant, created.public_id, 5_00)
    assert recorded.case is not None
    now = await clock.business_now()
    answers = await asyncio.gather(
        *(actions.return_money(merchant, recorded.case, "Back", STAFF, now) for _ in range(3)),
        return_exceptions=True,
    )
    assert sum(answer is None for answer in answers) == 1
    assert sum(isinstance(answer, CaseClosed) for answer in answers) == 2
    assert await count("transfers WHERE cause = 'returned'") == 1
    assert await check_books() == []


async def test_without_the_lock_of_the_order_two_recordings_both_think_that_they_pay(
    merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: what the lock of the order prevents."""
    created = await an_open_order(merchant)
    monkeypatch.setattr(orders, "_LOCK", orders._LOCK.replace(" FOR UPDATE", ""))
    both_there, pay_in_tx = asyncio.Barrier(2), recording.pay_in_tx

    async def once_both_are_there(*arguments: Any, **named: Any) -> None:
        async with asyncio.timeout(20):
            await both_there.wait()
        await pay_in_tx(*arguments, **named)

    monkeypatch.setattr(recording, "pay_in_tx", once_both_are_there)
    ends = await asyncio.gather(
        *(record(merchant, created.public_id) for _ in range(2)), return_exceptions=True
    )
    [fault] = [end for end in ends if isinstance(end, BaseException)]
    assert isinstance(fault, LostRace), "the machine lets one pay, and the other's money would be in no case"
    assert await count("recorded_payments") == 1


async def test_the_proof_of_the_books_notices_money_without_its_case(merchant: Merchant) -> None:
    created = await an_open_order(merchant)
    await record(merchant, created.public_id, 5_00)
    await db.in_tx(
        lambda: db.execute("UPDATE cases SET state = 'returned', resolved_at = now(), resolved_by = 'x'")
    )
    broken = {violation.invariant for violation in await check_books()}
    assert "I21 what nobody has assigned is what waits in cases" in broken


async def test_a_customer_whose_order_is_edited_pays_the_new_sum(merchant: Merchant) -> None:
    link = await a_link(merchant)
    await with_socks(merchant, await order_of(link))
    total = (await order_of(link)).total_minor
    assert (await record(merchant, link.order_public_id)).case is not None
    assert (await record(merchant, link.order_public_id, total)).case is None
    assert await check_books() == []
