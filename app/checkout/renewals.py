"""One try to have a period of a subscription paid by what its owner agreed to be charged with. The answer comes to the
subscription as an event, `order.paid` or `charge.failed`."""

from __future__ import annotations

from app.checkout.actions import start_charge
from app.checkout.errors import CannotCharge
from app.checkout.paying import PaymentDoors, open_at_provider
from app.kernel import clock, db
from app.kernel.jobs import Done, Outcome, again_or_give_up, business_now
from app.kernel.outbox import Job
from app.ledger.errors import MoneyFrozen
from app.merchants.queries import merchant_by_id
from app.payments.queries import PaymentView, saved_method_by_id
from app.subscriptions.queries import subscription_of


async def charge(job: Job, doors: PaymentDoors) -> Outcome:
    """Write the charge down, then have the provider make it. Of two tries one finds somebody at it already: whoever
    died after writing it down is followed by whoever asks after payments."""
    try:
        payment = await db.in_tx(lambda: _start(job))
    except CannotCharge:
        return Done("it is being charged, or need not be any more")
    except MoneyFrozen:
        return again_or_give_up(job, "money is frozen")
    after = await open_at_provider(payment, doors)
    return Done(after.state.value)


async def _start(job: Job) -> PaymentView:
    merchant = await merchant_by_id(job.merchant_id)
    assert merchant is not None, "merchants are never deleted"
    sub = await subscription_of(merchant.id, str(job.payload["subscription"]))
    if sub is None or sub.saved_method_id is None:
        raise CannotCharge
    saved = await saved_method_by_id(merchant.id, sub.saved_method_id)
    if saved is None or job.payload.get("saved", saved.public_id) != saved.public_id:
        # Its owner has put another way to pay in its place meanwhile, for which there is a job of its own.
        raise CannotCharge
    return await start_charge(
        merchant,
        str(job.payload["order"]),
        saved,
        lang=str(job.payload["lang"]),
        actor="clock",
        now=business_now(job),
        wall=clock.wall(),
    )
