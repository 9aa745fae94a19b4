"""The printed document: every language, every kind, the codes that machines read, and the time it takes."""

from __future__ import annotations

import json
import re
import statistics
import time
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pypdfium2
import pytest

from app.invoices import pdf
from app.invoices.barcode import barcode_svg, code_128_c, qr_svg
from app.invoices.content import Content, Party
from app.invoices.credits import EVERYTHING, take_back
from app.invoices.references import epc_qr, finnish_reference
from app.invoices.rules import Off, Payee, Sale, documents, notice_of, opposing, reminder_of
from app.kernel.i18n import LANGUAGES
from app.kernel.money import Money
from app.orders.rules import Line
from app.plans.quote import make_quote
from tests.factories.checkout import INSTALMENTS, INVOICE, a_line

DAY = date(2026, 11, 21)
PDF_MAX_MS = 150


def a_sale(*lines: Line, months: int = 0, name: str = "Havu & Kivi Oy") -> Sale:
    bought = lines or (a_line(), a_line("Coffee", "4.50", quantity=3))
    total = sum(line.total_minor for line in bought)
    plan = INSTALMENTS if months else INVOICE
    return Sale(
        order_reference="SHOP-1001",
        lines=bought,
        quote=make_quote(plan, total, "EUR", "FI", DAY, months, merchant="m_1"),
        seller=Party(name, ("Satamakatu 3", "00160 Helsinki"), "1234567-1", None, "shop@havu.example"),
        buyer=Party("Aino Virta", ("Puistokatu 12 B 4", "00100 Helsinki")),
        payee=Payee("Kolme Sandbox", "0000000-0", "FI2112345600000785", assigned=True),
        purchased_on=DAY,
    )


def contents() -> dict[str, Content]:
    """One of each kind."""
    [invoice] = documents(a_sale(), "2026-00042", [finnish_reference(100042)])
    references = [finnish_reference(base) for base in range(100100, 100106)]
    receipt, notice, *_ = documents(a_sale(months=6), "2026-00043", references)
    return {
        "invoice": invoice.content,
        "receipt": receipt.content,
        "notice": notice.content,
        "credit_note": opposing(
            invoice.content, "2026-00044", DAY, take_back(invoice.content, [], EVERYTHING)
        ),
        "reminder": reminder_of(invoice.content, Off(paid_minor=1_000), DAY),
    }


CONTENTS = contents()


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("kind", CONTENTS)
def test_every_document_is_drawn_in_every_language(kind: str, lang: str) -> None:
    drawn = pdf.draw(CONTENTS[kind], lang)
    assert drawn.startswith(b"%PDF-")
    assert len(drawn) < 100_000
    said = json.loads(pdf.worded(CONTENTS[kind], lang))
    assert (said["lang"], said["number"]) == (lang, CONTENTS[kind].number)


def test_the_same_content_gives_the_same_bytes() -> None:
    assert pdf.draw(CONTENTS["invoice"], "fi") == pdf.draw(CONTENTS["invoice"], "fi")


def test_what_is_printed_is_what_is_stored() -> None:
    content = CONTENTS["receipt"]
    assert Content.from_data(content.to_data()) == content
    said = json.loads(pdf.worded(content, "en"))
    assert said["total"] == ["Total", "€142.50"]
    assert len(said["schedule"]["rows"]) == 6
    assert said["vat"]["rows"] == [["25.5%", "€113.55", "€28.95", "€142.50"]]
    assert said["payment"] is None


def test_a_notice_says_repayment_and_interest_and_no_vat() -> None:
    content = CONTENTS["notice"]
    said = json.loads(pdf.worded(content, "en"))
    assert [name for name, _ in said["sums"]] == ["Repayment", "Interest"]
    assert said["vat"]["rows"] == []
    assert ["Instalment", "1 of 6"] in said["facts"]


def test_a_reminder_asks_for_the_rest_at_once() -> None:
    content = CONTENTS["reminder"]
    assert content.amount_minor == 13_250
    assert content.payment is not None
    assert content.payment.barcode is not None
    assert content.payment.barcode.endswith("000000")
    assert "00013250" in content.payment.barcode


def test_names_that_look_like_markup_are_printed_as_they_are() -> None:
    names = (
        '<b>#import "x"</b>',
        "$x$ *bold* _it_ @ref `raw` \\ // [y] {{ 7*7 }}",
        "Ä" * 200,
        "\u4f60\u597d",
    )
    lines = tuple(a_line(name, "20.00") for name in names)
    [invoice] = documents(a_sale(*lines, name="#panic(1) & <i>"), "2026-00045", [finnish_reference(100045)])
    said = json.loads(pdf.worded(invoice.content, "en"))
    assert [row[0] for row in said["lines"]["rows"]] == list(names)
    assert pdf.draw(invoice.content, "en").startswith(b"%PDF-")


def test_one_long_word_stays_in_its_place_and_covers_no_figure() -> None:
    sale = a_sale(a_line("Ä" * 200, "20.00"), a_line("Lamp", "21.00"))
    buyer = Party("Ö" * 100, ("Y" * 100, "00100 " + "Z" * 60))
    sale = replace(sale, order_reference="Å" * 64, buyer=buyer, footer="Ü" * 300)
    [invoice] = documents(sale, "2026-00048", [finnish_reference(100048)])
    page = pypdfium2.PdfDocument(pdf.draw(invoice.content, "en"))[0]
    text = page.get_textpage()
    printed = text.get_text_range()

    def boxes(word: str) -> list[tuple[float, float, float, float]]:
        """Left, bottom, right and top of each sign of the word, or of each that is the one sign of it."""
        if len(word) > 1:
            return [text.get_charbox(printed.index(word))]
        return [text.get_charbox(at) for at, sign in enumerate(printed) if sign == word]

    def right_of(sign: str) -> float:
        return max(right for _, _, right, _ in boxes(sign))

    [number], [quantity] = boxes("Number"), boxes("Quantity")
    assert right_of("Ä") < quantity[0]
    assert right_of("Ö") < number[0] < min(left for left, *_ in boxes("Å"))
    assert max(right_of("Å"), right_of("Ü")) < page.get_width() - 50


