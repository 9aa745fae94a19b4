"""How the ways to pay that a provider settles are doing: what follows from calls that are answered or not, and reads.

A method has a count of failures. A call that nobody answered adds one, a call that was answered (a refusal is an
answer) takes one away. At three it is shaky: shoppers are warned. At six, when it has been shaky for half a minute, it
is down: nobody is offered it. It comes back in the same steps at other counts, so that it does not flap: shaky again at
three, up at none and after a minute at least. A single lost answer among good ones changes nothing.

What neither a call nor a probe has looked at for ten minutes says nothing any more: were the workers that probe gone, a
method that is down would else be hidden for good.

Every process keeps what it read for five seconds, as it keeps a shop's settings: a page costs no statement for it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from app.kernel import clock, db
from app.payments.methods import Health
from app.payments.ports import ProviderMethod

# From well to hidden.
STATES: Final[tuple[Health, ...]] = ("up", "shaky", "down")

SHAKY_AT: Final = 3
DOWN_AT: Final = 6
FAILURES_MAX: Final = 8
DOWN_AFTER: Final = timedelta(seconds=30)
UP_AFTER: Final = timedelta(seconds=60)
STALE_AFTER: Final = timedelta(minutes=10)
KEPT_S: Final = 5.0

# Nobody was at fault: the provider answered, though not what was asked.
_NO_FAILURES: Final = frozenset({"conflict", "rate_limited"})


@dataclass(frozen=True, slots=True)
class MethodHealth:
    """`since` is wall time. `reason` is the word of the last failure, for staff and logs."""

    method: ProviderMethod
    state: Health
    since: datetime
    failures: int = 0
    reason: str | None = None

    @property
    def is_well(self) -> bool:
        """Nothing has failed that has not been made good since."""
        return self.state == "up" and self.failures == 0


def is_failure(reason: str) -> bool:
    """Whether what an adapter says of a call without an answer counts against the provider."""
    return reason not in _NO_FAILURES


def after_failure(before: MethodHealth, reason: str, wall: datetime) -> MethodHealth:
    failures = min(before.failures + 1, FAILURES_MAX)
    state = before.state
    if state == "up" and failures >= SHAKY_AT:
        state = "shaky"
    elif state == "shaky" and failures >= DOWN_AT and wall - before.since >= DOWN_AFTER:
        state = "down"
    return MethodHealth(before.method, state, _since(before, state, wall), failures, reason[:50] or None)


def after_success(before: MethodHealth, wall: datetime) -> MethodHealth:
    failures = max(before.failures - 1, 0)
    state = before.state
    if state == "down" and failures <= SHAKY_AT:
        state = "shaky"
    elif state == "shaky" and failures == 0 and wall - before.since >= UP_AFTER:
        state = "up"
    reason = before.reason if (state, failures) != ("up", 0) else None
    return MethodHealth(before.method, state, _since(before, state, wall), failures, reason)


def _since(before: MethodHealth, state: Health, wall: datetime) -> datetime:
    return before.since if state == before.state else wall


_kept: tuple[float, Mapping[ProviderMethod, MethodHealth]] | None = None


async def known_health() -> Mapping[ProviderMethod, MethodHealth]:
    """Every method of which something is known, at most five seconds old. At most one statement."""
    global _kept  # noqa: PLW0603 - what this process keeps, as it keeps merchants
    if _kept is None or time.monotonic() - _kept[0] >= KEPT_S:
        _kept = (time.monotonic(), {each.method: each for each in await read_health()})
    return _kept[1]


async def health_of_methods() -> Mapping[ProviderMethod, Health]:
    """The same as the list of ways to pay takes it."""
    return {method: found.state for method, found in (await known_health()).items()}


def forget_kept_health() -> None:
    """Drop what this process keeps; whoever changes it calls this, and tests between databases."""
    global _kept  # noqa: PLW0603 - see above
    _kept = None


async def read_health() -> Sequence[MethodHealth]:
    """As it is now."""
    rows = await db.fetch_all(
        """SELECT method, state, since, failures, reason FROM method_health
           WHERE noted_at > $1 ORDER BY method""",
        clock.wall() - STALE_AFTER,
    )
    return tuple(MethodHealth(**row) for row in rows)
