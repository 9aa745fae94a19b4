"""Rows of CSV (RFC 4180) that are safe to open in a spreadsheet. Pure.

A spreadsheet runs a cell that begins with one of a few signs as a formula, quoted or not, and text in our tables comes
from people. Such a text gets an apostrophe in front: a spreadsheet shows it as text, a program sees what was done.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

BYTE_ORDER_MARK: Final = "\ufeff"
"""Begins a file: without it common spreadsheets do not read UTF-8."""

# The signs that OWASP names (CSV injection), and their full-width twins, which some spreadsheets take for them.
_RUNS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001


def csv_row(cells: Sequence[str | int | None]) -> str:
    """One row with its line end. Text is quoted and defused; a number stands as it is, None as an empty cell."""
    return ",".join(_cell(cell) for cell in cells) + "\r\n"


def _cell(cell: str | int | None) -> str:
    if cell is None:
        return ""
    if isinstance(cell, int):
        return str(cell)
    # Blanks in front do not keep a spreadsheet from looking.
    text = f"'{cell}" if cell.lstrip(" ").startswith(_RUNS) else cell
    return '"' + text.replace('"', '""') + '"'
