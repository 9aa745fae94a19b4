"""A stored document as a PDF: worded by the catalogue of its language, laid out by Typst, its codes drawn as vectors.

The same content gives the same bytes. Drawing takes tens of milliseconds of one core, so it is for workers; it runs in
a thread, and one at a time a process.
"""

from __future__ import annotations

import asyncio
import threading
from decimal import Decimal
from functools import lru_cache
from typing import Final

import typst

from app.invoices.barcode import barcode_svg, qr_svg
from app.invoices.content import Content
from app.invoices.references import epc_qr, iban_in_groups, in_groups
from app.kernel.i18n import format_money
from app.kernel.money import Money
from app.kernel.templating import TEMPLATES_DIR, render_text

_LAYOUT: Final = TEMPLATES_DIR / "invoices" / "invoice.typ"
# Tagged for screen readers: PDF/UA-1.
_STANDARDS: Final[list[typst.PDFStandard]] = ["ua-1"]
_drawing = threading.Lock()


async def pdf_of(content: Content, lang: str) -> bytes:
    """The document as it is sent and kept. For workers; on a request only where staff ask for one sheet."""
    return await asyncio.to_thread(draw, content, lang)


def draw(content: Content, lang: str) -> bytes:
    """As `pdf_of`, in this thread."""
    inputs = {"document": worded(content, lang)}
    payment = content.payment
    if payment is not None:
        if payment.barcode is not None:
            inputs["barcode"] = barcode_svg(payment.barcode)
        if content.currency == "EUR":
            amount = Money(content.amount_minor, content.currency)
            inputs["qr"] = qr_svg(epc_qr(payment.payee, payment.iban, amount, payment.rf_reference))
    with _drawing:
        try:
            drawn = _compiler().compile(format="pdf", sys_inputs=inputs, pdf_standards=_STANDARDS)
        except typst.TypstError:
            # The standard refuses a document with a letter that the font lacks. A name may be written in any script,
            # and its invoice must go out all the same: with the machine's fonts, and a box where none has the letter.
            drawn = _compiler(own_fonts=False).compile(format="pdf", sys_inputs=inputs)
    assert isinstance(drawn, bytes), "one document is one file"
    return drawn


def worded(content: Content, lang: str) -> str:
    """Everything the document says, in order, as JSON for the layout."""

    def money(amount_minor: int) -> str:
        return format_money(Money(amount_minor, content.currency), lang)

    return render_text(
        "invoices/document.txt",
        lang,
        doc=content,
        money=money,
        decimal=Decimal,
        in_groups=in_groups,
        iban_in_groups=iban_in_groups,
    )


def file_name(content: Content) -> str:
    """A name that every file system takes: `invoice-2026-00001.pdf`."""
    return f"{content.kind.replace('_', '-')}-{content.number.replace('/', '-')}.pdf"


@lru_cache(maxsize=2)
def _compiler(*, own_fonts: bool = True) -> typst.Compiler:
    """Reads the layout and the fonts once. The fonts are Typst's own, so that every machine draws alike."""
    return typst.Compiler(_LAYOUT, root=TEMPLATES_DIR / "invoices", ignore_system_fonts=own_fonts)
