"""Makes the sandbox's people: known to the twins and, where their kind says so, to the product as well.

A customer of the product comes to be through the product's own verbs, as if they had bought here before:
identified at the bank once, their phone proved by a code.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from app.identity.actions import customers
from app.identity.ports import VerifiedIdentity
from app.messages.sandbox_shoppers import SandboxShopper, ShopperKind, make_shopper

# Those who have bought here before. The bank knows everybody; the product knows these.
_KNOWN: Final[frozenset[ShopperKind]] = frozenset(
    {"returning", "declined", "credit-ban", "register-down", "held"}
)

_LEVEL: Final = "http://ftn.ficora.fi/2017/loa2"


async def make(
    kind: ShopperKind, bank_issuer: str, now: datetime, *, name: str | None = None, country: str = "FI"
) -> SandboxShopper:
    """A fresh shopper of that kind, at home in that country. `now`: business time; `bank_issuer`: the bank that would
    vouch for them."""

    async def introduce(shopper: SandboxShopper) -> None:
        if shopper.kind in _KNOWN:
            await _remember(shopper, bank_issuer, now)

    return await make_shopper(kind, now, name=name, country=country, introduce=introduce)


async def _remember(shopper: SandboxShopper, bank_issuer: str, now: datetime) -> None:
    identity = VerifiedIdentity(
        issuer=bank_issuer,
        subject=shopper.subject,
        name=shopper.name,
        birthdate=shopper.birthdate,
        national_number=shopper.national_number,
        country=shopper.country,
        acr=_LEVEL,
        authenticated_at=now,
    )
    contact = customers.KnownContact(
        country=shopper.country,
        postcode=shopper.postcode,
        proved_phone=shopper.phone,
        email=shopper.email,
        street=shopper.street,
        city=shopper.city,
    )
    await customers.remember_identity(identity, contact, now)
