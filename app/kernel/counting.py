"""Counts the statements of one piece of work, so that tests and the bench can hold them to a number."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache

_WRITING = re.compile(
    r"\b(?:INSERT\s+INTO|DELETE\s+FROM|MERGE\s+INTO|(?<!FOR )(?<!KEY )(?<!DO )UPDATE)\b", re.IGNORECASE
)
_LITERAL = re.compile(r"'[^']*'")


@dataclass(slots=True)
class Counts:
    """What ran inside one `counting()` block.

    `queries` are statements without `BEGIN`, `COMMIT` and `ROLLBACK`; `writes` are the queries among them
    that insert, update or delete; `commits` are successful commits; `round_trips` are waits for the server:
    queries plus the transaction's own statements. The driver's one-time preparation of a new statement is not
    counted.
    """

    queries: int = 0
    writes: int = 0
    commits: int = 0
    round_trips: int = 0


_active: ContextVar[tuple[Counts, ...]] = ContextVar("kolme_counting", default=())


@contextmanager
def counting() -> Iterator[Counts]:
    """Count what runs in this context and in tasks started from it. Blocks nest: the outer one counts all."""
    counts = Counts()
    token = _active.set((*_active.get(), counts))
    try:
        yield counts
    finally:
        _active.reset(token)


def note_query(sql: str) -> None:
    for counts in _active.get():
        counts.queries += 1
        counts.round_trips += 1
        counts.writes += writes(sql)


def note_transaction_statement() -> None:
    for counts in _active.get():
        counts.round_trips += 1


def note_commit() -> None:
    for counts in _active.get():
        counts.commits += 1


@lru_cache(maxsize=2048)
def writes(sql: str) -> bool:
    """Whether the statement inserts, updates or deletes. `FOR UPDATE` alone is a read with a lock."""
    return _WRITING.search(_LITERAL.sub("''", sql)) is not None
