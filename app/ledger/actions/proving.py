"""What was proven when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from app.kernel import db
from app.ledger.proof import Span

# Two proofs at once may cover the same seals: the mark never goes back.
_MARK: Final = """
INSERT INTO book_proof_marks AS k (merchant_id, seal_number, proven_at)
SELECT merchant_id, through, $3 FROM unnest($1::uuid[], $2::bigint[]) AS s (merchant_id, through) ORDER BY merchant_id
ON CONFLICT (merchant_id) DO UPDATE
    SET seal_number = greatest(k.seal_number, EXCLUDED.seal_number), proven_at = EXCLUDED.proven_at
"""


async def mark_proven(spans: Sequence[Span], now: datetime) -> None:
    """These seals need no other look."""
    await db.execute(_MARK, [span.merchant_id for span in spans], [span.through for span in spans], now)


async def note_proof(
    proof_id: UUID,
    kind: Literal["full", "new"],
    *,
    violations: int,
    transfers: int,
    took_ms: int,
    now: datetime,
) -> None:
    """A proof came to its end. Its id was made when it began."""
    await db.execute(
        """INSERT INTO book_proofs (id, kind, violations, transfer_count, took_ms, proven_at)
           VALUES ($1, $2, $3, $4, $5, $6)""",
        proof_id,
        kind,
        violations,
        transfers,
        took_ms,
        now,
    )
