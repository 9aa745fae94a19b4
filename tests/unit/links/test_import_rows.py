"""Files of orders: which rows can be read, what each means, and what is said about those that mean nothing."""

from __future__ import annotations

import contextlib
import dataclasses
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.csv_text import csv_row
from app.links.bulk.errors import FileRefused
from app.links.bulk.rules import Fault, Shop, Wanted, read_row, row_key
from app.links.bulk.sheet import FILE_MAX_BYTES, ROWS_MAX, read, text_of
from app.links.rules import end_of_day
from app.orders.rules import Line

SHOP = Shop("FI", "EUR", "Europe/Helsinki", date(2026, 11, 22), "fi")
HEAD = "reference,item,price,vat"


def rows_of(text: str) -> list[Wanted | tuple[Fault, ...] | str]:
    """Each row of a file: the order it asks for, its faults, or why it could not be taken apart."""
    sheet = read(text)
    return [row.fault or read_row(sheet.columns, row.cells, SHOP) for row in sheet.rows]


def the_order(text: str) -> Wanted:
    [row] = rows_of(text)
    assert isinstance(row, Wanted), row
    return row


def faults_of(columns: str, cells: str) -> list[tuple[str, str]]:
    [row] = rows_of(f"{HEAD},{columns}\nA-1,Blanket,129,25.5,{cells}\n")
    assert isinstance(row, tuple), row
    return [(fault.column, fault.code) for fault in row]


def test_a_row_is_an_order() -> None:
    order = the_order(
        "reference;item;quantity;price;vat;name;email;phone;street;postcode;city;buyer;note;valid_until\n"
        "A-1;Wool blanket;2;129,00;25,5;Aino Virta;aino@example.test;048 0000101;Kivikatu 1;00100;Helsinki;;"
        "Rings twice;24.12.2026\n"
    )
    assert order == Wanted(
        reference="A-1",
        buyer="consumer",
        lines=(Line("item", "Wool blanket", 2, 129_00, Decimal("25.5")),),
        total_minor=258_00,
        valid_until=date(2026, 12, 24),
        contact={
            "name": "Aino Virta",
            "email": "aino@example.test",
            "phone": "+358480000101",
            "street": "Kivikatu 1",
            "postcode": "00100",
            "city": "Helsinki",
        },
        note="Rings twice",
    )


def test_more_lines_stand_in_columns_of_their_own_and_a_price_below_nothing_is_a_discount() -> None:
    order = the_order(
        "Reference,Item,Price,VAT,Item 2,Price-2,vat_2,item_3,price_3,vat_3\nA,Cup,10,24,,,,Regular,-2.50,24\n"
    )
    assert [(line.type, line.name, line.unit_price_minor) for line in order.lines] == [
        ("item", "Cup", 10_00),
        ("discount", "Regular", -2_50),
    ]
    assert order.total_minor == 7_50


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_separators_and_line_ends_are_found_out(separator: str, line_end: str) -> None:
    lines = [
        separator.join(row) for row in (["reference", "item", "price", "vat"], ["A-1", "Cup", "1.5", "0"])
    ]
    assert the_order(line_end.join(lines)).total_minor == 1_50


@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "utf-16"])
def test_files_of_spreadsheets_are_read(coding: str) -> None:
    text = f"{HEAD},name\nA-1,Mökki,1,0,Ægir Ж\n"
    assert the_order(text_of(text.encode(coding))).contact == {"name": "Ægir Ж"}


def test_a_file_in_an_unknown_coding_is_not_guessed_at() -> None:
    with pytest.raises(FileRefused, match="not_utf8"):
        text_of(f"{HEAD}\nA-1,Mökki,1,0\n".encode("cp1252"))
    with pytest.raises(FileRefused, match="not_utf8"):
        text_of(f"{HEAD}\nA-1,M\0,1,0\n".encode())
    with pytest.raises(FileRefused, match="too_large"):
        text_of(b"a" * (FILE_MAX_BYTES + 1))


