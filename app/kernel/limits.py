"""How often something may happen: counted in the database, shared by all processes.

A limit is a scope ("code.phone.day"), a subject in it (a phone, an address) and a number per seconds, over an exact
sliding window. A budget is the same for large numbers, over fixed windows. Subjects are stored as keyed digests alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from app.kernel import db, keys
from app.kernel.errors import Refusal

MAX_AT_MOST = 300
_PURPOSE = "limits"

# One row a subject, with the times of its allowed hits. A refusal is told by `infinity` at the end of the array;
# as a rule the refusal rolls the row back, and if someone commits it nevertheless, the next hit drops the mark.
# Hits from a future further away than the window itself were made under a moved sandbox clock and count no more.
# Sorted, so that two calls lock their rows in one order: first the limits, then the budgets.
_TAKE = """
WITH asked AS (
    SELECT * FROM unnest($1::text[], $2::bytea[], $3::integer[], $4::interval[])
    AS a (scope, subject, at_most, per)
), hit AS (
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
), spent AS (
    INSERT INTO budgets AS b (scope, subject, starts_at, used)
    SELECT scope, subject, starts_at, 1 FROM unnest($6::text[], $7::bytea[], $8::timestamptz[])
    AS a (scope, subject, starts_at) ORDER BY scope, subject
    ON CONFLICT (scope, subject, starts_at) DO UPDATE SET used = b.used + 1
    RETURNING scope, subject, used
)
SELECT scope, subject, refused, must_leave, NULL::bigint AS used FROM hit
UNION ALL SELECT scope, subject, NULL, NULL, used FROM spent
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


@dataclass(frozen=True, slots=True)
class Budget:
    """At most `at_most` uses of one subject in each window of `per_s` seconds, counted from midnight UTC."""

    scope: str
    subject: str
    at_most: int
    per_s: int

    def starts_at(self, now: datetime) -> datetime:
        seconds = int(now.timestamp())
        return datetime.fromtimestamp(seconds - seconds % self.per_s, tz=UTC)


class LimitReached(Refusal):
    """Too often. `resets_in_s`: whole seconds until this exact request could be allowed."""

    code = "limit_reached"

    def __init__(self, scope: str, resets_in_s: int) -> None:
        super().__init__(scope, resets_in_s)
        self.scope = scope
        self.resets_in_s = resets_in_s


async def take(limits: Sequence[Limit], budgets: Sequence[Budget] = (), *, now: datetime) -> None:
    """Count one hit on every limit and budget, all or none, in the current transaction and in one statement.

    Raises `LimitReached` for the one with the longest wait; it must leave the transaction, whose rollback
    takes the hits back. The rows stay locked until the transaction ends, so take limits late or in a short
    transaction.
    """
    db.require_transaction("limits.take")
    asked = {(limit.scope, _digest(limit)): limit for limit in limits}
    spending = {(budget.scope, _digest(budget)): budget for budget in budgets}
    if len(asked) != len(limits) or len(spending) != len(budgets):
        raise ValueError("one subject stands twice in one scope")
    rows = await db.fetch_all(
        _TAKE,
        [scope for scope, _ in asked],
        [subject for _, subject in asked],
        [limit.at_most for limit in limits],
        [timedelta(seconds=limit.per_s) for limit in limits],
        now,
        [scope for scope, _ in spending],
        [subject for _, subject in spending],
        [budget.starts_at(now) for budget in budgets],
    )
    refused: list[LimitReached] = []
    for row in rows:
        key = row["scope"], row["subject"]
        if row["used"] is not None:
            budget = spending[key]
            if row["used"] > budget.at_most:
                ends_at = budget.starts_at(now) + timedelta(seconds=budget.per_s)
                refused.append(_reached(budget.scope, ends_at - now))
        elif row["refused"]:
            limit = asked[key]
            refused.append(_reached(limit.scope, row["must_leave"] - now + timedelta(seconds=limit.per_s)))
    if refused:
        raise max(refused, key=lambda refusal: refusal.resets_in_s)


def _reached(scope: str, wait: timedelta) -> LimitReached:
    return LimitReached(scope, max(1, math.ceil(wait.total_seconds())))


