"""What a page shows of a quote is the quote."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

from app.kernel.money import Money
from app.plans.disclosure import view_of
from app.plans.quote import Plan, make_quote

PLAN = Plan(
    "instalments",
    "instalments",
    "EUR",
    1,
    500_000,
    nominal_rate=Decimal("14.9"),
    min_months=3,
    max_months=36,
    fee_minor=100,
)
SATURDAY = date(2026, 11, 21)
QUOTE = make_quote(PLAN, 100_000, "EUR", "FI", SATURDAY, 12, merchant="mer_shop")


def test_the_shown_figures_are_those_of_the_quote() -> None:
    view = view_of(QUOTE)
    assert (view.id, view.hash, view.apr, view.last_due) == (QUOTE.id, QUOTE.hash, QUOTE.apr, QUOTE.last_due)
    assert view.price + view.interest + view.fees == view.total == Money(QUOTE.total_payable_minor, "EUR")
    assert view.cost == view.interest + view.fees
    assert view.monthly == Money(QUOTE.monthly_minor, "EUR")
    assert [row.amount.amount_minor for row in view.rows] == [row.amount_minor for row in QUOTE.schedule]
    assert [row.due for row in view.rows] == [row.due for row in QUOTE.schedule]


def test_the_runs_of_equal_instalments_sum_to_the_total() -> None:
    runs = view_of(QUOTE).runs
    assert [(run.count, run.amount.amount_minor) for run in runs] == [(2, 9122), (10, 9121)]
    assert sum(run.count * run.amount.amount_minor for run in runs) == QUOTE.total_payable_minor


def test_instalments_of_one_amount_are_named_once_wherever_they_stand() -> None:
    quote = make_quote(PLAN, 81_333, "EUR", "FI", QUOTE.start, 7, merchant="m_1")
    amounts = [row.amount_minor for row in quote.schedule]
    assert amounts != sorted(amounts, reverse=True), "the extra cents are not in one row"
    assert [(run.count, run.amount.amount_minor) for run in view_of(quote).runs] == [(2, 12_304), (5, 12_303)]


def test_the_bar_of_where_the_money_goes_is_whole() -> None:
    shares = view_of(QUOTE).shares
    assert shares.price_permille + shares.interest_permille + shares.fees_permille == 1000
    assert shares.price_permille > shares.interest_permille > shares.fees_permille > 0


def test_a_free_offer_says_so() -> None:
    free = replace(PLAN, nominal_rate=Decimal(0), fee_minor=0)
    assert view_of(make_quote(free, 100_000, "EUR", "FI", SATURDAY, 12, merchant="mer_shop")).is_free
    assert not view_of(QUOTE).is_free


def test_every_offer_carries_the_warning_of_its_country() -> None:
    assert view_of(QUOTE).warning == "credit_costs_money"
