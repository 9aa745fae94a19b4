"""Ways to the admin's pages of payment links."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Final

from e2e.admin_states import page
from e2e.browsing import Phone
from e2e.stop import Stop
from e2e.walker import Walker
from e2e.world import World

_LINK: Final = "/admin/orders/{public_id:str}/payment-link"
_LINKS: Final = "/admin/links"
_SETTINGS: Final = "/admin/settings/links"
_numbers = count(1)


def an_order(world: World, email: str = "aino@example.test") -> str:
    """The id of an open order of 203.00 that nobody has paid."""
    wanted = {
        "reference": f"COUNTER-{next(_numbers)}",
        "country": "FI",
        "currency": "EUR",
        "lines": [
            {"name": "Wool blanket", "quantity": 1, "unit_price_minor": 129_00, "vat_percent": "25.5"},
            {"name": "Birch cup", "quantity": 4, "unit_price_minor": 18_50, "vat_percent": "25.5"},
        ],
        "customer": {"name": "Aino Virta", "email": email, "phone": "+358480000101"},
    }
    answer = world.shop.client.post("/api/v1/orders", json=wanted)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def a_link(world: World, email: str = "aino@example.test") -> Walker:
    """At the page of a link that was just made."""
    walker = Walker.at(
        world.base_url, f"/admin/orders/{an_order(world, email)}", cookies=world.staff_cookies()
    )
    return walker.press("Payment link")


def link(*presses: str) -> Callable[[World], Stop]:
    """The page of a link after these buttons."""

    def reach(world: World) -> Stop:
        walker = a_link(world)
        for words in presses:
            walker.press(words)
        return Stop(walker.path, world.staff_cookies())

    return reach


def sent(email: str) -> Callable[[World], Stop]:
    def reach(world: World) -> Stop:
        walker = a_link(world, email).press("7 days").press("Send by e-mail")
        world.sandbox.advance(2)
        return Stop(walker.path, world.staff_cookies())

    return reach


def preview(world: World) -> Stop:
    def look(phone: Phone) -> None:
        phone.tap(phone.button("Preview"))
        phone.sees("Preview")

    return Stop(a_link(world).path, world.staff_cookies(), look)


def refused(world: World) -> Stop:
    def send(phone: Phone) -> None:
        phone.type(phone.textbox("E-mail"), "aino")
        phone.tap(phone.button("Send by e-mail"))
        phone.sees("Something is missing or not right")

    return Stop(a_link(world).path, world.staff_cookies(), send)


def links(path: str) -> Callable[[World], Stop]:
    """The list with a link that came back, one that was delivered, and one that was not sent."""

    def reach(world: World) -> Stop:
        for email in ("bounce@example.test", "aino@example.test"):
            a_link(world, email).press("1 day").press("Send by e-mail")
        a_link(world)
        world.sandbox.advance(2)
        return Stop(path, world.staff_cookies())

    return reach


def settings_refused(world: World) -> Stop:
    def save(phone: Phone) -> None:
        phone.type(phone.textbox("Subject"), "Your order {number}")
        phone.tap(phone.button("Save the words"))
        phone.sees("Something is missing or not right")

    return Stop(_SETTINGS, world.staff_cookies(), save)


# What `e2e/states.py` lists: a name, the route, and the way there.
ALL: Final[tuple[tuple[str, str, Callable[[World], Stop]], ...]] = (
    ("admin-link", _LINK, link()),
    ("admin-link-delivered", _LINK, sent("aino@example.test")),
    ("admin-link-bounced", _LINK, sent("bounce@example.test")),
    ("admin-link-paused", _LINK, link("14 days", "Pause")),
    ("admin-link-taken-back", _LINK, link("Take it back for good")),
    ("admin-link-preview", _LINK, preview),
    ("admin-link-refused", _LINK, refused),
    ("admin-links", _LINKS, links(_LINKS)),
    ("admin-links-soon", _LINKS, links(f"{_LINKS}?state=soon")),
    ("admin-links-none", _LINKS, links(f"{_LINKS}?state=lapsed")),
    ("admin-settings-links", _SETTINGS, page(_SETTINGS)),
    ("admin-settings-links-refused", _SETTINGS, settings_refused),
    ("admin-today-lapsing", "/admin", links("/admin")),
)
