"""What the owner of a subscription is told: that it begins, renews, could not be charged, costs another price, ends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from app.kernel import templating
from app.kernel.jobs import Done, Outcome
from app.kernel.money import Money
from app.kernel.outbox import Job
from app.merchants.queries import Merchant, merchant_by_id
from app.messages.delivery import hand_over
from app.messages.ports import Mail, MailDoor
from app.orders.queries import order_by_id
from app.subscriptions.addresses import address_of
from app.subscriptions.queries import AgreementView, SubscriptionView, agreements_of, subscription_of
from app.subscriptions.rules import REVIVED_WITHIN_DAYS, Method, Unit
from app.subscriptions.states import SubscriptionState

# Those that lead to where another way to pay is chosen.
_DUNNING: Final = frozenset({"failed", "last_failed"})
_ABOUT_PAYING: Final = _DUNNING | {"revival_failed", "change_failed"}
# Those with which the words that were agreed on are sent along.
_WITH_AGREEMENT: Final = frozenset({"started", "revived", "changed", "change_planned", "price_accepted"})


@dataclass(frozen=True, slots=True)
class SubscriptionWords:
    """What the templates show. `price` is paid on `next_on`; `other` is the price that is asked for, or agreed, from
    `other_from` on. `on` is the day that the mail speaks of: of the next try, of the end, of going on after a pause.
    `reason` is a word of a charge that failed, or of the end. `agreement` are the words that were said yes to."""

    what: str
    shop: str
    contact_email: str
    plan: str
    price: Money
    unit: Unit
    every: int
    method: Method
    label: str | None
    next_on: date
    other: Money | None
    other_from: date | None
    on: date | None
    kept_days: int
    reason: str
    revived_within_days: int
    agreement: str | None
    url: str
    leads_to_ways: bool


async def deliver(job: Job, door: MailDoor, base_url: str) -> Outcome:
    """One try to send one of them, in the words of what is true now."""
    sub = await subscription_of(job.merchant_id, str(job.payload["subscription"]))
    merchant = await merchant_by_id(job.merchant_id)
    assert merchant is not None, "merchants are never deleted"
    if sub is None:
        return Done("it is not there")
    what = str(job.payload["what"])
    if not _still_true(what, sub):
        return Done("it is no longer so")
    order = await order_by_id(merchant.id, sub.order_id)
    if order is None or order.contact.email is None:
        return Done("there is no e-mail address to send it to")
    agreed = await agreements_of(merchant.id, sub.id) if what in _WITH_AGREEMENT else ()
    words = words_of(job, merchant, sub, agreed, base_url)
    return await hand_over(job, _written(merchant, sub, words, order.contact.email, str(job.id)), door)


def _still_true(what: str, sub: SubscriptionView) -> bool:
    """What would be wrong by now is not sent: a price that is asked for no more, a reminder of what was cancelled."""
    if what == "price_asked":
        return sub.asked is not None
    if what == "price_falls":
        return sub.next is not None
    if what == "reminder":
        return sub.cancel_on is None and sub.state in {SubscriptionState.TRIALING, SubscriptionState.ACTIVE}
    if what in {"failed", "last_failed"}:
        return sub.state is SubscriptionState.PAST_DUE
    return what != "cancelled" or sub.cancel_on is not None


def words_of(
    job: Job, merchant: Merchant, sub: SubscriptionView, agreed: tuple[AgreementView, ...], base_url: str
) -> SubscriptionWords:
    what = str(job.payload["what"])
    other = sub.asked or sub.next
    return SubscriptionWords(
        what=what,
        shop=merchant.name,
        contact_email=merchant.contact_email,
        plan=sub.terms.name(sub.lang),
        price=Money(sub.following.amount_minor, sub.following.currency) if what == "reminder" else sub.price,
        unit=sub.terms.unit,
        every=sub.terms.every,
        method=sub.method,
        label=sub.label,
        next_on=sub.course.ends_on,
        other=None if other is None else Money(other.terms.amount_minor, other.terms.currency),
        other_from=None if other is None else other.starts_on,
        on=_day_of(job, what, sub),
        kept_days=sub.paused_days or 0,
        reason=sub.end_reason or "" if what == "ended" else str(job.payload.get("reason", "")),
        revived_within_days=REVIVED_WITHIN_DAYS,
        agreement=agreed[-1].body if agreed else None,
        url=f"{base_url}{_path(what, sub)}",
        leads_to_ways=what in _ABOUT_PAYING,
    )


def _path(what: str, sub: SubscriptionView) -> str:
    """Whoever owes something need not sign in first to see to it that it is paid."""
    if what in _DUNNING:
        return address_of(sub.merchant_id, sub.id)
    own = f"/purchases/subscriptions/{sub.public_id}"
    return f"{own}/way" if what in _ABOUT_PAYING else own


def _day_of(job: Job, what: str, sub: SubscriptionView) -> date | None:
    told = job.payload.get("on")
    if told is not None:
        return date.fromisoformat(str(told))
    return {"cancelled": sub.cancel_on, "paused": sub.resume_on, "ended": sub.ended_on}.get(what)


def _written(
    merchant: Merchant, sub: SubscriptionView, words: SubscriptionWords, to: str, job_id: str
) -> Mail:
    def rendered(part: str, **more: object) -> str:
        return templating.render_text(f"mail/subscription/{part}", sub.lang, words=words, **more)

    # A header is one line, whatever a shop calls itself.
    subject = " ".join(rendered("subject.txt").split())
    lines = tuple(line for line in rendered("lines.txt").splitlines() if line.strip())
    return Mail(
        to=to,
        subject=subject,
        text=rendered("body.txt", subject=subject, lines=lines),
        html=rendered("body.html", subject=subject, lines=lines),
        reply_to=merchant.contact_email,
        from_name=merchant.name,
        message_id=f"subscription.{words.what}.{sub.public_id}.{job_id}",
        merchant_id=merchant.id,
    )
