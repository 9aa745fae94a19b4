"""The credit rules: what passes, what does not, and what a refusal says would pass."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.credit.ports import RegisterAnswer, RegisterLoan
from app.credit.rules import Facts, decide, facts_digest


def an_answer(
    *,
    income: int = 3_200_00,
    loans: tuple[RegisterLoan, ...] = (),
    credit_ban: bool = False,
    currency: str = "EUR",
) -> RegisterAnswer:
    return RegisterAnswer("extract-1", income, loans, credit_ban, currency)


def facts_of(
    answer: RegisterAnswer | None,
    amount: int = 250_00,
    *,
    exposure_minor: int = 0,
    limit_minor: int = 3_000_00,
    late_payments: int = 0,
) -> Facts:
    return Facts(
        amount_minor=amount,
        currency="EUR",
        exposure_minor=exposure_minor,
        limit_minor=limit_minor,
        answer=answer,
        late_payments=late_payments,
    )


def test_an_ordinary_income_without_loans_passes() -> None:
    decision = decide(facts_of(an_answer()))

    assert decision.outcome == "approved"
    assert decision.reasons == ()
    assert decision.rules_version == "2026-11-4"


@pytest.mark.parametrize(("currency", "income"), [("SEK", 9_000_00), ("DKK", 6_000_00)])
def test_a_basic_living_costs_about_the_same_in_every_currency(currency: str, income: int) -> None:
    facts = replace(facts_of(an_answer(income=income, currency=currency)), currency=currency)
    decision = decide(facts)

    assert (decision.outcome, decision.would_pass_minor) == ("declined", 0)
    assert "too_little_left" in decision.reasons


def test_a_ban_that_the_person_asked_for_is_kept_whatever_the_income() -> None:
    decision = decide(facts_of(an_answer(income=20_000_00, credit_ban=True)))

    assert (decision.outcome, decision.reasons, decision.would_pass_minor) == ("declined", ("credit_ban",), 0)


def test_no_income_is_declined() -> None:
    assert decide(facts_of(an_answer(income=0))).reasons == ("no_income",)


def test_instalments_elsewhere_leave_too_little() -> None:
    loans = (RegisterLoan(outstanding_minor=9_000_00, monthly_minor=1_050_00),)

    decision = decide(facts_of(an_answer(income=2_000_00, loans=loans)))

    assert decision.reasons == ("too_little_left",)
    assert decision.would_pass_minor == 3 * 50_00


def test_debts_of_more_than_four_and_a_half_years_income_are_too_high() -> None:
    loans = (RegisterLoan(outstanding_minor=54 * 3_200_00, monthly_minor=0),)

    decision = decide(facts_of(an_answer(loans=loans)))

    assert decision.reasons == ("debts_too_high",)
    assert decision.would_pass_minor == 0


def test_what_is_owed_here_already_counts_against_the_limit() -> None:
    decision = decide(facts_of(an_answer(), amount=200_01, exposure_minor=2_800_00))

    assert decision.reasons == ("limit_reached",)
    assert decision.would_pass_minor == 200_00


def test_a_person_decides_when_the_register_gives_no_answer() -> None:
    decision = decide(facts_of(None))

    assert (decision.outcome, decision.reasons) == ("referred", ("register_unavailable",))
    assert decision.would_pass_minor is None


def test_a_person_decides_about_somebody_without_a_national_number() -> None:
    decision = decide(replace(facts_of(None), has_national_number=False))

    assert (decision.outcome, decision.reasons) == ("referred", ("no_national_number",))


def test_figures_in_another_currency_are_not_compared() -> None:
    assert decide(facts_of(an_answer(currency="SEK"))).reasons == ("other_currency",)


def test_a_late_payment_here_is_looked_at_by_a_person() -> None:
    assert decide(facts_of(an_answer(), late_payments=1)).outcome == "referred"


@pytest.mark.parametrize("amount", [0, -1])
def test_a_sum_of_nothing_is_no_question(amount: int) -> None:
    with pytest.raises(ValueError, match="above zero"):
        decide(facts_of(an_answer(), amount=amount))


amounts = st.integers(min_value=0, max_value=50_000_00)
loans = st.builds(
    RegisterLoan, outstanding_minor=st.integers(0, 400_000_00), monthly_minor=st.integers(0, 3_000_00)
)


@given(st.integers(1, 10_000_00), st.lists(loans, max_size=4), st.integers(1, 20_000_00), amounts, amounts)
def test_exactly_the_sum_that_would_pass_is_the_largest_that_does(
    income: int, debts: list[RegisterLoan], amount: int, exposure: int, limit: int
) -> None:
    facts = facts_of(
        an_answer(income=income, loans=tuple(debts)), amount, exposure_minor=exposure, limit_minor=limit
    )
    would_pass = decide(facts).would_pass_minor
    assert would_pass is not None

    if would_pass > 0:
        assert decide(replace(facts, amount_minor=would_pass)).outcome == "approved"
    assert decide(replace(facts, amount_minor=would_pass + 1)).outcome == "declined"


def test_the_digest_of_the_facts_changes_with_any_of_them() -> None:
    facts = facts_of(an_answer())
    changed = [
        facts,
        replace(facts, amount_minor=250_01),
        replace(facts, exposure_minor=1),
        replace(facts, answer=an_answer(income=3_200_01)),
        replace(facts, answer=None),
    ]

    digests = {facts_digest(each) for each in changed}

    assert len(digests) == len(changed)
    assert facts_digest(facts) == facts_digest(replace(facts))
