"""Staff answer cases: decide, take it back within seconds, and what was decided is carried out by a worker.

An answer waits its seconds as a `decided` case. Then `carry_out` asks a second person where the shop wants two, only
notes it where an approved order was looked at blind, and else answers the case, which checks everything anew
(`reviewing.py`). What cannot be carried out opens the case again and says why.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID

from app.cases import actions as cases
from app.cases import rules
from app.cases.actions import CARRY_OUT_JOB, Decision, Locked, needs_second
from app.cases.errors import CaseClosed, CaseTaken, SecondPersonNeeded, TextRefused
from app.cases.queries import CaseView, ReviewSettings, case_by_public_id, settings_of
from app.cases.states import CaseState
from app.checkout.actions.reviewing import Answer, answer_case, refuse_the_impossible
from app.checkout.actions.vouching import Checked
from app.checkout.errors import ApprovalImpossible, CaseNotFound, IdentityUnchecked
from app.kernel import db, outbox
from app.kernel.jobs import Done, Outcome, business_now
from app.kernel.outbox import Job
from app.merchants.queries import Merchant, merchant_by_id

STAFF: Final = "staff:"
UNDO_S: Final = 10
_SPARE: Final = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Desk:
    """Who answers, and when: `staff` is their public id, `undo` how long they may take it back."""

    staff: str
    wall: datetime
    now: datetime
    undo: timedelta = timedelta(seconds=UNDO_S)

    @property
    def actor(self) -> str:
        return STAFF + self.staff


async def decide_case(merchant: Merchant, public_id: str, decision: Decision, desk: Desk) -> None:
    """Write an answer down, to be carried out when the time to take it back is over; at once where there is none.

    Raises CaseNotFound, CaseClosed, CaseTaken, SecondPersonNeeded, ApprovalImpossible, IdentityUnchecked, TextRefused.
    """
    settings = await settings_of(merchant.id)
    await db.in_tx(partial(_decide, merchant, public_id, decision, desk))
    if desk.undo:
        return
    try:
        await carry_out(merchant, settings, public_id, desk.now, desk.now)
    except ApprovalImpossible as refused:
        await _open_again(merchant.id, public_id, desk.now, refused.reason, desk.now)
        raise
    except CaseClosed:
        # A worker was there first.
        return


async def _decide(merchant: Merchant, public_id: str, decision: Decision, desk: Desk) -> None:
    # Session, order and case are held in the order in which the flow takes them: the answer meets no half-done end.
    case = await case_by_public_id(merchant.id, public_id, lock=True)
    if case is None:
        raise CaseNotFound
    said = _said(case, decision)
    if case.state is CaseState.OPEN:
        await _refuse_early(merchant, case, said)
    if not case.is_blind and desk.now >= case.due_at:
        raise CaseClosed(CaseState.LAPSED if case.state is CaseState.OPEN else case.state)
    await cases.decide_in_tx(
        merchant.id, public_id, said, desk.actor, undo=desk.undo, wall=desk.wall, now=desk.now
    )
    # Where there is nothing to wait for the job is only for a process that dies before it carried the answer out.
    wait = desk.undo or _SPARE
    await cases.ask_to_carry_out(merchant.id, public_id, desk.now, desk.now + wait)


def _said(case: CaseView, decision: Decision) -> Decision:
    """What was said, tidied: a decline of credit or identity needs a note, and so does a reason of its own words."""
    reason = rules.reason_of(case.kind, decision.answer, decision.reason or "")
    needs_note = reason == "other" if case.kind == "risk" else decision.answer == "declined"
    note = rules.text_of(decision.note or "", required=needs_note)
    return Decision(
        answer=decision.answer,
        reason=reason,
        tags=rules.tags_of(decision.tags),
        note=note,
        checked_name=decision.checked_name,
        checked_how=decision.checked_how,
    )


async def _refuse_early(merchant: Merchant, case: CaseView, decision: Decision) -> None:
    """What will not be possible in ten seconds either is told at once."""
    if decision.answer == "declined":
        return
    if case.kind == "identity" and not (decision.checked_name and decision.checked_how):
        raise IdentityUnchecked
    if case.kind == "credit" and case.decision_id is not None and case.customer_id is not None:
        await refuse_the_impossible(merchant, case, case.decision_id, case.customer_id)


_NOT_TAKEN: Final = (
    CaseNotFound,
    CaseClosed,
    CaseTaken,
    SecondPersonNeeded,
    ApprovalImpossible,
    IdentityUnchecked,
    TextRefused,
)


async def decide_many(
    merchant: Merchant, public_ids: tuple[str, ...], decision: Decision, desk: Desk
) -> tuple[str, ...]:
    """The same answer to several cases about orders of one kind, one transaction each. Answers those not taken: they
    have ended, somebody else works on them, their approval takes another person, or they ask for other words."""
    missed: list[str] = []
    for public_id in public_ids:
        try:
            await decide_case(merchant, public_id, decision, desk)
        except (
            CaseNotFound,
            CaseClosed,
            CaseTaken,
            SecondPersonNeeded,
            ApprovalImpossible,
            IdentityUnchecked,
            TextRefused,
        ):
            missed.append(public_id)
    return tuple(missed)


async def undo_decision(merchant_id: UUID, public_id: str, staff: str, now: datetime) -> None:
    """Take one's own answer back before it takes effect. Raises CaseNotFound, TooLateToUndo."""
    if not await db.in_tx(partial(cases.undo_in_tx, merchant_id, public_id, STAFF + staff, now=now)):
        raise CaseNotFound


