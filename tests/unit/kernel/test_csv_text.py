"""Rows of CSV: read back as they were, and no cell that a spreadsheet would run."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.csv_text import csv_row

RUNS = "=+-@\t\r\n＝＋－＠"  # noqa: RUF001


def read_back(row: str) -> list[str]:
    [cells] = csv.reader(io.StringIO(row, newline=""))
    return cells


def test_text_numbers_and_nothing_stand_in_their_cells() -> None:
    assert (
        csv_row(["SHOP-1", 14480, None, 'Say "Aino", please']) == '"SHOP-1",14480,,"Say ""Aino"", please"\r\n'
    )


@pytest.mark.parametrize("sign", list(RUNS))
def test_what_a_spreadsheet_would_run_begins_with_an_apostrophe(sign: str) -> None:
    assert read_back(csv_row([f"{sign}HYPERLINK(1)", f"  {sign}1+1"])) == [
        f"'{sign}HYPERLINK(1)",
        f"'  {sign}1+1",
    ]


@given(
    st.lists(
        st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), min_size=1, max_size=4
    )
)
def test_every_text_is_read_back_and_none_of_them_runs(texts: list[str]) -> None:
    back = read_back(csv_row(texts))
    assert [
        cell.removeprefix("'") if cell != text else cell for cell, text in zip(back, texts, strict=True)
    ] == texts
    assert not any(cell.lstrip(" ").startswith(tuple(RUNS)) for cell in back)
