"""Every cause has words that a customer understands, in every language; and what may lapse, by country."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from app.kernel.i18n import LANGUAGES
from app.kernel.templating import environment
from app.law.rules import COUNTRIES
from app.wallet.rules import GIVEN, WalletCause, earliest_lapse

TODAY = date(2026, 11, 22)
# No figure, no lapse: the day before the law files begin.
LONG_AGO = date(1999, 1, 1)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_cause_has_words_of_its_own(lang: str) -> None:
    words = environment(lang).get_template("components/wallet.html").module
    told = {str(words.cause_words(cause.value)).strip() for cause in WalletCause}  # type: ignore[attr-defined]
    assert len(told) == len(WalletCause)
    assert str(words.cause_words("no such cause")).strip() not in told  # type: ignore[attr-defined]


@pytest.mark.parametrize("country", COUNTRIES)
def test_only_what_was_given_may_lapse_and_no_sooner_than_the_law_file_says(country: str) -> None:
    for cause in WalletCause:
        earliest = earliest_lapse(cause, country, TODAY)
        assert (earliest is not None) == (cause in GIVEN)
        if earliest is not None:
            assert earliest - TODAY >= timedelta(days=365)
        assert earliest_lapse(cause, country, LONG_AGO) is None
