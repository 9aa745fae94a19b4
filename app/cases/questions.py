"""Reads of what shoppers were asked meanwhile, and said."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from app.kernel import db


@dataclass(frozen=True, slots=True)
class QuestionView:
    """One question and its answer. Both are personal data: they show in no representation, and are None once their
    time is over."""

    public_id: str
    asked_by: str
    asked_by_name: str | None
    asked_at: datetime
    question: str | None = field(repr=False)
    answer: str | None = field(repr=False)
    answered_at: datetime | None


_ALL: Final = """
SELECT q.public_id, q.asked_by, p.name AS asked_by_name, q.asked_at, q.question, q.answer, q.answered_at
FROM case_questions q
LEFT JOIN staff p ON p.merchant_id = q.merchant_id AND p.public_id = substr(q.asked_by, 7)
WHERE q.merchant_id = $1 AND q.case_id = $2 ORDER BY q.id
"""


async def questions_of(merchant_id: UUID, case_id: UUID) -> tuple[QuestionView, ...]:
    """What was asked in a case, in the order of asking."""
    return tuple(QuestionView(**dict(row.items())) for row in await db.fetch_all(_ALL, merchant_id, case_id))
