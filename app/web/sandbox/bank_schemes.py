"""The electronic identities that the sandbox bank speaks: each country's levels, and what it tells of a person."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from app.messages.sandbox import SandboxPerson


@dataclass(frozen=True, slots=True)
class Scheme:
    """`number_claim` is the name of the national number, `told` what every token says besides. The text to approve
    comes in the request parameter `text_parameter`."""

    country: str
    name: str
    acr_values: tuple[str, ...]
    number_claim: str
    text_parameter: str
    told: Mapping[str, str]

    def claims_of(self, person: SandboxPerson) -> dict[str, object]:
        return {
            "name": person.name,
            "birthdate": person.birthdate.isoformat(),
            self.number_claim: person.national_number,
            **self.told,
        }


SCHEMES: Final = (
    Scheme(
        "FI",
        "Finnish Trust Network",
        ("http://ftn.ficora.fi/2017/loa2", "http://ftn.ficora.fi/2017/loa3"),
        "urn:oid:1.2.246.21",
        "binding_message",
        {},
    ),
    Scheme(
        "DK",
        "MitID",
        ("urn:grn:authn:dk:mitid:substantial", "urn:grn:authn:dk:mitid:high"),
        "cprNumberIdentifier",
        "login_hint",
        {"identityscheme": "dkmitid"},
    ),
    Scheme(
        "SE",
        "BankID",
        ("urn:grn:authn:se:bankid", "urn:grn:authn:se:bankid:same-device"),
        "ssn",
        "login_hint",
        {"identityscheme": "sebankid"},
    ),
)
ACR_VALUES: Final = tuple(acr for scheme in SCHEMES for acr in scheme.acr_values)


def scheme_in(country: str) -> Scheme:
    """The scheme of a country; the first one for a country that has none."""
    return next((scheme for scheme in SCHEMES if scheme.country == country), SCHEMES[0])


def asked_level(acr_values: str) -> tuple[Scheme, str]:
    """The scheme and level of the first value that is known; without any, the first scheme's first."""
    for acr in acr_values.split():
        for scheme in SCHEMES:
            if acr in scheme.acr_values:
                return scheme, acr
    return SCHEMES[0], SCHEMES[0].acr_values[0]


def shown_text(scheme: Scheme, parameters: Mapping[str, str]) -> str:
    """What the person is about to approve; empty when nothing readable came."""
    given = parameters.get(scheme.text_parameter, "")
    if scheme.text_parameter == "login_hint":
        kind, _, coded = given.partition(":")
        try:
            given = base64.b64decode(coded, validate=True).decode() if kind == "message" else ""
        except (binascii.Error, ValueError):
            given = ""
    return given[:140]