# Of the hits in the window only the newest are kept: whether the limit is reached is all that they are asked.
_NOTE = """
WITH asked AS (
    SELECT * FROM unnest($1::text[], $2::bytea[], $3::integer[], $4::interval[])
    AS a (scope, subject, at_most, per)
)
INSERT INTO limits AS l (scope, subject, hits)
SELECT scope, subject, ARRAY[$5::timestamptz] FROM asked ORDER BY scope, subject
ON CONFLICT (scope, subject) DO UPDATE SET hits = (
    SELECT ARRAY(
        SELECT hit FROM unnest(l.hits || $5::timestamptz) AS hit
        WHERE hit > $5 - a.per AND hit <= $5 + a.per
        ORDER BY hit DESC LIMIT a.at_most
    ) FROM asked a WHERE a.scope = l.scope AND a.subject = l.subject
)
"""

# Which limits have no room for another hit, the longest wait first: a part of a verb's own query, so that looking costs
# nothing. Counts and locks nothing. Parameters 1-5 are `asked_full`.
FULL_SQL: Final = """
SELECT a.scope, a.per, full_since.hit FROM unnest($1::text[], $2::bytea[], $3::integer[], $4::interval[])
AS a (scope, subject, at_most, per)
JOIN limits l ON l.scope = a.scope AND l.subject = a.subject
CROSS JOIN LATERAL (
    SELECT hit FROM unnest(l.hits) AS hit WHERE hit > $5::timestamptz - a.per AND hit <= $5 + a.per
    ORDER BY hit DESC OFFSET a.at_most - 1 LIMIT 1
) AS full_since
ORDER BY full_since.hit + a.per DESC
"""


async def note(limits: Sequence[Limit], *, now: datetime) -> None:
    """Count something that has happened already, and refuse nothing: readers of `FULL_SQL` do. In a transaction."""
    await db.execute(_NOTE, *asked_full(limits, now))


def full(scope: str, per: timedelta, since: datetime, now: datetime) -> LimitReached:
    """What a row of `FULL_SQL` means: this limit has no room for another hit until its window has moved on."""
    return _reached(scope, since + per - now)


def asked_full(limits: Sequence[Limit], now: datetime) -> tuple[object, ...]:
    return (
        [limit.scope for limit in limits],
        [_digest(limit) for limit in limits],
        [limit.at_most for limit in limits],
        [timedelta(seconds=limit.per_s) for limit in limits],
        now,
    )


# Locked in the order in which they are taken. Parameters 1-3 are `asked_back`.
GIVE_BACK_SQL: Final = """
UPDATE limits l SET hits = array_remove(l.hits, $3)
FROM (
    SELECT k.scope, k.subject FROM unnest($1::text[], $2::bytea[]) AS a (scope, subject)
    JOIN limits k ON k.scope = a.scope AND k.subject = a.subject
    ORDER BY k.scope, k.subject FOR UPDATE OF k
) AS held
WHERE l.scope = held.scope AND l.subject = held.subject
"""


async def give_back(limits: Sequence[Limit], *, taken_at: datetime) -> None:
    """Take back the hits of `taken_at`: what they counted did not happen after all. Inside a transaction."""
    await db.execute(GIVE_BACK_SQL, *asked_back(limits, taken_at))


def asked_back(limits: Sequence[Limit], taken_at: datetime) -> tuple[object, ...]:
    return ([limit.scope for limit in limits], [_digest(limit) for limit in limits], taken_at)


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


async def forget_budgets(oldest: datetime, limit: int) -> int:
    """Delete up to `limit` windows that began before `oldest`; for the retention job. Returns how many."""
    status = await db.execute(
        "DELETE FROM budgets WHERE (scope, subject, starts_at) IN"
        " (SELECT scope, subject, starts_at FROM budgets WHERE starts_at < $1 LIMIT $2)",
        oldest,
        limit,
    )
    return int(status.split()[-1])


def _digest(limit: Limit | Budget) -> bytes:
    return keys.process_keyring().mac(_PURPOSE, limit.scope, limit.subject)
