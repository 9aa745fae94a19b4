"""Three countries, one VerifiedIdentity: what differs is data."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from app.outside.bank_profiles import FOLDER, BankProfile, ClaimNames, ProfileRefused, countries, read_profile
from app.settings import BANK_COUNTRIES
from tests.support.bank_logins import RETURN_URL, a_bank, log_in, refusal_of
from tests.support.oidc import NOW, ScriptedProvider

NUMBERS = {"FI": "030271-952K", "DK": "0302711234", "SE": "19710203-2385"}
TOLD = {
    "FI": {"urn:oid:1.2.246.21": "030271-952K"},
    "DK": {"cprNumberIdentifier": "030271-1234", "identityscheme": "dkmitid"},
    "SE": {"ssn": "197102032385", "identityscheme": "sebankid"},
}
KINDS = {"FI": "hetu", "DK": "cpr", "SE": "personnummer"}


def telling(country: str, **change: Any) -> ScriptedProvider:
    """A provider of that country; Finland's number is not said where another is."""
    return ScriptedProvider(
        change={"acr": read_profile(country).acr_values[0]},
        userinfo_change={"urn:oid:1.2.246.21": "", **TOLD[country], **change},
    )


def test_the_countries_with_a_profile_are_those_that_an_operator_can_set_up() -> None:
    assert set(countries()) == set(BANK_COUNTRIES) == {"FI", "DK", "SE"}


@pytest.mark.parametrize("country", ["FI", "DK", "SE"])
async def test_every_country_ends_in_the_same_identity(country: str) -> None:
    identity = await log_in(telling(country), read_profile(country))
    assert (identity.name, identity.birthdate) == ("Maija Meikäläinen", date(1971, 2, 3))
    assert (identity.national_number, identity.country) == (NUMBERS[country], country)
    assert identity.national_number_kind == KINDS[country]
    assert identity.acr == read_profile(country).acr_values[0]


@pytest.mark.parametrize("country", ["FI", "DK", "SE"])
async def test_a_level_of_another_country_is_not_strong_here(country: str) -> None:
    other = read_profile("DK" if country != "DK" else "SE")
    provider = telling(country)
    provider.change = {"acr": other.acr_values[0]}
    assert await refusal_of(provider, read_profile(country)) == "token_acr"


@pytest.mark.parametrize(
    ("country", "change"),
    [
        ("FI", {"urn:oid:1.2.246.21": "030271-952C"}),
        ("FI", {"urn:oid:1.2.246.21": "0302711234"}),
        ("DK", {"cprNumberIdentifier": "310271-1234"}),
        ("DK", {"cprNumberIdentifier": "03027112345"}),
        ("SE", {"ssn": "19710203-2386"}),
        ("SE", {"ssn": "x" * 10_000}),
        ("SE", {"ssn": "ÅÄÖ"}),
    ],
)
async def test_a_national_number_that_its_own_check_disproves_is_refused(
    country: str, change: dict[str, str]
) -> None:
    assert await refusal_of(telling(country, **change), read_profile(country)) == "claims_unreadable"


@pytest.mark.parametrize(
    ("country", "change"),
    [
        ("DK", {"identityscheme": "sebankid"}),
        ("SE", {"identityscheme": "nobankid"}),
        ("FI", {"nin_issuing_country": "EE"}),
    ],
)
async def test_a_person_of_another_register_is_refused(country: str, change: dict[str, str]) -> None:
    assert await refusal_of(telling(country, **change), read_profile(country)) == "claims_of_another_register"


async def test_somebody_without_a_national_number_is_identified_without_one() -> None:
    identity = await log_in(telling("DK", cprNumberIdentifier=""), read_profile("DK"))
    assert (identity.national_number, identity.national_number_kind) == (None, None)


async def test_mitid_is_given_the_text_that_it_shows_in_its_app() -> None:
    provider = telling("DK")
    bank = a_bank(provider, read_profile("DK"))
    request = await bank.begin(RETURN_URL, "da", "Pay 200 DKK to Lys & <Skygge>", NOW)
    kind, _, coded = provider.request_in(request.url)["login_hint"].partition(":")
    assert (kind, base64.b64decode(coded).decode()) == ("message", "Pay 200 DKK to Lys & Skygge>")


@pytest.mark.parametrize("country", ["FI", "DK", "SE"])
def test_a_profile_demands_the_full_protection(country: str) -> None:
    profile = read_profile(country)
    assert profile.request_signed
    assert profile.id_token_encrypted
    assert profile.userinfo == "sealed"


def test_a_profile_of_the_operators_own_takes_the_place_of_the_houses(tmp_path: Path) -> None:
    text = (FOLDER / "fi.toml").read_text().replace('"profile"]', '"profile", "idp-id", "nin", "ftn-extra"]')
    (tmp_path / "broker.toml").write_text(text)
    assert read_profile("FI", tmp_path / "broker.toml").scopes[-1] == "ftn-extra"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('country = "FI"', 'country = "SE"', "is for SE and not for FI"),
        ("scopes =", "scope =", "scope"),
        ('national_number = "hetu"', 'national_number = "passport"', "passport"),
        ('"openid", ', "", "scope openid"),
        ("signed = true", "signed = false", "must sign its requests"),
        ("[claims]", "[claims", "is not one"),
    ],
)
def test_a_profile_with_a_mistake_is_refused_with_one_sentence(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    text = (FOLDER / "fi.toml").read_text()
    assert old in text
    (tmp_path / "mine.toml").write_text(text.replace(old, new))
    with pytest.raises(ProfileRefused) as caught:
        read_profile("FI", tmp_path / "mine.toml")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_profile_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProfileRefused, match=r"none\.toml"):
        read_profile("FI", tmp_path / "none.toml")


def test_a_profile_without_a_level_is_refused() -> None:
    with pytest.raises(ProfileRefused, match="acr_values"):
        BankProfile("FI", "hetu", (), ClaimNames())
    with pytest.raises(ProfileRefused, match="sign its requests"):
        replace(read_profile("FI"), request_signed=False)
