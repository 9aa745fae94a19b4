"""One try to begin what an order was paid for."""

from __future__ import annotations

from app.kernel import db, outbox
from app.kernel.jobs import EndedAlready, Outcome
from app.kernel.outbox import Job
from app.merchants.queries import merchant_by_id
from app.subscriptions import actions


async def begin(job: Job) -> Outcome:
    """Begin it and end the job, all or nothing."""
    merchant = await merchant_by_id(job.merchant_id)
    assert merchant is not None, "merchants are never deleted"
    order, lang = str(job.payload["order"]), str(job.payload["lang"])

    async def run() -> None:
        sub = await actions.begin(merchant, order, lang)
        await outbox.succeed(job, "nothing to begin" if sub is None else sub.public_id)

    await db.in_tx(run)
    return EndedAlready()
