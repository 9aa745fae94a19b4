"""How often something may happen: exact sliding windows, counted in the database, shared by all processes.

A limit is a scope ("code.send.phone"), a subject in it (a phone, an address) and a number per seconds.
Subjects are stored as keyed digests alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.kernel import db, keys
from app.kernel.errors import Refusal

MAX_AT_MOST = 300
_PURPOSE = "limits"

# One row a subject, with the times of its allowed hits. A refusal is told by `infinity` at the end of the array;
# as a rule the refusal rolls the row back, and if someone commits it nevertheless, the next hit drops the mark.
# Hits from a future further away than the window itself were made under a moved sandbox clock and count no more.
# Sorted, so that two calls lock their rows in one order.
_TAKE = """
WITH asked AS (
    SELECT * FROM unnest($1::text[], $2::bytea[], $3::integer[], $4::interval[])
    AS a (scope, subject, at_most, per)
)
INSERT INTO limits AS l (scope, subject, hits)
SELECT scope, subject, ARRAY[$5::timestamptz] FROM asked ORDER BY scope, subject
ON CONFLICT (scope, subject) DO UPDATE SET hits = (
    SELECT kept.hits || CASE WHEN cardinality(kept.hits) < a.at_most THEN $5::timestamptz ELSE 'infinity' END
    FROM asked a, LATERAL (
        SELECT ARRAY(
            SELECT hit FROM unnest(l.hits) AS hit
            WHERE hit > $5 - a.per AND hit <= $5 + a.per
            ORDER BY hit
        ) AS hits
    ) AS kept
    WHERE a.scope = l.scope AND a.subject = l.subject
)
RETURNING scope, subject, hits[cardinality(hits)] = 'infinity' AS refused, (
    SELECT l.hits[cardinality(l.hits) - a.at_most] FROM asked a
    WHERE a.scope = l.scope AND a.subject = l.subject
) AS must_leave
"""


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `at_most` hits (1-300) of one subject in any `per_s` seconds."""

    scope: str
    subject: str
    at_most: int
    per_s: int

    def __post_init__(self) -> None:
        if not 1 <= self.at_most <= MAX_AT_MOST or self.per_s < 1:
            raise ValueError(f"limit {self.scope}: at most 1-{MAX_AT_MOST} hits in at least one second")


class LimitReached(Refusal):
    """Too often. `resets_in_s`: whole seconds until this exact request could be allowed."""

    code = "limit_reached"

    def __init__(self, scope: str, resets_in_s: int) -> None:
        super().__init__(scope, resets_in_s)
        self.scope = scope
        self.resets_in_s = resets_in_s


async def take(limits: Sequence[Limit], *, now: datetime) -> None:
    """Count one hit on every limit, all or none, in the current transaction and in one statement.

    Raises `LimitReached` for the limit with the longest wait; it must leave the transaction, whose rollback
    takes the hits back. The rows stay locked until the transaction ends, so take limits late or in a short
    transaction.
    """
    db.require_transaction("limits.take")
    asked = {(limit.scope, _digest(limit)): limit for limit in limits}
    if len(asked) != len(limits):
        raise ValueError("one subject stands twice in one scope")
    rows = await db.fetch_all(
        _TAKE,
        [scope for scope, _ in asked],
        [subject for _, subject in asked],
        [limit.at_most for limit in limits],
        [timedelta(seconds=limit.per_s) for limit in limits],
        now,
    )
    refused: list[LimitReached] = []
    for row in rows:
        if row["refused"]:
            limit = asked[row["scope"], row["subject"]]
            wait_s = (row["must_leave"] - now).total_seconds() + limit.per_s
            refused.append(LimitReached(limit.scope, max(1, math.ceil(wait_s))))
    if refused:
        raise max(refused, key=lambda refusal: refusal.resets_in_s)


async def give_back(scope: str, subject: str, *, taken_at: datetime) -> None:
    """Take back the hit of `taken_at`: what it counted did not happen after all. Inside a transaction."""
    digest = keys.process_keyring().mac(_PURPOSE, scope, subject)
    await db.execute(
        "UPDATE limits SET hits = array_remove(hits, $3) WHERE scope = $1 AND subject = $2",
        scope,
        digest,
        taken_at,
    )


async def forget(scope: str, subject: str) -> None:
    """Forget a subject's hits, as after a right code. Inside a transaction."""
    digest = keys.process_keyring().mac(_PURPOSE, scope, subject)
    await db.execute("DELETE FROM limits WHERE scope = $1 AND subject = $2", scope, digest)


async def forget_older_than(oldest: datetime, limit: int) -> int:
    """Delete up to `limit` subjects whose last hit is older; for the retention job. Returns how many."""
    status = await db.execute(
        "DELETE FROM limits WHERE (scope, subject) IN (SELECT scope, subject FROM limits WHERE NOT EXISTS"
        " (SELECT FROM unnest(hits) AS hit WHERE hit >= $1 AND hit < 'infinity')"
        " LIMIT $2 FOR UPDATE SKIP LOCKED)",
        oldest,
        limit,
    )
    return int(status.split()[-1])


def _digest(limit: Limit) -> bytes:
    return keys.process_keyring().mac(_PURPOSE, limit.scope, limit.subject)
