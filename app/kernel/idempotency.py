"""One effect per key. The claim is a row in the transaction of the effects: both stand, or neither does.

A caller claims first. On `Replay` it answers with what is stored, byte for byte; on `Fresh` it does the work
and calls `remember` with the answer.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.kernel import clock, db
from app.kernel.errors import Refusal

MAX_KEY_CHARACTERS = 255

# The advisory lock is held until the first transaction ends. Without it a twin would wait on the unique index
# for as long as the first one runs; with it the twin learns at once that somebody is at work.
_CLAIM = """
INSERT INTO idempotency_keys (merchant_id, scope, key, request_digest, created_at)
SELECT $1, $2, $3, $4, $5 WHERE pg_try_advisory_xact_lock($6)
ON CONFLICT DO NOTHING
RETURNING true
"""


class KeyReused(Refusal):
    """The key was used before, with another request."""

    code = "idempotency_key_reused"


class StillRunning(Refusal):
    """The first request with this key has not ended yet."""

    code = "in_progress"


@dataclass(frozen=True, slots=True)
class Fresh:
    """The key is ours: do the work and `remember` its answer in this transaction."""


@dataclass(frozen=True, slots=True)
class Replay:
    """The work was done: this was its answer."""

    status: int
    body: bytes
    content_type: str


async def claim(merchant_id: UUID, scope: str, key: str, request_digest: bytes) -> Fresh | Replay:
    """Claim `key` (1-255 characters) for a request with this digest. Never waits for a running twin.

    One statement when the key is fresh, two otherwise. Raises `KeyReused` or `StillRunning`.
    """
    db.require_transaction("idempotency.claim")
    assert 1 <= len(key) <= MAX_KEY_CHARACTERS, "the web layer checks the key's length"
    lock = _lock_number(merchant_id, scope, key)
    if await db.fetch_value(_CLAIM, merchant_id, scope, key, request_digest, clock.wall(), lock):
        return Fresh()
    stored = await db.fetch_one(
        "SELECT request_digest, status, body, content_type FROM idempotency_keys"
        " WHERE merchant_id = $1 AND scope = $2 AND key = $3",
        merchant_id,
        scope,
        key,
    )
    if stored is None:
        raise StillRunning
    if stored["request_digest"] != request_digest:
        raise KeyReused
    if stored["status"] is None:
        raise StillRunning
    return Replay(stored["status"], stored["body"], stored["content_type"])


async def remember(
    merchant_id: UUID, scope: str, key: str, *, status: int, body: bytes, content_type: str
) -> None:
    """Store the answer of the request that claimed the key, in the claim's transaction."""
    updated = await db.execute(
        "UPDATE idempotency_keys SET status = $4, body = $5, content_type = $6"
        " WHERE merchant_id = $1 AND scope = $2 AND key = $3 AND status IS NULL",
        merchant_id,
        scope,
        key,
        status,
        body,
        content_type,
    )
    assert updated == "UPDATE 1", "remember follows a fresh claim in the same transaction"


async def forget_older_than(oldest: datetime, limit: int) -> int:
    """Delete up to `limit` keys claimed before `oldest` (wall time); for the retention job. Returns how many."""
    status = await db.execute(
        "DELETE FROM idempotency_keys WHERE (merchant_id, scope, key) IN"
        " (SELECT merchant_id, scope, key FROM idempotency_keys WHERE created_at < $1"
        " ORDER BY created_at LIMIT $2)",
        oldest,
        limit,
    )
    return int(status.split()[-1])


def _lock_number(merchant_id: UUID, scope: str, key: str) -> int:
    """64 bits of the key's digest. Two keys that share them would merely not run at the same time."""
    digest = hashlib.blake2b(f"{merchant_id}\0{scope}\0{key}".encode(), digest_size=8, person=b"idempotency")
    return int.from_bytes(digest.digest(), "big", signed=True)
