"""What the providers of a country ask for and tell, as data: one file a country in `profiles/`.

A broker that differs gets a file of the operator's own (`docs/operating.md`). Nothing else in the program knows
a country's scopes, levels or claims.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

Pushed = Literal["where_offered", "always", "never"]
Userinfo = Literal["off", "plain", "signed", "sealed"]
NumberKind = Literal["hetu", "cpr", "personnummer"]

FOLDER: Final = Path(__file__).parent / "profiles"


class ProfileRefused(ValueError):
    """A profile cannot be used; the text is one sentence that says what to change."""


@dataclass(frozen=True, slots=True)
class ShownText:
    """How a provider is given the text that it shows to the person. `form` may hold `{text}` or `{base64}`."""

    parameter: str
    form: str = "{text}"
    without: str = ""
    max_chars: int = 130


@dataclass(frozen=True, slots=True)
class ClaimNames:
    """Under which names a person's facts come; of several names the first that says something counts. `if_told`
    holds claims that may be missing, but when they are there must have this value."""

    name: tuple[str, ...] = ("name",)
    given_name: tuple[str, ...] = ("given_name",)
    family_name: tuple[str, ...] = ("family_name",)
    birthdate: tuple[str, ...] = ("birthdate",)
    national_number: tuple[str, ...] = ()
    if_told: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BankProfile:
    """How the providers of one country speak.

    `acr_values` are the levels that count as strong here, best first; `max_age_s` bounds the age of the login.
    `userinfo`: `sealed` is a signed token inside an encrypted one, `off` asks for none. `pushed` is RFC 9126,
    `request_signed` RFC 9101. Raises ProfileRefused for one that could identify nobody strongly.
    """

    country: str
    national_number: NumberKind
    acr_values: tuple[str, ...]
    claims: ClaimNames
    scopes: tuple[str, ...] = ("openid", "profile")
    max_age_s: int = 300
    request_signed: bool = True
    request_pushed: Pushed = "where_offered"
    assertion_audience: Literal["issuer", "token_endpoint"] = "issuer"
    id_token_encrypted: bool = True
    userinfo: Userinfo = "sealed"
    shown_text: ShownText | None = None

    def __post_init__(self) -> None:
        if "openid" not in self.scopes or not self.acr_values:
            raise ProfileRefused(
                "A bank profile needs the scope openid and at least one level in acr_values."
            )
        if not self.request_signed and self.request_pushed != "always":
            raise ProfileRefused("A bank profile must sign its requests, or always push them.")


class _Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    signed: bool = True
    pushed: Pushed = "where_offered"
    assertion_audience: Literal["issuer", "token_endpoint"] = "issuer"


class _Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id_token_encrypted: bool = True
    userinfo: Userinfo = "sealed"


class _Claims(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    national_number: tuple[str, ...]
    name: tuple[str, ...] = ("name",)
    given_name: tuple[str, ...] = ("given_name",)
    family_name: tuple[str, ...] = ("family_name",)
    birthdate: tuple[str, ...] = ("birthdate",)
    if_told: dict[str, str] = {}


class _ShownText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    parameter: str
    form: str = "{text}"
    without: str = ""
    max_chars: int = 130


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    country: str
    national_number: NumberKind
    acr_values: tuple[str, ...]
    claims: _Claims
    scopes: tuple[str, ...] = ("openid", "profile")
    max_age_s: int = 300
    request: _Request = _Request()
    answer: _Answer = _Answer()
    shown_text: _ShownText | None = None


def read_profile(country: str, path: Path | None = None) -> BankProfile:
    """The profile of a country (ISO 3166 alpha-2): the house's own, or that of a file of the operator's. Raises
    ProfileRefused."""
    place = path or FOLDER / f"{country.lower()}.toml"
    try:
        read = msgspec.toml.decode(place.read_bytes(), type=_File)
    except OSError:
        raise ProfileRefused(f"The bank profile {place.name} for {country} cannot be read.") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as why:
        raise ProfileRefused(f"The bank profile {place.name} for {country} is not one: {why}.") from None
    if read.country != country:
        raise ProfileRefused(f"The bank profile {place.name} is for {read.country} and not for {country}.")
    shown = read.shown_text
    return BankProfile(
        country=read.country,
        national_number=read.national_number,
        acr_values=read.acr_values,
        claims=ClaimNames(
            name=read.claims.name,
            given_name=read.claims.given_name,
            family_name=read.claims.family_name,
            birthdate=read.claims.birthdate,
            national_number=read.claims.national_number,
            if_told=MappingProxyType(read.claims.if_told),
        ),
        scopes=read.scopes,
        max_age_s=read.max_age_s,
        request_signed=read.request.signed,
        request_pushed=read.request.pushed,
        assertion_audience=read.request.assertion_audience,
        id_token_encrypted=read.answer.id_token_encrypted,
        userinfo=read.answer.userinfo,
        shown_text=None
        if shown is None
        else ShownText(shown.parameter, shown.form, shown.without, shown.max_chars),
    )


def countries() -> tuple[str, ...]:
    """The countries whose providers the house knows a profile for, by name."""
    return tuple(sorted(path.stem.upper() for path in FOLDER.glob("*.toml")))
