"""Whatever colour a merchant has, text in it and text on it can be read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.web.shared.accent import (
    DARK_SURFACE,
    DEFAULT_ACCENT,
    LIGHT_SURFACE,
    TEXT_CONTRAST,
    accent_css,
    contrast,
    parse_colour,
    readable,
)


def ratio(one: str, other: str) -> float:
    first, second = parse_colour(one), parse_colour(other)
    assert first is not None
    assert second is not None
    return contrast(first, second)


def test_black_on_white_has_the_contrast_that_the_standard_gives() -> None:
    assert ratio("#000000", "#ffffff") == pytest.approx(21)
    assert ratio("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@given(st.integers(0, 0xFFFFFF), st.sampled_from([LIGHT_SURFACE, DARK_SURFACE]))
def test_every_colour_becomes_readable(number: int, surface: str) -> None:
    accent = readable(f"#{number:06x}", surface)

    assert ratio(accent.colour, surface) >= TEXT_CONTRAST
    assert ratio(accent.text, accent.colour) >= TEXT_CONTRAST


def test_a_colour_that_is_readable_is_left_alone() -> None:
    assert readable("#2f6f4f", LIGHT_SURFACE).colour == "#2f6f4f"


@pytest.mark.parametrize(
    "text", [None, "", "red", "#12", "#12345g", "#1234567", "#fff;}body{", "#\u0661\u0662\u0663"]
)
def test_what_is_no_colour_gives_the_product_s_own(text: str | None) -> None:
    assert parse_colour(text) is None
    assert readable(text, LIGHT_SURFACE) == readable(DEFAULT_ACCENT, LIGHT_SURFACE)
    assert set(str(accent_css(text))) <= set(":root{}-acentolr#0123456789bdfghimpsu@()z;kt")


def test_a_short_colour_is_the_long_one() -> None:
    assert parse_colour("#0aF") == parse_colour("#00aaff") == (0, 170, 255)
