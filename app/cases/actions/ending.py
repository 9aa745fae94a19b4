"""A case ends: by an answer that takes effect, without one, or by the clock. Whoever comes second is told."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID

from app.cases.errors import CaseClosed
from app.cases.states import MACHINE, WAITING, CaseState
from app.kernel import db, ids

CONTACT_KEPT: Final = timedelta(days=30)
QUESTIONS_KEPT: Final = timedelta(days=400)

_LOCK: Final = "SELECT state FROM cases WHERE merchant_id = $1 AND id = $2 FOR UPDATE"


async def resolve(
    merchant_id: UUID,
    case_id: UUID,
    to: CaseState,
    *,
    actor: str,
    note: str | None,
    now: datetime,
    kept_for_id: UUID | None = None,
) -> None:
    """End a case; one about money that is kept names the order it is kept for. In a transaction. Raises CaseClosed when
    it has ended already."""
    state = CaseState(await db.fetch_value(_LOCK, merchant_id, case_id))
    if state not in WAITING:
        raise CaseClosed(state)
    await _end(merchant_id, case_id, state, to, actor=actor, note=note, now=now, kept_for_id=kept_for_id)


_OF_DISPUTE: Final = """
SELECT id FROM cases WHERE merchant_id = $1 AND dispute_id = $2 AND state = 'open' FOR UPDATE
"""


async def close_of_dispute(
    merchant_id: UUID, dispute_id: UUID, *, kept_for_id: UUID | None, actor: str, now: datetime
) -> None:
    """The bank has decided: the money is kept for its order, or has gone back. In a transaction that holds the payment;
    nothing where no case waits."""
    case_id = await db.fetch_value(_OF_DISPUTE, merchant_id, dispute_id)
    if case_id is None:
        return
    to = CaseState.RETURNED if kept_for_id is None else CaseState.KEPT
    await _end(
        merchant_id, case_id, CaseState.OPEN, to, actor=actor, note=None, now=now, kept_for_id=kept_for_id
    )


_LOCK_OF_SESSION: Final = """
SELECT id, public_id, state, note FROM cases
WHERE merchant_id = $1 AND session_id = $2 AND state IN ('open', 'decided') AND NOT is_blind FOR UPDATE
"""


async def close_of_session(
    merchant_id: UUID, session_id: UUID, to: CaseState, *, actor: str, now: datetime
) -> str | None:
    """End the case that a session waits for, without its answer or before that took effect; answers its public id, or
    None when it has none. In a transaction that holds the session."""
    row = await db.fetch_one(_LOCK_OF_SESSION, merchant_id, session_id)
    if row is None:
        return None
    state = CaseState(row["state"])
    await _end(merchant_id, row["id"], state, to, actor=actor, note=row["note"], now=now)
    public_id: str = row["public_id"]
    return public_id


# One statement for what `CHECK`s tie together; the machine's own could not set the rest.
_END: Final = """
WITH moved AS (
    UPDATE cases SET state = $3, resolved_at = $4, resolved_by = $5, note = $6, kept_for_id = $9,
                     taken_by = NULL, taken_until = NULL
    WHERE merchant_id = $1 AND id = $2 AND state = $10 RETURNING id
)
INSERT INTO case_history (merchant_id, id, subject_id, from_state, to_state, event, actor, at, detail)
SELECT $1, $7, id, $10, $3, $8, $5, $4, '{}' FROM moved
"""


async def _end(
    merchant_id: UUID,
    case_id: UUID,
    before: CaseState,
    to: CaseState,
    *,
    actor: str,
    note: str | None,
    now: datetime,
    kept_for_id: UUID | None = None,
) -> None:
    event = MACHINE.event(before, to)
    status = await db.execute(
        _END, merchant_id, case_id, to.value, now, actor, note, ids.internal_id(), event, kept_for_id, before
    )
    assert status == "INSERT 0 1", "the caller holds the case"


async def reach_by_email(merchant_id: UUID, session_id: UUID, email: str) -> bool:
    """The shopper says where the answer shall go. In a transaction. False when no case waits."""
    status = await db.execute(
        "UPDATE cases SET email = $3 WHERE merchant_id = $1 AND session_id = $2"
        " AND state IN ('open', 'decided')",
        merchant_id,
        session_id,
        email,
    )
    return status == "UPDATE 1"


# What was said in a case stays as long as the decision's facts; how to reach the person goes sooner.
_FORGET: Final = """
UPDATE cases SET name = NULL, phone = NULL, email = NULL, checked_name = NULL, forgotten_at = $1
WHERE (merchant_id, id) IN (
    SELECT merchant_id, id FROM cases WHERE resolved_at < $2 AND forgotten_at IS NULL ORDER BY resolved_at LIMIT $3
)
"""


async def forget_reach(now: datetime, at_most: int) -> int:
    """Take away how to reach people whose case ended thirty days ago. In a transaction. Answers how many."""
    status = await db.execute(_FORGET, now, now - CONTACT_KEPT, at_most)
    return int(status.split()[-1])


_FORGET_SAID: Final = """
UPDATE case_questions SET question = NULL, answer = NULL
WHERE (merchant_id, id) IN (
    SELECT merchant_id, id FROM case_questions
    WHERE asked_at < $1 AND question IS NOT NULL ORDER BY asked_at LIMIT $2
)
"""


async def forget_questions(now: datetime, at_most: int) -> int:
    """Take away what shoppers were asked more than QUESTIONS_KEPT ago, and said. In a transaction. Answers how many."""
    status = await db.execute(_FORGET_SAID, now - QUESTIONS_KEPT, at_most)
    return int(status.split()[-1])


async def lapse_blind(now: datetime, limit: int) -> int:
    """End samples that nobody looked at in time. Answers how many."""
    rows = await db.fetch_all(
        "SELECT merchant_id, id FROM cases WHERE is_blind AND state = 'open' AND due_at <= $1 ORDER BY due_at LIMIT $2",
        now,
        limit,
    )
    lapsed = 0
    for row in rows:
        lapsed += await db.in_tx(partial(_lapse, row["merchant_id"], row["id"], now))
    return lapsed


async def _lapse(merchant_id: UUID, case_id: UUID, now: datetime) -> bool:
    if await db.fetch_value(_LOCK, merchant_id, case_id) != CaseState.OPEN:
        return False
    await _end(merchant_id, case_id, CaseState.OPEN, CaseState.LAPSED, actor="clock", note=None, now=now)
    return True
