"""By which digests purchases are compared. Keyed, a purpose each and a shop each: nobody can turn one back into a phone
number, nor follow a person from shop to shop.

Each is given under every key of the ring, the current one first: that one is stored, all of them are looked for, so
that a new key forgets nobody.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

from app.kernel import keys
from app.risk.goods import bare

if TYPE_CHECKING:
    from app.risk.facts import Item, Purchase

Digest = tuple[bytes, ...]
"""32 bytes each, the stored one first; empty for what is not known."""


@dataclass(frozen=True, slots=True)
class Digests:
    phone: Digest = field(repr=False)
    email: Digest = field(repr=False)
    address: Digest = field(repr=False)
    device: Digest = field(repr=False)
    network: Digest = field(repr=False)
    basket: Digest = field(repr=False)


def digests_of(purchase: Purchase) -> Digests:
    merchant_id = purchase.merchant_id
    return Digests(
        phone=_of("phone", merchant_id, purchase.phone),
        email=_of("email", merchant_id, (purchase.email or "").strip().casefold()),
        address=address_of(merchant_id, purchase.street, purchase.postcode, purchase.country),
        # Behind a private address stands everybody at once: it tells no device from another.
        device=_of("device", merchant_id, purchase.device if purchase.network else None),
        network=_of("network", merchant_id, purchase.network),
        basket=basket_of(merchant_id, purchase.items),
    )


def stored(digest: Digest) -> bytes | None:
    return digest[0] if digest else None


def address_of(merchant_id: UUID, street: str | None, postcode: str | None, country: str) -> Digest:
    """However it is written: capitals, spaces and dots tell no address from another. Empty without street or
    postcode."""
    street, postcode = bare(street or ""), bare(postcode or "")
    if not street or not postcode:
        return ()
    return _macs("address", merchant_id, country, postcode, street)


def basket_of(merchant_id: UUID, items: Iterable[Item]) -> Digest:
    """The very same goods in the same numbers, in whatever order they stand. Empty without goods."""
    goods: dict[str, int] = {}
    for item in items:
        if item.type == "item":
            name = f"sku:{item.sku}" if item.sku else f"name:{bare(item.name)}"
            goods[name] = goods.get(name, 0) + item.quantity
    if not goods:
        return ()
    return _macs(
        "basket", merchant_id, *(part for name in sorted(goods) for part in (name, str(goods[name])))
    )


def _of(subject: str, merchant_id: UUID, value: str | bytes | None) -> Digest:
    return _macs(subject, merchant_id, value) if value else ()


def _macs(subject: str, merchant_id: UUID, *parts: str | bytes) -> Digest:
    return keys.process_keyring().macs(f"risk-{subject}", merchant_id.bytes, *parts)
