"""The jobs of rewards: points for one paid order, points back for one refund. Each ends with its effect, or not at all.

They are jobs of their own, so that frozen money holds up nothing else that follows from an order.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final
from uuid import UUID

from app.kernel import db, outbox
from app.kernel.jobs import EndedAlready, Outcome, TryAgain, business_now
from app.kernel.outbox import Job
from app.ledger.errors import MoneyFrozen
from app.loyalty.queries import latest_programme
from app.merchants.queries import merchant_by_id
from app.rewards import actions
from app.rewards.actions import Refund

EARN_JOB: Final = "earn_points"
TAKE_BACK_JOB: Final = "take_back_points"
# While money is frozen a job comes back after five minutes, then seldomer: all its tries outlast a week.
_WHILE_FROZEN: Final = timedelta(minutes=5)
_DOUBLINGS_MAX: Final = 7


async def ask_to_earn(merchant_id: UUID, order_id: str) -> None:
    """Put it on the outbox, in the caller's transaction; asked again it changes nothing. Ids are public ones.

    A shop that never had a programme has no such jobs.
    """
    if await latest_programme(merchant_id) is None:
        return
    await outbox.put(
        merchant_id, EARN_JOB, {"order": order_id}, key=f"earn_points:{order_id}", about=order_id
    )


async def ask_to_take_back(merchant_id: UUID, refund: Refund) -> None:
    """As `ask_to_earn`, once a refund."""
    if await latest_programme(merchant_id) is None:
        return
    payload = {
        "order": refund.order_id,
        "refund": refund.refund_id,
        "value_minor": refund.value_minor,
    }
    key = f"take_back_points:{refund.refund_id}"
    await outbox.put(merchant_id, TAKE_BACK_JOB, payload, key=key, about=refund.order_id)


async def earn(job: Job) -> Outcome:
    merchant = await merchant_by_id(job.merchant_id)
    assert merchant is not None, "merchants are never deleted"

    async def run() -> str:
        earned = await actions.earn(merchant, str(job.payload["order"]), now=business_now(job))
        return "" if earned is None else f"{earned.points} points"

    return await _with_its_end(job, run)


async def take_back(job: Job) -> Outcome:
    payload = job.payload
    refund = Refund(str(payload["order"]), str(payload["refund"]), int(str(payload["value_minor"])))

    async def run() -> str:
        return f"{await actions.take_back(job.merchant_id, refund, now=business_now(job))} points"

    return await _with_its_end(job, run)


async def _with_its_end(job: Job, effect: Callable[[], Awaitable[str]]) -> Outcome:
    async def run() -> None:
        await outbox.succeed(job, await effect())

    try:
        await db.in_tx(run)
    except MoneyFrozen:
        wait = _WHILE_FROZEN * 2 ** min(job.attempt, _DOUBLINGS_MAX)
        return TryAgain("money is frozen", business_now(job) + wait)
    return EndedAlready()
