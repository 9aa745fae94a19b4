"""The rules ask what a plan costs over its own months, and leave to a person what only a person should judge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from app.checkout.passing import Basket, what_passes
from app.credit.ports import RegisterAnswer, RegisterLoan
from app.credit.rules import Facts, checks, decide, facts_from_json, facts_to_json
from app.plans.quote import Kind, Plan

# After other loans and a basic living, 100.00 a month is left.
TIGHT = RegisterAnswer("extract-1", 1_200_00, (RegisterLoan(2_000_00, 200_00),), credit_ban=False)

INVOICE = Plan("invoice-14", "invoice", "EUR", 1_00, 5_000_00, due_days=14)
INSTALMENTS = Plan(
    "instalments",
    "instalments",
    "EUR",
    60_00,
    5_000_00,
    nominal_rate=Decimal("14.9"),
    min_months=3,
    max_months=36,
    min_instalment_minor=20_00,
)
PLANS: Mapping[Kind, Plan] = {"invoice": INVOICE, "instalments": INSTALMENTS}


def of(amount_minor: int, *, months: int = 0, payable_minor: int = 0, exposure_minor: int = 0) -> Facts:
    return Facts(
        amount_minor=amount_minor,
        currency="EUR",
        exposure_minor=exposure_minor,
        limit_minor=3_000_00,
        answer=TIGHT,
        months=months,
        payable_minor=payable_minor,
    )


def basket(amount_minor: int) -> Basket:
    return Basket(amount_minor, "EUR", "FI", "mer_1", date(2026, 11, 23))


def test_a_longer_plan_asks_less_of_a_month_and_so_may_pass() -> None:
    assert decide(of(749_00)).reasons == ("too_little_left",)
    assert decide(of(749_00, months=12, payable_minor=808_00)).outcome == "approved"


def test_interest_and_fees_are_repaid_too() -> None:
    assert decide(of(1_190_00, months=12)).outcome == "approved"
    assert decide(of(1_190_00, months=12, payable_minor=1_280_00)).reasons == ("too_little_left",)


def test_the_limit_counts_the_price_alone() -> None:
    limit, left, _ = checks(of(700_00, months=12, payable_minor=760_00))
    assert (limit.asked_minor, left.asked_minor) == (700_00, 760_00)


def test_what_is_owed_already_leaves_less_room() -> None:
    assert decide(of(250_00)).outcome == "approved"
    assert decide(of(250_00, exposure_minor=100_00)).would_pass_minor == 200_00


@pytest.mark.parametrize(("late", "outcome"), [(2, "approved"), (3, "referred")])
def test_how_somebody_paid_before_alone_declines_nobody(late: int, outcome: str) -> None:
    decision = decide(replace(of(250_00), late_in_a_year=late))
    assert decision.outcome == outcome
    assert decision.reasons == (("often_late",) if outcome == "referred" else ())


def test_a_refusal_names_the_plans_that_would_pass_from_the_shortest() -> None:
    passing = what_passes(of(749_00), PLANS, basket(749_00))
    assert passing.quotes[0].months == 8
    assert passing.quotes[-1].months == 36
    assert passing.largest_minor == 0


def test_every_plan_that_is_named_is_approved_and_the_next_shorter_one_is_not() -> None:
    passing = what_passes(of(749_00), PLANS, basket(749_00))
    for quote in passing.quotes:
        asked = of(749_00, months=quote.months, payable_minor=quote.total_payable_minor)
        assert decide(asked).outcome == "approved"
    shortest = passing.quotes[0]
    assert shortest.total_payable_minor <= 100_00 * shortest.months
    assert 100_00 * (shortest.months - 1) < 749_00


def test_where_no_plan_fits_the_basket_the_largest_sum_is_told_and_would_pass() -> None:
    poor = replace(TIGHT, income_minor_month=1_115_00)
    passing = what_passes(replace(of(749_00), answer=poor), PLANS, basket(749_00))
    assert passing.quotes == ()
    assert passing.largest_minor == 45_00
    assert decide(replace(of(passing.largest_minor), answer=poor)).outcome == "approved"
    assert decide(replace(of(passing.largest_minor + 1), answer=poor)).outcome == "declined"


def test_nothing_passes_with_a_ban_and_nothing_is_promised() -> None:
    banned = replace(TIGHT, credit_ban=True)
    passing = what_passes(replace(of(749_00), answer=banned), PLANS, basket(749_00))
    assert (passing.quotes, passing.largest_minor) == ((), 0)


def test_facts_come_back_as_they_were_kept() -> None:
    facts = replace(of(749_00, months=12, payable_minor=808_00), register_failure="timeout")
    assert facts_from_json(facts_to_json(facts)) == facts
