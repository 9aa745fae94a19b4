"""A sheet as a PDF: worded by the catalogue of its language, laid out by Typst. The same sheet gives the same bytes."""

from __future__ import annotations

import asyncio
import threading
from functools import lru_cache
from typing import Final

import msgspec
import typst

from app.agreements.content import Sheet
from app.agreements.words import worded
from app.kernel.templating import TEMPLATES_DIR

_LAYOUT: Final = TEMPLATES_DIR / "agreements" / "sheet.typ"
# Tagged for screen readers: PDF/UA-1.
_STANDARDS: Final[list[typst.PDFStandard]] = ["ua-1"]
# A sheet is some 50 KB; somebody who looks twice is served at once.
_KEPT: Final = 32
_drawing = threading.Lock()


async def pdf_of(sheet: Sheet, lang: str) -> bytes:
    """The document, drawn in a thread: it takes tens of milliseconds of one core, and one at a time a process."""
    return await asyncio.to_thread(draw, sheet, lang)


@lru_cache(maxsize=_KEPT)
def draw(sheet: Sheet, lang: str) -> bytes:
    """As `pdf_of`, in this thread."""
    inputs = {"document": msgspec.json.encode(worded(sheet, lang)).decode()}
    with _drawing:
        try:
            drawn = _compiler().compile(format="pdf", sys_inputs=inputs, pdf_standards=_STANDARDS)
        except typst.TypstError:
            # The standard refuses a letter that the font lacks, and a name may be written in any script: then with the
            # machine's fonts, and a box where none has the letter.
            drawn = _compiler(own_fonts=False).compile(format="pdf", sys_inputs=inputs)
    assert isinstance(drawn, bytes), "one document is one file"
    return drawn


@lru_cache(maxsize=2)
def _compiler(*, own_fonts: bool = True) -> typst.Compiler:
    """Reads the layout and the fonts once. The fonts are Typst's own, so that every machine draws alike."""
    return typst.Compiler(_LAYOUT, root=TEMPLATES_DIR / "agreements", ignore_system_fonts=own_fonts)
