"""What a decision about risk may know: a purchase, as checkout tells it, and what was seen before of the same people.

Nothing here knows what credit has decided, and credit knows nothing of this.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

if TYPE_CHECKING:
    from app.risk.rules import Outcome


@dataclass(frozen=True, slots=True)
class Item:
    """A line of the order. `type` is item, discount, shipping or fee; `total_minor` in minor units of the order."""

    sku: str | None
    name: str
    category: str | None
    quantity: int
    total_minor: int
    type: str


@dataclass(frozen=True, slots=True)
class Purchase:
    """A press of "Confirm". `customer_since` is when the customer was first known here; `passed_...` is what the shop
    passed of its buyer; `network` is the block of the client's address, "" for private and loopback ones; `device`
    tells programs at network addresses apart, b"" when unknown."""

    merchant_id: UUID
    session_id: UUID
    order_id: UUID
    at: datetime
    time_zone: str
    country: str
    currency: str
    total_minor: int
    items: tuple[Item, ...] = field(repr=False)
    method: str
    buyer: str
    customer_id: UUID | None
    customer_since: datetime | None
    verified_name: str | None = field(repr=False)
    name: str | None = field(repr=False)
    phone: str | None = field(repr=False)
    email: str | None = field(repr=False)
    street: str | None = field(repr=False)
    postcode: str | None = field(repr=False)
    city: str | None = field(repr=False)
    passed_name: str | None = field(repr=False)
    passed_postcode: str | None = field(repr=False)
    browser_id: UUID | None
    device: bytes = field(repr=False)
    network: str = field(repr=False)
    forced: Outcome | None = None


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What rules and model may look at, as it is stored with the decision. `basket` and `address` are keyed digests in
    hex. Counts are of other orders, before this one: `same_...` are of the very same goods, by one phone, address,
    device or network, the highest of them, and `own_same_...` by one phone or address. None: not known."""

    total_minor: int
    currency: str
    method: str
    buyer: str
    hour: int = 12
    pieces: int = 1
    skus: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    basket: str = ""
    postcode: str | None = None
    address: str | None = None
    express: bool = False
    orders_before: int = 0
    usual_minor: int | None = None
    first_order: bool = True
    phone_days: int | None = None
    email_days: int | None = None
    address_known: bool = False
    same_1h: int = 0
    same_24h: int = 0
    same_7d: int = 0
    own_same_1h: int = 0
    own_same_24h: int = 0
    bad_before: int = 0
    phone_1h: int = 0
    phone_24h: int = 0
    phone_30d: int = 0
    email_24h: int = 0
    email_30d: int = 0
    address_24h: int = 0
    address_30d: int = 0
    device_24h: int = 0
    device_30d: int = 0
    network_1h: int = 0
    network_24h: int = 0
    address_people_30d: int = 0
    device_people_30d: int = 0
    wrong_codes_24h: int = 0
    name_differs: bool | None = None
    phone_abroad: bool | None = None
    throwaway_email: bool = False
    postcode_differs: bool | None = None
