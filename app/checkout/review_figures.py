"""How reviews go and what they are worth: what the page of figures shows, each by one statement along an index.

Times are those of people: a case that nobody waits for (one that is looked at blind, after the purchase) counts as
work, never as waiting. Nothing in here says who worked how fast.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from app.checkout.review_periods import Span
from app.kernel import db

HOURS: Final = 24


def percent_of(part: int, whole: int) -> int | None:
    """A whole number of a hundred, half up; None of nothing."""
    return (200 * part + whole) // (2 * whole) if whole else None


@dataclass(frozen=True, slots=True)
class Answers:
    """What people answered of the cases that somebody waited for, and after how long: half of them within `p50_s`
    seconds, nine of ten within `p90_s`; None of none. `lapsed` had no answer in time."""

    answered: int
    approved: int
    lapsed: int
    p50_s: int | None
    p90_s: int | None

    @property
    def declined(self) -> int:
        return self.answered - self.approved


NOTHING: Final = Answers(0, 0, 0, None, None)


@dataclass(frozen=True, slots=True)
class Work:
    """`periods` has one entry for each of the span's, `hours` one for each hour of the shop's day. `decisions` are all
    answers, the blind ones too, and `worked_hours` the hours in which somebody gave one, each person's own."""

    total: Answers
    periods: tuple[tuple[date, Answers], ...]
    kinds: tuple[tuple[str, Answers], ...]
    hours: tuple[int, ...]
    decisions: int
    worked_hours: int


@dataclass(frozen=True, slots=True)
class Overturned:
    """Answers that did not stay, and what blind looks found. `by_second`: one person approved and a second declined.
    `undone` was taken back within its seconds. `bad_later` of `approved_risk` orders let through were never paid, or
    were given back as bad. `blind_bad` of `blind` approved orders a person would not have let through."""

    by_second: int
    undone: int
    approved_risk: int
    bad_later: int
    blind: int
    blind_bad: int


@dataclass(frozen=True, slots=True)
class RuleFigures:
    """How often a rule was found and what became of those purchases. `judged` of them have an end that says something,
    in `bad` of them somebody declined, or the money never came. `name` is a shop's own; None of a built-in one.
    `is_shadow`: the times when it was tried without effect, which stand apart."""

    rule: str
    name: str | None
    is_shadow: bool
    fired: int
    judged: int
    bad: int

    @property
    def precision(self) -> int | None:
        """How many of a hundred judged purchases were bad; None while none is judged."""
        return percent_of(self.bad, self.judged)


@dataclass(frozen=True, slots=True)
class Loss:
    """Of what fell due in so many days (`Span.days`), the last of them `days` ago: the money that had not come `days`
    after its due date. Minor units of `currency`; `by_person_minor` is the part of it that a person had let through."""

    days: int
    currency: str
    documents: int
    due_minor: int
    unpaid_minor: int
    by_person_minor: int


# One pass over what ended in the time; what is counted is told apart by which of the columns is not null.
_WORK: Final = """
WITH ended AS (
    SELECT kind, state, is_blind, state <> 'lapsed' AS answered, coalesce(decided_by, resolved_by) AS person,
           date_trunc($4, resolved_at AT TIME ZONE $5)::date AS start,
           coalesce(decided_at, resolved_at) AT TIME ZONE $5 AS at,
           extract(epoch FROM coalesce(decided_at, resolved_at) - opened_at) AS waited_s
    FROM cases
    WHERE merchant_id = $1 AND resolved_at >= $2 AND resolved_at < $3 AND kind IN ('credit', 'identity', 'risk')
      AND state IN ('approved', 'declined', 'lapsed')
)
SELECT start, kind, extract(hour FROM at)::integer AS hour,
       count(*) FILTER (WHERE answered AND NOT is_blind) AS answered,
       count(*) FILTER (WHERE state = 'approved' AND NOT is_blind) AS approved,
       count(*) FILTER (WHERE state = 'lapsed' AND NOT is_blind) AS lapsed,
       percentile_disc(0.5) WITHIN GROUP (ORDER BY waited_s) FILTER (WHERE answered AND NOT is_blind)::bigint AS p50_s,
       percentile_disc(0.9) WITHIN GROUP (ORDER BY waited_s) FILTER (WHERE answered AND NOT is_blind)::bigint AS p90_s,
       count(*) FILTER (WHERE answered) AS decisions,
       count(DISTINCT (person, date_trunc('hour', at))) FILTER (WHERE answered) AS worked_hours,
       grouping(start, kind, extract(hour FROM at)) AS level
FROM ended
GROUP BY GROUPING SETS ((start), (kind), (extract(hour FROM at)), ())
ORDER BY start, kind
"""
# What `grouping` says: a bit for each column that a row is not grouped by, the first the highest.
_BY_PERIOD, _BY_KIND, _BY_HOUR, _ALL = 0b011, 0b101, 0b110, 0b111


