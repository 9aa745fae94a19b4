"""The answer of a person to whoever waits for it: by SMS to the phone that was used, else by e-mail.

The text tells no reason and no figure: those stand on the page that it leads to, behind the shopper's identification.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from app.cases.queries import CaseView, case_by_public_id
from app.cases.states import CaseState
from app.kernel import db, outbox
from app.kernel.jobs import Done, Event, Outcome, again_or_give_up
from app.kernel.money import Money
from app.kernel.outbox import Job
from app.merchants.queries import Merchant, merchant_by_id
from app.messages.waiting import Doors, Telling, tell
from app.payments.ports import ProviderMethod
from app.payments.queries import newest_payment_of_session

__all__ = ["JOB_KIND", "Doors", "deliver", "send_answer"]

JOB_KIND: Final = "answer"
# Whoever withdrew knows, and a shop that cancels tells its shopper itself.
_TOLD: Final = frozenset({CaseState.APPROVED, CaseState.DECLINED, CaseState.LAPSED})


@dataclass(frozen=True, slots=True)
class Words:
    """What the templates show. `outcome` is the case's, or of a purchase that was held after it was confirmed `bought`,
    `unpaid` and `not_accepted`. `confirm_by` is set when something may still be confirmed; `released` names the way to
    pay whose reservation is let go now, which its bank shows some days later."""

    shop: str
    amount: Money
    outcome: str
    url: str
    confirm_by: datetime | None
    zone: str
    contact_email: str
    released: ProviderMethod | None = None


async def send_answer(event: Event) -> None:
    """A case has ended: its answer goes out once, however often this is asked."""
    case_id = str(event.data["case_id"])
    payload = {"case": case_id, "confirm_by": event.data.get("confirm_by")}
    await outbox.put(event.merchant_id, JOB_KIND, payload, key=f"answer:{case_id}", about=event.about)


async def deliver(job: Job, doors: Doors) -> Outcome:
    """One try to tell the answer."""
    case = await case_by_public_id(job.merchant_id, str(job.payload["case"]))
    merchant = await merchant_by_id(job.merchant_id)
    if case is None or merchant is None or case.state not in _TOLD or case.is_blind:
        return Done("nobody waits for this answer")
    outcome = await _outcome(case)
    if outcome is None:
        return again_or_give_up(job, "a provider is about to take the money")
    words = replace(
        _words(case, merchant, outcome, job.payload.get("confirm_by"), doors.base_url),
        released=await _released(case) if outcome in _LET_GO else None,
    )
    return await tell(job, case, merchant, Telling("answer", case.public_id, words), doors)


# What an approved purchase has come to by the time that somebody tells of it.
_MADE: Final = {"confirmed": "bought", "processing": None}


async def _outcome(case: CaseView) -> str | None:
    """The word for how it ended; None while that is not known."""
    if case.kind != "risk" or case.state is CaseState.LAPSED:
        return case.state.value
    if case.state is CaseState.DECLINED:
        return "not_accepted"
    state = await db.fetch_value(
        "SELECT state FROM checkout_sessions WHERE merchant_id = $1 AND id = $2",
        case.merchant_id,
        case.session_id,
    )
    return _MADE.get(str(state), "unpaid")


_LET_GO: Final = frozenset({"lapsed", "not_accepted"})


async def _released(case: CaseView) -> ProviderMethod | None:
    """With whom money was reserved for the purchase; whatever came to nothing has let it go."""
    payment = await newest_payment_of_session(case.merchant_id, case.session_id)
    if payment is None or not payment.authorised_minor or payment.captured_minor:
        return None
    return payment.method


def _words(case: CaseView, merchant: Merchant, outcome: str, confirm_by: object, base_url: str) -> Words:
    return Words(
        shop=merchant.name,
        amount=Money(case.amount_minor, case.currency),
        outcome=outcome,
        url=f"{base_url}/pay/{case.session_public_id}/outcome",
        confirm_by=datetime.fromisoformat(confirm_by) if isinstance(confirm_by, str) else None,
        zone=merchant.time_zone,
        contact_email=merchant.contact_email,
    )
