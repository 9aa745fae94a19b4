"""Whom somebody may turn to whose credit was refused: data of each country, read from `contacts.toml`. Pure."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import msgspec

from app.law.errors import CountryNotServed
from app.law.rules import COUNTRIES, Trust


@dataclass(frozen=True, slots=True)
class Contact:
    """An office as its country writes it, where it is found, and how far that is trusted."""

    name: str
    url: str
    source: str
    trust: Trust


@dataclass(frozen=True, slots=True)
class Contacts:
    """`register` is None where the country has no public register of credits that a lender asks."""

    debt_advice: Contact
    register: Contact | None = None


def contacts_of(country: str) -> Contacts:
    """Raises CountryNotServed."""
    if country not in COUNTRIES:
        raise CountryNotServed(country)
    return _all()[country]


@lru_cache(maxsize=1)
def _all() -> dict[str, Contacts]:
    text = (Path(__file__).parent / "contacts.toml").read_bytes()
    return msgspec.toml.decode(text, type=dict[str, Contacts])
