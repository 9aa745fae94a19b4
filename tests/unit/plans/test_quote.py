"""A quote holds every figure, always the same ones, and cannot be changed unseen."""

import json
from dataclasses import FrozenInstanceError, replace
from datetime import date
from decimal import Decimal
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.ids import is_public_id
from app.law.errors import CountryNotServed
from app.plans.errors import (
    AmountOutOfRange,
    CurrencyMismatch,
    InstalmentTooSmall,
    MonthsOutOfRange,
    NoTermPossible,
    QuoteDamagedError,
    UnknownDelivery,
)
from app.plans.quote import Plan, Quote, TermOption, make_quote, nearest_term, terms

SATURDAY = date(2026, 11, 21)
INVOICE = Plan("invoice-14", "invoice", "EUR", 100, 200_000, due_days=14, paper_fee_minor=195)
INSTALMENTS = Plan(
    "instalments",
    "instalments",
    "EUR",
    6_000,
    500_000,
    nominal_rate=Decimal("14.9"),
    min_months=3,
    max_months=36,
    min_instalment_minor=2_000,
)


def quoted(
    plan: Plan = INSTALMENTS, amount_minor: int = 100_000, months: int = 12, delivery: str = "email"
) -> Quote:
    return make_quote(
        plan, amount_minor, "EUR", "FI", SATURDAY, months, merchant="mer_shop", delivery=delivery
    )


def test_a_free_invoice_costs_nothing_and_is_due_on_a_business_day() -> None:
    quote = quoted(INVOICE, 12_900, 0)
    assert (quote.total_payable_minor, quote.interest_minor, quote.fees_minor) == (12_900, 0, 0)
    assert (quote.apr, quote.apr_exact, quote.months) == (Decimal("0.0"), "0", 0)
    assert quote.last_due == date(2026, 12, 7)


def test_a_paper_invoice_carries_its_fee_in_total_and_rate() -> None:
    quote = quoted(replace(INVOICE, min_amount_minor=1), 4_990, 0, "paper")
    assert (quote.fees_minor, quote.total_payable_minor) == (195, 5_185)
    assert quote.apr == Decimal("170.9")


def test_instalments_show_payment_total_and_rate() -> None:
    quote = quoted()
    assert (quote.monthly_minor, quote.total_payable_minor, quote.interest_minor) == (9_022, 108_254, 8_254)
    assert (quote.apr, quote.nominal_rate) == (Decimal("16.0"), Decimal("14.9"))
    assert (quote.first_due, quote.last_due) == (date(2026, 12, 21), date(2027, 11, 22))


@given(amount_minor=st.integers(6_000, 500_000), months=st.integers(3, 36), rate=st.decimals(0, 40, places=2))
def test_the_parts_of_a_quote_sum_to_its_total(amount_minor: int, months: int, rate: Decimal) -> None:
    quote = quoted(
        replace(INSTALMENTS, nominal_rate=rate, min_instalment_minor=0, fee_minor=95), amount_minor, months
    )
    assert sum(row.amount_minor for row in quote.schedule) == quote.total_payable_minor
    assert quote.amount_minor + quote.interest_minor + quote.fees_minor == quote.total_payable_minor
    assert quote.schedule[-1].balance_after_minor == 0


@given(
    amount_minor=st.integers(100_000, 500_000), months=st.integers(3, 36), rate=st.decimals(1, 40, places=2)
)
def test_without_fees_the_rate_is_the_effective_nominal_rate(
    amount_minor: int, months: int, rate: Decimal
) -> None:
    quote = quoted(replace(INSTALMENTS, nominal_rate=rate), amount_minor, months)
    effective = ((1 + float(rate) / 1200) ** 12 - 1) * 100
    assert float(quote.apr_exact) == pytest.approx(effective, abs=0.02)


def test_a_fee_raises_the_rate() -> None:
    assert quoted(replace(INSTALMENTS, fee_minor=95)).apr > quoted().apr
    assert quoted(replace(INSTALMENTS, arrangement_fee_minor=500)).apr > quoted().apr


