"""Side effects to come: events and jobs, written in the transaction that causes them, done by a worker.

Two times meet here. `run_at` is business time, so that moving the sandbox's clock moves retries; the end of a
lease is wall time, so that moving the clock never hands one job to two workers. What is shown to people (a
try's start and end) is business time.

A job is done at least once. A worker that dies keeps its lease until `leased_until`; the next claim takes the
job over and leaves a row for the try that never ended.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from app.kernel import clock, db, ids

CHANNEL = "outbox"
EVENT_KIND = "event"
MAX_DETAIL_CHARACTERS = 2000

_EMIT = """
WITH event AS (
    INSERT INTO events (merchant_id, id, public_id, type, data, created_at) VALUES ($1, $2, $3, $4, $5, $6)
)
INSERT INTO outbox (merchant_id, id, kind, payload, about, key, run_at, created_at)
VALUES ($1, $7, $8, $9, $10, $3, $6, $6)
"""

# Without a time of its own a job is due at once, on the business clock as it stands.
_PUT = """
WITH clock AS (
    SELECT $8::timestamptz + make_interval(secs => coalesce((SELECT offset_s FROM business_clock), 0)) AS now
)
INSERT INTO outbox (merchant_id, id, kind, payload, about, key, run_at, created_at)
SELECT $1, $2, $3, $4, $5, $6, coalesce($7::timestamptz, clock.now), clock.now FROM clock
ON CONFLICT (merchant_id, key) DO NOTHING
RETURNING id
"""

_CLAIM = """
WITH due AS (
    SELECT merchant_id, id, attempts, leased_until FROM outbox
    WHERE done_at IS NULL AND failed_at IS NULL AND run_at <= $1
      AND (leased_until IS NULL OR leased_until <= $2)
    ORDER BY run_at, id
    LIMIT $3
    FOR UPDATE SKIP LOCKED
), abandoned AS (
    INSERT INTO outbox_tries (merchant_id, outbox_id, attempt, started_at, ended_at, outcome, detail)
    SELECT merchant_id, id, attempts, $1 - ($2 - leased_until) - $4::interval, $1, 'failed',
           'the worker never answered'
    FROM due WHERE leased_until IS NOT NULL
)
UPDATE outbox o SET attempts = o.attempts + 1, leased_until = $2 + $4::interval
FROM due WHERE o.merchant_id = due.merchant_id AND o.id = due.id
RETURNING o.merchant_id, o.id, o.kind, o.payload, o.about, o.key, o.attempts, o.run_at, o.created_at
"""

# The attempt number is the fencing token: whoever lost the lease has an older one and changes nothing.
_SUCCEED = """
WITH ended AS (
    UPDATE outbox SET done_at = $5, leased_until = NULL
    WHERE merchant_id = $1 AND id = $2 AND attempts = $3 AND leased_until IS NOT NULL
    RETURNING merchant_id, id, attempts
)
INSERT INTO outbox_tries (merchant_id, outbox_id, attempt, started_at, ended_at, outcome, detail)
SELECT merchant_id, id, attempts, $4, $5, 'done', $6 FROM ended
RETURNING attempt
"""

_RETRY = """
WITH ended AS (
    UPDATE outbox
    SET leased_until = NULL, run_at = coalesce($7::timestamptz, run_at),
        failed_at = CASE WHEN $7::timestamptz IS NULL THEN $5::timestamptz END
    WHERE merchant_id = $1 AND id = $2 AND attempts = $3 AND leased_until IS NOT NULL
    RETURNING merchant_id, id, attempts
)
INSERT INTO outbox_tries (merchant_id, outbox_id, attempt, started_at, ended_at, outcome, detail)
SELECT merchant_id, id, attempts, $4, $5,
       CASE WHEN $7::timestamptz IS NULL THEN 'gave_up' ELSE 'failed' END, $6
