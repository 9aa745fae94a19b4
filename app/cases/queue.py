"""The queue: what waits for a person, the most urgent first, a page at a time.

Its order is `rules.rank_at`, written with each case, so a page is a walk along one index however long the queue is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from itertools import product
from typing import Final, Literal
from uuid import UUID

from app.cases.queries import FROM, CaseView, view_of
from app.kernel import db
from app.kernel.cursors import Position

PAGE: Final = 50
COUNT_MAX: Final = 999
UNDO_SHOWN_MAX: Final = 20

Kind = Literal["risk", "credit", "identity"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of the queue: one kind, what is marked for or held by one of the staff (`mine`: their actor), what rests."""

    kind: Kind | None = None
    mine: str | None = None
    resting: bool = False


@dataclass(frozen=True, slots=True)
class QueueRow:
    """A case in the queue. `asked` tells of its newest question: it waits, or is answered. Amounts are minor units."""

    id: UUID
    public_id: str
    kind: str
    asked_by: str
    reference: str
    name: str | None = field(repr=False)
    amount_minor: int
    currency: str
    opened_at: datetime
    due_at: datetime
    rank_at: datetime
    taken_by: str | None
    taken_by_name: str | None
    taken_until: datetime | None
    assigned_to: str | None
    assigned_to_name: str | None
    snoozed_until: datetime | None
    first_by_name: str | None
    refused: str | None
    asked: Literal["waits", "answered"] | None

    @property
    def position(self) -> Position:
        return Position(self.rank_at, self.id)


@dataclass(frozen=True, slots=True)
class QueuePage:
    rows: tuple[QueueRow, ...]
    next_cursor: str | None


_WAITS: Final = """c.merchant_id = $1 AND c.state = 'open' AND c.kind IN ('credit', 'identity', 'risk')"""

_RESTS: Final = "c.snoozed_until IS NOT NULL AND c.snoozed_until > $2"
_AWAKE: Final = "(c.snoozed_until IS NULL OR c.snoozed_until <= $2)"


def _page(*, resting: bool, kind: bool, mine: bool) -> str:
    """$2 business time, $5 how many rows; then a kind, then an actor of the staff, where they are asked for.

    The page is cut first; what belongs to a row is then looked up by its key. Joins would be planned anew as the tables
    grow, and planning seven of them takes longer than reading the page. Only what is asked for is a condition, so that
    one plan serves: of `$6 IS NULL OR ...` a plan for any value cannot tell that the index ends the walk.
    """
    actor = "$7" if kind else "$6"
    asked = "AND c.kind = $6" if kind else ""
    whose = f"AND (c.assigned_to = {actor} OR c.taken_by = {actor})" if mine else ""
    return f"""
SELECT q.*,
       (SELECT o.reference FROM checkout_sessions s JOIN orders o ON o.merchant_id = s.merchant_id AND o.id = s.order_id
        WHERE s.merchant_id = $1 AND s.id = q.session_id) AS reference,
       (SELECT t.name FROM staff t WHERE t.merchant_id = $1 AND t.public_id = substr(q.taken_by, 7)) AS taken_by_name,
       (SELECT t.name FROM staff t
        WHERE t.merchant_id = $1 AND t.public_id = substr(q.assigned_to, 7)) AS assigned_to_name,
       (SELECT t.name FROM staff t WHERE t.merchant_id = $1 AND t.public_id = substr(q.first_by, 7)) AS first_by_name,
       (SELECT CASE WHEN a.answered_at IS NULL THEN 'waits' ELSE 'answered' END FROM case_questions a
        WHERE a.merchant_id = $1 AND a.case_id = q.id ORDER BY a.id DESC LIMIT 1) AS asked
FROM (
    SELECT c.id, c.public_id, c.kind, c.asked_by, c.session_id, c.name, c.amount_minor, c.currency, c.opened_at,
           c.due_at, c.rank_at, c.taken_by, c.taken_until, c.assigned_to, c.snoozed_until, c.refused, c.first_by
    FROM cases c
    WHERE {_WAITS} AND (c.rank_at, c.id) > ($3, $4) AND {_RESTS if resting else _AWAKE} {asked} {whose}
    ORDER BY c.rank_at, c.id LIMIT $5
) q
ORDER BY q.rank_at, q.id
"""  # noqa: S608 - words of this module alone


_PAGES: Final = {
    (resting, kind, mine): _page(resting=resting, kind=kind, mine=mine)
    for resting, kind, mine in product((False, True), repeat=3)
}

_BEFORE_ALL: Final = Position(datetime.fromisoformat("2000-01-01T00:00:00+00:00"), UUID(int=0))


async def queue_page(
    merchant_id: UUID, wanted: Wanted, *, now: datetime, cursor: str | None = None, limit: int = PAGE
) -> QueuePage:
    """One page of the queue. Raises CursorRefused."""
    after = Position.parse(cursor) if cursor else _BEFORE_ALL
    sql = _PAGES[wanted.resting, wanted.kind is not None, wanted.mine is not None]
    asked = [value for value in (wanted.kind, wanted.mine) if value is not None]
    found = await db.fetch_all(sql, merchant_id, now, after.at, after.id, limit + 1, *asked)
    rows = tuple(_row(row) for row in found[:limit])
    return QueuePage(rows, rows[-1].position.text() if len(found) > limit else None)