@pytest.mark.parametrize(
    ("text", "reason", "detail"),
    [
        ("", "empty", ""),
        ("\n \n", "empty", ""),
        (HEAD, "no_rows", ""),
        (f"{HEAD}\n,,,\n", "no_rows", ""),
        ("reference,item,price\nA,B,1\n", "missing_column", "vat"),
        ('"reference,item,price,vat\nA,B,1,0\n', "missing_column", "reference"),
        (f"{HEAD},Price\nA,B,1,0,2\n", "column_twice", "price"),
        (f"{HEAD}{',x' * 120}\nA,B,1,0\n", "too_many_columns", "120"),
        (f"{HEAD}\n" + "A,B,1,0\n" * (ROWS_MAX + 1), "too_many_rows", "10000"),
    ],
)
def test_a_file_without_orders_says_why(text: str, reason: str, detail: str) -> None:
    with pytest.raises(FileRefused) as refused:
        read(text)
    assert (refused.value.reason, refused.value.detail) == (reason, detail)


def test_columns_of_other_programs_are_named_and_left_alone() -> None:
    sheet = read("colour,reference,item,price,vat, \nred,A-1,Cup,1,0,\n")
    assert sheet.unused == ("colour",)
    assert isinstance(read_row(sheet.columns, sheet.rows[0].cells, SHOP), Wanted)


def test_a_mark_that_is_never_closed_costs_its_own_row_alone() -> None:
    broken, good = rows_of(f'{HEAD}\nA-1,"Cup,1,0\nA-2,Cup,1,0\n')
    assert broken == "broken_quotes"
    assert isinstance(good, Wanted)
    assert good.reference == "A-2"


def test_two_rows_with_an_open_mark_are_not_joined_into_one() -> None:
    assert rows_of(f'{HEAD}\nA-1,"Cup,1,0\nA-2,Cup",1,0\nA-3,Cup,1,0\n')[0] == "broken_quotes"


def test_of_ten_thousand_rows_the_good_ones_are_read_whatever_the_others_are() -> None:
    broken = ('R,"Cup,1,0', "R,Cup,1,0,1,2,3", 'R,"Cup"x,1,0')
    lines = [broken[number % 3] if number % 2 else f"R-{number},Cup,1,0" for number in range(ROWS_MAX)]
    sheet = read("\n".join((HEAD, *lines)))
    assert [row.line for row in sheet.rows] == list(range(2, ROWS_MAX + 2))
    assert [row.cells[0] for row in sheet.rows if row.fault is None] == [
        f"R-{number}" for number in range(0, ROWS_MAX, 2)
    ]


def test_a_cell_may_hold_line_breaks_marks_and_separators() -> None:
    order = the_order(f'{HEAD},note\nA-1,"Pipe 5"", long",1,0,"Ring.\nTwice, please"\n')
    assert (order.lines[0].name, order.note) == ('Pipe 5", long', "Ring.\nTwice, please")


def test_a_row_knows_the_line_it_begins_in() -> None:
    sheet = read(f'{HEAD},note\n\nA-1,Cup,1,0,"one\ntwo"\nA-2,Cup,1,0,\n')
    assert [row.line for row in sheet.rows] == [3, 5]


