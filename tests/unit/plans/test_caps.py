"""No plan costs more than a country's law lets it, and who asks is told which cap, which figure, and who says so."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from app import seeds
from app.law.rules import COUNTRIES, law_of
from app.plans.caps import broken_caps, caps_broken_by_plan, check_caps
from app.plans.errors import CapBroken, CurrencyMismatch
from app.plans.quote import DELIVERIES, Plan, Quote, make_quote, terms
from app.plans.rules import standard_plans
from app.plans.schedule import Style
from tests.factories import checkout

TODAY = date(2026, 11, 21)
INVOICE, INSTALMENTS = standard_plans("EUR")


def keys_broken(plan: Plan, country: str, on: date = TODAY) -> set[str]:
    return {broken.key for broken in caps_broken_by_plan(plan, country, on)}


def everything_it_offers(plan: Plan, country: str, amount_minor: int) -> list[Quote]:
    """The quote of every term, or of every delivery, at one amount."""
    choices: list[tuple[int, str]] = [(option.months, "email") for option in terms(plan, amount_minor)]
    if plan.kind == "invoice":
        choices = [(0, delivery) for delivery in DELIVERIES["invoice"]]
    return [
        make_quote(plan, amount_minor, plan.currency, country, TODAY, months, merchant="m", delivery=delivery)
        for months, delivery in choices
    ]


@pytest.mark.parametrize("country", COUNTRIES)
def test_every_plan_of_the_demo_and_every_standard_plan_is_lawful_in_every_country(country: str) -> None:
    currency = law_of(country).currency
    ours = (*seeds.DEMO_PLANS, checkout.INVOICE, checkout.INSTALMENTS)
    walked = (*standard_plans(currency), *(plan for plan in ours if plan.currency == currency))
    for plan in walked:
        assert caps_broken_by_plan(plan, country, TODAY) == ()
        for amount in (plan.min_amount_minor, (plan.min_amount_minor + plan.max_amount_minor) // 2):
            for quote in everything_it_offers(plan, country, amount):
                assert broken_caps(quote) == ()


@pytest.mark.parametrize(
    ("country", "changed", "key"),
    [
        ("FI", {"nominal_rate": Decimal("15.1")}, "interest_cap_margin_percent"),
        ("FI", {"fee_minor": 395}, "credit_cost_percent_per_day"),
        ("FI", {"arrangement_fee_minor": 501}, "credit_cost_percent_per_day"),
        ("SE", {"nominal_rate": Decimal("20.1")}, "interest_cap_margin_percent"),
        ("SE", {"fee_minor": 200_00}, "total_cost_cap_percent_of_credit"),
        ("DK", {"nominal_rate": Decimal(31)}, "apr_cap_percent"),
        ("DK", {"fee_minor": 150_00}, "total_cost_cap_percent_of_credit"),
        ("BG", {"nominal_rate": Decimal(45)}, "apr_cap_times_default_interest"),
        ("BG", {"fee_minor": 1}, "instalment_fees_cap_minor"),
        ("BG", {"arrangement_fee_minor": 20_00}, "total_cost_cap_percent_to_three_months"),
        (
            "BG",
            {"arrangement_fee_minor": 20_00, "min_months": 1},
            "total_cost_cap_percent_to_one_month",
        ),
    ],
)
def test_each_cap_is_found_where_it_is_broken(
    country: str, changed: dict[str, int | Decimal], key: str
) -> None:
    plan = standard_plans(law_of(country).currency)[1]
    assert key not in keys_broken(plan, country)
    assert key in keys_broken(replace(plan, **changed), country)  # type: ignore[arg-type]


def test_a_rate_at_the_cap_is_lawful_and_follows_the_reference_rate() -> None:
    dear = replace(INSTALMENTS, nominal_rate=Decimal("18.5"))
    assert keys_broken(replace(INSTALMENTS, nominal_rate=Decimal(15)), "FI") == set()
    assert keys_broken(dear, "FI", date(2025, 3, 1)) == set()
    assert keys_broken(dear, "FI") == {"interest_cap_margin_percent"}


def paper(fee_minor: int, due_days: int, from_minor: int = 100_00) -> Plan:
    return replace(INVOICE, paper_fee_minor=fee_minor, due_days=due_days, min_amount_minor=from_minor)


def test_a_finnish_fee_is_measured_by_the_day_unless_the_term_reaches_thirty_days() -> None:
    # EUR 100 for 14 days allows 0.14; from 30 days on five euros are always allowed.
    [broken] = caps_broken_by_plan(paper(195, 14), "FI", TODAY)
    assert (broken.key, broken.limit, broken.found) == (
        "credit_cost_percent_per_day",
        Decimal(14),
        Decimal(195),
    )
    assert broken.source
    assert broken.trust == "secondary"
    assert caps_broken_by_plan(paper(295, 30), "FI", TODAY) == ()
    assert caps_broken_by_plan(paper(500, 30), "FI", TODAY) == ()
    assert caps_broken_by_plan(paper(501, 30), "FI", TODAY) != ()


def test_a_month_that_may_have_twenty_eight_days_does_not_reach_thirty() -> None:
    one_month = replace(INSTALMENTS, min_months=1, max_months=1, nominal_rate=Decimal(0), fee_minor=295)
    assert keys_broken(one_month, "FI", date(2026, 12, 1)) == {"credit_cost_percent_per_day"}
    assert keys_broken(replace(one_month, min_months=2, max_months=2, fee_minor=250), "FI") == set()


def test_the_yearly_sum_caps_what_the_days_would_allow() -> None:
    large = replace(
        INSTALMENTS,
        nominal_rate=Decimal(0),
        min_months=12,
        max_months=12,
        min_amount_minor=20_000_00,
        max_amount_minor=20_000_00,
    )
    assert keys_broken(replace(large, arrangement_fee_minor=150_00), "FI") == set()
    assert keys_broken(replace(large, arrangement_fee_minor=150_01), "FI") == {"credit_cost_percent_per_day"}


def test_a_quote_is_measured_by_itself_as_the_plan_was() -> None:
    plan = paper(195, 14)
    by_email = make_quote(plan, 100_00, "EUR", "FI", TODAY, merchant="m")
    on_paper = make_quote(plan, 100_00, "EUR", "FI", TODAY, merchant="m", delivery="paper")
    assert broken_caps(by_email) == ()
    # Due on a Saturday, so two days later: EUR 100 for 16 days.
    assert [(each.key, each.limit) for each in broken_caps(on_paper)] == [
        ("credit_cost_percent_per_day", Decimal(16))
    ]


def test_the_refusal_names_the_cap_its_figure_and_its_source() -> None:
    with pytest.raises(CapBroken) as refused:
        check_caps(replace(INSTALMENTS, nominal_rate=Decimal("19.9")), "FI", TODAY)
    sentence = str(refused.value)
    assert sentence.startswith(
        "interest_cap_margin_percent: at most 15.00 %, this plan comes to 19.90 % (KSL"
    )
    assert sentence.endswith("; secondary)")


@pytest.mark.parametrize("style", ["annuity", "equal_principal"])
@pytest.mark.parametrize(
    ("rate", "from_minor"), [("30.38", 450_00), ("30.37", 100_00), ("30", 10_00), ("28", 1_00), ("25", 3)]
)
def test_rounding_never_lifts_an_offer_of_a_lawful_plan_above_the_cap(
    rate: str, from_minor: int, style: Style
) -> None:
    plan = Plan(
        "near",
        "instalments",
        "DKK",
        from_minor,
        20_000_00,
        style=style,
        nominal_rate=Decimal(rate),
        min_months=3,
        max_months=6,
    )
    broken = [
        quote
        for amount in range(from_minor, from_minor + 60)
        for quote in everything_it_offers(plan, "DK", amount)
        if broken_caps(quote)
    ]
    assert not broken or keys_broken(plan, "DK") == {"apr_cap_percent"}


def test_a_plan_near_a_cap_is_lawful_where_rounding_cannot_reach_it() -> None:
    plan = replace(standard_plans("DKK")[1], nominal_rate=Decimal("30.3"))
    assert keys_broken(plan, "DK") == set()
    assert keys_broken(replace(plan, min_amount_minor=3, min_instalment_minor=0), "DK") != set()
    at_half_the_cap = replace(plan, nominal_rate=Decimal("14.9"), min_amount_minor=3, min_instalment_minor=0)
    assert keys_broken(at_half_the_cap, "DK") == set()


def test_a_currency_that_the_country_does_not_lend_in_is_refused() -> None:
    with pytest.raises(CurrencyMismatch) as refused:
        check_caps(INVOICE, "SE", TODAY)
    assert (refused.value.currency, refused.value.expected) == ("EUR", "SEK")
