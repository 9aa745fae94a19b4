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
class Link:
    """`path` is where the shopper begins."""

    order_id: str
    path: str

    def do(self, world: World, verb: str) -> None:
        """`pause`, `resume` or `withdraw`."""
        answer = world.shop.client.post(f"/api/v1/orders/{self.order_id}/payment-link/{verb}")
        assert answer.status_code == 200, answer.text

    def state(self, world: World) -> str:
        answer = world.shop.client.get(f"/api/v1/orders/{self.order_id}/payment-link")
        assert answer.status_code == 200, answer.text
        return str(answer.json()["state"])


def a_link(
    world: World,
    *,
    customer: Mapping[str, object] | None = None,
    shipping: bool = False,
    lasts: timedelta | None = None,
    email: str | None = None,
) -> Link:
    """The link of a new order of 203.00; `shipping` sends it by post, and `email` says where the link goes."""
    lines: list[dict[str, Any]] = [
        {"name": "Wool blanket, undyed", "quantity": 1, "unit_price_minor": 129_00, "vat_percent": "25.5"},
        {"name": "Birch cup", "quantity": 4, "unit_price_minor": 18_50, "vat_percent": "25.5"},
    ]
    if shipping:
        sent = {"type": "shipping", "name": "Parcel", "quantity": 1, "unit_price_minor": 5_90}
        lines.append({**sent, "vat_percent": "25.5"})
    order: dict[str, object] = {
        "reference": f"LINK-{next(_numbers)}",
        "country": "FI",
        "currency": "EUR",
        "lines": lines,
        "customer": None if customer is None else dict(customer),
    }
    made = world.shop.client.post("/api/v1/orders", json=order)
    assert made.status_code == 201, made.text
    order_id = made.json()["id"]
    wanted: dict[str, object] = {}
    if lasts is not None:
        # The shop's clock may have been moved: the order says when it was made.
        end = datetime.fromisoformat(made.json()["created_at"]) + lasts
        wanted["expires_at"] = end.isoformat()
    if email is not None:
        wanted["email"] = {"to": email}
    answer = world.shop.client.post(f"/api/v1/orders/{order_id}/payment-link", json=wanted)
    assert answer.status_code == 201, answer.text
    return Link(order_id, urlsplit(answer.json()["url"]).path)