async def work(merchant_id: UUID, span: Span) -> Work:
    """How much was answered, how it ended, and how long people waited for it."""
    rows = await db.fetch_all(_WORK, merchant_id, span.since, span.until, span.unit, span.time_zone)
    periods = {row["start"]: _answers(row) for row in rows if row["level"] == _BY_PERIOD}
    hours = {row["hour"]: row["decisions"] for row in rows if row["level"] == _BY_HOUR}
    [everything] = [row for row in rows if row["level"] == _ALL]
    return Work(
        total=_answers(everything),
        periods=tuple((start, periods.get(start, NOTHING)) for start in span.starts),
        kinds=tuple((row["kind"], _answers(row)) for row in rows if row["level"] == _BY_KIND),
        hours=tuple(hours.get(hour, 0) for hour in range(HOURS)),
        decisions=everything["decisions"],
        worked_hours=everything["worked_hours"],
    )


def _answers(row: db.Record) -> Answers:
    return Answers(row["answered"], row["approved"], row["lapsed"], row["p50_s"], row["p90_s"])


# What became of them is read once, not for each case; nothing is written down of a purchase before it was looked at.
_OVERTURNED: Final = """
WITH gone_bad AS MATERIALIZED (
    SELECT d.session_id FROM risk_labels l
    JOIN risk_decisions d ON d.merchant_id = l.merchant_id AND d.id = l.decision_id
    WHERE l.merchant_id = $1 AND l.at >= $2 AND l.is_bad AND l.source IN ('unpaid', 'refund', 'dispute')
)
SELECT count(*) FILTER (WHERE state = 'declined' AND first_by <> coalesce(decided_by, resolved_by)) AS by_second,
       coalesce(sum((SELECT count(*) FROM case_history h
                     WHERE h.merchant_id = c.merchant_id AND h.subject_id = c.id
                       AND h.event = 'case.reopened' AND h.detail->>'why' = 'undone')), 0)::bigint AS undone,
       count(*) FILTER (WHERE kind = 'risk' AND state = 'approved' AND NOT is_blind) AS approved_risk,
       count(*) FILTER (WHERE kind = 'risk' AND state = 'approved' AND NOT is_blind
                          AND session_id IN (SELECT session_id FROM gone_bad)) AS bad_later,
       count(*) FILTER (WHERE is_blind AND state IN ('approved', 'declined')) AS blind,
       count(*) FILTER (WHERE is_blind AND state = 'declined') AS blind_bad
FROM cases c
WHERE merchant_id = $1 AND resolved_at >= $2 AND resolved_at < $3 AND kind IN ('credit', 'identity', 'risk')
"""


async def overturned(merchant_id: UUID, span: Span) -> Overturned:
    """Of the cases that ended in the time."""
    row = await db.fetch_one(_OVERTURNED, merchant_id, span.since, span.until)
    assert row is not None, "counts always answer"
    return Overturned(**dict(row.items()))


