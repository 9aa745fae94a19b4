"""What shoppers said, read for them and for staff."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final
from uuid import UUID

from app.checkout.review_periods import Span
from app.kernel import db
from app.kernel.cursors import Position

PAGE: Final = 50


@dataclass(frozen=True, slots=True)
class Said:
    """What the shopper of a session has said; `words` tells whether they wrote some. `news` is what they are told."""

    ease: int
    words: bool
    news: str | None


_SAID: Final = """
SELECT f.ease, f.words IS NOT NULL AS words,
       (SELECT n.words FROM feedback_news n
        WHERE n.merchant_id = $1 AND n.lang = $3 AND n.ended_at IS NULL) AS news
FROM feedback f WHERE f.merchant_id = $1 AND f.session_id = $2
"""


async def said_of(merchant_id: UUID, session_id: UUID, lang: str) -> Said | None:
    row = await db.fetch_one(_SAID, merchant_id, session_id, lang)
    return None if row is None else Said(row["ease"], row["words"], row["news"])


@dataclass(frozen=True, slots=True)
class Ease:
    """Answers counted: all, those with 4 or 5, those with 1 or 2, and their sum, for a mean."""

    answers: int = 0
    easy: int = 0
    hard: int = 0
    sum: int = 0

    @property
    def tenths(self) -> int | None:
        """The mean in tenths, rounded half up; None of nothing."""
        return (20 * self.sum + self.answers) // (2 * self.answers) if self.answers else None

    def __add__(self, other: Ease) -> Ease:
        return Ease(
            self.answers + other.answers, self.easy + other.easy, self.hard + other.hard, self.sum + other.sum
        )


@dataclass(frozen=True, slots=True)
class Trend:
    """`periods` has each of the span, oldest first; `outcomes` those that somebody answered after."""

    total: Ease
    periods: tuple[tuple[date, Ease], ...]
    outcomes: tuple[tuple[str, Ease], ...]


_TREND: Final = """
SELECT date_trunc($4, at AT TIME ZONE $5)::date AS start, outcome, count(*) AS answers,
       count(*) FILTER (WHERE ease >= 4) AS easy, count(*) FILTER (WHERE ease <= 2) AS hard, sum(ease) AS sum
FROM feedback WHERE merchant_id = $1 AND at >= $2 AND at < $3
GROUP BY 1, 2 ORDER BY 1, 2
"""


async def trend(merchant_id: UUID, span: Span) -> Trend:
    rows = await db.fetch_all(_TREND, merchant_id, span.since, span.until, span.unit, span.time_zone)
    periods = dict.fromkeys(span.starts, Ease())
    outcomes: dict[str, Ease] = {}
    for row in rows:
        each = Ease(row["answers"], row["easy"], row["hard"], row["sum"])
        periods[row["start"]] += each
        outcomes[row["outcome"]] = outcomes.get(row["outcome"], Ease()) + each
    total = sum(periods.values(), Ease())
    return Trend(total, tuple(periods.items()), tuple(sorted(outcomes.items())))


@dataclass(frozen=True, slots=True)
class Words:
    """What one shopper wrote, and of which order."""

    id: UUID
    at: datetime
    outcome: str
    ease: int
    lang: str
    words: str = field(repr=False)
    order_public_id: str
    reference: str


_WORDS: Final = """
SELECT f.id, f.at, f.outcome, f.ease, f.lang, f.words, o.public_id AS order_public_id, o.reference
FROM (
    SELECT * FROM feedback
    WHERE merchant_id = $1 AND words IS NOT NULL AND (at, id) < ($2, $3) ORDER BY at DESC, id DESC LIMIT $4
) f
JOIN checkout_sessions s ON s.merchant_id = f.merchant_id AND s.id = f.session_id
JOIN orders o ON o.merchant_id = s.merchant_id AND o.id = s.order_id
ORDER BY f.at DESC, f.id DESC
"""
_AFTER_ALL: Final = Position(datetime.fromisoformat("3000-01-01T00:00:00+00:00"), UUID(int=0))


async def words_page(
    merchant_id: UUID, cursor: str | None = None, limit: int = PAGE
) -> tuple[tuple[Words, ...], str | None]:
    """What was written, the newest first, and where to go on. Raises CursorRefused."""
    at = Position.parse(cursor) if cursor else _AFTER_ALL
    found = await db.fetch_all(_WORDS, merchant_id, at.at, at.id, limit + 1)
    rows = tuple(Words(**dict(row.items())) for row in found[:limit])
    return rows, Position(rows[-1].at, rows[-1].id).text() if len(found) > limit else None


@dataclass(frozen=True, slots=True)
class News:
    lang: str
    words: str
    at: datetime


async def news_told(merchant_id: UUID) -> dict[str, News]:
    """What shoppers are told now, by language."""
    rows = await db.fetch_all(
        "SELECT lang, words, at FROM feedback_news WHERE merchant_id = $1 AND ended_at IS NULL", merchant_id
    )
    return {row["lang"]: News(row["lang"], row["words"], row["at"]) for row in rows}
