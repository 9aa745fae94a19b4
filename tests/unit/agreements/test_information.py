"""The information before signing: the law's labels in the law's order, one quote's figures, five languages."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pypdfium2
import pytest

from app.agreements import pdf
from app.agreements.content import Item, Party, Sheet
from app.agreements.rules import FIRST_PAGE, SECOND_PART, remind_at, withdraw_until
from app.agreements.words import Worded, worded
from app.kernel.i18n import LANGUAGES, format_date, format_money, format_percent
from app.kernel.money import Money
from app.law.rules import COUNTRIES, Figure, law_of
from app.plans.errors import QuoteDamagedError
from app.plans.quote import beside_wallet
from tests.factories.agreements import CREDITOR, DAY, a_sheet, signed


def answer(said: Worded, key: str) -> str:
    [row] = [row for row in (*said.first.rows, *said.second.rows) if row.key == key]
    return " ".join((row.value, *row.notes))


def pages_of(drawn: bytes) -> list[str]:
    """The text of each page, with single spaces: lines break where the layout likes."""
    document = pypdfium2.PdfDocument(drawn)
    try:
        return [" ".join(page.get_textpage().get_text_range().split()) for page in document]
    finally:
        document.close()


def test_the_first_page_has_the_labels_of_the_annex_in_its_order() -> None:
    assert [row.label for row in worded(a_sheet(), "en").first.rows] == [
        "Creditor",
        "Credit intermediary",
        "Total amount of credit",
        "Duration of the credit",
        "Borrowing rate",
        "Annual percentage rate of charge (APR)",
        "Total amount payable",
        "Goods and cash price",
        "Cost of late payment",
        "Instalments: number, amount and how often",
        "Warning on missed payments",
        "Right of withdrawal",
        "Early repayment",
        "Address and contact",
    ]


def test_what_the_wallet_pays_is_part_of_the_price_and_not_of_the_credit() -> None:
    sheet = a_sheet(amount_minor=10_000, months=0)
    said = worded(replace(sheet, quote=beside_wallet(sheet.quote, 2_900)), "en")
    assert answer(said, "credit") == "€100.00"
    assert answer(said, "goods").startswith("€129.00")
    assert "Of this, €29.00 is paid at once from your wallet." in answer(said, "goods")
    assert "wallet" not in answer(worded(sheet, "en"), "goods")


def test_an_agreement_beside_a_wallet_comes_back_whole() -> None:
    sheet = a_sheet(amount_minor=10_000, months=0)
    in_part = signed(replace(sheet, quote=beside_wallet(sheet.quote, 2_900)))
    assert Sheet.from_data(in_part.to_data()) == in_part


def test_part_two_follows_in_the_order_of_the_annex_and_ends_with_the_repayment_table() -> None:
    said = worded(a_sheet(), "en")
    assert [row.label for row in said.second.rows] == [
        "Type of credit",
        "How the credit is used",
        "Change of the borrowing rate",
        "Account charges",
        "Representative example",
        "Costs of a notary",
        "Compulsory other services",
        "Sureties",
        "Compensation for early repayment",
        "Consulting a database",
        "Draft of the agreement",
        "Price personalised by automated means",
        "How long this information holds",
        "Complaints out of court",
        "Legal effect of non-payment",
    ]
    assert len(said.table.rows) == 12


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("country", COUNTRIES)
@pytest.mark.parametrize("months", [0, 1, 36])
def test_every_country_language_and_plan_has_every_label(country: str, lang: str, months: int) -> None:
    said = worded(a_sheet(country, months), lang)
    assert [row.key for row in said.first.rows] == [*FIRST_PAGE]
    assert [row.key for row in said.second.rows] == [*SECOND_PART]
    for row in (*said.first.rows, *said.second.rows):
        assert row.label
        assert row.value
        assert "None" not in row.value


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_figure_is_the_quotes(lang: str) -> None:
    sheet = a_sheet()
    quote, said = sheet.quote, worded(sheet, lang)

    def money(amount_minor: int) -> str:
        return format_money(Money(amount_minor, "EUR"), lang)

    assert money(quote.amount_minor) in answer(said, "credit")
    assert format_percent(quote.nominal_rate, lang) in answer(said, "rate")
    assert format_percent(quote.apr, lang) in answer(said, "apr")
    for figure in (quote.total_payable_minor, quote.interest_minor, quote.fees_minor):
        assert money(figure) in answer(said, "total")
    assert format_date(quote.last_due, lang, "long") in answer(said, "duration")
    assert said.table.rows == tuple(
        (
            str(row.number),
            format_date(row.due, lang),
            money(row.principal_minor),
            money(row.interest_minor),
            money(row.fee_minor),
            money(row.amount_minor),
            money(row.balance_after_minor),
        )
        for row in quote.schedule
    )
    assert [value for _, value in said.facts] == [quote.id, quote.hash]


def test_terms_come_from_the_law_file() -> None:
    said = worded(a_sheet(), "en")
    assert "14 days" in answer(said, "withdrawal")
    assert "30 days" in answer(said, "withdrawal")
    assert "1.0%" in answer(said, "compensation")
    assert "7.0%" in answer(said, "late")
    assert "Positiivinen luottotietorekisteri" in answer(said, "database")
    assert answer(said, "personalised").startswith("No ")


def test_a_shop_that_lends_itself_has_no_intermediary() -> None:
    said = worded(replace(a_sheet(), creditor=CREDITOR, intermediary=None), "en")
    assert [row.key for row in said.first.rows] == [key for key in FIRST_PAGE if key != "intermediary"]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_wording_is_marked_unofficial_until_somebody_vouches_for_it(lang: str) -> None:
    assert worded(a_sheet(), lang).mark
    assert worded(a_sheet(official=True), lang).mark == ""


def test_a_sheet_comes_back_from_the_database_and_a_changed_figure_is_found() -> None:
    sheet = signed(a_sheet())
    data = sheet.to_data()
    assert Sheet.from_data(data) == sheet
    quote = data["quote"]
    assert isinstance(quote, dict)
    with pytest.raises(QuoteDamagedError):
        Sheet.from_data({**data, "quote": {**quote, "total_payable_minor": 1}})


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("months", [0, 36])
def test_the_pdf_prints_every_row_and_the_whole_table_in_every_language(lang: str, months: int) -> None:
    sheet = signed(a_sheet(months=months))
    said = worded(sheet, lang)
    printed = pages_of(pdf.draw(sheet, lang))
    assert all(" ".join(row.value.split()) in printed[0] for row in said.first.rows), printed[0]
    rest = " ".join(printed[1:])
    assert all(" ".join(row.label.split()) in rest for row in said.second.rows), rest
    for cells in said.table.rows:
        assert " ".join(" ".join(cells).split()) in rest
    assert sheet.quote.id in rest
    assert sheet.quote.hash in rest.replace(" ", "")
    assert "Aino Virta" in printed[0]
    assert said.warning in printed[0]


def test_the_same_sheet_gives_the_same_bytes() -> None:
    first = pdf.draw(signed(a_sheet()), "fi")
    pdf.draw.cache_clear()
    assert pdf.draw(signed(a_sheet()), "fi") == first


def test_names_that_look_like_markup_are_printed_as_they_are() -> None:
    name = '<b>#import "x"</b> $x$ *bold* @ref {{ 7*7 }} \u4f60\u597d'
    sheet = replace(a_sheet(), creditor=Party(name))
    assert answer(worded(sheet, "en"), "creditor") == name
    assert "#import" in pages_of(pdf.draw(sheet, "en"))[0]


def test_one_long_word_stays_on_the_sheet() -> None:
    sheet = a_sheet()
    page = pypdfium2.PdfDocument(pdf.draw(replace(sheet, goods=(Item("Ä" * 200, 1, 100),)), "en"))[0]
    text = page.get_textpage()
    rights = [text.get_charbox(at)[2] for at, sign in enumerate(text.get_text_range()) if sign == "Ä"]
    assert len(rights) == 200
    assert max(rights) < page.get_width() - 50


def a_law_with(first: str, last: str) -> tuple[Figure, ...]:
    return (
        Figure("withdrawal_reminder_first_day", Decimal(first), DAY, "test", "primary"),
        Figure("withdrawal_reminder_last_day", Decimal(last), DAY, "test", "primary"),
    )


@pytest.mark.parametrize(
    ("first", "last", "day"),
    [("1", "7", 24), ("5", "7", 26), ("1", "2", 23)],
    ids=["within", "later", "earlier"],
)
def test_the_reminder_falls_on_the_third_day_or_the_nearest_that_the_law_allows(
    first: str, last: str, day: int
) -> None:
    law = replace(law_of("FI"), figures=a_law_with(first, last))
    late_in_the_evening = datetime(2026, 11, 21, 21, 30, tzinfo=UTC)
    assert remind_at(law, late_in_the_evening, "Europe/Helsinki") == datetime(2026, 11, day, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize("country", COUNTRIES)
def test_every_country_reminds_within_one_to_seven_days(country: str) -> None:
    at = datetime(2026, 11, 21, 0, 5, tzinfo=UTC)
    days = (remind_at(law_of(country), at, "Europe/Helsinki") - at).days
    assert 1 <= days <= 7


def test_the_right_to_withdraw_ends_fourteen_days_after_the_day_of_signing() -> None:
    just_before_midnight = datetime(2026, 11, 21, 21, 59, tzinfo=UTC)
    assert withdraw_until(just_before_midnight, "Europe/Helsinki", 14).isoformat() == "2026-12-05"
    just_after = datetime(2026, 11, 21, 22, 1, tzinfo=UTC)
    assert withdraw_until(just_after, "Europe/Helsinki", 14).isoformat() == "2026-12-06"
