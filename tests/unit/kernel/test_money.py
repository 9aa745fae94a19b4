"""Money adds up, never mixes currencies, never becomes a float."""

from decimal import Decimal
from fractions import Fraction
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.money import (
    MAX_AMOUNT_MINOR,
    AmountOutOfBoundsError,
    MixedCurrenciesError,
    Money,
    UnknownCurrencyError,
    allocate,
    half_up,
    half_up_ratio,
)


def test_money_adds_subtracts_and_negates_within_its_currency() -> None:
    assert Money(1250, "EUR") + Money(50, "EUR") == Money(1300, "EUR")
    assert Money(1250, "EUR") - Money(1300, "EUR") == Money(-50, "EUR")
    assert -Money(5, "SEK") == Money(-5, "SEK")


def test_money_compares_within_its_currency() -> None:
    assert Money(1, "DKK") < Money(2, "DKK") <= Money(2, "DKK")
    assert Money(3, "DKK") > Money(2, "DKK") >= Money(2, "DKK")
    assert Money(100, "EUR") != Money(100, "SEK")


def test_two_currencies_do_not_mix() -> None:
    with pytest.raises(MixedCurrenciesError):
        Money(1, "EUR") + Money(1, "SEK")
    with pytest.raises(MixedCurrenciesError):
        _ = Money(1, "EUR") < Money(2, "SEK")


@pytest.mark.parametrize("amount", [True, 1.0, 12.5, "5", Decimal(5), None])
def test_an_amount_is_an_integer_and_nothing_else(amount: object) -> None:
    with pytest.raises(TypeError):
        Money(cast("int", amount), "EUR")


def test_money_and_a_bare_number_do_not_mix() -> None:
    with pytest.raises(TypeError):
        Money(1, "EUR") + cast("Money", 1)


@pytest.mark.parametrize("currency", ["eur", "BGN", "USD", ""])
def test_an_unknown_currency_is_refused_by_name(currency: str) -> None:
    with pytest.raises(UnknownCurrencyError):
        Money(1, currency)


def test_an_amount_beyond_the_bound_is_refused() -> None:
    assert Money(MAX_AMOUNT_MINOR, "EUR")
    with pytest.raises(AmountOutOfBoundsError):
        Money(-MAX_AMOUNT_MINOR - 1, "EUR")


def test_only_zero_is_nothing() -> None:
    assert not Money(0, "EUR")
    assert Money(-1, "EUR")


def test_the_major_amount_has_two_decimals() -> None:
    assert str(Money(-5, "EUR").major) == "-0.05"
    assert str(Money(120000, "EUR").major) == "1200.00"


@pytest.mark.parametrize(
    ("value", "rounded"),
    [("0.5", 1), ("1.5", 2), ("2.5", 3), ("-0.5", -1), ("-2.5", -3), ("0.4999", 0), ("7", 7)],
)
def test_a_half_rounds_away_from_zero(value: str, rounded: int) -> None:
    assert half_up(Decimal(value)) == rounded


def test_half_up_takes_no_float() -> None:
    with pytest.raises(TypeError):
        half_up(cast("Decimal", 0.5))


@given(st.integers(-(10**15), 10**15), st.integers(1, 10**6))
def test_the_ratio_rounds_as_the_decimal_does(numerator: int, denominator: int) -> None:
    exact = Fraction(numerator, denominator)
    rounded = half_up_ratio(numerator, denominator)
    assert abs(exact - rounded) <= Fraction(1, 2)
    if abs(exact - rounded) == Fraction(1, 2):
        assert abs(rounded) > abs(exact)


def test_a_ratio_needs_a_positive_denominator() -> None:
    with pytest.raises(ValueError, match="positive"):
        half_up_ratio(1, 0)


def test_the_earlier_parts_take_the_extra_units() -> None:
    assert allocate(100, [1, 1, 1]) == [34, 33, 33]
    assert allocate(-100, [1, 1, 1]) == [-34, -33, -33]
    assert allocate(1, [1, 1]) == [1, 0]


def test_the_largest_remainder_takes_the_extra_unit_first() -> None:
    assert allocate(10, [1, 2, 3]) == [2, 3, 5]
    assert allocate(1, [1, 3]) == [0, 1]


@pytest.mark.parametrize("weights", [[], [0, 0], [2, -1]])
def test_weights_must_share_something(weights: list[int]) -> None:
    with pytest.raises(ValueError, match="weights"):
        allocate(100, weights)


@given(
    st.integers(-MAX_AMOUNT_MINOR, MAX_AMOUNT_MINOR),
    st.lists(st.integers(0, 10**6), min_size=1, max_size=60).filter(any),
)
def test_parts_sum_to_the_whole_and_are_never_off_by_a_unit(amount_minor: int, weights: list[int]) -> None:
    parts = allocate(amount_minor, weights)
    assert sum(parts) == amount_minor
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - Fraction(amount_minor * weight, sum(weights))) < 1
