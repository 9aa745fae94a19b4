"""Whatever a person types, one number comes out, or a reason why not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.phone import PhoneNumber, PhoneRefused, masked, parse_phone


@pytest.mark.parametrize(
    "text",
    [
        "0401234567",
        "040 123 4567",
        "040-1234567",
        "040 / 123 45 67",
        "(040) 123-4567",
        "040.123.4567",
        "+358401234567",
        "+358 40 1234567",
        "+358 (0)40 123 4567",
        "00358 40 1234567",
        "358401234567",
        "\uff10\uff14\uff10 \uff11\uff12\uff13 \uff14\uff15\uff16\uff17",
        "\uff0b358401234567",
        "\u0660\u0664\u0660\u0661\u0662\u0663\u0664\u0665\u0666\u0667",
        "\u06f0\u06f4\u06f0 \u06f1\u06f2\u06f3 \u06f4\u06f5\u06f6\u06f7",
        "\u202a+358 40 123 4567\u202c",
        "040\u00a0123\u20114567",
        "  0401234567\n",
    ],
)
def test_every_spelling_leads_to_one_form(text: str) -> None:
    assert parse_phone(text, "FI") == PhoneNumber("+358401234567")


@pytest.mark.parametrize(
    ("text", "country", "e164"),
    [
        ("070-174 06 05", "SE", "+46701740605"),
        ("20 12 34 56", "DK", "+4520123456"),
        ("0888 123 456", "BG", "+359888123456"),
        ("0457 123 4567", "FI", "+3584571234567"),
        ("+46 70 174 06 05", "FI", "+46701740605"),
        ("0046701740605", "BG", "+46701740605"),
    ],
)
def test_mobiles_of_every_served_country_are_understood(text: str, country: str, e164: str) -> None:
    assert parse_phone(text, country).e164 == e164


@pytest.mark.parametrize("prefix", ["40", "41", "42", "43", "44", "45", "46", "50"])
def test_the_finnish_mobile_ranges_are_mobile(prefix: str) -> None:
    assert parse_phone(f"0{prefix} 555 0100", "FI").e164 == f"+358{prefix}5550100"


@pytest.mark.parametrize(
    ("text", "country", "reason"),
    [
        ("", "FI", "empty"),
        (" - ", "FI", "empty"),
        ("\u200b", "FI", "empty"),
        ("abc", "FI", "malformed"),
        ("040 CALL NOW", "FI", "malformed"),
        ("112", "FI", "malformed"),
        ("+358 40 12345678901234", "FI", "malformed"),
        ("040 1234567 ext 5", "FI", "malformed"),
        ("0401234567;DROP TABLE", "FI", "malformed"),
        ("0" * 500, "FI", "malformed"),
        ("09 123456", "FI", "not_mobile"),
        ("0800 123456", "FI", "not_mobile"),
        ("010 1234567", "FI", "not_mobile"),
        ("08-123 456 78", "SE", "not_mobile"),
        ("02 987 6543", "BG", "not_mobile"),
        ("0600 12345", "FI", "premium"),
        ("0900 123 4567", "SE", "premium"),
        ("+47 912 34 567", "FI", "country_not_served"),
        ("+44 7911 123456", "FI", "country_not_served"),
        ("0401234567", "NO", "country_not_served"),
    ],
)
def test_a_refusal_names_its_reason(text: str, country: str, reason: str) -> None:
    with pytest.raises(PhoneRefused) as refused:
        parse_phone(text, country)
    assert refused.value.reason == reason
    assert refused.value.code == "phone_refused"


def test_a_refusal_does_not_keep_what_was_typed() -> None:
    with pytest.raises(PhoneRefused) as refused:
        parse_phone("09 123456", "FI")
    assert "123456" not in f"{refused.value} {refused.value!r} {vars(refused.value)}"


@given(st.text(max_size=80), st.sampled_from(["FI", "SE", "DK", "BG", "NO"]))
def test_any_text_is_a_number_or_a_named_refusal(text: str, country: str) -> None:
    try:
        number = parse_phone(text, country)
    except PhoneRefused:
        return
    assert parse_phone(number.e164, country) == number


def test_a_masked_number_shows_its_country_and_its_end_only() -> None:
    assert masked("+358401234567") == "+358 •• ••• 4567"
    assert masked("+4520123456") == "+45 •• ••• 3456"
