"""What came of a decision, written down when it is known: models learn from it, and figures are made of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from app.kernel import db, ids

Source = Literal["reviewer", "blind", "unpaid", "refund", "dispute"]

_LABEL: Final = """
INSERT INTO risk_labels (merchant_id, id, decision_id, at, source, is_bad)
SELECT $1, $3, id, $4, $5, $6 FROM risk_decisions WHERE merchant_id = $1 AND session_id = $2
ORDER BY at DESC, id DESC LIMIT 1
ON CONFLICT (merchant_id, decision_id, source) DO NOTHING
"""


_LABEL_ORDER: Final = """
INSERT INTO risk_labels (merchant_id, id, decision_id, at, source, is_bad)
SELECT $1, $3, id, $4, $5, $6 FROM risk_decisions WHERE merchant_id = $1 AND order_id = $2
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


async def label_order_in_tx(
    merchant_id: UUID, order_id: UUID, source: Source, *, is_bad: bool, now: datetime
) -> bool:
    """As `label_in_tx`, of the newest decision about an order."""
    db.require_transaction("label_order_in_tx")
    status = await db.execute(_LABEL_ORDER, merchant_id, order_id, ids.internal_id(), now, source, is_bad)
    return status == "INSERT 0 1"


_LABEL_MANY: Final = """
INSERT INTO risk_labels (merchant_id, id, decision_id, at, source, is_bad)
SELECT $1, label_id, decision_id, $4, 'unpaid', $5 FROM unnest($2::uuid[], $3::uuid[]) AS t (label_id, decision_id)
ON CONFLICT (merchant_id, decision_id, source) DO NOTHING
"""


async def label_paying_in_tx(
    merchant_id: UUID, decisions: Sequence[UUID], *, is_bad: bool, now: datetime
) -> int:
    """Write down of these decisions whether their orders were left unpaid. In a transaction. Answers of how many it was
    not known yet."""
    db.require_transaction("label_paying_in_tx")
    new = [ids.internal_id() for _ in decisions]
    status = await db.execute(_LABEL_MANY, merchant_id, new, list(decisions), now, is_bad)
    return int(status.split()[-1])
