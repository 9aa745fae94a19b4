"""What a worker and the things it runs say to each other: an event to react to, a job to do, and how a try ended."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeAlias, cast
from uuid import UUID

from app.kernel import clock
from app.kernel.outbox import Job

# Waits before the next tries of a job that does not say better; given up after the last.
WAITS_S: Final = (5, 30, 300, 1_800, 7_200, 21_600, 43_200)
JITTER: Final = 0.1


@dataclass(frozen=True, slots=True)
class Event:
    """A fact that was emitted. `at` is the business time of it, `about` the public id of what it speaks of."""

    merchant_id: UUID
    public_id: str
    type: str
    data: Mapping[str, object]
    about: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Done:
    """The job is done. `detail` is for whoever reads the tries later; no personal data."""

    detail: str = ""


@dataclass(frozen=True, slots=True)
class TryAgain:
    """This try failed; another at `run_at` (business time)."""

    error: str
    run_at: datetime


@dataclass(frozen=True, slots=True)
class GiveUp:
    """This try failed, and no other would do better."""

    error: str


@dataclass(frozen=True, slots=True)
class EndedAlready:
    """The handler ended the job itself, in the transaction of its effects."""


Outcome: TypeAlias = Done | TryAgain | GiveUp | EndedAlready
Handler: TypeAlias = Callable[[Job], Awaitable[Outcome]]


@dataclass(frozen=True, slots=True)
class Now:
    """One moment on both clocks."""

    business: datetime
    wall: datetime


# What falls due by the clock alone; answers how much it did.
Chore: TypeAlias = Callable[[Now], Awaitable[int]]


def event_of(job: Job) -> Event:
    """The event that `outbox.emit` put into its job."""
    payload = job.payload
    return Event(
        merchant_id=job.merchant_id,
        public_id=str(payload["event"]),
        type=str(payload["type"]),
        data=cast("Mapping[str, object]", payload["data"]),
        about=job.about,
        at=job.created_at,
    )


def business_now(job: Job) -> datetime:
    """Business time in this try: as far from the claim as wall time is."""
    return job.claimed_at + max(clock.wall() - job.claimed_wall, timedelta())


def again_or_give_up(job: Job, error: str) -> TryAgain | GiveUp:
    """The outcome of a failed try under the common waits, up to a tenth longer so that crowds disperse."""
    if job.attempt > len(WAITS_S):
        return GiveUp(error)
    wait_s = WAITS_S[job.attempt - 1] * (1 + JITTER * random.random())  # noqa: S311 - spreads load, keeps no secret
    return TryAgain(error, business_now(job) + timedelta(seconds=wait_s))
