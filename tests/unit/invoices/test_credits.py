"""Credit notes of a whole sale or a part: lines and VAT that oppose, what is asked for after it, and the books."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.checkout.books import check_books
from app.invoices import actions
from app.invoices.actions import NewCredit
from app.invoices.content import Content, LineItem, VatItem
from app.invoices.credits import EVERYTHING, Pieces, Wanted, left_of, pieces_left, take_back
from app.invoices.errors import CreditedMeanwhile, CreditRefused, NotCreditable
from app.invoices.queries import InvoiceView, invoices_of_order
from app.invoices.rules import opposing
from app.invoices.settlement import Part, credit
from app.invoices.states import InvoiceState
from app.kernel import clock, db, ids
from app.merchants.queries import Merchant
from app.orders.rules import Line, vat_groups
from tests.factories.checkout import a_line
from tests.factories.invoices import (
    a_purchase,
    again,
    an_invoice,
    balances,
    chores_done,
    days_later,
    drawn,
    paid,
)
from tests.unit.invoices.test_pdf import CONTENTS, DAY

BOUGHT = date(2026, 11, 21)


def a_sale_of(*lines: Line) -> Content:
    items = tuple(
        LineItem(
            line.name,
            line.sku,
            line.quantity,
            line.unit_price_minor,
            f"{line.vat_percent:f}",
            line.total_minor,
        )
        for line in lines
    )
    vat = tuple(
        VatItem(f"{group.percent:f}", group.net_minor, group.vat_minor, group.gross_minor)
        for group in vat_groups(lines)
    )
    total = sum(line.total_minor for line in lines)
    return replace(CONTENTS["invoice"], lines=items, vat=vat, price_minor=total, amount_minor=total)


def a_thing(price_minor: int, rate: str, quantity: int, name: str = "Thing") -> Line:
    return Line("item", name, quantity, price_minor, Decimal(rate), sku=None, category=None)


@st.composite
def sales(draw: st.DrawFn) -> Content:
    rates = st.sampled_from(["25.5", "14", "0"])
    lines = draw(
        st.lists(st.builds(a_thing, st.integers(1, 50_000), rates, st.integers(1, 5)), min_size=1, max_size=5)
    )
    named = [replace(line, name=f"Thing {at}") for at, line in enumerate(lines)]
    return a_sale_of(*named)


@settings(max_examples=60, deadline=None)
@given(sales(), st.data())
def test_however_a_sale_is_credited_its_notes_sum_to_exactly_its_opposite(
    sale: Content, data: st.DataObject
) -> None:
    notes: list[Content] = []
    tries = data.draw(st.integers(0, 4))
    while left := left_of(sale, notes):
        wanted: Wanted = EVERYTHING
        if len(notes) < tries:
            wanted = data.draw(st.integers(1, left) | pieces_of(sale, notes))
        try:
            taken = take_back(sale, notes, wanted)
        except CreditRefused:
            # Pieces of a rate that sums were taken from already.
            taken = take_back(sale, notes, EVERYTHING)
        assert sum(line.total_minor for line in taken.lines) == taken.amount_minor
        assert sum(group.gross_minor for group in taken.vat) == taken.amount_minor
        assert all(group.net_minor + group.vat_minor == group.gross_minor for group in taken.vat)
        assert all(line.quantity * line.unit_price_minor == line.total_minor for line in taken.lines)
        notes.append(opposing(sale, f"2026-{len(notes):05d}", DAY, taken))
    for group in sale.vat:
        gone = [each for note in notes for each in note.vat if each.percent == group.percent]
        assert sum(each.vat_minor for each in gone) == -group.vat_minor
        assert sum(each.gross_minor for each in gone) == -group.gross_minor
    with pytest.raises(CreditRefused):
        take_back(sale, notes, EVERYTHING)


def pieces_of(sale: Content, notes: list[Content]) -> st.SearchStrategy[Wanted]:
    left = [(at, count) for at, count in enumerate(pieces_left(sale, notes)) if count]
    if not left:
        return st.just(EVERYTHING)
    return st.sampled_from(left).flatmap(
        lambda place: st.integers(1, place[1]).map(lambda count: (Pieces(place[0], count),))
    )


def test_an_insurance_comes_back_whole_and_the_discount_with_the_goods_it_was_given_on() -> None:
    premium = replace(a_thing(5_00, "0", 1, "Cover"), type="fee", sku=ids.public_id("ins"))
    discount = Line("discount", "Autumn", 1, -10_00, Decimal("25.5"))
    sale = a_sale_of(a_thing(100_00, "25.5", 1), premium, discount)
    given_up = take_back(sale, [], [Pieces(1, 1)])
    assert given_up.amount_minor == 5_00
    assert [group.percent for group in given_up.vat] == ["0"]
    note = opposing(sale, "2", BOUGHT, given_up)
    rest = take_back(sale, [note], EVERYTHING)
    assert (rest.amount_minor, rest.is_rest) == (90_00, True)
    assert [line.total_minor for line in rest.lines] == [100_00, -10_00]


def test_a_sum_is_spread_over_the_rates_in_proportion() -> None:
    sale = a_sale_of(a_thing(30_000, "25.5", 1), a_thing(10_000, "14", 1))
    taken = take_back(sale, [], 101)
    assert [(line.vat_percent, line.total_minor, line.name) for line in taken.lines] == [
        ("25.5", 76, ""),
        ("14", 25, ""),
    ]


@pytest.mark.parametrize(
    "wanted", [0, -1, 40_001, (), (Pieces(0, 2),), (Pieces(7, 1),), (Pieces(0, 1), Pieces(0, 1))]
)
def test_more_or_other_things_than_were_sold_are_refused(wanted: Wanted) -> None:
    sale = a_sale_of(a_thing(30_000, "25.5", 1), a_thing(10_000, "14", 1))
    with pytest.raises(CreditRefused):
        take_back(sale, [], wanted)


def test_a_piece_is_taken_back_once() -> None:
    sale = a_sale_of(a_thing(1_000, "25.5", 3))
    first = opposing(sale, "2026-00002", DAY, take_back(sale, [], (Pieces(0, 2),)))
    assert pieces_left(sale, [first]) == (1,)
    assert first.partial
    with pytest.raises(CreditRefused):
        take_back(sale, [first], (Pieces(0, 2),))
    assert take_back(sale, [first], (Pieces(0, 1),)).is_rest


@given(
    st.lists(
        st.tuples(st.integers(1, 50_000), st.integers(0, 3_000), st.booleans()), min_size=1, max_size=12
    ),
    st.integers(1, 400_000),
)
def test_a_credited_sum_lowers_the_last_instalments_and_never_more_than_they_ask(
    rows: list[tuple[int, int, bool]], amount_minor: int
) -> None:
    parts = [
        Part(BOUGHT, BOUGHT + timedelta(days=30), principal + interest, interest, 0, is_posted)
        for principal, interest, is_posted in rows
    ]
    less = credit(parts, amount_minor)
    assert sum(each.credited_minor for each in less) == min(
        amount_minor, sum(p.principal_minor for p in parts)
    )
    for part, each in zip(parts, less, strict=True):
        assert 0 <= each.sum_minor <= part.open_minor
        assert each.interest_minor == 0 or not part.is_posted
    touched = [each.credited_minor > 0 for each in less]
    assert touched == sorted(touched)


async def credited(
    merchant: Merchant, invoice: InvoiceView, wanted: Wanted = EVERYTHING, left_minor: int | None = None
) -> InvoiceView:
    now = await clock.business_now()
    new = NewCredit(wanted, "staff:x", left_minor)
    return await db.in_tx(lambda: actions.credit(merchant, invoice.public_id, new, now))


async def test_a_part_lowers_what_an_invoice_asks_for(merchant: Merchant) -> None:
    invoice = await an_invoice(merchant, a_line(), a_line("Soap", "4.50", quantity=2))
    note = await credited(merchant, invoice, (Pieces(1, 1),))
    assert (note.kind, note.amount_minor, note.content.sale_number) == ("credit_note", 450, invoice.number)
    assert (note.content.partial, note.content.price_minor) == (True, -450)
    now = await again(merchant, invoice)
    assert (now.state, now.open_minor, now.credited_minor) == (InvoiceState.ISSUED, 13_350, 450)
    assert await balances() == {"customer:receivable": 13_350, "operator:payable:merchant": -13_350}
    assert await check_books() == []
    await paid(merchant, invoice, 13_350)
    assert (await again(merchant, invoice)).state is InvoiceState.PAID
    assert await check_books() == []


async def test_a_part_of_a_paid_invoice_is_the_customers(merchant: Merchant) -> None:
    invoice = await an_invoice(merchant)
    await paid(merchant, invoice, 12_000)
    await credited(merchant, invoice, 2_000)
    now = await again(merchant, invoice)
    assert (now.state, now.open_minor, now.credited_minor) == (InvoiceState.PAID, 0, 900)
    assert (await balances())["customer:credit"] == -1_100
    assert await check_books() == []


async def test_parts_and_then_the_rest_leave_nothing_and_all_that_was_paid_goes_back(
    merchant: Merchant,
) -> None:
    invoice = await an_invoice(merchant)
    await credited(merchant, invoice, 2_900)
    await paid(merchant, invoice, 10_000)
    await credited(merchant, invoice, 1_000)
    last = await credited(merchant, invoice)
    assert last.amount_minor == 9_000
    assert (await again(merchant, invoice)).state is InvoiceState.CREDITED
    assert await balances() == {"customer:credit": -10_000, "operator:bank": 10_000}
    with pytest.raises(NotCreditable):
        await credited(merchant, invoice)
    assert await check_books() == []


async def test_a_part_of_an_instalment_purchase_shortens_it_and_cuts_its_interest(merchant: Merchant) -> None:
    order = await a_purchase(merchant, a_line(), a_line("Soap", "30.00"), months=6)
    receipt, *notices = await drawn(merchant, order)
    await credited(merchant, receipt, (Pieces(1, 1),))
    _, *after = [each for each in await invoices_of_order(merchant.id, order) if each.kind != "credit_note"]
    assert sum(each.credited_minor for each in after) == 3_000
    assert after[-1].state is InvoiceState.CREDITED
    assert after[0].open_minor < notices[0].amount_minor
    assert await check_books() == []
    await days_later(400)
    await chores_done()
    for each in after:
        now = await again(merchant, each)
        if now.open_minor:
            await paid(merchant, each, now.open_minor, each.number)
    books = await balances()
    assert books["operator:payable:merchant"] == -12_900
    assert 0 < -books["operator:interest"] < sum(notice.interest_minor for notice in notices)
    assert "customer:receivable" not in books
    assert await check_books() == []


async def test_a_whole_instalment_purchase_after_a_part_of_it_reverses_the_interest(
    merchant: Merchant,
) -> None:
    order = await a_purchase(merchant, months=3)
    receipt, first, *_ = await drawn(merchant, order)
    await paid(merchant, first, first.amount_minor, "one")
    await credited(merchant, receipt, 5_000)
    await credited(merchant, receipt)
    assert await balances() == {"customer:credit": -first.amount_minor, "operator:bank": first.amount_minor}
    assert await check_books() == []


async def test_what_was_looked_at_is_what_is_credited_once(merchant: Merchant) -> None:
    invoice = await an_invoice(merchant)

    async def press() -> InvoiceView | None:
        try:
            return await credited(merchant, invoice, 1_000, left_minor=12_900)
        except CreditedMeanwhile:
            return None

    notes = await asyncio.gather(*(press() for _ in range(6)))
    assert len([note for note in notes if note is not None]) == 1
    assert (await again(merchant, invoice)).credited_minor == 1_000
    assert await check_books() == []


async def test_notes_at_once_never_take_back_more_than_was_sold(merchant: Merchant) -> None:
    invoice = await an_invoice(merchant)

    async def press() -> bool:
        try:
            await credited(merchant, invoice, 5_000)
        except CreditRefused:
            return False
        return True

    assert sum(await asyncio.gather(*(press() for _ in range(6)))) == 2
    numbers = await db.fetch_all("SELECT series_number FROM invoices ORDER BY series_number")
    assert [row["series_number"] for row in numbers] == [1, 2, 3]
    assert await check_books() == []
