"""A link that many people pay by: each use is an order of its own, no more of them than the shop wants."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from app.checkout.actions import cancel_order, expire_orders
from app.kernel import clock, db
from app.kernel.limits import LimitReached
from app.links.queries import LinksWanted, LinkView, links_page
from app.links.reusable import actions, queries
from app.links.reusable.actions import USE_LASTS, Press
from app.links.reusable.errors import FieldWrong, ReusableClosed, ReusableUnknown
from app.links.reusable.queries import ReusableView
from app.links.reusable.rules import Terms, hint_of, last_day_of, reference_of, sum_of, title_of, uses_of
from app.links.reusable.states import ReusableState
from app.merchants.queries import Merchant
from app.orders.queries import order_for_api
from app.orders.states import OrderState
from tests.factories.checkout import a_merchant

STAFF = "staff:st_1"
TERMS = Terms(
    title="Membership 2026",
    buyer="consumer",
    amount_minor=25_00,
    min_minor=None,
    max_minor=None,
    vat_percent=Decimal("25.5"),
    reference=None,
    reference_hint=None,
    uses_max=None,
    valid_until=None,
)


async def a_link(merchant: Merchant, terms: Terms = TERMS) -> ReusableView:
    now = await clock.business_now()
    public_id = await actions.make(merchant, terms, form_key=uuid4(), actor=STAFF, now=now)
    return await seen(merchant, public_id)


async def seen(merchant: Merchant, public_id: str) -> ReusableView:
    found = await queries.reusable_of(merchant.id, public_id)
    assert found is not None
    return found


def a_press(reference: str = "Member 7", key: UUID | None = None, address: str = "203.0.113.7") -> Press:
    return Press(key or uuid4(), 25_00, reference, address, clock.wall())


async def use(link: ReusableView, press: Press | None = None, now: datetime | None = None) -> LinkView:
    return await actions.use(link, press or a_press(), now=now or await clock.business_now())


@pytest.mark.usefixtures("db")
async def test_each_use_is_an_open_order_with_a_link_of_its_own() -> None:
    merchant = await a_merchant()
    link = await a_link(merchant)
    own = [await use(link, a_press(reference)) for reference in ("Member 7", "Member 8")]
    assert len({each.token for each in own} | {link.token}) == 3
    order = await order_for_api(merchant.id, own[0].order_public_id)
    assert order is not None
    assert (order.state, order.reference, order.total_minor) == (OrderState.OPEN, "Member 7", 25_00)
    assert [(line.name, line.vat_percent) for line in order.lines] == [("Membership 2026", Decimal("25.50"))]
    assert own[0].expires_at is not None
    assert (await seen(merchant, link.public_id)).uses == 2


@pytest.mark.usefixtures("db")
async def test_pressed_twice_it_is_one_order_and_other_contents_are_another() -> None:
    merchant = await a_merchant()
    link, press = await a_link(merchant), a_press()
    first, again = await asyncio.gather(use(link, press), use(link, press))
    other = await use(link, a_press("Member 9", press.form_key))
    assert first.order_id == again.order_id
    assert other.order_id != first.order_id


@pytest.mark.usefixtures("db")
async def test_the_last_place_is_taken_once_however_many_want_it() -> None:
    merchant = await a_merchant()
    link = await a_link(merchant, replace(TERMS, uses_max=1))
    ends = await asyncio.gather(
        *(use(link, a_press(f"Member {number}")) for number in range(5)), return_exceptions=True
    )
    assert sum(isinstance(end, LinkView) for end in ends) == 1
    assert {end.why for end in ends if isinstance(end, ReusableClosed)} == {"used_up"}
    assert await db.fetch_value("SELECT count(*) FROM orders WHERE merchant_id = $1", merchant.id) == 1


@pytest.mark.usefixtures("db")
async def test_a_use_that_comes_to_nothing_gives_its_place_back() -> None:
    merchant = await a_merchant()
    link = await a_link(merchant, replace(TERMS, uses_max=1))
    own = await use(link)
    await cancel_order(merchant.id, own.order_public_id, actor="shopper", now=clock.wall())
    assert (await use(link)).order_id != own.order_id


@pytest.mark.usefixtures("db")
async def test_whoever_has_begun_may_press_again_though_all_places_are_taken() -> None:
    merchant = await a_merchant()
    link, press = await a_link(merchant, replace(TERMS, uses_max=1)), a_press()
    first = await use(link, press)
    assert (await use(link, press)).order_id == first.order_id


@pytest.mark.usefixtures("db")
async def test_a_stopped_link_takes_nothing_until_it_is_resumed() -> None:
    merchant = await a_merchant()
    link, now = await a_link(merchant), await clock.business_now()
    for _ in range(2):
        await actions.stop(merchant.id, link.public_id, actor=STAFF, now=now)
    with pytest.raises(ReusableClosed, match="stopped"):
        await use(link)
    await actions.resume(merchant.id, link.public_id, actor=STAFF, now=now)
    assert (await seen(merchant, link.public_id)).state is ReusableState.ACTIVE
    await use(link)
    events = await db.fetch_all(
        "SELECT event FROM reusable_link_history WHERE merchant_id = $1 ORDER BY id", merchant.id
    )
    assert [row["event"] for row in events] == [
        "reusable_link.created",
        "reusable_link.stopped",
        "reusable_link.resumed",
    ]


@pytest.mark.usefixtures("db")
async def test_a_link_holds_through_its_last_day() -> None:
    merchant = await a_merchant()
    today = merchant.local_date(await clock.business_now())
    link = await a_link(merchant, replace(TERMS, valid_until=today + timedelta(days=1)))
    assert link.expires_at is not None
    assert merchant.local_date(link.expires_at) == today + timedelta(days=1)
    await use(link, now=link.expires_at - timedelta(seconds=1))
    with pytest.raises(ReusableClosed, match="lapsed"):
        await use(link, now=link.expires_at)


@pytest.mark.usefixtures("db")
async def test_an_order_that_nobody_pays_keeps_its_place_for_two_hours() -> None:
    merchant = await a_merchant()
    now = await clock.business_now()
    own = await use(await a_link(merchant), now=now)
    assert own.expires_at == now + USE_LASTS


@pytest.mark.usefixtures("db")
async def test_an_order_that_nobody_paid_is_removed_and_its_place_is_free() -> None:
    merchant, now = await a_merchant(), await clock.business_now()
    link = await a_link(merchant, replace(TERMS, uses_max=1))
    await use(link, now=now)
    later = now + USE_LASTS + timedelta(minutes=1)
    with pytest.raises(ReusableClosed):
        await use(link, now=later)
    assert await expire_orders(later) == 1
    await use(link, now=later)


@pytest.mark.usefixtures("db")
async def test_links_of_uses_are_not_among_those_that_staff_should_look_after() -> None:
    merchant, now = await a_merchant(), await clock.business_now()
    await use(await a_link(merchant), now=now)
    soon = await links_page(merchant.id, LinksWanted(lapsing_before=now + timedelta(days=2)), now=now)
    assert soon.links == ()
    assert len((await links_page(merchant.id, LinksWanted(), now=now)).links) == 1


@pytest.mark.usefixtures("db")
async def test_one_address_cannot_make_orders_without_end() -> None:
    merchant = await a_merchant()
    link = await a_link(merchant)
    with pytest.raises(LimitReached):
        for number in range(40):
            await use(link, a_press(f"Member {number}"))
    await use(link, a_press(address="203.0.113.8"))


@pytest.mark.usefixtures("db")
async def test_the_form_sent_twice_makes_one_link() -> None:
    merchant, key = await a_merchant(), uuid4()
    now = await clock.business_now()
    made = [await actions.make(merchant, TERMS, form_key=key, actor=STAFF, now=now) for _ in range(2)]
    assert made[0] == made[1]
    assert len((await queries.reusable_page(merchant.id)).links) == 1


@pytest.mark.usefixtures("db")
async def test_another_shop_finds_no_such_link() -> None:
    merchant, other = await a_merchant(), await a_merchant()
    link = await a_link(merchant)
    assert await queries.reusable_of(other.id, link.public_id) is None
    with pytest.raises(ReusableUnknown):
        await actions.stop(other.id, link.public_id, actor=STAFF, now=clock.wall())


@pytest.mark.usefixtures("db")
async def test_lists_of_links_and_uses_are_read_page_by_page() -> None:
    merchant = await a_merchant()
    links = [await a_link(merchant) for _ in range(3)]
    first = await queries.reusable_page(merchant.id, limit=2)
    rest = await queries.reusable_page(merchant.id, limit=2, cursor=first.next_cursor)
    newest_first = [link.public_id for link in reversed(links)]
    assert [link.public_id for link in (*first.links, *rest.links)] == newest_first
    used = [await use(links[0], a_press(f"Member {number}")) for number in range(3)]
    page = await queries.uses_of(links[0], limit=2)
    last = await queries.uses_of(links[0], limit=2, cursor=page.next_cursor)
    assert [each.order_public_id for each in (*page.uses, *last.uses)] == [
        each.order_public_id for each in reversed(used)
    ]
    assert last.next_cursor is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "missing"),
        ("  ", "missing"),
        ("x" * 101, "too_long"),
        ("4111 1111 1111 1111", "card_number"),
        ("Member 5555-5555-5555-4444 please", "card_number"),
    ],
)
def test_a_reference_is_short_and_never_a_card(text: str, reason: str) -> None:
    with pytest.raises(FieldWrong) as refused:
        reference_of(text)
    assert (refused.value.field, refused.value.reason) == ("reference", reason)
    assert "4111" not in str(refused.value)


def test_a_reference_is_kept_as_it_is_meant() -> None:
    assert reference_of("  Member\u00a0\n 7 ") == "Member 7"
    assert hint_of(" ") is None
    assert title_of("Membership") == "Membership"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "missing"),
        ("ten", "malformed"),
        ("0.99", "too_small"),
        ("100.01", "too_large"),
        ("-5", "too_small"),
    ],
)
def test_a_sum_is_within_its_bounds(text: str, reason: str) -> None:
    with pytest.raises(FieldWrong) as refused:
        sum_of(text, "amount", least=1_00, most=100_00)
    assert refused.value.reason == reason


def test_a_sum_is_written_as_people_write_it() -> None:
    assert [sum_of(text, "amount") for text in ("25", "25,5", "1 250.00")] == [25_00, 25_50, 1250_00]


def test_uses_and_days_are_numbers_within_reason() -> None:
    assert (uses_of(""), uses_of("100")) == (None, 100)
    for text in ("0", "-1", "1.5", "100001", "many"):
        with pytest.raises(FieldWrong):
            uses_of(text)
    today = date(2026, 11, 22)
    assert (last_day_of("", today), last_day_of("2026-11-22", today)) == (None, today)
    for text in ("2026-11-21", "2029-01-01", "soon"):
        with pytest.raises(FieldWrong):
            last_day_of(text, today)
