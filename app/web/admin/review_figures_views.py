"""What the page of figures of reviews shows beside its charts, and the same as CSV."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from decimal import Decimal
from typing import Final

from app.checkout.review_figures import Answers, Loss, Overturned, RuleFigures, Work
from app.kernel.csv_text import BYTE_ORDER_MARK, csv_row
from app.kernel.money import MINOR_PER_MAJOR, Money

Cell = str | int | None
_THOUSAND: Final = 1_000
_ANSWER_COLUMNS: Final = ("answered", "approved", "declined", "lapsed", "waited_p50_s", "waited_p90_s")


@dataclass(frozen=True, slots=True)
class LossRow:
    """`percent` of what fell due had not come; `bar` is the same for a bar, of the largest share that is shown."""

    days: int
    documents: int
    due: Money
    unpaid: Money
    by_person: Money
    percent: Decimal
    bar: int


def loss_rows(losses: Sequence[Loss]) -> tuple[LossRow, ...]:
    """In percent with one decimal: a loss of half a percent is not none."""
    shares = [_thousandths(loss) for loss in losses]
    most = max(shares, default=0)
    return tuple(
        LossRow(
            days=loss.days,
            documents=loss.documents,
            due=Money(loss.due_minor, loss.currency),
            unpaid=Money(loss.unpaid_minor, loss.currency),
            by_person=Money(loss.by_person_minor, loss.currency),
            percent=Decimal(share).scaleb(-1),
            bar=max(1, share * 100 // most) if share else 0,
        )
        for loss, share in zip(losses, shares, strict=True)
    )


def _thousandths(loss: Loss) -> int:
    """Half up, of what was due; nothing due, nothing lost."""
    if not loss.due_minor:
        return 0
    return (2 * _THOUSAND * loss.unpaid_minor + loss.due_minor) // (2 * loss.due_minor)


# --- sheets -------------------------------------------------------------------------------------------------


def sheet(columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """A whole CSV file; none of these has more rows than a year has months, or a shop rules."""
    return BYTE_ORDER_MARK + csv_row(columns) + "".join(csv_row(row) for row in rows)


def sheet_of_answers(work: Work) -> str:
    rows = ((start.isoformat(), *_answer_cells(answers)) for start, answers in work.periods)
    return sheet(("begins_on", *_ANSWER_COLUMNS), rows)


def sheet_of_kinds(work: Work) -> str:
    return sheet(
        ("kind", *_ANSWER_COLUMNS), ((kind, *_answer_cells(answers)) for kind, answers in work.kinds)
    )


def sheet_of_hours(work: Work) -> str:
    return sheet(("hour", "answers"), tuple(enumerate(work.hours)))


def sheet_of_overturned(found: Overturned) -> str:
    return sheet([field.name for field in fields(found)], [astuple(found)])


def sheet_of_rules(found: Iterable[RuleFigures]) -> str:
    columns = ("rule", "name", "is_shadow", "fired", "judged", "bad", "precision_percent")
    rows = (
        (row.rule, row.name, int(row.is_shadow), row.fired, row.judged, row.bad, row.precision)
        for row in found
    )
    return sheet(columns, rows)


def sheet_of_losses(losses: Iterable[Loss]) -> str:
    columns = ("days", "currency", "documents", "due", "unpaid", "unpaid_let_through_by_a_person")
    rows = (
        (
            loss.days,
            loss.currency,
            loss.documents,
            _sum(loss.due_minor),
            _sum(loss.unpaid_minor),
            _sum(loss.by_person_minor),
        )
        for loss in losses
    )
    return sheet(columns, rows)


def _answer_cells(answers: Answers) -> tuple[Cell, ...]:
    return (
        answers.answered,
        answers.approved,
        answers.declined,
        answers.lapsed,
        answers.p50_s,
        answers.p90_s,
    )


def _sum(minor: int) -> str:
    """None of these sums is below zero."""
    whole, cents = divmod(minor, MINOR_PER_MAJOR)
    return f"{whole}.{cents:02}"
