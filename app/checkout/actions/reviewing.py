"""A person answers a case. One transaction each: whoever comes second, staff or shopper or clock, is told."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from app.cases import actions as cases
from app.cases import rules
from app.cases.errors import CaseClosed
from app.cases.queries import CaseView, case_by_public_id
from app.cases.states import CaseState
from app.checkout.actions.approving import approvable, carry_on_in_tx
from app.checkout.actions.aside import free_in_tx
from app.checkout.actions.holding import release_in_tx
from app.checkout.actions.vouching import Checked, vouch
from app.checkout.errors import ApprovalImpossible, CaseNotFound, IdentityUnchecked
from app.checkout.states import MACHINE, SessionState
from app.credit import actions as credit
from app.credit.actions import PersonsWord
from app.credit.queries import exposure_minor, stored_decision
from app.credit.rules import FINAL_REASONS
from app.kernel import audit, clock, db, outbox
from app.merchants.queries import Merchant
from app.orders import actions as orders
from app.orders.states import OrderState
from app.payments.actions.hurrying import look_at_once

APPROVAL_LIFE: Final = timedelta(days=2)
"""How long the shopper may take to confirm what a person has approved; they are told until when."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody on the staff (`staff`: their public id) says; the note is for the shop's own eyes.

    `checked` is how they made sure of an identity: no case about one is approved without. `decided_at` names the
    decision that is carried out, of a case that was decided (`answering.py`).
    """

    outcome: Literal["approved", "declined"]
    staff: str
    note: str | None
    checked: Checked | None = None
    decided_at: datetime | None = None


async def answer_case(merchant: Merchant, public_id: str, answer: Answer, now: datetime) -> None:
    """Approve: the session goes on, and the shopper may confirm until the approval ends; a purchase that was confirmed
    before, and held, is made now. Decline: it is over.

    Raises CaseNotFound, CaseClosed, ApprovalImpossible, IdentityUnchecked, TextRefused.
    """
    is_said = answer.decided_at is not None
    note = rules.text_of(answer.note or "", required=answer.outcome == "declined" and not is_said)
    told = replace(answer, note=note)
    await db.in_tx(lambda: _answer(merchant, public_id, told, now))


async def _answer(merchant: Merchant, public_id: str, answer: Answer, now: datetime) -> None:
    case = await case_by_public_id(merchant.id, public_id, lock=True)
    if case is None:
        raise CaseNotFound
    waiting = await _waiting(case)
    awaited = CaseState.OPEN if answer.decided_at is None else CaseState.DECIDED
    if case.state is not awaited or case.is_blind or answer.decided_at not in {None, case.decided_at}:
        raise CaseClosed(case.state)
    # An answer that was given in time takes effect, though the worker comes to it a moment later.
    said_at = answer.decided_at or now
    if waiting is None or waiting.held_until is None or said_at >= waiting.held_until:
        raise CaseClosed(CaseState.LAPSED)
    actor = f"staff:{answer.staff}"
    until, made = None, None
    if answer.outcome == "declined":
        await _decline(case, waiting, answer, now)
    elif case.kind == "risk":
        made = await approvable(case)
    else:
        until = await _approve(merchant, case, waiting, answer, now)
    state = CaseState.APPROVED if answer.outcome == "approved" else CaseState.DECLINED
    await cases.resolve(merchant.id, case.id, state, actor=actor, note=answer.note, now=now)
    detail = {"how": answer.checked.how} if answer.checked and answer.outcome == "approved" else {}
    await audit.record(
        actor, f"case.{answer.outcome}", case.public_id, merchant_id=merchant.id, at=now, detail=detail
    )
    await _tell(case, answer.outcome, until, now)
    if made is not None:
        # Last: the shop hears of the answer before it hears of what follows from it.
        await carry_on_in_tx(made, case.lang, actor=actor)


@dataclass(frozen=True, slots=True)
class _Waiting:
    """The session and order of a case that is still held; `link_id` where a payment link made the session, `hold_id`
    where it has set money of a wallet aside."""

    order_id: UUID
    link_id: UUID | None
    customer_id: UUID | None
    quote_id: str | None
    held_until: datetime | None
    hold_id: UUID | None


async def _waiting(case: CaseView) -> _Waiting | None:
    row = await db.fetch_one(
        """SELECT order_id, link_id, customer_id, quote_id, held_until, hold_id FROM checkout_sessions
           WHERE merchant_id = $1 AND id = $2 AND state = 'held'""",
        case.merchant_id,
        case.session_id,
    )
    return None if row is None else _Waiting(**dict(row.items()))


# The approval may outlast the session's own time: a message has to be read first.
_POINT: Final = """
UPDATE checkout_sessions SET decision_id = $3, expires_at = greatest(expires_at, $4)
WHERE merchant_id = $1 AND id = $2
"""


async def _approve(
    merchant: Merchant, case: CaseView, waiting: _Waiting, answer: Answer, now: datetime
) -> datetime:
    """Answers until when the approval holds."""
    customer_id, machine_id = waiting.customer_id, case.decision_id
    if case.kind == "identity":
        if answer.checked is None:
            raise IdentityUnchecked
        customer_id, machine_id = await vouch(case, merchant, answer.checked, now)
    assert customer_id is not None, "a credit case is about an identified customer"
    assert machine_id is not None or case.kind == "identity", "a credit case is about a decision"
    until = now + APPROVAL_LIFE
    decision_id: UUID | None = None
    if machine_id is not None:
        await refuse_the_impossible(merchant, case, machine_id, customer_id)
        word = PersonsWord(case.id, answer.staff, "approved", until)
        decision_id = await _decided(case, machine_id, waiting, word, now)
    actor = f"staff:{answer.staff}"
    await release_in_tx(merchant.id, case.session_id, waiting.order_id, actor=actor, now=now)
    await db.execute(_POINT, merchant.id, case.session_id, decision_id, until)
    return until


async def refuse_the_impossible(
    merchant: Merchant, case: CaseView, machine_id: UUID, customer_id: UUID
) -> None:
    """A person judges what rules cannot. A ban is the customer's own word, and the limit the creditor's."""
    decision = await stored_decision(merchant.id, machine_id)
    assert decision is not None, "decisions are never deleted"
    final = FINAL_REASONS.intersection(decision.reasons)
    owed_minor = await exposure_minor(merchant.id, customer_id, case.currency)
    if "credit_ban" in final:
        raise ApprovalImpossible("credit_ban")
    if decision.facts is not None and decision.facts.for_company:
        # Whoever answers knows the company and its limit: that is what they were asked.
        return
    if owed_minor + case.amount_minor > merchant.credit_limit_minor:
        raise ApprovalImpossible("limit_reached")


async def _decided(
    case: CaseView, machine_id: UUID, waiting: _Waiting, word: PersonsWord, now: datetime
) -> UUID:
    assert waiting.quote_id is not None, "whoever was decided about has chosen a plan"
    return await credit.decide_by_person(case.merchant_id, machine_id, waiting.quote_id, word, now)


async def _decline(case: CaseView, waiting: _Waiting, answer: Answer, now: datetime) -> None:
    decision_id: UUID | None = None
    if case.decision_id is not None:
        word = PersonsWord(case.id, answer.staff, "declined", now)
        decision_id = await _decided(case, case.decision_id, waiting, word, now)
    actor = f"staff:{answer.staff}"
    await MACHINE.move(
        case.merchant_id,
        case.session_id,
        expected=SessionState.HELD,
        to=SessionState.DECLINED,
        actor=actor,
        at=now,
    )
    await orders.move(
        case.merchant_id,
        waiting.order_id,
        expected=OrderState.HELD,
        # Somebody else may still pay what a link asks for.
        to=OrderState.CANCELLED if waiting.link_id is None else OrderState.OPEN,
        actor=actor,
        now=now,
    )
    await db.execute(
        """UPDATE checkout_sessions SET held_until = NULL, decision_id = coalesce($3, decision_id)
           WHERE merchant_id = $1 AND id = $2""",
        case.merchant_id,
        case.session_id,
        decision_id,
    )
    await look_at_once(case.merchant_id, case.session_id, clock.wall())
    await free_in_tx(case.merchant_id, waiting.hold_id, actor=actor, now=now)


async def _tell(case: CaseView, outcome: str, until: datetime | None, now: datetime) -> None:
    data: dict[str, object] = {
        "session_id": case.session_public_id,
        "order_id": case.order_public_id,
        "reference": case.reference,
        "case_id": case.public_id,
        "outcome": outcome,
    }
    if until is not None:
        data["confirm_by"] = f"{until:%Y-%m-%dT%H:%M:%SZ}"
    await outbox.emit(case.merchant_id, "review.resolved", data, now=now, about=case.order_public_id)
    if outcome == "declined":
        ended = {name: data[name] for name in ("session_id", "order_id", "reference")}
        await outbox.emit(case.merchant_id, "session.declined", ended, now=now, about=case.order_public_id)
