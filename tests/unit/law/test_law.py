"""The law files answer by date, name their sources and never guess."""

from datetime import date
from decimal import Decimal

import pytest

from app.law.errors import CountryNotServed, FigureUnknown
from app.law.rules import COUNTRIES, law_of

TODAY = date(2026, 11, 21)


@pytest.mark.parametrize("country", COUNTRIES)
def test_every_figure_names_its_source_and_its_trust(country: str) -> None:
    law = law_of(country)
    assert law.country == country
    for figure in law.figures:
        assert figure.source
        assert figure.trust in {"primary", "secondary", "unverified"}
        assert figure.until is None or figure.since <= figure.until


@pytest.mark.parametrize("country", COUNTRIES)
def test_credit_comes_last_and_nothing_is_chosen_beforehand(country: str) -> None:
    methods = law_of(country).methods
    assert methods.order[-2:] == ("invoice", "instalments")
    assert not methods.preselected


@pytest.mark.parametrize(
    ("country", "currency"), [("FI", "EUR"), ("SE", "SEK"), ("DK", "DKK"), ("BG", "EUR")]
)
def test_every_country_has_its_currency(country: str, currency: str) -> None:
    assert law_of(country).currency == currency


def test_the_finnish_interest_cap_moves_with_the_reference_rate() -> None:
    cap = law_of("FI").interest_cap(date(2025, 3, 1))
    assert cap is not None
    assert (cap.percent, cap.reference_known) == (Decimal("18.50"), True)


def test_without_a_known_reference_rate_the_cap_is_its_margin_alone() -> None:
    cap = law_of("FI").interest_cap(TODAY)
    assert cap is not None
    assert (cap.percent, cap.reference_known) == (Decimal(15), False)
    assert law_of("DK").interest_cap(TODAY) is None


def test_a_figure_holds_between_its_dates_only() -> None:
    finland = law_of("FI")
    assert finland.figure("reference_rate_percent", date(2025, 6, 30)).value == Decimal("3.50")
    for day in (date(2024, 12, 31), date(2025, 7, 1)):
        with pytest.raises(FigureUnknown):
            finland.figure("reference_rate_percent", day)


def test_identification_follows_the_product_default_but_in_bulgaria() -> None:
    finland = law_of("FI").identification
    assert (finland.policy, finland.code_alone_max_minor) == ("code_for_returning", 50_000)
    assert {reading.policy for reading in finland.readings} == {"code_for_returning", "strong_always"}
    assert law_of("BG").identification.policy == "manual"


@pytest.mark.parametrize("country", COUNTRIES)
def test_reminders_cost_the_shopper_nothing(country: str) -> None:
    assert law_of(country).late_cost(TODAY).reminder_fee_minor == 0


@pytest.mark.parametrize("country", ["NO", "fi", "", "../fi"])
def test_an_unserved_country_is_refused_by_name(country: str) -> None:
    with pytest.raises(CountryNotServed):
        law_of(country)
