"""The sandbox's people: nobody shares a phone, nobody could be real."""

from __future__ import annotations

from datetime import date, timedelta
from types import ModuleType

import pytest
from stdnum.dk import cpr
from stdnum.fi import hetu
from stdnum.se import personnummer

from app.kernel.clock import wall
from app.kernel.company_number import parse_company_number
from app.kernel.phone import parse_phone
from app.messages import sandbox_shoppers
from app.messages.sandbox_numbers import finnish, national_number
from app.messages.sandbox_shoppers import KINDS, UnknownKind, UnknownShopper, make_shopper


async def test_everybody_has_a_phone_and_a_national_number_of_their_own(db: str) -> None:
    made = [await make_shopper("first-timer", wall()) for _ in range(30)]

    assert len({shopper.phone for shopper in made}) == 30
    assert len({shopper.national_number for shopper in made}) == 30
    assert len({shopper.subject for shopper in made}) == 30


async def test_a_phone_is_one_that_the_product_takes_and_no_operator_holds(db: str) -> None:
    shopper = await make_shopper("returning", wall())

    assert shopper.phone is not None
    assert parse_phone(shopper.phone, "FI").e164 == shopper.phone
    assert shopper.phone.startswith("+35848")


async def test_a_national_number_is_well_formed_and_belongs_to_nobody(db: str) -> None:
    shopper = await make_shopper("returning", wall())

    assert hetu.validate(shopper.national_number, allow_temporary=True) == shopper.national_number
    assert 900 <= int(shopper.national_number[7:10]) <= 999


def test_a_national_number_carries_its_check_character() -> None:
    # The example that the Digital and Population Data Services Agency publishes.
    assert finnish(date(1952, 10, 13), 308) == "131052-308T"


@pytest.mark.parametrize(("country", "register"), [("DK", cpr), ("SE", personnummer)])
def test_a_danish_and_a_swedish_number_are_well_formed_and_of_their_birthday(
    country: str, register: ModuleType
) -> None:
    for draw in range(0, 20_000, 97):
        birthday = date(1950, 1, 1) + timedelta(days=draw)
        number = national_number(country, birthday, draw)
        assert register.get_birth_date(register.validate(number)) == birthday


async def test_somebody_who_lives_in_denmark_has_a_danish_number(db: str) -> None:
    shopper = await make_shopper("first-timer", wall(), country="DK")
    assert cpr.get_birth_date(shopper.national_number) == shopper.birthdate


async def test_one_kind_has_no_phone(db: str) -> None:
    assert (await make_shopper("no-phone", wall())).phone is None


async def test_a_shopper_is_found_again_by_the_banks_name_and_by_the_national_number(db: str) -> None:
    shopper = await make_shopper("declined", wall())

    assert await sandbox_shoppers.shopper_by_subject(shopper.subject) == shopper
    assert await sandbox_shoppers.shopper_by_national_number(shopper.national_number) == shopper
    assert await sandbox_shoppers.shoppers() == [shopper]


async def test_an_unknown_shopper_has_no_register_entry_to_change(db: str) -> None:
    with pytest.raises(UnknownShopper):
        await sandbox_shoppers.set_register("person_nobody", {})


def test_an_unknown_kind_is_refused_by_name() -> None:
    assert [sandbox_shoppers.kind_of(kind) for kind in KINDS] == list(KINDS)
    with pytest.raises(UnknownKind):
        sandbox_shoppers.kind_of("millionaire")


@pytest.mark.parametrize("country", ["FI", "SE", "DK"])
async def test_a_contact_person_buys_for_a_company_whose_number_is_well_formed(db: str, country: str) -> None:
    shopper = await make_shopper("business", wall(), country=country)
    company = sandbox_shoppers.company_of(shopper)
    assert company is not None
    assert parse_company_number(company.number, country).printed == company.number
    assert sandbox_shoppers.company_of(await make_shopper("returning", wall())) is None
