"""What would happen if the order were not held: the hold is taken away, and the damage that it prevents is seen."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Coroutine, Iterator
from typing import TypeVar
from uuid import UUID

import pytest

from app.kernel import db
from app.merchants.queries import Merchant, forget_kept_merchants
from app.orders import actions as orders
from app.orders.queries import OrderView, order_for_api
from tests.factories.checkout import a_line
from tests.factories.invoices import a_purchase, drawn
from tests.factories.loyalty import AT_ONCE, a_shop, buyer_of, earned, standing, taken_back
from tests.factories.returns import refunded
from tests.support.waiting import until

pytestmark = pytest.mark.usefixtures("db")
T = TypeVar("T")
WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


@pytest.fixture(autouse=True)
def _alone() -> Iterator[None]:
    forget_kept_merchants()
    yield
    db.set_race_barrier(None)


@pytest.fixture(params=[True, False], ids=["held", "only read"])
def held(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether the order is held, or only read."""

    async def only_read(merchant_id: UUID, public_id: str) -> OrderView:
        order = await order_for_api(merchant_id, public_id)
        assert order is not None
        return order

    if not request.param:
        monkeypatch.setattr(orders, "lock", only_read)
    return bool(request.param)


def outside(work: Coroutine[object, object, T]) -> asyncio.Task[T]:
    """Somebody else, who knows nothing of a transaction that is open here."""
    return asyncio.create_task(work, context=contextvars.Context())


def overtake(place: str, other: Coroutine[object, object, int]) -> list[asyncio.Task[int]]:
    """Whoever comes first to this place waits there until the other one is done, or waits for a lock itself."""
    started: list[asyncio.Task[int]] = []

    async def somebody_waits() -> bool:
        return bool(await db.fetch_value(WAITING))

    async def meet(name: str) -> None:
        if name != place or started:
            return
        started.append(outside(other))

        async def overtaken_or_waiting() -> bool:
            return started[0].done() or await outside(somebody_waits())

        await until(overtaken_or_waiting)

    db.set_race_barrier(meet)
    return started


async def refund(merchant: Merchant, order: str) -> int:
    made = await refunded(merchant, order, 60_00)
    return await taken_back(merchant, order, made.public_id, 60_00)


async def test_a_refund_while_the_order_earns_is_taken_back(held: bool) -> None:
    merchant = await a_shop(AT_ONCE)
    order = await a_purchase(merchant, a_line(price="100.00"))
    await drawn(merchant, order)
    other = overtake("refunds read to earn", refund(merchant, order))
    assert await earned(merchant, order) == 100
    taken = await other[0]
    total = (await standing(merchant, await buyer_of(merchant, order))).total
    assert (taken, total) == ((60, 40) if held else (0, 100))


async def test_two_refunds_at_once_take_back_what_both_together_took(held: bool) -> None:
    merchant = await a_shop(AT_ONCE)
    order = await a_purchase(merchant, a_line(price="99.00"))
    await earned(merchant, order)
    second = overtake("points taken back so far are read", taken_back(merchant, order, "rf_2", 49_50))
    await taken_back(merchant, order, "rf_1", 49_50)
    await second[0]
    total = (await standing(merchant, await buyer_of(merchant, order))).total
    # Each half alone is 49 points, rounded down; the whole is 99.
    assert total == (0 if held else 1)
