"""A wallet's statement as a PDF: worded by the catalogue of its language, laid out by Typst, as invoices are."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Final

import typst

from app.kernel.money import Money
from app.kernel.templating import TEMPLATES_DIR, render_text

_LAYOUT: Final = TEMPLATES_DIR / "wallet" / "statement.typ"
# Tagged for screen readers: PDF/UA-1.
_STANDARDS: Final[list[typst.PDFStandard]] = ["ua-1"]
_drawing = threading.Lock()


@dataclass(frozen=True, slots=True)
class StatementRow:
    """One movement; `reference` is the shop's number of the purchase that it came from or went to, `points` how many
    became this money."""

    at: datetime
    cause: str
    reference: str
    amount: Money
    balance_after: Money
    points: int | None = None


@dataclass(frozen=True, slots=True)
class StatementSheet:
    """The movements of one wallet, newest first, as of `drawn_on`; not `is_whole` where older ones are left out."""

    shop: str
    operator: str
    name: str
    zone: str
    drawn_on: date
    balance: Money
    rows: Sequence[StatementRow]
    is_whole: bool


def worded(sheet: StatementSheet, lang: str) -> str:
    """Everything the statement says, as JSON: for the layout, and for the sheet of a spreadsheet."""
    return render_text("wallet/statement.txt", lang, sheet=sheet)


async def pdf_of(sheet: StatementSheet, lang: str) -> bytes:
    """Drawn in a thread, one at a time a process."""
    return await asyncio.to_thread(_draw, worded(sheet, lang))


def _draw(document: str) -> bytes:
    inputs = {"document": document}
    with _drawing:
        try:
            drawn = _compiler().compile(format="pdf", sys_inputs=inputs, pdf_standards=_STANDARDS)
        except typst.TypstError:
            # As for invoices: a name with a letter that the font lacks comes out with the machine's own fonts.
            drawn = _compiler(own_fonts=False).compile(format="pdf", sys_inputs=inputs)
    assert isinstance(drawn, bytes), "one document is one file"
    return drawn


@lru_cache(maxsize=2)
def _compiler(*, own_fonts: bool = True) -> typst.Compiler:
    return typst.Compiler(_LAYOUT, root=TEMPLATES_DIR / "wallet", ignore_system_fonts=own_fonts)
