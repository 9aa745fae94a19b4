"""A case is decided, and the answer may be taken back for some seconds: then a worker carries it out.

Each verb is inside its caller's transaction and locks the case alone; what the answer does to the purchase is
`checkout.actions`' to say.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from app.cases.actions.taking import Locked, free_to_work_in_tx, lock_in_tx
from app.cases.errors import SecondPersonNeeded, TooLateToUndo
from app.cases.queries import ReviewSettings
from app.cases.states import MACHINE, CaseState
from app.kernel import audit, db, outbox

CARRY_OUT_JOB: Final = "case"

Reopened = Literal["undone", "second", "refused"]


@dataclass(frozen=True, slots=True)
class Decision:
    """What somebody says of a case. `reason` is one of `rules.REASONS`; the note is for the shop's own eyes; what was
    checked of an identity stands in `checked_name` and `checked_how`."""

    answer: Literal["approved", "declined"]
    reason: str | None = None
    tags: tuple[str, ...] = ()
    note: str | None = field(default=None, repr=False)
    checked_name: str | None = field(default=None, repr=False)
    checked_how: Literal["call", "document"] | None = None


_DECIDE: Final = """
UPDATE cases SET answer = $3, reason = $4, tags = $5, note = $6, checked_name = $7, checked_how = $8, decided_by = $9,
                 decided_at = $10, effective_at = $11, refused = NULL, snoozed_until = NULL, taken_by = NULL,
                 taken_until = NULL
WHERE merchant_id = $1 AND id = $2
"""


async def decide_in_tx(
    merchant_id: UUID,
    public_id: str,
    decision: Decision,
    actor: str,
    *,
    undo: timedelta,
    wall: datetime,
    now: datetime,
) -> Locked | None:
    """Write the answer down; after `undo` it takes effect. Answers the case as it was, None for an unknown one.

    Raises CaseClosed (somebody answered first, or it ended), CaseTaken, SecondPersonNeeded.
    """
    case = await free_to_work_in_tx(merchant_id, public_id, actor, wall)
    if case is None:
        return None
    if decision.answer == "approved" and case.first_by == actor:
        raise SecondPersonNeeded
    await db.execute(
        _DECIDE,
        merchant_id,
        case.id,
        decision.answer,
        decision.reason,
        list(decision.tags),
        decision.note,
        decision.checked_name,
        decision.checked_how,
        actor,
        now,
        now + undo,
    )
    await MACHINE.move(
        merchant_id,
        case.id,
        expected=CaseState.OPEN,
        to=CaseState.DECIDED,
        actor=actor,
        at=now,
        detail={"answer": decision.answer},
    )
    said = {"answer": decision.answer, "reason": decision.reason, "tags": list(decision.tags)}
    await audit.record(actor, "case.decided", public_id, merchant_id=merchant_id, at=now, detail=said)
    return case


async def ask_to_carry_out(
    merchant_id: UUID, public_id: str, decided_at: datetime, effective_at: datetime
) -> None:
    """The job that carries an answer out when the time to take it back is over. In a transaction."""
    payload = {"case": public_id, "decided_at": decided_at.isoformat()}
    key = f"case:{public_id}:{decided_at.timestamp()}"
    await outbox.put(merchant_id, CARRY_OUT_JOB, payload, run_at=effective_at, key=key)


async def undo_in_tx(merchant_id: UUID, public_id: str, actor: str, *, now: datetime) -> bool:
    """Take one's own answer back. False for an unknown case. Raises TooLateToUndo once it has taken effect, when its
    time is over, and for the answer of somebody else. A repeat changes nothing."""
    case = await lock_in_tx(merchant_id, public_id)
    if case is None:
        return False
    if case.state is CaseState.OPEN and case.decided_by == actor:
        return True
    in_time = case.effective_at is not None and now < case.effective_at
    if case.state is not CaseState.DECIDED or case.decided_by != actor or not in_time:
        raise TooLateToUndo(case.state)
    await reopen_in_tx(merchant_id, case, actor, "undone", now=now)
    await audit.record(actor, "case.undone", public_id, merchant_id=merchant_id, at=now)
    return True


_REOPEN: Final = """
UPDATE cases SET refused = $3, first_by = coalesce($4, first_by), first_at = coalesce($5, first_at),
                 effective_at = NULL
WHERE merchant_id = $1 AND id = $2
"""


async def reopen_in_tx(
    merchant_id: UUID, case: Locked, actor: str, why: Reopened, *, now: datetime, refused: str | None = None
) -> None:
    """A decided case waits again: its answer was taken back, is one of two, or could not be carried out (`refused`)."""
    await MACHINE.move(
        merchant_id,
        case.id,
        expected=CaseState.DECIDED,
        to=CaseState.OPEN,
        actor=actor,
        at=now,
        detail={"why": why},
    )
    first = why == "second"
    await db.execute(
        _REOPEN,
        merchant_id,
        case.id,
        refused,
        case.decided_by if first else None,
        case.decided_at if first else None,
    )


def needs_second(case: Locked, settings: ReviewSettings) -> bool:
    """Whether the answer of a decided case is the first of two: an approval above the shop's limit."""
    limit_minor = settings.second_above_minor
    return (
        case.answer == "approved"
        and case.first_by is None
        and not case.is_blind
        and limit_minor is not None
        and case.amount_minor > limit_minor
    )
