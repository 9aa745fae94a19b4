"""By which digests purchases are compared. Keyed, a purpose each and a shop each: nobody can turn one back into a phone
number, nor follow a person from shop to shop.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING
from uuid import UUID

from app.kernel import keys

if TYPE_CHECKING:
    from app.risk.facts import Item, Purchase


@dataclass(frozen=True, slots=True)
class Digests:
    """Of one purchase, 32 bytes each; None for what is not known."""

    phone: bytes | None
    email: bytes | None
    address: bytes | None
    device: bytes | None
    network: bytes | None
    basket: bytes | None

    def __repr__(self) -> str:
        known = [part.name for part in fields(self) if getattr(self, part.name) is not None]
        return f"Digests({', '.join(known)})"


def digests_of(purchase: Purchase) -> Digests:
    merchant_id = purchase.merchant_id
    return Digests(
        phone=_of(merchant_id, "phone", purchase.phone),
        email=_of(merchant_id, "email", (purchase.email or "").strip().casefold()),
        address=address_of(merchant_id, purchase.street, purchase.postcode, purchase.country),
        # Behind a private address stands everybody at once: it tells no device from another.
        device=_of(merchant_id, "device", purchase.device) if purchase.network else None,
        network=_of(merchant_id, "network", purchase.network),
        basket=basket_of(merchant_id, purchase.items),
    )


def address_of(merchant_id: UUID, street: str | None, postcode: str | None, country: str) -> bytes | None:
    """However it is written: capitals, spaces and dots tell no address from another. None without street or
    postcode."""
    street, postcode = _bare(street or ""), _bare(postcode or "")
    if not street or not postcode:
        return None
    return keys.process_keyring().mac("risk-address", merchant_id.bytes, country, postcode, street)


def basket_of(merchant_id: UUID, items: Iterable[Item]) -> bytes | None:
    """The very same goods in the same numbers, in whatever order they stand. None without goods."""
    goods: dict[str, int] = {}
    for item in items:
        if item.type == "item":
            name = f"sku:{item.sku}" if item.sku else f"name:{_bare(item.name)}"
            goods[name] = goods.get(name, 0) + item.quantity
    if not goods:
        return None
    parts = [part for name in sorted(goods) for part in (name, str(goods[name]))]
    return keys.process_keyring().mac("risk-basket", merchant_id.bytes, *parts)


def _of(merchant_id: UUID, subject: str, value: str | bytes | None) -> bytes | None:
    return keys.process_keyring().mac(f"risk-{subject}", merchant_id.bytes, value) if value else None


def _bare(text: str) -> str:
    """Letters and digits alone, in one case."""
    return "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum())
