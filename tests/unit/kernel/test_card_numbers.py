"""Card numbers are known by their check digit, however they are set apart."""

from __future__ import annotations

import pytest

from app.kernel.card_numbers import holds_card_number, passes_luhn


@pytest.mark.parametrize(
    "text",
    [
        "4111111111111111",
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "4111\u20111111.1111/1111",
        "3782 822463 10005",
        "card 5555555555554444, Aino",
        "Invoice 12 of 4111 1111 1111 1111",
        "4222222222222",
        "6304000000000000000",
        "\u0664\u0661\u0661\u0661\u0661\u0661\u0661\u0661\u0661\u0661\u0661\u0661\u0661\u0661\u0661\u0661",
    ],
)
def test_a_card_number_is_found(text: str) -> None:
    assert holds_card_number(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Invoice 1042",
        "4111111111111112",
        "411111111111",
        "41111111111111111111111",
        "0000 0000 0000 0000",
        "4111 and 1111 and 1111 and 1111",
        "2026-11-22",
        "+358 40 123 4567",
    ],
)
def test_other_references_are_left_alone(text: str) -> None:
    assert not holds_card_number(text)


def test_one_wrong_digit_is_always_noticed() -> None:
    right = "4111111111111111"
    wrong = [
        right[:place] + digit + right[place + 1 :]
        for place in range(len(right))
        for digit in "0123456789"
        if digit != right[place]
    ]
    assert passes_luhn(right)
    assert not any(passes_luhn(number) for number in wrong)