def test_the_same_offer_has_the_same_id_and_another_offer_another() -> None:
    assert quoted() == quoted()
    assert is_public_id("qt", quoted().id)
    others = {
        quoted(amount_minor=100_001).id,
        quoted(months=13).id,
        make_quote(INSTALMENTS, 100_000, "EUR", "FI", date(2026, 11, 22), 12, merchant="mer_shop").id,
        make_quote(INSTALMENTS, 100_000, "EUR", "FI", SATURDAY, 12, merchant="mer_other").id,
        quoted(INVOICE).id,
    }
    assert len(others | {quoted().id}) == 6


def test_a_rate_read_with_trailing_zeros_gives_the_same_id() -> None:
    assert quoted(replace(INSTALMENTS, nominal_rate=Decimal("14.9000"))).id == quoted().id
    assert str(replace(INSTALMENTS, nominal_rate=Decimal("20.0000")).nominal_rate) == "20"


@given(amount_minor=st.integers(6_000, 500_000), months=st.integers(3, 36))
def test_a_quote_survives_storage_unchanged(amount_minor: int, months: int) -> None:
    quote = quoted(replace(INSTALMENTS, min_instalment_minor=0), amount_minor, months)
    assert Quote.from_json(quote.to_json()) == quote
    assert Quote.from_json(quote.to_json()).to_json() == quote.to_json()
    # A jsonb column forgets order and spacing.
    reordered = dict(reversed(list(quote.to_data().items())))
    assert Quote.from_data(json.loads(json.dumps(reordered, indent=2))) == quote


@pytest.mark.parametrize(
    "change",
    [
        {"total_payable_minor": 1},
        {"apr": "15.9"},
        {"merchant": "mer_other"},
        {"hash": "0" * 64},
        {"id": ""},
        {"id": "qt_00000000000000000000000000"},
        {"start": "2026-11-31"},
        {"amount_minor": 100_000.5},
    ],
)
def test_changed_figures_are_noticed(change: dict[str, object]) -> None:
    with pytest.raises(QuoteDamagedError):
        Quote.from_data(quoted().to_data() | change)


def test_a_changed_row_of_the_schedule_is_noticed() -> None:
    data = quoted().to_data()
    cast("list[dict[str, object]]", data["schedule"])[0]["due"] = "2027-12-21"
    with pytest.raises(QuoteDamagedError):
        Quote.from_data(data)


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"id": 1}', "\x00"])
def test_text_that_is_no_quote_is_refused(text: str) -> None:
    with pytest.raises(QuoteDamagedError):
        Quote.from_json(text)


def test_a_quote_does_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        quoted().amount_minor = 1  # type: ignore[misc]


def test_an_amount_out_of_range_is_refused_with_the_range() -> None:
    for amount_minor in (5_999, 500_001, 0, -1):
        with pytest.raises(AmountOutOfRange) as refused:
            quoted(amount_minor=amount_minor)
        assert (refused.value.min_amount_minor, refused.value.max_amount_minor) == (6_000, 500_000)


@pytest.mark.parametrize("months", [-1, 0, 2, 37])
def test_months_out_of_range_are_refused_with_the_range(months: int) -> None:
    with pytest.raises(MonthsOutOfRange) as refused:
        quoted(months=months)
    assert (refused.value.min_months, refused.value.max_months) == (3, 36)


def test_an_instalment_below_the_minimum_is_refused() -> None:
    with pytest.raises(InstalmentTooSmall) as refused:
        quoted(amount_minor=6_000, months=4)
    assert refused.value.min_instalment_minor == 2_000