async def work(job: Job) -> Outcome:
    """The time to take an answer back is over."""
    merchant = await merchant_by_id(job.merchant_id)
    assert merchant is not None, "merchants are never deleted"
    public_id = str(job.payload["case"])
    decided_at = datetime.fromisoformat(str(job.payload["decided_at"]))
    now = business_now(job)
    settings = await settings_of(merchant.id)
    try:
        await carry_out(merchant, settings, public_id, decided_at, now)
    except ApprovalImpossible as refused:
        await _open_again(merchant.id, public_id, decided_at, refused.reason, now)
        return Done(f"could not be carried out: {refused.reason}")
    except CaseClosed as closed:
        return Done(f"the case is {closed.state}")
    return Done()


async def carry_out(
    merchant: Merchant, settings: ReviewSettings, public_id: str, decided_at: datetime, now: datetime
) -> None:
    """Carry the answer out that was given at `decided_at`. Raises ApprovalImpossible, CaseClosed."""
    case = await db.in_tx(partial(_without_the_purchase, merchant.id, settings, public_id, decided_at, now))
    if case is None:
        return
    assert case.answer is not None, "the case is decided"
    assert case.decided_by is not None, "the case is decided"
    checked = None
    if case.checked_name is not None and case.checked_how is not None:
        checked = Checked(case.checked_name, case.checked_how)
    staff = case.decided_by.removeprefix(STAFF)
    answer = Answer(case.answer, staff, case.note, checked, decided_at=decided_at)
    await answer_case(merchant, public_id, answer, now)


async def _without_the_purchase(
    merchant_id: UUID, settings: ReviewSettings, public_id: str, decided_at: datetime, now: datetime
) -> CaseView | None:
    """What touches the case alone is done here; else the case, to be answered. Raises CaseClosed."""
    view = await case_by_public_id(merchant_id, public_id, lock=True)
    if view is None or view.state is not CaseState.DECIDED or view.decided_at != decided_at:
        raise CaseClosed(CaseState.OPEN if view is None else view.state)
    held = await cases.lock_in_tx(merchant_id, public_id)
    assert held is not None, "it is held already"
    if needs_second(held, settings):
        await cases.reopen_in_tx(merchant_id, held, view.decided_by or "", "second", now=now)
        return None
    if view.is_blind:
        await _note_sample(view, held, now)
        return None
    return view


async def _note_sample(view: CaseView, held: Locked, now: datetime) -> None:
    """An approved order was looked at: nothing happens to it, but what was found is learnt from."""
    assert held.answer is not None, "the case is decided"
    actor = held.decided_by or ""
    await cases.resolve(
        view.merchant_id, view.id, CaseState(held.answer), actor=actor, note=view.note, now=now
    )
    data = {"case_id": view.public_id, "order_id": view.order_public_id, "outcome": held.answer}
    await outbox.emit(view.merchant_id, "review.sampled", data, now=now, about=view.order_public_id)


async def _open_again(
    merchant_id: UUID, public_id: str, decided_at: datetime, why: str, now: datetime
) -> None:
    async def write() -> None:
        held = await cases.lock_in_tx(merchant_id, public_id)
        if held is None or held.state is not CaseState.DECIDED or held.decided_at != decided_at:
            return
        await cases.reopen_in_tx(merchant_id, held, held.decided_by or "", "refused", now=now, refused=why)

    await db.in_tx(write)


__all__ = [
    "CARRY_OUT_JOB",
    "UNDO_S",
    "Decision",
    "Desk",
    "carry_out",
    "decide_case",
    "decide_many",
    "undo_decision",
    "work",
]
