"""How a provider's method is doing, written down: by calls that were answered or not, and by probes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import structlog

from app.kernel import db
from app.payments.health import MethodHealth, after_failure, after_success, forget_kept_health
from app.payments.ports import ProviderMethod

PROBE_EVERY: Final = timedelta(seconds=60)
PROBE_EVERY_IN_TROUBLE: Final = timedelta(seconds=15)

_log = structlog.get_logger("payments")

_MAKE: Final = """
INSERT INTO method_health (method, state, since, failures, noted_at) VALUES ($1, 'up', $2, 0, $2)
ON CONFLICT (method) DO NOTHING
"""
_LOCK: Final = """
SELECT method, state, since, failures, reason FROM method_health WHERE method = $1 FOR UPDATE
"""
_WRITE: Final = """
UPDATE method_health SET state = $2, since = $3, failures = $4, reason = $5, noted_at = $6 WHERE method = $1
"""
_CLAIM: Final = """
INSERT INTO method_health AS h (method, state, since, failures, noted_at, probed_at) VALUES ($1, 'up', $2, 0, $2, $2)
ON CONFLICT (method) DO UPDATE SET probed_at = excluded.probed_at, noted_at = excluded.noted_at
WHERE h.probed_at IS NULL
   OR h.probed_at <= $2 - CASE WHEN h.state = 'up' AND h.failures = 0 THEN $3::interval ELSE $4::interval END
RETURNING true
"""


async def note_failure(method: ProviderMethod, reason: str, wall: datetime) -> MethodHealth:
    """A call that nobody answered. One transaction."""
    return await _note(method, lambda before: after_failure(before, reason, wall), wall)


async def note_success(method: ProviderMethod, wall: datetime) -> MethodHealth:
    """A call that was answered, be it with a refusal. One transaction; needless while nothing has failed."""
    return await _note(method, lambda before: after_success(before, wall), wall)


async def claim_probe(method: ProviderMethod, wall: datetime) -> bool:
    """Whether it is time for a probe, and the caller is the one to make it: of all workers exactly one. One
    transaction."""

    async def claim() -> bool:
        claimed = await db.fetch_value(_CLAIM, method, wall, PROBE_EVERY, PROBE_EVERY_IN_TROUBLE)
        return claimed is True

    return await db.in_tx(claim)


async def _note(
    method: ProviderMethod, follows: Callable[[MethodHealth], MethodHealth], wall: datetime
) -> MethodHealth:
    async def change() -> tuple[MethodHealth, MethodHealth]:
        await db.execute(_MAKE, method, wall)
        row = await db.fetch_one(_LOCK, method)
        assert row is not None, "made just now, and never deleted"
        before = MethodHealth(**row)
        after = follows(before)
        if after != before:
            await db.execute(_WRITE, method, after.state, after.since, after.failures, after.reason, wall)
        return before, after

    before, after = await db.in_tx(change)
    forget_kept_health()
    if before.state != after.state:
        _log.warning("method_health", method=method, was=before.state, now=after.state, reason=after.reason)
    return after