def test_no_instalment_is_of_nothing_at_all() -> None:
    plan = replace(INSTALMENTS, min_amount_minor=1, min_instalment_minor=0)
    assert terms(plan, 2) == []
    assert [option.months for option in terms(plan, 5)] == [3, 4, 5]
    with pytest.raises(NoTermPossible):
        nearest_term(plan, 1)
    with pytest.raises(InstalmentTooSmall):
        make_quote(plan, 1, "EUR", "FI", SATURDAY, 3, merchant="mer_shop")
    for amount in range(3, 50):
        for option in terms(plan, amount):
            quote = make_quote(plan, amount, "EUR", "FI", SATURDAY, option.months, merchant="mer_shop")
            assert all(row.amount_minor >= 1 for row in quote.schedule)


def test_a_currency_of_another_plan_or_country_is_refused() -> None:
    with pytest.raises(CurrencyMismatch) as refused:
        make_quote(INVOICE, 12_900, "SEK", "SE", SATURDAY, merchant="mer_shop")
    assert refused.value.expected == "EUR"
    with pytest.raises(CurrencyMismatch) as refused:
        make_quote(INVOICE, 12_900, "EUR", "SE", SATURDAY, merchant="mer_shop")
    assert refused.value.expected == "SEK"


def test_an_unserved_country_is_refused() -> None:
    with pytest.raises(CountryNotServed):
        make_quote(INVOICE, 12_900, "EUR", "DE", SATURDAY, merchant="mer_shop")


def test_instalments_go_by_email_only() -> None:
    with pytest.raises(UnknownDelivery) as refused:
        quoted(delivery="paper")
    assert refused.value.allowed == ("email",)
    with pytest.raises(UnknownDelivery):
        quoted(INVOICE, 12_900, 0, "pigeon")


def test_only_terms_that_meet_the_smallest_instalment_are_offered() -> None:
    assert terms(INSTALMENTS, 12_900) == [
        TermOption(3, 4_407),
        TermOption(4, 3_326),
        TermOption(5, 2_677),
        TermOption(6, 2_245),
    ]
    assert [option.months for option in terms(INSTALMENTS, 500_000)] == list(range(3, 37))


def test_there_are_no_terms_for_an_invoice_or_an_amount_out_of_range() -> None:
    assert terms(INVOICE, 12_900) == []
    assert terms(INSTALMENTS, 5_999) == []


@given(amount_minor=st.integers(6_000, 500_000))
def test_every_term_offered_can_be_quoted_at_the_shown_amount(amount_minor: int) -> None:
    for option in terms(INSTALMENTS, amount_minor):
        quote = quoted(amount_minor=amount_minor, months=option.months)
        assert quote.monthly_minor == option.monthly_minor
        assert max(row.amount_minor for row in quote.schedule) == option.monthly_minor


def test_a_possible_wish_is_kept_and_an_impossible_one_moved() -> None:
    assert nearest_term(INSTALMENTS, 12_900, wished_months=5) == (TermOption(5, 2_677), False)
    assert nearest_term(INSTALMENTS, 12_900, wished_months=30) == (TermOption(6, 2_245), True)
    assert nearest_term(INSTALMENTS, 12_900, wished_months=-4) == (TermOption(3, 4_407), True)
    assert nearest_term(INSTALMENTS, 12_900, wished_monthly_minor=2_677) == (TermOption(5, 2_677), False)
    assert nearest_term(INSTALMENTS, 12_900, wished_monthly_minor=2_700) == (TermOption(5, 2_677), True)
    assert nearest_term(INSTALMENTS, 12_900, wished_monthly_minor=1) == (TermOption(6, 2_245), True)
    assert nearest_term(INSTALMENTS, 12_900) == (TermOption(3, 4_407), False)


def test_no_possible_term_is_a_named_refusal() -> None:
    with pytest.raises(NoTermPossible):
        nearest_term(INSTALMENTS, 5_000, wished_months=3)


def test_paying_late_is_told_as_the_law_file_knows_it() -> None:
    late = quoted().late
    assert (late.reminder_fee_minor, late.interest_margin_percent) == (0, Decimal(7))
    assert late.interest_percent is None
