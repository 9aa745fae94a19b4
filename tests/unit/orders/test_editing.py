"""Orders that the shop edits: versions, the lock of a paid order, and who wins when somebody is paying."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import asyncpg
import pytest

from app.checkout import actions as checkout
from app.checkout import shown
from app.checkout.errors import ShownTotalChanged, StepNotReached
from app.kernel import clock, db
from app.merchants.queries import Merchant
from app.orders import actions
from app.orders.actions import Contact, Contents
from app.orders.errors import LineRefused, OrderLocked, OrderUnknown, TotalRefused, VersionConflict
from app.orders.queries import order_timeline, versions_of_order
from app.orders.rules import Line, LineChange, line_changes
from app.orders.states import OrderState
from tests.factories.checkout import a_line, a_merchant, a_shopper_at_confirm
from tests.factories.orders import SOCKS, an_open_order, contents_of, edited, the_order, with_socks


@pytest.fixture
async def merchant(db: str) -> Merchant:
    return await a_merchant()


# --- versions -------------------------------------------------------------------------------------------------------


async def test_an_edit_makes_the_next_version_and_the_versions_before_stay(merchant: Merchant) -> None:
    order = await an_open_order(merchant)
    after = await with_socks(merchant, order)
    assert (after.version, after.total_minor, after.state) == (2, 13_600, OrderState.OPEN)
    assert after.lines == (*order.lines, SOCKS)
    first, second = await versions_of_order(merchant.id, order.id)
    assert (first.version, first.total_minor, first.changes, first.lines) == (1, 12_900, (), ())
    assert (second.version, second.total_minor, second.actor) == (2, 13_600, "test")
    assert (second.changes, second.lines) == (("lines",), (LineChange(None, SOCKS),))
    assert [entry.what for entry in await order_timeline(merchant.id, order.id)] == [
        "order.created",
        "order.edited",
    ]


async def test_each_part_of_an_order_that_changed_is_named(merchant: Merchant) -> None:
    order = await an_open_order(merchant)
    contents = Contents("SHOP-2", order.lines, Contact(name="Eino Virta"), None)
    after = await edited(merchant, order, contents)
    assert (after.reference, after.contact.name, after.contact.email, after.note) == (
        "SHOP-2",
        "Eino Virta",
        None,
        None,
    )
    assert (await versions_of_order(merchant.id, order.id))[1].changes == ("reference", "customer", "note")


async def test_contents_that_change_nothing_make_no_version(merchant: Merchant) -> None:
    order = await an_open_order(merchant)
    assert (await edited(merchant, order, contents_of(order))).version == 1


async def test_an_edit_of_another_version_than_the_present_one_is_refused_with_it(merchant: Merchant) -> None:
    order = await an_open_order(merchant)
    await with_socks(merchant, order)
    with pytest.raises(VersionConflict) as refused:
        await edited(merchant, order, replace(contents_of(order), reference="late"))
    assert refused.value.version == 2


async def test_of_two_edits_at_once_one_stands_and_the_other_learns_of_it(merchant: Merchant) -> None:
    order = await an_open_order(merchant)
    contents = contents_of(order)
    results = await asyncio.gather(
        edited(merchant, order, replace(contents, reference="one")),
        edited(merchant, order, replace(contents, reference="two")),
        return_exceptions=True,
    )
    assert sorted(type(result).__name__ for result in results) == ["OrderView", "VersionConflict"]
    assert (await the_order(merchant, order.public_id)).version == 2


async def test_lines_that_no_order_may_have_make_no_version(merchant: Merchant) -> None:
    order = await an_open_order(merchant)
    discount = Line("discount", "Too much", 1, -12_900, SOCKS.vat_percent)
    with pytest.raises(TotalRefused):
        await edited(merchant, order, replace(contents_of(order), lines=(*order.lines, discount)))
    with pytest.raises(LineRefused):
        await edited(merchant, order, replace(contents_of(order), lines=()))
    assert (await the_order(merchant, order.public_id)).version == 1


async def test_another_merchants_order_is_not_there(merchant: Merchant) -> None:
    order = await an_open_order(merchant)
    stranger = await a_merchant("Pihla Oy")
    with pytest.raises(OrderUnknown):
        await edited(stranger, order, contents_of(order))


def test_what_became_of_the_lines_is_told_line_by_line() -> None:
    blanket, lamp = a_line(), replace(a_line("Lamp", "20.00"), sku="L-1")
    two = replace(blanket, quantity=2)
    assert line_changes((blanket, lamp), (SOCKS, two)) == (
        LineChange(None, SOCKS),
        LineChange(blanket, two),
        LineChange(lamp, None),
    )
    assert line_changes((blanket, lamp), (lamp, blanket)) == ()
    assert line_changes((blanket, blanket), (blanket,)) == (LineChange(blanket, None),)


# --- accepted, cancelled --------------------------------------------------------------------------------------------


async def test_an_accepted_order_stays_open_and_is_accepted_once(merchant: Merchant) -> None:
    order = await an_open_order(merchant)
    now = await clock.business_now()
    for at in (now, now + timedelta(hours=1)):
        await db.in_tx(
            lambda at=at: actions.accept(merchant.id, order.public_id, actor="test", now=at)  # type: ignore[misc]
        )
    after = await the_order(merchant, order.public_id)
    assert (after.state, after.accepted_at) == (OrderState.OPEN, now)
    events = [entry.what for entry in await order_timeline(merchant.id, order.id)]
    assert events == ["order.created", "order.accepted"]


async def test_a_cancelled_order_takes_its_sessions_along_and_no_edit_any_more(merchant: Merchant) -> None:
    shopper = await a_shopper_at_confirm(merchant)
    order = await the_order(merchant, (await shopper.flow()).order_public_id)
    now = await clock.business_now()
    for _ in range(2):
        await checkout.cancel_order(merchant.id, order.public_id, actor="test", now=now)
    assert (await the_order(merchant, order.public_id)).state is OrderState.CANCELLED
    assert (await shopper.flow()).state == "cancelled"
    with pytest.raises(OrderLocked):
        await with_socks(merchant, order)


async def test_a_paid_order_is_not_cancelled(merchant: Merchant) -> None:
    shopper = await a_shopper_at_confirm(merchant)
    flow = await shopper.confirm()
    with pytest.raises(OrderLocked):
        await checkout.cancel_order(merchant.id, flow.order_public_id, actor="test", now=flow.now)


async def test_a_cancelled_order_forgets_its_people_thirty_days_later(merchant: Merchant) -> None:
    order = await an_open_order(merchant)
    now = await clock.business_now()
    await checkout.cancel_order(merchant.id, order.public_id, actor="test", now=now)

    async def forgotten_at(days: int) -> int:
        return await db.in_tx(lambda: actions.forget_contacts(now + timedelta(days=days), 10))

    assert await forgotten_at(29) == 0
    assert (await the_order(merchant, order.public_id)).contact.name == "Aino Virta"
    assert await forgotten_at(30) == 1
    after = await the_order(merchant, order.public_id)
    assert (after.contact.name, after.contact.email, after.note) == (None, None, None)
    assert await forgotten_at(60) == 0


# --- edited while somebody pays -------------------------------------------------------------------------------------


async def test_the_old_total_can_never_be_paid(merchant: Merchant) -> None:
    shopper = await a_shopper_at_confirm(merchant)
    before = shown.sign(await shopper.flow())
    order = await the_order(merchant, (await shopper.flow()).order_public_id)
    assert (await with_socks(merchant, order)).state is OrderState.IN_PAYMENT
    with pytest.raises((ShownTotalChanged, StepNotReached)):
        await shopper.confirm(shown_field=before)
    # Not even with a field signed over the new sum: the plan that was chosen is of the old one.
    with pytest.raises(StepNotReached):
        await shopper.confirm()
    assert (await the_order(merchant, order.public_id)).state is OrderState.IN_PAYMENT
    await shopper.choose()
    await shopper.be_decided()
    paid = await shopper.confirm()
    assert (paid.total_minor, paid.order_state) == (13_600, OrderState.PAID)
    assert (await the_order(merchant, order.public_id)).refundable_minor == 13_600


async def test_contents_of_the_same_total_are_asked_about_again(merchant: Merchant) -> None:
    shopper = await a_shopper_at_confirm(merchant)
    before = shown.sign(await shopper.flow())
    order = await the_order(merchant, (await shopper.flow()).order_public_id)
    other = replace(order.lines[0], name="Linen blanket")
    await edited(merchant, order, replace(contents_of(order), lines=(other,)))
    with pytest.raises(ShownTotalChanged):
        await shopper.confirm(shown_field=before)
    with pytest.raises(ShownTotalChanged):
        await shopper.confirm()
    flow = await shopper.flow()
    await checkout.saw(flow, flow.version)
    paid = await shopper.confirm()
    assert [line.name for line in paid.lines] == ["Linen blanket"]


@pytest.mark.parametrize("round_", range(3))
async def test_an_edit_and_a_purchase_at_once_never_make_an_order_paid_at_another_sum(
    merchant: Merchant, round_: int
) -> None:
    shopper = await a_shopper_at_confirm(merchant)
    field = shown.sign(await shopper.flow())
    order = await the_order(merchant, (await shopper.flow()).order_public_id)
    await asyncio.gather(
        shopper.confirm(shown_field=field), with_socks(merchant, order), return_exceptions=True
    )
    after = await the_order(merchant, order.public_id)
    assert (after.state, after.version, after.total_minor) in {
        (OrderState.PAID, 1, 12_900),
        (OrderState.IN_PAYMENT, 2, 13_600),
    }
    assert sum(line.total_minor for line in after.lines) == after.total_minor


# --- the lock -------------------------------------------------------------------------------------------------------


async def test_a_paid_order_refuses_every_edit(merchant: Merchant) -> None:
    shopper = await a_shopper_at_confirm(merchant)
    flow = await shopper.confirm()
    order = await the_order(merchant, flow.order_public_id)
    for contents in (
        replace(contents_of(order), reference="other"),
        replace(contents_of(order), lines=(SOCKS,)),
        replace(contents_of(order), note="other"),
        contents_of(order),
    ):
        with pytest.raises(OrderLocked):
            await edited(merchant, order, contents)
    with pytest.raises(OrderLocked):
        await db.in_tx(lambda: actions.accept(merchant.id, order.public_id, actor="test", now=flow.now))


RAW_EDITS = (
    "UPDATE orders SET total_minor = total_minor + 1",
    "UPDATE orders SET version = version + 1",
    "UPDATE orders SET reference = 'other'",
    "UPDATE order_lines SET unit_price_minor = 1, total_minor = quantity",
    "DELETE FROM order_lines",
    (
        "INSERT INTO order_lines SELECT merchant_id, order_id, version, position + 1, type, sku, name, category,"
        " quantity, unit_price_minor, vat_percent, total_minor FROM order_lines"
    ),
    (
        "INSERT INTO order_versions SELECT merchant_id, gen_random_uuid(), order_id, version + 1, total_minor, changes,"
        " actor, at FROM order_versions"
    ),
    "UPDATE order_versions SET total_minor = 1",
    "DELETE FROM order_versions",
)
ONCE_PAID = (
    "UPDATE orders SET paid_at = paid_at + interval '1 day'",
    "UPDATE orders SET accepted_at = created_at",
    "UPDATE order_contacts SET name = 'Somebody else'",
    "UPDATE order_contacts SET note = 'Other words'",
)


def raw(sql: str) -> Callable[[], Awaitable[str]]:
    return lambda: db.execute(sql)


@pytest.mark.parametrize("sql", RAW_EDITS + ONCE_PAID)
async def test_the_database_itself_refuses_to_edit_a_paid_order(merchant: Merchant, sql: str) -> None:
    await (await a_shopper_at_confirm(merchant)).confirm()
    with pytest.raises(asyncpg.RestrictViolationError):
        await db.in_tx(raw(sql))


@pytest.mark.parametrize("sql", RAW_EDITS)
async def test_the_database_itself_refuses_to_edit_an_order_that_a_person_checks(
    merchant: Merchant, sql: str
) -> None:
    order = await an_open_order(merchant)
    await db.in_tx(raw("UPDATE orders SET state = 'held'"))
    with pytest.raises(asyncpg.RestrictViolationError):
        await db.in_tx(raw(sql))
    with pytest.raises(OrderLocked):
        await with_socks(merchant, order)


async def test_an_open_order_takes_what_a_locked_one_refuses(merchant: Merchant) -> None:
    await an_open_order(merchant)
    for sql in (
        RAW_EDITS[0],
        RAW_EDITS[1],
        RAW_EDITS[2],
        RAW_EDITS[5],
        RAW_EDITS[6],
        *ONCE_PAID[1:],
    ):
        await db.in_tx(raw(sql))


async def test_who_bought_may_be_forgotten_after_all(merchant: Merchant) -> None:
    await (await a_shopper_at_confirm(merchant)).confirm()
    await db.in_tx(raw("UPDATE order_contacts SET name = NULL, email = NULL, phone = NULL"))
