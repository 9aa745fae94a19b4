"""A sheet in words: labelled rows in the law's order. Page, fold-out and PDF show these and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

import msgspec

from app.agreements.content import Sheet
from app.agreements.rules import FIRST_PAGE, SECOND_PART
from app.kernel.i18n import format_money
from app.kernel.money import Money
from app.kernel.templating import render_text
from app.plans.disclosure import view_of


@dataclass(frozen=True, slots=True)
class Row:
    """A label of the law, its answer, and what explains it."""

    key: str
    label: str
    value: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    title: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """The whole repayment table; the first two columns are a number and a date, the others amounts."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    sums: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Worded:
    """`mark` says that the wording is unofficial, and is "" once somebody has vouched for it. `facts` are pairs of a
    name and a value: of the signing first, the quote's id and hash last."""

    lang: str
    title: str
    lead: str
    mark: str
    warning: str
    facts: tuple[tuple[str, str], ...]
    first: Part
    second: Part
    table: Table
    page: str


@dataclass(frozen=True, slots=True)
class _Said:
    """What the template answers: the rows by key, in no order that counts."""

    title: str
    lead: str
    mark: str
    warning: str
    facts: tuple[tuple[str, str], ...]
    first: str
    second: str
    rows: Mapping[str, tuple[str, str, Sequence[str]]]
    table: Table
    page: str


# Pure, and asked for by each look at step 3, at the page and at the PDF of one quote.
@lru_cache(maxsize=256)
def worded(sheet: Sheet, lang: str) -> Worded:
    """The sheet in a language."""

    def money(amount_minor: int) -> str:
        return format_money(Money(amount_minor, sheet.quote.currency), lang)

    text = render_text(
        "agreements/sheet.txt",
        lang,
        sheet=sheet,
        quote=sheet.quote,
        view=view_of(sheet.quote),
        money=money,
        decimal=Decimal,
    )
    said = msgspec.json.decode(text, type=_Said)
    return Worded(
        lang=lang,
        title=said.title,
        lead=said.lead,
        mark=said.mark,
        warning=said.warning,
        facts=said.facts,
        first=Part(said.first, _rows(said, FIRST_PAGE)),
        second=Part(said.second, _rows(said, SECOND_PART)),
        table=said.table,
        page=said.page,
    )


def _rows(said: _Said, order: Sequence[str]) -> tuple[Row, ...]:
    rows = ((key, said.rows[key]) for key in order if key in said.rows)
    return tuple(Row(key, label, value, tuple(notes)) for key, (label, value, notes) in rows)
