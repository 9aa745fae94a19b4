"""Money, dates, percent and the choice of a language, as each language writes them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from babel.numbers import format_currency
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.i18n import (
    LANGUAGES,
    best_language,
    current_language,
    format_date,
    format_datetime,
    format_money,
    format_month,
    format_number,
    format_percent,
    speaking,
    translations,
)
from app.kernel.money import CURRENCIES, MAX_AMOUNT_MINOR, Money

BABEL_NAMES = {"fi": "fi_FI", "sv": "sv_SE", "en": "en_GB", "da": "da_DK", "bg": "bg_BG"}


@given(
    amount_minor=st.integers(-MAX_AMOUNT_MINOR, MAX_AMOUNT_MINOR) | st.integers(-2_000_000, 2_000_000),
    currency=st.sampled_from(sorted(CURRENCIES)),
    lang=st.sampled_from(LANGUAGES),
)
def test_money_is_written_as_the_locale_data_says(amount_minor: int, currency: str, lang: str) -> None:
    expected = format_currency(Decimal(amount_minor) / 100, currency, locale=BABEL_NAMES[lang])

    assert format_money(Money(amount_minor, currency), lang) == expected


@pytest.mark.parametrize(
    ("lang", "text"), [("fi", "1\u00a0234,50\u00a0€"), ("en", "€1,234.50"), ("da", "1.234,50\u00a0€")]
)
def test_a_price_in_a_few_languages(lang: str, text: str) -> None:
    assert format_money(Money(123_450, "EUR"), lang) == text


@pytest.mark.parametrize(
    ("percent", "lang", "text"),
    [("14.9", "en", "14.9%"), ("14.9", "fi", "14,9\u00a0%"), ("0", "en", "0.0%"), ("15.97", "en", "15.97%")],
)
def test_a_percent_has_one_decimal_or_two(percent: str, lang: str, text: str) -> None:
    assert format_percent(Decimal(percent), lang) == text


@pytest.mark.parametrize(
    ("number", "lang", "text"),
    [
        (12_500, "en", "12,500"),
        (12_500, "fi", "12\u00a0500"),
        (Decimal("1.50"), "en", "1.5"),
        (Decimal("1.25"), "fi", "1,25"),
        (Decimal("2.00"), "bg", "2"),
    ],
)
def test_a_number_has_its_thousands_apart_and_the_decimals_it_needs(
    number: int | Decimal, lang: str, text: str
) -> None:
    assert format_number(number, lang) == text


def test_a_day_is_written_day_first() -> None:
    assert format_date(date(2026, 12, 5), "en") == "5 Dec 2026"
    assert format_month(date(2026, 12, 5), "fi") == "Joulukuu 2026"
    assert format_date(date(2026, 12, 5), "fi") == "5.12.2026"


def test_a_moment_is_shown_in_local_time_to_the_minute() -> None:
    moment = datetime(2026, 11, 22, 15, 0, 59, tzinfo=UTC)

    assert format_datetime(moment, "en") == "22 Nov 2026, 17:00"
    assert format_datetime(moment, "en", "Europe/Stockholm") == "22 Nov 2026, 16:00"


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="without a zone"):
        format_datetime(datetime(2026, 11, 22, 15, 0), "en")  # noqa: DTZ001  the fault under test


@pytest.mark.parametrize(
    ("header", "lang"),
    [
        ("fi-FI,fi;q=0.9,en;q=0.8", "fi"),
        ("de,fr;q=0.9", "en"),
        ("en;q=0.1, sv", "sv"),
        ("bg;q=0, da;q=0.5", "da"),
        ("", "en"),
        ("fi;q=nonsense", "fi"),
        ("*", "en"),
    ],
)
def test_the_browser_s_wish_is_read(header: str, lang: str) -> None:
    assert best_language(header) == lang


@pytest.mark.parametrize("lang", LANGUAGES)
def test_an_untranslated_message_is_shown_in_english(lang: str) -> None:
    assert (
        translations(lang).ugettext("A sentence that no template holds.")
        == "A sentence that no template holds."
    )


def test_the_language_holds_only_inside_of_its_page() -> None:
    with speaking("fi"):
        with speaking("sv"):
            assert current_language() == "sv"
        assert current_language() == "fi"
    with pytest.raises(LookupError):
        current_language()


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(ValueError, match="no such language"), speaking("xx"):
        pass
