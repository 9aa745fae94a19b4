"""Two hooks through which the fault tests reach into running code. In production both stay None.

- The statement probe is called before every SQL statement, `BEGIN`, `COMMIT` and `ROLLBACK` included. A test
  counts statements with it, or ends the process at the k-th one.
- A race point is a named place where two tasks could overtake each other. A test installs a barrier there to
  force an order that would otherwise be rare.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

StatementProbe = Callable[[str], None]
RaceBarrier = Callable[[str], Awaitable[None]]

statement_probe: StatementProbe | None = None
_race_barrier: RaceBarrier | None = None


def set_statement_probe(probe: StatementProbe | None) -> None:
    """Install `probe(sql)`, or take it away with None."""
    global statement_probe  # noqa: PLW0603 - a module attribute is the cheapest thing to look at
    statement_probe = probe


def set_race_barrier(barrier: RaceBarrier | None) -> None:
    """Install `await barrier(name)` for every race point, or take it away with None."""
    global _race_barrier  # noqa: PLW0603 - see above
    _race_barrier = barrier


async def race_point(name: str) -> None:
    """A place where order matters; waits only when a test installed a barrier."""
    if _race_barrier is not None:
        await _race_barrier(name)
