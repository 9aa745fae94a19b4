"""Whoever reviews asks the shopper, and the shopper answers on the page on which they wait. One question at a time."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from app.cases.actions.taking import free_to_work_in_tx
from app.cases.errors import AskedEnough
from app.cases.rules import QUESTIONS_MAX, text_of
from app.kernel import audit, db, ids

_ASK: Final = """
INSERT INTO case_questions (merchant_id, id, public_id, case_id, asked_by, asked_at, question)
SELECT $1, $2, $3, $4, $5, $6, $7
WHERE (SELECT count(*) FILTER (WHERE answered_at IS NULL) = 0 AND count(*) < $8
       FROM case_questions WHERE merchant_id = $1 AND case_id = $4)
"""


async def ask_in_tx(
    merchant_id: UUID, public_id: str, actor: str, text: str, *, wall: datetime, now: datetime
) -> str | None:
    """Ask the shopper; answers the question's public id, None for an unknown case. In a transaction.

    Raises TextRefused, CaseClosed, CaseTaken, AskedEnough.
    """
    question = text_of(text, required=True)
    case = await free_to_work_in_tx(merchant_id, public_id, actor, wall)
    if case is None:
        return None
    if case.is_blind:
        # The order is paid, and whoever bought it waits for nothing.
        raise AskedEnough
    asked = ids.public_id("ask")
    status = await db.execute(
        _ASK, merchant_id, ids.internal_id(), asked, case.id, actor, now, question, QUESTIONS_MAX
    )
    if status != "INSERT 0 1":
        raise AskedEnough
    await audit.record(actor, "case.asked", public_id, merchant_id=merchant_id, at=now)
    return asked


_ANSWER: Final = """
UPDATE case_questions q SET answer = $4, answered_at = $5
FROM cases c
WHERE c.merchant_id = $1 AND c.session_id = $2 AND c.state = 'open' AND NOT c.is_blind
  AND q.merchant_id = c.merchant_id AND q.case_id = c.id AND q.public_id = $3 AND q.answered_at IS NULL
RETURNING c.id
"""


async def answer_in_tx(
    merchant_id: UUID, session_id: UUID, question: str, text: str, *, now: datetime
) -> bool:
    """The shopper answers; a case that rests wakes. In a transaction that holds the session. False when nothing waits
    for this answer: it was given before, or the case has ended. Raises TextRefused."""
    said = text_of(text, required=True)
    case_id = await db.fetch_value(_ANSWER, merchant_id, session_id, question, said, now)
    if case_id is None:
        return False
    await db.execute(
        "UPDATE cases SET snoozed_until = NULL WHERE merchant_id = $1 AND id = $2", merchant_id, case_id
    )
    return True
