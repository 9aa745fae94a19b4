"""Who works on a case: it is taken for a time, kept by a heartbeat, let go, handed over, or put to rest for a while.

A lease ends by wall time, so a reviewer whose browser is gone frees the case without doing anything. Each verb is one
transaction that locks the case alone, and a line in the audit.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID

from app.cases.errors import CaseClosed, CaseTaken, NoTimeToRest
from app.cases.rules import snoozed_until
from app.cases.states import CaseState
from app.kernel import audit, db, ids

LEASE: Final = timedelta(minutes=2)
HEARTBEAT_S: Final = 30


@dataclass(frozen=True, slots=True)
class Locked:
    """A case that the caller's transaction holds."""

    id: UUID
    public_id: str
    kind: str
    state: CaseState
    is_blind: bool
    amount_minor: int
    currency: str
    due_at: datetime
    session_id: UUID
    taken_by: str | None
    taken_until: datetime | None
    answer: str | None
    decided_by: str | None
    decided_at: datetime | None
    effective_at: datetime | None
    first_by: str | None

    def is_taken_by_another(self, actor: str, wall: datetime) -> bool:
        return (
            self.taken_by is not None
            and self.taken_by != actor
            and self.taken_until is not None
            and self.taken_until > wall
        )


_LOCK: Final = """
SELECT id, public_id, kind, state, is_blind, amount_minor, currency, due_at, session_id, taken_by, taken_until, answer,
       decided_by, decided_at, effective_at, first_by
FROM cases WHERE merchant_id = $1 AND public_id = $2 AND session_id IS NOT NULL FOR UPDATE
"""


async def lock_in_tx(merchant_id: UUID, public_id: str) -> Locked | None:
    """A merchant's case that a session is about, held until the transaction ends; None for a foreign or unknown one."""
    if not ids.is_public_id("case", public_id):
        return None
    row = await db.fetch_one(_LOCK, merchant_id, public_id)
    return None if row is None else Locked(**{**dict(row.items()), "state": CaseState(row["state"])})


async def free_to_work_in_tx(merchant_id: UUID, public_id: str, actor: str, wall: datetime) -> Locked | None:
    """An open case that nobody else works on, held; None for an unknown one. Raises CaseClosed, CaseTaken."""
    case = await lock_in_tx(merchant_id, public_id)
    if case is None:
        return None
    if case.state is not CaseState.OPEN:
        raise CaseClosed(case.state)
    if case.is_taken_by_another(actor, wall):
        raise CaseTaken(case.taken_by or "")
    return case


_TAKE: Final = """
UPDATE cases SET taken_by = $3, taken_until = $4, first_taken_at = coalesce(first_taken_at, $5)
WHERE merchant_id = $1 AND id = $2
"""


async def take(merchant_id: UUID, public_id: str, actor: str, *, wall: datetime, now: datetime) -> bool:
    """Take a case, or keep the one that is taken: a heartbeat is a take. False for an unknown case.

    Raises CaseClosed, CaseTaken.
    """

    async def write() -> bool:
        case = await free_to_work_in_tx(merchant_id, public_id, actor, wall)
        if case is None:
            return False
        keeps = case.taken_by == actor and case.taken_until is not None and case.taken_until > wall
        await db.execute(_TAKE, merchant_id, case.id, actor, wall + LEASE, wall)
        if not keeps:
            await audit.record(actor, "case.taken", public_id, merchant_id=merchant_id, at=now)
        return True

    return await db.in_tx(write)


async def release(merchant_id: UUID, public_id: str, actor: str, *, now: datetime) -> bool:
    """Let a case go; nothing happens to one that is somebody else's. False for an unknown case."""

    async def write() -> bool:
        case = await lock_in_tx(merchant_id, public_id)
        if case is None:
            return False
        if case.taken_by == actor:
            await _let_go(merchant_id, case.id)
            await audit.record(actor, "case.released", public_id, merchant_id=merchant_id, at=now)
        return True

    return await db.in_tx(write)


async def _let_go(merchant_id: UUID, case_id: UUID) -> None:
    await db.execute(
        "UPDATE cases SET taken_by = NULL, taken_until = NULL WHERE merchant_id = $1 AND id = $2",
        merchant_id,
        case_id,
    )


async def hand_over(
    merchant_id: UUID, public_id: str, actor: str, to: str, *, wall: datetime, now: datetime
) -> bool:
    """Ask a colleague (`to`: their actor) to decide. The case is free for everybody, and marked for them. False for an
    unknown case. Raises CaseClosed, CaseTaken."""

    async def write() -> bool:
        case = await free_to_work_in_tx(merchant_id, public_id, actor, wall)
        if case is None:
            return False
        await _let_go(merchant_id, case.id)
        await db.execute(
            "UPDATE cases SET assigned_to = $3, snoozed_until = NULL WHERE merchant_id = $1 AND id = $2",
            merchant_id,
            case.id,
            to,
        )
        detail = {"to": to}
        await audit.record(
            actor, "case.handed_over", public_id, merchant_id=merchant_id, at=now, detail=detail
        )
        return True

    return await db.in_tx(write)


async def snooze(
    merchant_id: UUID, public_id: str, actor: str, wanted: timedelta, *, wall: datetime, now: datetime
) -> datetime | None:
    """Put a case to rest, never past its deadline; answers until when, None for an unknown case.

    Raises CaseClosed, CaseTaken, NoTimeToRest.
    """

    async def write() -> datetime | None:
        case = await free_to_work_in_tx(merchant_id, public_id, actor, wall)
        if case is None:
            return None
        until = snoozed_until(now, wanted, case.due_at)
        if until <= now:
            raise NoTimeToRest
        await _let_go(merchant_id, case.id)
        await _rest(merchant_id, case.id, until)
        await audit.record(actor, "case.snoozed", public_id, merchant_id=merchant_id, at=now)
        return until

    return await db.in_tx(write)


async def wake(merchant_id: UUID, public_id: str, actor: str, *, now: datetime) -> bool:
    """End a rest early. False for an unknown case."""
    return await db.in_tx(partial(_wake, merchant_id, public_id, actor, now))


async def _wake(merchant_id: UUID, public_id: str, actor: str, now: datetime) -> bool:
    case = await lock_in_tx(merchant_id, public_id)
    if case is None:
        return False
    await _rest(merchant_id, case.id, None)
    await audit.record(actor, "case.woken", public_id, merchant_id=merchant_id, at=now)
    return True


async def _rest(merchant_id: UUID, case_id: UUID, until: datetime | None) -> None:
    await db.execute(
        "UPDATE cases SET snoozed_until = $3 WHERE merchant_id = $1 AND id = $2", merchant_id, case_id, until
    )
