"""Seals: every minute what was committed since is chained, so that no posting of before can change unseen.

A payment leaves a row in `ledger_unsealed` with its transfer and never waits for a seal. Sealing takes those rows away
by DELETE, so it sees committed transfers only, and whichever commits later comes under a later seal.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from app.kernel import db
from app.ledger.proof import CHAIN, DIGEST

# Any number the whole program uses for nothing else.
_LOCK_NUMBER: Final = 5_006_018
_LOCK: Final = "SELECT pg_try_advisory_xact_lock($1)"

_SEAL: Final = f"""
WITH taken AS (
    DELETE FROM ledger_unsealed WHERE (merchant_id, transfer_id) IN (
        SELECT merchant_id, transfer_id FROM ledger_unsealed ORDER BY merchant_id, transfer_id LIMIT $1)
    RETURNING merchant_id, transfer_id
), head AS (
    SELECT m.merchant_id, coalesce(s.number, 0) + 1 AS number, s.digest AS previous
    FROM (SELECT DISTINCT merchant_id FROM taken) m
    LEFT JOIN LATERAL (
        SELECT number, digest FROM ledger_seals WHERE merchant_id = m.merchant_id
        ORDER BY number DESC LIMIT 1) s ON true
), covered AS (
    SELECT merchant_id, transfer_id, head.number AS seal_number,
           (row_number() OVER (PARTITION BY merchant_id ORDER BY transfer_id))::integer AS position
    FROM taken JOIN head USING (merchant_id)
), {CHAIN}, seal AS (
    INSERT INTO ledger_seals (merchant_id, number, previous_digest, digest, transfer_count, posting_count, sealed_at)
    SELECT head.merchant_id, head.number, head.previous,
           {DIGEST.format(merchant_id="head.merchant_id", number="head.number", previous="head.previous")},
           content.transfers, content.postings, $2
    FROM head JOIN content ON content.merchant_id = head.merchant_id
), placed AS (
    INSERT INTO ledger_sealed (merchant_id, transfer_id, seal_number, position)
    SELECT merchant_id, transfer_id, seal_number, position FROM covered
)
SELECT count(*) FROM taken
"""


async def seal(now: datetime, limit: int) -> int:
    """Seal up to `limit` transfers, in a transaction of its own; answers how many. One worker at a time: another that
    comes meanwhile finds nothing to do."""
    return await db.in_tx(lambda: _seal(now, limit))


async def _seal(now: datetime, limit: int) -> int:
    if not await db.fetch_value(_LOCK, _LOCK_NUMBER):
        return 0
    sealed = await db.fetch_value(_SEAL, limit, now)
    assert isinstance(sealed, int)
    return sealed