def test_two_hundred_lines_run_over_pages() -> None:
    lines = tuple(a_line(f"Thing number {n}", "1.00") for n in range(200))
    [invoice] = documents(a_sale(*lines), "2026-00046", [finnish_reference(100046)])
    assert len(re.findall(rb"/Type\s*/Page\b", pdf.draw(invoice.content, "fi"))) >= 4


def test_a_document_in_crowns_has_no_codes_of_the_euro_area_and_misses_nothing() -> None:
    sale = a_sale()
    plan = replace(INVOICE, currency="SEK")
    quote = make_quote(plan, sale.quote.amount_minor, "SEK", "SE", DAY, 0, merchant="m_1")
    assert sale.payee is not None
    payee = replace(sale.payee, bic="NDEAFIHH")
    [invoice] = documents(replace(sale, quote=quote, payee=payee), "2026-00047", [finnish_reference(100047)])
    payment = invoice.content.payment
    assert payment is not None
    assert payment.barcode is None
    told = dict(json.loads(pdf.worded(invoice.content, "en"))["payment"]["rows"])
    assert list(told) == [
        "Payee",
        "Account (IBAN)",
        "BIC",
        "Reference",
        "Currency",
        "Due date",
        "To pay",
    ]
    assert told["Reference"].replace(" ", "") == payment.rf_reference
    assert told["Currency"] == "SEK"
    assert pdf.draw(invoice.content, "sv").startswith(b"%PDF-")
    assert reminder_of(invoice.content, Off(paid_minor=1_000), DAY).payment == payment


def test_a_credit_note_of_a_part_says_so_and_names_what_it_credits() -> None:
    sale = CONTENTS["invoice"]
    note = opposing(sale, "2026-00048", DAY, take_back(sale, [], 5_000))
    said = json.loads(pdf.worded(note, "en"))
    assert said["title"] == "Credit note"
    assert ["Credits", sale.number] in said["facts"]
    assert [row[0] for row in said["lines"]["rows"]] == ["Part of the price"]
    assert said["total"] == ["Total", "-€50.00"]
    assert (
        said["notes"][0]
        == f"This credits a part of document {sale.number}. Nothing is to be paid on this note."
    )
    whole = json.loads(pdf.worded(CONTENTS["credit_note"], "en"))
    assert whole["notes"][0].startswith(f"This credits document {sale.number} in full.")


def test_a_notice_asks_for_what_is_open_when_it_is_sent() -> None:
    content = CONTENTS["notice"]
    assert notice_of(content, Off()) == content
    off = Off(paid_minor=100, credited_minor=500, interest_minor=20)
    less = notice_of(content, off)
    assert less.amount_minor == content.amount_minor - 620
    assert less.payment is not None
    assert less.payment.barcode is not None
    assert f"{less.amount_minor:08d}" in less.payment.barcode
    said = json.loads(pdf.worded(less, "en"))
    assert [name for name, _ in said["sums"]] == ["Repayment", "Interest", "Paid", "Credited"]
    nothing = notice_of(content, Off(paid_minor=content.amount_minor))
    assert nothing.payment is None
    assert pdf.draw(nothing, "fi").startswith(b"%PDF-")


def test_the_sellers_phone_and_own_text_are_printed() -> None:
    content = replace(
        CONTENTS["invoice"],
        seller=replace(CONTENTS["invoice"].seller, phone="+358 9 123 4567"),
        footer="Open\n10-18",
    )
    said = json.loads(pdf.worded(content, "en"))
    assert said["seller"]["contacts"] == ["shop@havu.example", "+358 9 123 4567"]
    assert said["footer"] == "Open\n10-18"
    assert pdf.draw(content, "bg").startswith(b"%PDF-")


def test_a_document_is_drawn_in_time() -> None:
    content = CONTENTS["invoice"]
    pdf.draw(content, "fi")
    took_ms = []
    for number in range(9):
        different = replace(content, number=f"2026-{number:05d}")
        started = time.perf_counter()
        pdf.draw(different, "fi")
        took_ms.append((time.perf_counter() - started) * 1000)
    assert statistics.median(took_ms) < PDF_MAX_MS


def test_code_128_is_what_the_standard_says() -> None:
    """Start C, the pairs 12 and 34, the check value (105 + 12 + 2 * 34) mod 103 = 82, stop."""
    widths = "2112321122321311231212412331112"
    assert code_128_c("1234") == tuple(int(width) for width in widths)
    barcode = code_128_c("4" * 54)
    assert sum(barcode) == 332
    assert len(barcode) == 6 * 29 + 7


@pytest.mark.parametrize("digits", ["1", "123", "12a4", "١٢"])
def test_code_set_c_takes_pairs_of_digits_alone(digits: str) -> None:
    with pytest.raises(ValueError, match="pairs of digits"):
        code_128_c(digits)


def test_codes_are_drawn_as_vectors() -> None:
    code = epc_qr("Kolme", "FI2112345600000785", Money(100, "EUR"), finnish_reference(100042))
    for svg in (barcode_svg("1234"), qr_svg(code)):
        assert svg.startswith("<svg")
        assert "<path" in svg
        assert Decimal(re.findall(r'width="([\d.]+)"', svg)[0]) > 0
