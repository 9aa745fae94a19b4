"""A postcode has one written form per country."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.postcode import PostcodeRefused, parse_postcode


@pytest.mark.parametrize(
    ("text", "country", "digits"),
    [
        ("00100", "FI", "00100"),
        (" 00100 ", "FI", "00100"),
        ("FI-00100", "FI", "00100"),
        ("fi 00100", "FI", "00100"),
        ("\uff10\uff10\uff11\uff10\uff10", "FI", "00100"),
        ("114 55", "SE", "11455"),
        ("11455", "SE", "11455"),
        ("114\u00a055", "SE", "11455"),
        ("SE-114 55", "SE", "11455"),
        ("2100", "DK", "2100"),
        ("0800", "DK", "0800"),
        ("1000", "BG", "1000"),
    ],
)
def test_every_spelling_leads_to_one_form(text: str, country: str, digits: str) -> None:
    assert parse_postcode(text, country) == digits


@pytest.mark.parametrize(
    ("text", "country", "reason"),
    [
        ("", "FI", "empty"),
        ("  \u200b", "FI", "empty"),
        ("0010", "FI", "malformed"),
        ("001000", "FI", "malformed"),
        ("0010O", "FI", "malformed"),
        ("001 00", "FI", "malformed"),
        ("SE-11455", "FI", "malformed"),
        ("1145 5", "SE", "malformed"),
        ("01455", "SE", "malformed"),
        ("21000", "DK", "malformed"),
        ("0100", "BG", "malformed"),
        ("\u0661\u0662\u0663\u0664", "BG", "malformed"),
        ("1" * 99, "FI", "malformed"),
        ("0150", "NO", "country_not_served"),
    ],
)
def test_a_refusal_names_its_reason(text: str, country: str, reason: str) -> None:
    with pytest.raises(PostcodeRefused) as refused:
        parse_postcode(text, country)
    assert refused.value.reason == reason


@given(st.text(max_size=40), st.sampled_from(["FI", "SE", "DK", "BG"]))
def test_any_text_is_a_postcode_or_a_named_refusal(text: str, country: str) -> None:
    try:
        digits = parse_postcode(text, country)
    except PostcodeRefused:
        return
    assert digits.isascii()
    assert parse_postcode(digits, country) == digits
