"""The list of orders: which ones, a page at a time. A page costs much the same whether a shop has a thousand orders or
a million, because it is read from an index that has the page's orders next to each other:

- with words, closest first: whose word is just what was typed, then the next word in the alphabet, each newest first;
- otherwise newest first, of one state or all.

What no index has in that order narrows in one of two ways. Where few orders have it at all, those are read and sorted.
Where many have it, a page looks through so many orders, shows what it met, and says where the next one goes on looking.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from app.kernel import db
from app.kernel.cursors import CursorRefused, Position
from app.kernel.money import MAX_AMOUNT_MINOR
from app.kernel.typed import amount_minor
from app.orders.queries import COLUMNS, JOINS, OrderView, order_of, with_lines
from app.orders.states import OrderState

LIST_LIMIT_MAX: Final = 100
WORDS_LENGTH_MAX: Final = 100
# So many orders are read at once and sorted; so many are looked through for one page; so many are exported at once.
FEW: Final = 2_000
LOOK: Final = 10_000
EXPORT_STEP: Final = 500
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

Buyer = Literal["consumer", "business"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which orders a list shows. What is None does not narrow it; together they narrow it all.

    `words` is how a reference, a name, an e-mail or a phone begins, as letters and digits, or a whole sum with cents;
    `reference` how a reference begins, letter case and signs counting. `since` is the first moment of birth, `before`
    the first one after the last. Sums are minor units, both ends included, whatever the currency.
    """

    words: str | None = field(default=None, repr=False)
    reference: str | None = None
    state: OrderState | None = None
    buyer: Buyer | None = None
    since: datetime | None = None
    before: datetime | None = None
    min_minor: int | None = None
    max_minor: int | None = None
    has_link: bool | None = None


@dataclass(frozen=True, slots=True)
class OrderPage:
    """One page of a list. `next_cursor` leads to the next one; None on the last.

    `cut` says that the page is short because it has looked through LOOK orders: further ones may follow.
    """

    orders: tuple[OrderView, ...]
    next_cursor: str | None
    cut: bool = False


async def list_orders(
    merchant_id: UUID,
    wanted: Wanted | None = None,
    *,
    cursor: str | None = None,
    limit: int = 50,
    lines: bool = True,
) -> OrderPage:
    """Orders as `wanted`, those that expiry removed left out. `limit` is 1 to LIST_LIMIT_MAX; without `lines` the
    orders come without them, which spares a statement. Raises CursorRefused.
    """
    assert 1 <= limit <= LIST_LIMIT_MAX, "the caller checks the limit"
    page = await _page(merchant_id, await _meant(merchant_id, wanted or Wanted()), cursor, limit)
    orders = await with_lines(merchant_id, page.rows) if lines else _without_lines(page.rows)
    return OrderPage(orders, page.next_cursor, page.cut)


async def each_order(merchant_id: UUID, wanted: Wanted) -> AsyncIterator[OrderView]:
    """Every order of a list, without its lines, for an export. No connection is held from one to the next."""
    meant = await _meant(merchant_id, wanted)
    cursor: str | None = None
    while True:
        page = await _page(merchant_id, meant, cursor, EXPORT_STEP)
        for order in _without_lines(page.rows):
            yield order
        cursor = page.next_cursor
        if cursor is None:
            return


def _without_lines(rows: Sequence[db.Record]) -> tuple[OrderView, ...]:
    return tuple(order_of(row, ()) for row in rows)


async def _meant(merchant_id: UUID, wanted: Wanted) -> Wanted:
    """Words that are a whole sum mean the sum, unless something is written just so."""
    typed = wanted.words or ""
    amount = amount_minor(typed.strip("€ ")) if re.search(r"[.,]\d\d\D*$", typed) else None
    if amount is None or await db.fetch_value(_ANY_WORD, merchant_id, typed):
        return wanted
    lowest, highest = wanted.min_minor or 0, wanted.max_minor
    return replace(
        wanted,
        words=None,
        min_minor=max(amount, lowest),
        max_minor=amount if highest is None else min(amount, highest),
    )


# --- one page -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Rows:
    rows: Sequence[db.Record]
    next_cursor: str | None
    cut: bool


@dataclass(frozen=True, slots=True)
class _Way:
    """An index to read along: `place` is what it is sorted by, `scan` its table, `source` how orders come with it."""

    scan: str
    source: str
    place: tuple[str, ...]
    order: str
    not_beyond: str


_BY_TIME: Final = _Way("orders o", "orders o", ("o.created_at", "o.id"), "o.created_at DESC, o.id DESC", ">=")
_BY_WORDS: Final = _Way(
    "order_words w",
    "order_words w JOIN orders o ON o.merchant_id = w.merchant_id AND o.id = w.order_id",
    ("w.word", "w.newest_first", "w.order_id"),
    "w.word, w.newest_first, w.order_id",
    "<=",
)