def _row(row: db.Record) -> QueueRow:
    values = dict(row.items())
    for name in ("session_id", "first_by"):
        del values[name]
    return QueueRow(**values)


_TOTAL: Final = f"""
SELECT count(*) FROM (
    SELECT FROM cases c WHERE {_WAITS} AND {_AWAKE} LIMIT {COUNT_MAX + 1}
) waiting
"""  # noqa: S608 - words of this module alone


async def queue_total(merchant_id: UUID, now: datetime) -> int:
    """How many wait and do not rest; COUNT_MAX + 1 stands for more than COUNT_MAX."""
    return int(await db.fetch_value(_TOTAL, merchant_id, now))


# Not what somebody else works on ($5: me, $6: wall time), nor what rests.
_FREE: Final = f"""{_WAITS} AND {_AWAKE}
    AND (c.taken_by IS NULL OR c.taken_by = $5 OR c.taken_until <= $6)"""

_AFTER: Final = f"""
SELECT c.public_id FROM cases c WHERE {_FREE} AND (c.rank_at, c.id) > ($3, $4) ORDER BY c.rank_at, c.id LIMIT 1
"""  # noqa: S608 - words of this module alone
_BEFORE: Final = f"""
SELECT c.public_id FROM cases c WHERE {_FREE} AND (c.rank_at, c.id) < ($3, $4)
ORDER BY c.rank_at DESC, c.id DESC LIMIT 1
"""  # noqa: S608 - words of this module alone


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The cases to go on to from one, by public id; None at the ends of the queue."""

    before: str | None
    after: str | None


async def neighbours(case: CaseView, actor: str, *, wall: datetime, now: datetime) -> Neighbours:
    """Where `k` and `j` lead: what nobody else works on, in the order of the queue."""
    at = (case.merchant_id, now, case.rank_at, case.id, actor, wall)
    before: str | None = await db.fetch_value(_BEFORE, *at)
    after: str | None = await db.fetch_value(_AFTER, *at)
    return Neighbours(before, after)


async def next_free(case: CaseView, actor: str, *, wall: datetime, now: datetime) -> str | None:
    """The case to go on to after an answer: the next one, else the first of the queue."""
    at = (case.merchant_id, now, case.rank_at, case.id, actor, wall)
    found: str | None = await db.fetch_value(_AFTER, *at)
    if found is None:
        start = (case.merchant_id, now, _BEFORE_ALL.at, _BEFORE_ALL.id, actor, wall)
        found = await db.fetch_value(_AFTER, *start)
    return found


async def own_undoable(merchant_id: UUID, actor: str, now: datetime) -> tuple[CaseView, ...]:
    """One's own answers that may still be taken back, the newest first."""
    where = "c.merchant_id = $1 AND c.state = 'decided' AND c.decided_by = $2 AND c.effective_at > $3"
    return await _views(
        f"WHERE {where} ORDER BY c.decided_at DESC LIMIT {UNDO_SHOWN_MAX}", merchant_id, actor, now
    )


async def open_cases_of(merchant_id: UUID, session_ids: tuple[UUID, ...]) -> tuple[CaseView, ...]:
    """The cases about risk that these sessions wait for."""
    where = "c.merchant_id = $1 AND c.session_id = ANY($2) AND c.state = 'open' AND c.kind = 'risk' AND NOT c.is_blind"
    return await _views(f"WHERE {where} ORDER BY c.rank_at, c.id", merchant_id, list(session_ids))


async def _views(sql: str, *args: object) -> tuple[CaseView, ...]:
    return tuple(view_of(row) for row in await db.fetch_all(FROM + sql, *args))


_BAD: Final = """
SELECT c.public_id, o.public_id AS order_public_id, o.reference, c.resolved_at
FROM cases c
JOIN checkout_sessions s ON s.merchant_id = c.merchant_id AND s.id = c.session_id
JOIN orders o ON o.merchant_id = s.merchant_id AND o.id = s.order_id
WHERE c.merchant_id = $1 AND c.is_blind AND c.state = 'declined' AND c.resolved_at >= $2
ORDER BY c.resolved_at DESC LIMIT $3
"""


@dataclass(frozen=True, slots=True)
class BadSample:
    """A paid order that somebody would have declined."""

    public_id: str
    order_public_id: str
    reference: str
    resolved_at: datetime


async def bad_samples(merchant_id: UUID, since: datetime, limit: int = 20) -> tuple[BadSample, ...]:
    """Approved orders that were found bad when somebody looked at them blind, the newest first."""
    rows = await db.fetch_all(_BAD, merchant_id, since, limit)
    return tuple(BadSample(**dict(row.items())) for row in rows)
