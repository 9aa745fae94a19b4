"""What came of a decision, written down when it is known: models learn from it, and figures are made of it."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from app.kernel import db, ids

Source = Literal["reviewer", "blind", "unpaid", "refund"]

_LABEL: Final = """
INSERT INTO risk_labels (merchant_id, id, decision_id, at, source, is_bad)
SELECT $1, $3, id, $4, $5, $6 FROM risk_decisions WHERE merchant_id = $1 AND session_id = $2
ORDER BY at DESC, id DESC LIMIT 1
ON CONFLICT (merchant_id, decision_id, source) DO NOTHING
"""


async def label_in_tx(
    merchant_id: UUID, session_id: UUID, source: Source, *, is_bad: bool, now: datetime
) -> bool:
    """Write down what came of a session's newest decision. In a transaction. False where none was made, or the same
    source has said its word before: the first stays."""
    db.require_transaction("label_in_tx")
    status = await db.execute(_LABEL, merchant_id, session_id, ids.internal_id(), now, source, is_bad)
    return status == "INSERT 0 1"