# Every decision with a finding, along its own index. An order may be judged more than once; one bad end is enough.
_RULES: Final = """
SELECT f.rule, r.name, f.is_shadow, count(*) AS fired, count(t.is_bad) AS judged,
       count(*) FILTER (WHERE t.is_bad) AS bad
FROM risk_decisions d
CROSS JOIN LATERAL (
    SELECT DISTINCT e->>'rule' AS rule, (e->>'is_shadow')::boolean AS is_shadow
    FROM jsonb_array_elements(d.findings) AS e
) f
CROSS JOIN LATERAL (
    SELECT bool_or(l.is_bad) AS is_bad FROM risk_labels l
    WHERE l.merchant_id = d.merchant_id AND l.decision_id = d.id
) t
LEFT JOIN risk_rules r ON r.merchant_id = d.merchant_id AND r.public_id = f.rule
WHERE d.merchant_id = $1 AND d.at >= $2 AND d.at < $3 AND d.findings <> '[]'::jsonb
GROUP BY f.rule, r.name, f.is_shadow
ORDER BY fired DESC, f.rule, f.is_shadow
"""


async def rule_figures(merchant_id: UUID, span: Span) -> tuple[RuleFigures, ...]:
    """Each rule that was found in the time, the most frequent first."""
    rows = await db.fetch_all(_RULES, merchant_id, span.since, span.until)
    return tuple(RuleFigures(**dict(row.items())) for row in rows)


# As it stood on that day: what was paid later was missing then. What was credited, whenever, is no loss of this kind. A
# document is read once for all three days; who let it through is asked only of those that were late.
_LOSSES: Final = """
WITH due AS MATERIALIZED (
    SELECT i.order_id, i.currency, i.due_on,
           i.amount_minor - i.credited_minor - i.dropped_interest_minor - i.dropped_fee_minor AS due_minor,
           coalesce(sum(p.applied_minor) FILTER (WHERE p.paid_on <= i.due_on + 30), 0) AS by_30_minor,
           coalesce(sum(p.applied_minor) FILTER (WHERE p.paid_on <= i.due_on + 60), 0) AS by_60_minor,
           coalesce(sum(p.applied_minor) FILTER (WHERE p.paid_on <= i.due_on + 90), 0) AS by_90_minor
    FROM invoices i
    LEFT JOIN invoice_payments p ON p.merchant_id = i.merchant_id AND p.invoice_id = i.id
    WHERE i.merchant_id = $1 AND i.due_on <= $2::date - 30 AND i.due_on > $2::date - 90 - $3::integer
      AND i.state <> 'credited'
    GROUP BY i.merchant_id, i.id
), late AS MATERIALIZED (
    SELECT DISTINCT order_id FROM due WHERE due_minor > by_30_minor
), by_person AS MATERIALIZED (
    SELECT DISTINCT s.order_id FROM late
    JOIN checkout_sessions s ON s.merchant_id = $1 AND s.order_id = late.order_id
    JOIN cases c ON c.merchant_id = $1 AND c.session_id = s.id AND c.state = 'approved' AND NOT c.is_blind
)
SELECT n.days, currency, count(*) AS documents, sum(due_minor)::bigint AS due_minor,
       sum(greatest(0, due_minor - n.paid_minor))::bigint AS unpaid_minor,
       coalesce(sum(greatest(0, due_minor - n.paid_minor))
                FILTER (WHERE order_id IN (SELECT order_id FROM by_person)), 0)::bigint AS by_person_minor
FROM due
CROSS JOIN LATERAL (VALUES (30, by_30_minor), (60, by_60_minor), (90, by_90_minor)) n (days, paid_minor)
WHERE due_on <= $2::date - n.days AND due_on > $2::date - n.days - $3::integer
GROUP BY n.days, currency
ORDER BY currency, n.days
"""


async def losses(merchant_id: UUID, span: Span, today: date) -> tuple[Loss, ...]:
    """By currency and days; nothing for days before which nothing fell due."""
    rows = await db.fetch_all(_LOSSES, merchant_id, today, span.days)
    return tuple(Loss(**dict(row.items())) for row in rows)
