"""One try to draw the documents of a paid order."""

from __future__ import annotations

from app.invoices import actions
from app.invoices.errors import NoAccount
from app.kernel import db, outbox
from app.kernel.jobs import EndedAlready, GiveUp, Outcome, business_now
from app.kernel.outbox import Job
from app.merchants.queries import merchant_by_id
from app.settings import Operator


async def draw(job: Job, operator: Operator) -> Outcome:
    """Draw them and end the job, all or nothing."""
    merchant = await merchant_by_id(job.merchant_id)
    assert merchant is not None, "merchants are never deleted"
    order, lang = str(job.payload["order"]), str(job.payload["lang"])

    async def run() -> None:
        documents = await actions.draw(merchant, order, lang, operator, business_now(job))
        await outbox.succeed(job, documents[0].number)

    try:
        await db.in_tx(run)
    except NoAccount:
        return GiveUp("the merchant is the creditor, and has no account number to be paid to")
    return EndedAlready()
