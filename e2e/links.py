"""Payment links as a shop's program makes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any, Final
from urllib.parse import urlsplit

from e2e.world import World

_numbers = count(1)

AINO: Final = {
    "name": "Aino Virta",
    "email": "aino@example.test",
    "phone": "+358480000101",
    "postcode": "00100",
    "address": {"street": "Kalevankatu 1 A 2", "city": "Helsinki"},
}


@dataclass(frozen=True, slots=True)
class Order:
    """An open order; `made_at` is business time."""

    id: str
    reference: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Link:
    """`path` is where the shopper begins."""

    order_id: str
    path: str

    def do(self, world: World, verb: str) -> None:
        """`pause`, `resume` or `withdraw`."""
        answer = world.shop.client.post(f"/api/v1/orders/{self.order_id}/payment-link/{verb}")
        assert answer.status_code == 200, answer.text

    def state(self, world: World) -> str:
        return str(_read(world, f"/api/v1/orders/{self.order_id}/payment-link")["state"])

    def order_state(self, world: World) -> str:
        return str(_read(world, f"/api/v1/orders/{self.order_id}")["state"])


def link_of(world: World, order: Order) -> Link:
    """The link that somebody has made of it."""
    url = _read(world, f"/api/v1/orders/{order.id}/payment-link")["url"]
    return Link(order.id, urlsplit(url).path)


def an_order(world: World, *, customer: Mapping[str, object] | None = None, shipping: bool = False) -> Order:
    """Of 203.00, and of 208.90 when it is sent by post."""
    lines: list[dict[str, Any]] = [
        {"name": "Wool blanket, undyed", "quantity": 1, "unit_price_minor": 129_00, "vat_percent": "25.5"},
        {"name": "Birch cup", "quantity": 4, "unit_price_minor": 18_50, "vat_percent": "25.5"},
    ]
    if shipping:
        sent = {"type": "shipping", "name": "Parcel", "quantity": 1, "unit_price_minor": 5_90}
        lines.append({**sent, "vat_percent": "25.5"})
    wanted: dict[str, object] = {
        "reference": f"LINK-{next(_numbers)}",
        "country": "FI",
        "currency": "EUR",
        "lines": lines,
        "customer": None if customer is None else dict(customer),
    }
    answer = world.shop.client.post("/api/v1/orders", json=wanted)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    return Order(made["id"], made["reference"], datetime.fromisoformat(made["created_at"]))


def a_link(
    world: World,
    *,
    customer: Mapping[str, object] | None = None,
    shipping: bool = False,
    lasts: timedelta | None = None,
) -> Link:
    """The link of a new order."""
    order = an_order(world, customer=customer, shipping=shipping)
    # The shop's clock may have been moved: the order says when it was made.
    wanted = {} if lasts is None else {"expires_at": (order.made_at + lasts).isoformat()}
    answer = world.shop.client.post(f"/api/v1/orders/{order.id}/payment-link", json=wanted)
    assert answer.status_code == 201, answer.text
    return Link(order.id, urlsplit(answer.json()["url"]).path)


def _read(world: World, path: str) -> dict[str, Any]:
    answer = world.shop.client.get(path)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found