class _Values:
    """What a statement is given; `put` answers the place of a value."""

    def __init__(self, *values: object) -> None:
        self.all: list[object] = list(values)

    def put(self, value: object) -> str:
        self.all.append(value)
        return f"${len(self.all)}"

    def put_all(self, values: Iterable[object]) -> str:
        return ", ".join(self.put(value) for value in values)


# What is asked for each order on the way: a subquery that answers a value. As EXISTS it might become a table of all the
# lines there are.
_NOT_REMOVED: Final = """(o.state <> 'expired' OR (
    SELECT true FROM order_lines l WHERE l.merchant_id = o.merchant_id AND l.order_id = o.id LIMIT 1))"""
_LINKED: Final = """(
    SELECT true FROM payment_links p WHERE p.merchant_id = o.merchant_id AND p.order_id = o.id LIMIT 1)"""
# The last code point: every text that begins so comes before the beginning with it.
_LAST: Final = "\U0010ffff"
_BEGINS: Final = "{word} >= search_word({typed}) AND {word} < search_word({typed}) || chr(1114111)"


async def _page(merchant_id: UUID, wanted: Wanted, cursor: str | None, limit: int) -> _Rows:
    after = None if cursor is None else Position.parse(cursor)
    values = _Values(merchant_id)
    if wanted.words is not None:
        along = await _along_words(values, wanted.words, after)
        return await _read_along(_BY_WORDS, along, values, wanted, limit)
    few = await _few(merchant_id, wanted)
    along = _along_time(values, wanted, after)
    if few is None:
        return await _read_along(_BY_TIME, along, values, wanted, limit)
    return await _sort_few(few, along, values, wanted, limit)


async def _read_along(way: _Way, along: list[str], values: _Values, wanted: Wanted, limit: int) -> _Rows:
    """A page in the order of an index, `along` which conditions lead."""
    end = await _end_of_look(way, along, values) if _has_rest(wanted) else None
    conditions = list(along)
    if end is not None:
        conditions.append(f"({', '.join(way.place)}) {way.not_beyond} ({values.put_all(end.values())})")
    conditions += [*_rest(values, wanted), _NOT_REMOVED]
    # Only words of this module are joined, here and below; every value is a parameter.
    rows = await db.fetch_all(
        f"SELECT {COLUMNS} FROM {way.source} {JOINS} WHERE {' AND '.join(conditions)}"  # noqa: S608
        f" ORDER BY {way.order} LIMIT {limit + 1}",
        *values.all,
    )
    return _cut_off(rows, limit, end)


async def _sort_few(
    few: Sequence[UUID], along: list[str], values: _Values, wanted: Wanted, limit: int
) -> _Rows:
    """A page of these few, all of which are read and sorted; who buys is looked up for those that are shown."""
    source = f"unnest({values.put(few)}::uuid[]) AS few (id) JOIN orders o ON o.id = few.id"
    conditions = " AND ".join((*along, *_rest(values, wanted), _NOT_REMOVED))
    order = _BY_TIME.order
    rows = await db.fetch_all(
        f"SELECT {COLUMNS}"  # noqa: S608
        f" FROM (SELECT o.* FROM {source} WHERE {conditions} ORDER BY {order} LIMIT {limit + 1}) o"
        f" {JOINS} ORDER BY {order}",
        *values.all,
    )
    return _cut_off(rows, limit, None)


def _cut_off(rows: Sequence[db.Record], limit: int, end: db.Record | None) -> _Rows:
    """The page, of which one row more was asked for; `end` is the last place that it looked at."""
    if len(rows) > limit:
        last = rows[limit - 1]
        return _Rows(rows[:limit], Position(last["created_at"], last["id"]).text(), cut=False)
    return _Rows(rows, None if end is None else _position(end).text(), cut=end is not None)


async def _end_of_look(way: _Way, conditions: Sequence[str], values: _Values) -> db.Record | None:
    """The last place that one page looks at; None where the way ends before."""
    return await db.fetch_one(
        f"SELECT {', '.join(way.place)} FROM {way.scan} WHERE {' AND '.join(conditions)}"  # noqa: S608
        f" ORDER BY {way.order} OFFSET {LOOK - 1} LIMIT 1",
        *values.all,
    )


def _position(place: db.Record) -> Position:
    """The place that `_end_of_look` found, for the cursor of either way."""
    at, order_id = tuple(place.values())[-2:]
    return Position(at if isinstance(at, datetime) else _EPOCH - timedelta(microseconds=at), order_id)


# --- along an index -----------------------------------------------------------------------------------------

# The conditions in these two are constants of this module.
_ANY_WORD: Final = f"""
SELECT EXISTS (SELECT FROM order_words w WHERE w.merchant_id = $1 AND search_word($2) <> ''
               AND {_BEGINS.format(word="w.word", typed="$2")})
"""  # noqa: S608
_FIRST_WORD: Final = f"""
SELECT w.word, w.newest_first FROM order_words w
WHERE w.merchant_id = $1 AND w.order_id = $3 AND {_BEGINS.format(word="w.word", typed="$2")}
ORDER BY w.word LIMIT 1
"""  # noqa: S608


