"""What shops send, as it is right; tests change one thing at a time."""

from __future__ import annotations

import copy
from typing import Any

LINE: dict[str, Any] = {"name": "Lamp", "quantity": 2, "unit_price_minor": 12_900, "vat_percent": "25.5"}


def a_basket(**changes: Any) -> dict[str, Any]:
    basket: dict[str, Any] = {
        "reference": "SHOP-1001",
        "country": "FI",
        "currency": "EUR",
        "locale": "fi",
        "buyer": "consumer",
        "lines": [copy.deepcopy(LINE)],
        "success_url": "https://shop.example/thanks",
        "cancel_url": "https://shop.example/basket",
    }
    return basket | changes


def a_basket_with(place: str, value: Any) -> dict[str, Any]:
    """The basket with one value set at a place such as `lines.0.quantity`."""
    basket = a_basket()
    basket["customer"] = {}
    *path, last = place.split(".")
    holder: Any = basket
    for step in path:
        holder = holder[int(step)] if step.isdigit() else holder[step]
    holder[int(last) if last.isdigit() else last] = value
    return basket
