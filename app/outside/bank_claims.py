"""Reads a person out of claims that have been proved: any country's, into one `VerifiedIdentity`."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Final

from stdnum.dk import cpr
from stdnum.exceptions import ValidationError
from stdnum.fi import hetu
from stdnum.se import personnummer

from app.identity.errors import LoginFailed
from app.identity.ports import VerifiedIdentity
from app.outside.bank_profiles import BankProfile, ClaimNames, NumberKind
from app.outside.bank_tokens import Claims, moment_claim, text_claim

_NAME_MAX_CHARS: Final = 200


def _hetu(text: str) -> str:
    # Individual numbers from 900 are given to nobody for good: banks' test systems use them.
    return hetu.validate(text, allow_temporary=True)


_NUMBERS: Final[Mapping[NumberKind, Callable[[str], str]]] = MappingProxyType(
    {"hetu": _hetu, "cpr": cpr.validate, "personnummer": personnummer.validate}
)


def identity_of(claims: Claims, profile: BankProfile, issuer: str) -> VerifiedIdentity:
    """Raises LoginFailed where something is missing, or told of another country's register."""
    names = profile.claims
    subject, authenticated_at = text_claim(claims, "sub"), moment_claim(claims, "auth_time")
    acr, name = text_claim(claims, "acr"), _name(claims, names)
    if subject is None or authenticated_at is None or acr is None or name is None:
        raise LoginFailed("claims_missing")
    for claim, value in names.if_told.items():
        if claims.get(claim, value) != value:
            raise LoginFailed("claims_of_another_register")
    number = _national_number(_first(claims, names.national_number), profile.national_number)
    return VerifiedIdentity(
        issuer=issuer,
        subject=subject,
        name=name,
        birthdate=_birthdate(_first(claims, names.birthdate)),
        national_number=number,
        country=profile.country,
        acr=acr,
        authenticated_at=authenticated_at,
        national_number_kind=profile.national_number if number is not None else None,
    )


def _first(claims: Claims, names: Sequence[str]) -> str | None:
    return next((value for value in (text_claim(claims, name) for name in names) if value is not None), None)


def _national_number(text: str | None, kind: NumberKind) -> str | None:
    """The number as its register writes it. One that its own check digits disprove is no number at all."""
    if text is None:
        return None
    try:
        return _NUMBERS[kind](text.upper())
    except (ValidationError, ValueError, IndexError):
        raise LoginFailed("claims_unreadable") from None


def _name(claims: Claims, names: ClaimNames) -> str | None:
    whole = _first(claims, names.name)
    if whole is None:
        parts = (_first(claims, names.given_name), _first(claims, names.family_name))
        whole = " ".join(part for part in parts if part is not None)
    # Control and format characters could dress one name up as another, or break a letter's lines.
    readable = "".join(char for char in whole if unicodedata.category(char) not in ("Cc", "Cf", "Cs"))
    return " ".join(unicodedata.normalize("NFC", readable).split())[:_NAME_MAX_CHARS] or None


def _birthdate(text: str | None) -> date | None:
    """The day of birth. Providers may tell a year alone, or 0000 for one kept back: then we know no day."""
    try:
        return date.fromisoformat(text) if text is not None and len(text) == 10 else None
    except ValueError:
        return None
