"""Every side effect of the product, on one page: what follows from which event.

A reaction runs inside one transaction with the end of the event's job, and only puts further jobs or writes: nothing
here talks to the outside. Each is safe to run again, because its job carries a key.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final, TypeAlias

from app.agreements import actions as agreements
from app.cases.queries import case_by_public_id
from app.checkout.actions.insuring import end_with_refund_in_tx
from app.checkout.actions.sampling import sample_in_tx
from app.extras import actions as extras
from app.invoices import actions as invoices
from app.kernel import db, outbox
from app.kernel.jobs import EndedAlready, Event, Outcome, event_of
from app.kernel.outbox import Job
from app.merchants.queries import merchant_by_id
from app.messages import actions as messages
from app.messages import answers, questions, refunds
from app.messages.language import language_of_order
from app.payments.queries import payment_by_public_id
from app.rewards import jobs as rewards
from app.rewards.actions import Refund
from app.risk.labels import Source, label_in_tx
from app.subscriptions import actions as subscriptions
from app.webhooks import actions as webhooks

Reaction: TypeAlias = Callable[[Event], Awaitable[None]]

TO_EVERY_EVENT: Final[tuple[Reaction, ...]] = (webhooks.fan_out,)


async def draw_invoice(event: Event) -> None:
    """A paid order is invoiced, in the language it was bought in."""
    order_id = str(event.data["order_id"])
    lang = await language_of_order(event.merchant_id, order_id)
    await invoices.ask_to_draw(event.merchant_id, order_id, lang)


async def draw_agreement(event: Event) -> None:
    """A confirmed purchase on credit leaves its agreement, in the language it was signed in. What is paid at once lends
    nothing, a renewal is of an agreement that was signed before, and what a company owes is no consumer's credit."""
    if event.data.get("method") not in {"invoice", "instalments"} or "subscription_id" in event.data:
        return
    if event.data.get("buyer") == "business":
        return
    order_id = str(event.data["order_id"])
    lang = await language_of_order(event.merchant_id, order_id)
    await agreements.ask_to_draw(event.merchant_id, order_id, lang)


async def earn_points(event: Event) -> None:
    """A paid order earns points under the shop's programme. Money that staff recorded was paid by nobody we know, and a
    company that is invoiced has nobody who could turn points into money."""
    invoiced = event.data.get("method") == "invoice" and event.data.get("buyer") == "business"
    if event.data.get("method") == "recorded" or invoiced:
        return
    await rewards.ask_to_earn(event.merchant_id, str(event.data["order_id"]))


async def take_points_back(event: Event) -> None:
    """What was refunded of an order no longer earns."""
    data = event.data
    value_minor = int(str(data["amount_minor"])) + int(str(data["fee_minor"]))
    refund = Refund(str(data["order_id"]), str(data["refund_id"]), value_minor)
    await rewards.ask_to_take_back(event.merchant_id, refund)


async def begin_subscription(event: Event) -> None:
    """A paid order begins what was offered with it, in the language it was bought in."""
    order_id = str(event.data["order_id"])
    lang = await language_of_order(event.merchant_id, order_id)
    await subscriptions.ask_to_begin(event.merchant_id, order_id, lang)


async def renew_subscription(event: Event) -> None:
    """A paid order may be that of a subscription's next period."""
    await subscriptions.order_paid(event.merchant_id, str(event.data["order_id"]), event.at)


async def refuse_renewal(event: Event) -> None:
    """A charge that came to nothing is tried again, or is the end."""
    order_id, failure = str(event.data["order_id"]), str(event.data["failure"])
    payment_id = str(event.data["payment_id"])
    await subscriptions.charge_failed(event.merchant_id, order_id, payment_id, failure, event.at)


async def learn_from_answer(event: Event) -> None:
    """What a person answered about the risk of an order is learnt from; so is what they found who looked at it blind.
    Answers on credit are not: risk and credit never learn of each other."""
    case = await case_by_public_id(event.merchant_id, str(event.data["case_id"]))
    outcome = str(event.data["outcome"])
    if case is None or case.kind != "risk" or outcome not in {"approved", "declined"}:
        return
    source: Source = "blind" if case.is_blind else "reviewer"
    await label_in_tx(event.merchant_id, case.session_id, source, is_bad=outcome == "declined", now=event.at)


async def learn_from_dispute(event: Event) -> None:
    """Whoever owns the card says that it was not they who bought: the worst that can come of an approved order. What
    else people dispute is the shop's to settle, and says nothing about who bought."""
    if event.data["reason"] != "fraudulent":
        return
    payment = await payment_by_public_id(str(event.data["payment_id"]))
    if payment is not None and payment.session_id is not None:
        await label_in_tx(event.merchant_id, payment.session_id, "dispute", is_bad=True, now=event.at)


async def begin_insurance(event: Event) -> None:
    """A paid order insures what its shopper had insured, from now on."""
    order_id = str(event.data["order_id"])
    if await extras.is_insured(event.merchant_id, order_id):
        lang = await language_of_order(event.merchant_id, order_id)
        await extras.begin_insurance_in_tx(event.merchant_id, order_id, lang)


async def sample_for_review(event: Event) -> None:
    """A share of what was approved is looked at by a person who does not know what the machine said."""
    merchant = await merchant_by_id(event.merchant_id)
    if merchant is not None:
        await sample_in_tx(merchant, str(event.data["order_id"]), event.at)


async def end_insurance(event: Event) -> None:
    """What was insured went back with its insurance."""
    merchant = await merchant_by_id(event.merchant_id)
    if merchant is not None:
        order_id, refund_id = str(event.data["order_id"]), str(event.data["refund_id"])
        await end_with_refund_in_tx(merchant, order_id, refund_id, now=event.at)


TO: Final[Mapping[str, tuple[Reaction, ...]]] = {
    "order.paid": (
        messages.send_receipt,
        draw_invoice,
        draw_agreement,
        earn_points,
        begin_subscription,
        renew_subscription,
        begin_insurance,
        sample_for_review,
    ),
    "charge.failed": (refuse_renewal,),
    "payment.disputed": (learn_from_dispute,),
    "order.refunded": (refunds.send_refund, take_points_back, end_insurance),
    "invoice.issued": (messages.send_invoice,),
    "review.asked": (questions.send_question,),
    "review.resolved": (answers.send_answer, learn_from_answer),
    "review.sampled": (learn_from_answer,),
}


async def react(job: Job) -> Outcome:
    """Run every reaction to the event of this job and end the job, all or nothing."""
    event = event_of(job)

    async def run() -> None:
        for reaction in (*TO_EVERY_EVENT, *TO.get(event.type, ())):
            await reaction(event)
        await outbox.succeed(job)

    await db.in_tx(run)
    return EndedAlready()