async def _along_words(values: _Values, typed: str, after: Position | None) -> list[str]:
    """Orders of which a word begins so. One that has several such words stands where its first one does."""
    [merchant_id] = values.all
    place = values.put(typed)
    conditions = [
        f"w.merchant_id = $1 AND search_word({place}) <> ''",
        _BEGINS.format(word="w.word", typed=place),
        # Not "=", though it is meant: PostgreSQL would think that rare, and not worth reading along the index for.
        f"""w.word <= (SELECT e.word FROM order_words e
                      WHERE e.merchant_id = w.merchant_id AND e.order_id = w.order_id AND e.word >= search_word({place})
                      ORDER BY e.word LIMIT 1)""",  # noqa: S608
    ]
    if after is not None:
        at = await db.fetch_one(_FIRST_WORD, merchant_id, typed, after.id)
        if at is None:
            # The order that the page ended with is found by these words no more.
            raise CursorRefused
        conditions.append(f"({', '.join(_BY_WORDS.place)}) > ({values.put_all((*at.values(), after.id))})")
    return conditions


def _along_time(values: _Values, wanted: Wanted, after: Position | None) -> list[str]:
    conditions = ["o.merchant_id = $1", *_of_time(values, wanted)]
    if _has_index_of_business(wanted):
        conditions.append("o.buyer = 'business'")
    if after is not None:
        conditions.append(f"(o.created_at, o.id) < ({values.put(after.at)}, {values.put(after.id)})")
    return conditions


def _of_time(values: _Values, wanted: Wanted) -> list[str]:
    """What the indexes by time know."""
    conditions = []
    if wanted.state is not None:
        conditions.append(f"o.state = {values.put(wanted.state.value)}")
    if wanted.since is not None:
        conditions.append(f"o.created_at >= {values.put(wanted.since)}")
    if wanted.before is not None:
        conditions.append(f"o.created_at < {values.put(wanted.before)}")
    return conditions


def _has_index_of_business(wanted: Wanted) -> bool:
    return wanted.buyer == "business" and wanted.state is None and wanted.words is None


# --- across it ----------------------------------------------------------------------------------------------


def _rest(values: _Values, wanted: Wanted) -> list[str]:
    """What no index knows in the order of this list."""
    conditions = [] if wanted.words is None else _of_time(values, wanted)
    if wanted.buyer is not None and not _has_index_of_business(wanted):
        conditions.append(f"o.buyer = {values.put(wanted.buyer)}")
    if wanted.min_minor is not None or wanted.max_minor is not None:
        lowest, highest = _sums(wanted)
        conditions.append(f"o.total_minor BETWEEN {values.put(lowest)} AND {values.put(highest)}")
    if wanted.has_link is not None:
        conditions.append(f"{_LINKED} IS {'NOT NULL' if wanted.has_link else 'NULL'}")
    if wanted.reference:
        begin, beyond = values.put(wanted.reference), values.put(wanted.reference + _LAST)
        conditions.append(f"o.reference ~>=~ {begin} AND o.reference ~<~ {beyond}")
    return conditions


def _has_rest(wanted: Wanted) -> bool:
    return bool(_rest(_Values(), wanted))


def _sums(wanted: Wanted) -> tuple[int, int]:
    highest = MAX_AMOUNT_MINOR if wanted.max_minor is None else wanted.max_minor
    return wanted.min_minor or 0, highest


# Sorted as an index is, so that it is read along that index and no further than it must.
_OF_SUM: Final = """
SELECT id FROM orders WHERE merchant_id = $1 AND total_minor BETWEEN $2 AND $3
ORDER BY total_minor, created_at DESC, id DESC
"""
_OF_LINKS: Final = "SELECT order_id AS id FROM payment_links WHERE merchant_id = $1 ORDER BY order_id"
_OF_REFERENCE: Final = """
SELECT id FROM orders WHERE merchant_id = $1 AND reference ~>=~ $2 AND reference ~<~ $3 ORDER BY reference USING ~<~
"""


async def _few(merchant_id: UUID, wanted: Wanted) -> Sequence[UUID] | None:
    """The orders that one of the narrowing wishes leaves, where these are few; None where each leaves many."""
    wishes: list[tuple[str, tuple[object, ...]]] = []
    if wanted.reference:
        wishes.append((_OF_REFERENCE, (wanted.reference, wanted.reference + _LAST)))
    if wanted.min_minor is not None or wanted.max_minor is not None:
        wishes.append((_OF_SUM, _sums(wanted)))
    if wanted.has_link:
        wishes.append((_OF_LINKS, ()))
    for sql, values in wishes:
        found = await db.fetch_all(f"{sql} LIMIT {FEW + 1}", merchant_id, *values)
        if len(found) <= FEW:
            return [row["id"] for row in found]
    return None
