"""A payment link's life: made once for its order, stopped and let go on, given another end, never another address."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import asyncpg
import pytest

from app.checkout.books import check_books
from app.kernel import clock, db
from app.links import actions
from app.links.errors import LinkEnded, LinkPaused, LinkUnknown, ValidityRefused
from app.links.queries import LinkView, link_by_token, link_of_order
from app.links.states import EDGES, LIVE, LinkState, state_at
from app.orders import actions as orders
from app.orders.errors import OrderLocked, OrderUnknown
from app.orders.states import OrderState
from tests.factories.checkout import a_merchant
from tests.factories.links import STAFF, a_link, an_open_order

pytestmark = pytest.mark.usefixtures("db")


async def now_in(days: int) -> datetime:
    return await clock.business_now() + timedelta(days=days)


async def history(link: LinkView) -> list[tuple[str, str]]:
    rows = await db.fetch_all(
        "SELECT event, actor FROM link_history WHERE subject_id = $1 ORDER BY id", link.id
    )
    return [(row["event"], row["actor"]) for row in rows]


async def test_a_second_wish_for_a_link_answers_the_first_one_as_it_is() -> None:
    merchant = await a_merchant()
    order = await an_open_order(merchant)
    first = await a_link(merchant, order)
    second = await a_link(merchant, order, lasts=timedelta(days=3))
    assert second == first
    assert await history(first) == [("link.created", STAFF)]


async def test_two_wishes_at_once_are_one_link() -> None:
    merchant = await a_merchant()
    order = await an_open_order(merchant)
    links = await asyncio.gather(*(a_link(merchant, order) for _ in range(4)))
    assert len({link.token for link in links}) == 1
    assert await db.fetch_value("SELECT count(*) FROM payment_links") == 1


async def test_a_link_is_found_by_its_address_and_makes_its_order_watched() -> None:
    link = await a_link(await a_merchant())
    assert await link_by_token(link.token) == link
    assert link.token not in repr(link)
    assert link.url("https://pay.example") == f"https://pay.example/link/{link.token}"
    assert await db.fetch_value("SELECT watched FROM orders WHERE id = $1", link.order_id) is True


@pytest.mark.parametrize("text", ["", "short", "x" * 43, "x" * 4000])
async def test_what_is_no_address_leads_to_no_link(text: str) -> None:
    await a_link(await a_merchant())
    assert await link_by_token(text) is None


async def test_only_an_open_order_gets_a_link() -> None:
    merchant = await a_merchant()
    order = await an_open_order(merchant)
    now = await clock.business_now()
    await db.in_tx(
        lambda: orders.cancel(merchant.id, order.id, expected=OrderState.OPEN, actor=STAFF, now=now)
    )
    with pytest.raises(OrderLocked):
        await a_link(merchant, order)
    with pytest.raises(OrderUnknown):
        await actions.make(
            (await a_merchant("Pihla Oy")).id, order.public_id, expires_at=None, actor=STAFF, now=now
        )


async def test_pausing_resuming_and_withdrawing_stand_in_the_history_once() -> None:
    link = await a_link(await a_merchant())
    now = await clock.business_now()
    for verb in (actions.pause, actions.pause, actions.resume, actions.withdraw, actions.withdraw):
        link = await verb(link.merchant_id, link.order_public_id, actor=STAFF, now=now)
    assert link.stored_state is LinkState.WITHDRAWN
    assert [event for event, _ in await history(link)] == [
        "link.created",
        "link.paused",
        "link.resumed",
        "link.withdrawn",
    ]
    with pytest.raises(LinkEnded):
        await actions.resume(link.merchant_id, link.order_public_id, actor=STAFF, now=now)
    assert await check_books() == []


async def test_another_end_is_told_with_when_it_is() -> None:
    link = await a_link(await a_merchant(), lasts=timedelta(days=1))
    later = await now_in(5)
    now = await clock.business_now()
    link = await actions.extend(
        link.merchant_id, link.order_public_id, expires_at=later, actor=STAFF, now=now
    )
    assert link.expires_at == later
    detail = await db.fetch_value("SELECT detail FROM link_history WHERE event = 'link.extended'")
    assert detail == {"expires_at": later.isoformat()}
    await actions.extend(link.merchant_id, link.order_public_id, expires_at=later, actor=STAFF, now=now)
    assert len(await history(link)) == 2
    assert await check_books() == []


async def test_an_end_lies_ahead_and_within_a_year() -> None:
    merchant = await a_merchant()
    for wrong in (timedelta(seconds=-1), timedelta(days=367)):
        with pytest.raises(ValidityRefused):
            await a_link(merchant, lasts=wrong)


async def test_a_link_past_its_end_has_lapsed_until_it_gets_another() -> None:
    link = await a_link(await a_merchant(), lasts=timedelta(days=1))
    assert link.state_at(await now_in(0)) is LinkState.ACTIVE
    assert link.state_at(await now_in(2)) is LinkState.LAPSED
    now, later = await now_in(2), await now_in(4)
    again = await actions.extend(
        link.merchant_id, link.order_public_id, expires_at=later, actor=STAFF, now=now
    )
    assert again.state_at(now) is LinkState.ACTIVE


async def test_a_lapsed_link_ends_for_good() -> None:
    link = await a_link(await a_merchant(), lasts=timedelta(days=1))
    now = await now_in(2)

    async def lapse() -> None:
        await actions.lapse(await actions.lock(link.merchant_id, link.order_public_id), now=now)

    await db.in_tx(lapse)
    with pytest.raises(LinkEnded):
        await actions.extend(link.merchant_id, link.order_public_id, expires_at=None, actor=STAFF, now=now)
    assert await check_books() == []


@pytest.mark.parametrize(("verb", "refusal"), [("pause", LinkPaused), ("withdraw", LinkEnded)])
async def test_a_stopped_link_cannot_be_used(verb: str, refusal: type[Exception]) -> None:
    link = await a_link(await a_merchant())
    now = await clock.business_now()
    await getattr(actions, verb)(link.merchant_id, link.order_public_id, actor=STAFF, now=now)

    async def use() -> None:
        await actions.use(
            await actions.lock(link.merchant_id, link.order_public_id), actor="shopper", now=now
        )

    with pytest.raises(refusal):
        await db.in_tx(use)


async def test_an_order_without_a_link_has_none_to_change() -> None:
    merchant = await a_merchant()
    order = await an_open_order(merchant)
    with pytest.raises(LinkUnknown):
        await actions.pause(merchant.id, order.public_id, actor=STAFF, now=await clock.business_now())
    assert await link_of_order(merchant.id, order.id) is None


@pytest.mark.parametrize("change", ["token = repeat('x', 43)", "public_id = 'pl_other'", "created_by = 'x'"])
async def test_the_database_lets_no_link_become_another(change: str) -> None:
    await a_link(await a_merchant())
    with pytest.raises(asyncpg.RestrictViolationError):
        await db.in_tx(lambda: db.execute(f"UPDATE payment_links SET {change}"))


async def test_the_database_holds_one_link_an_order() -> None:
    link = await a_link(await a_merchant())
    again = """
    INSERT INTO payment_links (merchant_id, id, public_id, token, order_id, state, created_at, created_by)
    SELECT merchant_id, gen_random_uuid(), 'pl_other', repeat('x', 43), order_id, state, created_at, 'x'
    FROM payment_links WHERE id = $1
    """
    with pytest.raises(asyncpg.UniqueViolationError):
        await db.in_tx(lambda: db.execute(again, link.id))


def test_only_what_is_alive_can_lapse_and_every_end_is_one() -> None:
    ends = frozenset(LinkState) - LIVE
    assert {from_ for from_, _ in EDGES} == set(LIVE)
    assert all(state_at(state, None, clock.wall()) is state for state in LinkState)
    assert all(state_at(end, clock.wall() - timedelta(days=1), clock.wall()) is end for end in ends)
