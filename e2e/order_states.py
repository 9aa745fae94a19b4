"""Ways to the admin's pages of orders."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from e2e import walks
from e2e.browsing import Phone
from e2e.stop import Stop
from e2e.walker import Walker
from e2e.world import World

_NEW: Final = "/admin/orders/new"
_ORDER: Final = "/admin/orders/{public_id:str}"
_TYPED: Final = {
    "Reference": "COUNTER-7",
    "Name": "Aino Virta",
    "E-mail": "aino@example.test",
    "Note of the shop": "Rings twice. Leave it with the neighbours.",
}
_LINES: Final = {
    "line-0.name": "Wool blanket, undyed",
    "line-0.sku": "B-100",
    "line-0.price": "129.00",
    "line-0.vat": "25.5",
    "line-1.name": "Birch cup",
    "line-1.quantity": "4",
    "line-1.price": "18.50",
    "line-1.vat": "25.5",
}


def paid(world: World) -> Stop:
    session = walks.a_purchase(world, world.sandbox.shopper("returning"))
    world.sandbox.advance(1)
    return Stop(f"/admin/orders/{session.order_id}", world.staff_cookies())


def checkout_open(world: World) -> Stop:
    order = world.shop.open_session(360_00).order_id
    return Stop(f"/admin/orders/{order}", world.staff_cookies())


def new(world: World) -> Stop:
    return Stop(_NEW, world.staff_cookies())


def new_refused(world: World) -> Stop:
    def save(phone: Phone) -> None:
        phone.type(phone.textbox("Name"), "Aino Virta")
        phone.tap(phone.button("Save order"))
        phone.sees("Something is missing or not right")

    return Stop(_NEW, world.staff_cookies(), save)


def _typed_in(world: World) -> Walker:
    walker = Walker.at(world.base_url, _NEW, cookies=world.staff_cookies())
    _fill(walker, _LINES)
    walker.press("Save order", _TYPED)
    walker.follow("Edit").press("Add a line")
    _fill(
        walker, {"line-1.quantity": "6", "line-2.name": "Gift card", "line-2.price": "5", "line-2.vat": "0"}
    )
    return walker.press("Save order")


def _fill(walker: Walker, fields: dict[str, str]) -> None:
    """Lines have the same labels, so their fields are filled by name."""
    for form in walker.page.forms:
        for control in form.controls:
            if control.name in fields:
                control.value = fields[control.name]


def typed(world: World) -> Stop:
    """An order that staff have typed in, and that waits to be paid."""
    return Stop(_typed_in(world).path, world.staff_cookies())


def _typed_order(after: str = "") -> Callable[[World], Stop]:
    def reach(world: World) -> Stop:
        return Stop(f"{_typed_in(world).path}{after}", world.staff_cookies())

    return reach


# What `e2e/states.py` lists: a name, the route, and the way there.
ALL: Final[tuple[tuple[str, str, Callable[[World], Stop]], ...]] = (
    ("admin-order", _ORDER, paid),
    ("admin-order-open", _ORDER, checkout_open),
    ("admin-order-edited", _ORDER, _typed_order()),
    ("admin-order-new", _NEW, new),
    ("admin-order-new-refused", _NEW, new_refused),
    ("admin-order-edit", f"{_ORDER}/edit", _typed_order("/edit")),
    ("admin-order-print", f"{_ORDER}/print", _typed_order("/print")),
)