@pytest.mark.parametrize(
    ("columns", "cells", "expected"),
    [
        ("quantity", "0", ("quantity", "malformed")),
        ("quantity", "10000", ("quantity", "malformed")),
        ("email", "nobody", ("email", "malformed")),
        ("phone", "12", ("phone", "malformed")),
        ("phone", "+44 7400 000000", ("phone", "country_not_served")),
        ("postcode", "1", ("postcode", "malformed")),
        ("buyer", "robot", ("buyer", "malformed")),
        ("valid_until", "tomorrow", ("valid_until", "malformed")),
        ("valid_until", "2026-02-30", ("valid_until", "malformed")),
        ("valid_until", "2026-11-21", ("valid_until", "passed")),
        ("valid_until", "2030-01-01", ("valid_until", "too_far")),
        ("note", "4111 1111 1111 1111", ("note", "card_number")),
        ("name", "x" * 101, ("name", "too_long")),
        ("note", "x" * 2001, ("note", "too_long")),
        ("item_2", "Bag", ("price_2", "missing")),
        ("price_2", "5", ("item_2", "missing")),
    ],
)
def test_each_fault_is_told_with_its_column(columns: str, cells: str, expected: tuple[str, str]) -> None:
    assert expected in faults_of(columns, cells)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (",Cup,1,0", ("reference", "missing")),
        ("A,,1,0", ("item", "missing")),
        ("A,Cup,,0", ("price", "missing")),
        ("A,Cup,1.234.5,0", ("price", "malformed")),
        ("A,Cup,1,101", ("vat", "malformed")),
        ("4111-1111-1111-1111,Cup,1,0", ("reference", "card_number")),
        ("A,Cup,-1,0", ("", "total")),
        ("A,Cup,0,0", ("", "total")),
    ],
)
def test_what_every_row_needs(row: str, expected: tuple[str, str]) -> None:
    [found] = rows_of(f"{HEAD}\n{row}\n")
    assert isinstance(found, tuple)
    assert expected in [(fault.column, fault.code) for fault in found]


def test_all_faults_of_a_row_come_at_once_in_the_order_of_the_columns() -> None:
    [found] = rows_of("email,reference,item,price,vat\nnobody,,Cup,x,0\n")
    assert isinstance(found, tuple)
    assert [fault.column for fault in found] == ["email", "reference", "price"]


def test_more_cells_than_columns_are_a_fault_and_fewer_are_empty_ones() -> None:
    long, short = rows_of(f"{HEAD},name,email\nA-1,Cup,1,0,,,extra\nA-2,Cup,1,0\n")
    assert long == "too_many_cells"
    assert isinstance(short, Wanted)


def test_a_link_holds_through_its_last_day_where_the_shop_is() -> None:
    assert end_of_day(date(2026, 12, 24), "Europe/Helsinki") == datetime(2026, 12, 24, 21, 59, tzinfo=UTC)


def test_the_same_row_is_the_same_order_whatever_the_columns_are_called() -> None:
    one = the_order("reference,item,price,vat,email\nA-1,Cup,1.50,24,a@example.test\n")
    other = the_order("Email;VAT;Price;Item;Reference\na@example.test;24,0;1,5;Cup;A-1\n")
    assert row_key(one) == row_key(other)


def test_everything_that_a_row_says_tells_it_from_another() -> None:
    order = the_order(f"{HEAD},name,note,valid_until\nA-1,Cup,1,0,Aino,Twice,2026-12-24\n")
    others = (
        dataclasses.replace(order, reference="A-2"),
        dataclasses.replace(order, buyer="business"),
        dataclasses.replace(order, lines=(dataclasses.replace(order.lines[0], quantity=2),)),
        dataclasses.replace(order, lines=order.lines * 2),
        dataclasses.replace(order, contact={"name": "Eino"}),
        dataclasses.replace(order, contact={"city": "Aino"}),
        dataclasses.replace(order, note=None),
        dataclasses.replace(order, valid_until=None),
    )
    assert len({row_key(each) for each in (order, *others)}) == len(others) + 1


@pytest.mark.parametrize("name", ["=cmd|' /C calc'!A0", "+Plus", "-Minus", "@at", " =1+1", "＝1"])  # noqa: RUF001
def test_a_row_that_we_wrote_is_read_as_what_it_was(name: str) -> None:
    """What is guarded against spreadsheets on the way out is the same order on the way in."""
    written = csv_row(["reference", "item", "price", "vat", "city"]) + csv_row(["A-1", "Cup", "1", "0", name])
    plain = f'{HEAD},city\nA-1,Cup,1,0,"{name}"\n'
    assert row_key(the_order(written)) == row_key(the_order(plain))


@given(st.text(alphabet='ab1,;"\n\r\t =\x1f0', max_size=200))
def test_no_text_breaks_the_reader(text: str) -> None:
    with contextlib.suppress(FileRefused):
        sheet = read(f"{HEAD}\n{text}")
        assert all(row.fault or read_row(sheet.columns, row.cells, SHOP) for row in sheet.rows)
