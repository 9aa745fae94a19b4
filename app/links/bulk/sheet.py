"""A file of orders as rows of cells: which signs it is in, where a row ends, which column is which. Pure.

A row that is broken costs itself alone: a quotation mark that is never closed must not swallow the rows after it.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from app.kernel.typed import clean, one_line
from app.links.bulk.errors import FileRefused

FILE_MAX_BYTES: Final = 5 * 1024 * 1024
ROWS_MAX: Final = 10_000
COLUMNS_MAX: Final = 120
# How many lines one row may stand in: a note with line breaks, and no more.
LINES_OF_A_ROW_MAX: Final = 20
# One order of a file holds at most so many lines of its own.
ORDER_LINES_MAX: Final = 20

LINE_COLUMNS: Final = ("item", "price", "vat", "quantity", "sku")
NEEDED: Final = ("reference", "item", "price", "vat")
_ORDER_COLUMNS: Final = (
    "reference",
    "name",
    "email",
    "phone",
    "street",
    "postcode",
    "city",
    "buyer",
    "note",
    "valid_until",
)
COLUMNS: Final = frozenset(
    (
        *_ORDER_COLUMNS,
        *LINE_COLUMNS,
        *(f"{name}_{n}" for n in range(2, ORDER_LINES_MAX + 1) for name in LINE_COLUMNS),
    )
)
_DELIMITERS: Final = ";,\t"
_FIRST_LINE: Final = re.compile(r"[^\r\n]*\S[^\r\n]*")


@dataclass(frozen=True, slots=True)
class Row:
    """One row: the number of its first line in the file, from 1, and its cells. `fault` when it cannot be taken apart:
    then its only cell is the line as it stands."""

    line: int
    cells: tuple[str, ...]
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class Sheet:
    """A file that was read: its columns in their order (`unused` ones keep their own name), and its rows."""

    columns: tuple[str, ...]
    unused: tuple[str, ...]
    rows: tuple[Row, ...]


def text_of(raw: bytes) -> str:
    """The text of a file. UTF-8 or, with its mark in front, UTF-16: anything else could only be guessed, and a wrong
    guess writes wrong names. Raises FileRefused: too_large, not_utf8."""
    if len(raw) > FILE_MAX_BYTES:
        raise FileRefused("too_large")
    coding = "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = raw.decode(coding)
    except UnicodeDecodeError:
        raise FileRefused("not_utf8") from None
    if "\0" in text:
        raise FileRefused("not_utf8")
    return text


def read(text: str) -> Sheet:
    """The rows of a file, empty ones left out. Raises FileRefused: empty, missing_column, column_twice,
    too_many_columns, no_rows, too_many_rows."""
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    first = next((index for index, line in enumerate(lines) if line.strip()), None)
    if first is None:
        raise FileRefused("empty")
    delimiter, columns, unused = _head(lines[first])
    rows = []
    for row in _rows(lines, first + 1, delimiter, columns):
        rows.append(row)
        if len(rows) > ROWS_MAX:
            raise FileRefused("too_many_rows", str(ROWS_MAX))
    if not rows:
        raise FileRefused("no_rows")
    return Sheet(columns, unused, tuple(rows))


def check_head(text: str) -> None:
    """Look at the names of the columns alone, which is done at once however long the file is. Raises FileRefused:
    empty, missing_column, column_twice, too_many_columns."""
    first = _FIRST_LINE.search(text.removeprefix("\ufeff"))
    if first is None:
        raise FileRefused("empty")
    _head(first[0])


def _head(line: str) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """What separates cells, and which column is which."""
    delimiter = max(_DELIMITERS, key=line.count)
    cells = _cells([line], delimiter)
    if cells is None:
        raise FileRefused("missing_column", NEEDED[0])
    columns, unused = _columns(cells)
    return delimiter, columns, unused


def _columns(names: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Which column is which. A name may be written with capitals, blanks or dashes: "Valid until", "Item-2"."""
    if len(names) > COLUMNS_MAX:
        raise FileRefused("too_many_columns", str(COLUMNS_MAX))
    columns, unused = [], []
    for name in names:
        shown = one_line(clean(name))
        key = re.sub(r"[\s_-]+", "_", shown.lower())
        key = re.sub(r"_1$", "", key)
        if key in COLUMNS and key in columns:
            raise FileRefused("column_twice", key)
        if key not in COLUMNS and shown:
            unused.append(shown[:60])
        columns.append(key if key in COLUMNS else "")
    for name in NEEDED:
        if name not in columns:
            raise FileRefused("missing_column", name)
    return tuple(columns), tuple(unused)


def _rows(lines: Sequence[str], start: int, delimiter: str, columns: Sequence[str]) -> Iterator[Row]:
    at = start
    while at < len(lines):
        row, taken = _row(lines, at, delimiter, columns)
        at += taken
        if row.fault is not None or any(row.cells):
            yield row


def _row(lines: Sequence[str], at: int, delimiter: str, columns: Sequence[str]) -> tuple[Row, int]:
    """The row that begins in line `at`, and how many lines it takes."""
    line, width = lines[at], len(columns)
    if '"' not in line:
        return _checked(at, [cell.strip() for cell in line.split(delimiter)], width), 1
    for taken in range(1, min(LINES_OF_A_ROW_MAX, len(lines) - at) + 1):
        cells = _cells(lines[at : at + taken], delimiter)
        if cells is None:
            continue
        row = _checked(at, [cell.strip() for cell in cells], width)
        # A mark that was closed by another row's mark has joined the two: then the first of them is broken alone.
        if taken > 1 and (row.fault is not None or _breaks_elsewhere(row.cells, columns)):
            break
        return row, taken
    return Row(at + 1, (line.strip(),), "broken_quotes"), 1


def _breaks_elsewhere(cells: Sequence[str], columns: Sequence[str]) -> bool:
    """Whether a line ends inside another cell than those in which it may: the note, and columns we do not use."""
    return any("\n" in cell for cell, name in zip(cells, columns, strict=False) if name not in {"note", ""})


def _checked(at: int, cells: Sequence[str], width: int) -> Row:
    while len(cells) > width and not cells[-1]:
        cells = cells[:-1]
    if len(cells) > width:
        return Row(at + 1, (" ".join(cells),), "too_many_cells")
    return Row(at + 1, tuple(cells))


def _cells(lines: Sequence[str], delimiter: str) -> Sequence[str] | None:
    """One row in one or more lines, or None while its quotation marks are not in order."""
    try:
        rows = list(csv.reader([f"{line}\n" for line in lines], delimiter=delimiter, strict=True))
    except csv.Error:
        return None
    return rows[0] if len(rows) == 1 else None