FROM ended
RETURNING attempt
"""


class LeaseLost(Exception):
    """The job was taken over by another worker, or has ended. What this worker did may be done twice."""


@dataclass(frozen=True, slots=True)
class Job:
    """A claimed job. `attempt` counts from 1; `claimed_at` is business time, `claimed_wall` wall time."""

    merchant_id: UUID
    id: UUID
    kind: str
    payload: Mapping[str, object]
    about: str | None
    key: str | None
    attempt: int
    run_at: datetime
    created_at: datetime
    claimed_at: datetime
    claimed_wall: datetime


async def emit(
    merchant_id: UUID, event_type: str, data: Mapping[str, object], *, now: datetime, about: str | None = None
) -> str:
    """Write an event and its one outbox row, in the current transaction. Returns the event's public id.

    The job's payload is {"event": public id, "type": event type, "data": data}. `about` is the public id of
    what the event speaks of.
    """
    event_id = ids.public_id("evt")
    payload = {"event": event_id, "type": event_type, "data": data}
    await db.execute(
        _EMIT,
        merchant_id,
        ids.internal_id(),
        event_id,
        event_type,
        data,
        now,
        ids.internal_id(),
        EVENT_KIND,
        payload,
        about,
    )
    return event_id


_EMIT_ALL = """
WITH told AS (
    SELECT * FROM unnest($2::uuid[], $3::text[], $4::text[], $5::uuid[]) AS t (id, public_id, type, job_id)
), event AS (
    INSERT INTO events (merchant_id, id, public_id, type, data, created_at)
    SELECT $1, id, public_id, type, $6, $7 FROM told
)
INSERT INTO outbox (merchant_id, id, kind, payload, about, key, run_at, created_at)
SELECT $1, job_id, $8, jsonb_build_object('event', public_id, 'type', type, 'data', $6::jsonb), $9, public_id, $7, $7
FROM told
"""


async def emit_all(
    merchant_id: UUID,
    event_types: Sequence[str],
    data: Mapping[str, object],
    *,
    now: datetime,
    about: str | None = None,
) -> None:
    """As `emit`, for several events that tell of the same facts, in one statement and in this order."""
    await db.execute(
        _EMIT_ALL,
        merchant_id,
        [ids.internal_id() for _ in event_types],
        [ids.public_id("evt") for _ in event_types],
        list(event_types),
        [ids.internal_id() for _ in event_types],
        data,
        now,
        EVENT_KIND,
        about,
    )


async def put(
    merchant_id: UUID,
    kind: str,
    payload: Mapping[str, object],
    *,
    run_at: datetime | None = None,
    key: str | None = None,
    about: str | None = None,
) -> UUID:
    """Write a job, in the current transaction; without `run_at` (business time) it is due at once.

    A second job with the same key is not written: the first one's id comes back, also when that job is done.
    """
    db.require_transaction("outbox.put")
    job_id = ids.internal_id()
    written = await db.fetch_value(_PUT, merchant_id, job_id, kind, payload, about, key, run_at, clock.wall())
    if written is not None:
        return job_id
    first = await db.fetch_value(
        "SELECT id FROM outbox WHERE merchant_id = $1 AND key = $2", merchant_id, key
    )
    assert isinstance(first, UUID), "the key that stood in the way is there"
    return first


async def claim(limit: int, lease_s: int, *, now: datetime) -> list[Job]:
    """Take up to `limit` due jobs for `lease_s` seconds, oldest first. Parallel claims never share a job.

    Outside a transaction the lease stands as soon as this returns, which is what a worker wants.
    """
    wall = clock.wall()
    rows = await db.fetch_all(_CLAIM, now, wall, limit, timedelta(seconds=lease_s))
    jobs = [_job(row, claimed_at=now, claimed_wall=wall) for row in rows]
    return sorted(jobs, key=lambda job: (job.run_at, job.id))


async def succeed(job: Job, detail: str = "") -> None:
    """The job is done. Raises `LeaseLost`. Inside a transaction it stands or falls with it."""
    if await db.fetch_value(_SUCCEED, *_ending(job, detail)) is None:
        raise LeaseLost


async def retry(job: Job, *, error: str, run_at: datetime | None) -> None:
    """The try failed: again at `run_at` (business time), or never again with None. Raises `LeaseLost`."""
    if await db.fetch_value(_RETRY, *_ending(job, error), run_at) is None:
        raise LeaseLost


async def next_run_at() -> datetime | None:
    """When the next job that nobody holds is due (business time), or None: how long a worker may sleep."""
    found = await db.fetch_value(
        "SELECT min(run_at) FROM outbox WHERE done_at IS NULL AND failed_at IS NULL AND leased_until IS NULL"
    )
    assert found is None or isinstance(found, datetime)
    return found


def _ending(job: Job, detail: str) -> tuple[object, ...]:
    # Business time now lies as far from the claim as wall time does.
    ended_at = job.claimed_at + max(clock.wall() - job.claimed_wall, timedelta())
    return job.merchant_id, job.id, job.attempt, job.claimed_at, ended_at, detail[:MAX_DETAIL_CHARACTERS]


def _job(row: db.Record, *, claimed_at: datetime, claimed_wall: datetime) -> Job:
    return Job(
        merchant_id=row["merchant_id"],
        id=row["id"],
        kind=row["kind"],
        payload=row["payload"],
        about=row["about"],
        key=row["key"],
        attempt=row["attempts"],
        run_at=row["run_at"],
        created_at=row["created_at"],
        claimed_at=claimed_at,
        claimed_wall=claimed_wall,
    )


@dataclass(frozen=True, slots=True)
class Backlog:
    """How the outbox stands: jobs not done, the age of the oldest due one in seconds, jobs given up."""

    waiting: int
    oldest_due_s: float
    failed: int


async def backlog() -> Backlog:
    """For the metrics: three counts over partial indexes, none of which grows with what is done."""
    row = await db.fetch_one(
        """SELECT (SELECT count(*) FROM outbox WHERE done_at IS NULL AND failed_at IS NULL) AS waiting,
                  (SELECT min(run_at) FROM outbox WHERE done_at IS NULL AND failed_at IS NULL) AS oldest,
                  (SELECT count(*) FROM outbox WHERE failed_at IS NOT NULL) AS failed,
                  (SELECT offset_s FROM business_clock) AS offset_s"""
    )
    assert row is not None
    oldest = row["oldest"]
    waited = 0.0 if oldest is None else (clock.business(row["offset_s"]) - oldest).total_seconds()
    return Backlog(row["waiting"], max(0.0, waited), row["failed"])
