"""Ways to the till's pages: each begins at a till of its own, so that no receipt is another one's."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import count
from typing import Final

from e2e import walks
from e2e.browsing import Phone
from e2e.stop import Stop
from e2e.walker import Walker
from e2e.world import World

_TILL: Final = "/admin/till/{public_id:str}"
_PRODUCT: Final = "/admin/till/products/{public_id:str}"
_CODE: Final = "/till/{code:str}"
_numbers = count(1)


def at_a_till(world: World) -> Walker:
    """At a new till with an empty receipt."""
    number = next(_numbers)
    walker = Walker.at(world.base_url, "/admin/till/setup", cookies=world.staff_cookies())
    typed = {"Name of the till": f"Counter {number}", "Sign": f"C{number}"}
    return walker.press("Set up the till", typed)


def with_goods(world: World) -> Walker:
    walker = at_a_till(world)
    till = walker.path
    products = re.findall(r'name="add" value="(prod_\w+)"', walker.response.text)
    for product in (products[0], products[0], products[3], products[4]):
        walker.send(f"{till}/receipt", {"add": product})
    return walker.open(till)


def with_customer(world: World, email: str = "aino.lehtovaara@example.test") -> Walker:
    walker = with_goods(world)
    till = walker.path
    walker.open(f"{till}?pane=customer").press(
        "Save and choose", {"Name": "Aino Lehtovaara", "E-mail": email, "Mobile phone": ""}
    )
    return walker.open(till)


def opened(world: World) -> Walker:
    walker = with_customer(world)
    return walker.press("Open order")


def _till(walker: Walker) -> str:
    return walker.path.partition("?")[0].partition("#")[0]


def _at(walk: Callable[[World], Walker], after: str = "") -> Callable[[World], Stop]:
    def reach(world: World) -> Stop:
        return Stop(f"{_till(walk(world))}{after}", world.staff_cookies())

    return reach


def _line(world: World) -> Stop:
    walker = with_goods(world)
    line = re.search(r"line=([0-9a-f-]{36})", walker.response.text)
    assert line is not None, walker.path
    return Stop(f"{_till(walker)}?pane=line&line={line[1]}", world.staff_cookies())


def _customer_refused(world: World) -> Stop:
    def save(phone: Phone) -> None:
        phone.type(phone.textbox("Name"), "Aino Lehtovaara")
        phone.tap(phone.button("Save and choose"))
        phone.sees("Customer")

    return Stop(f"{_till(with_goods(world))}?pane=customer&q=nobody", world.staff_cookies(), save)


def _customer_meant(world: World) -> Stop:
    def save(phone: Phone) -> None:
        phone.type(phone.textbox("Name"), "Eino Virta")
        phone.type(phone.textbox("E-mail"), "eino@gmial.com")
        phone.tap(phone.button("Save and choose"))
        phone.sees("Customer")

    return Stop(f"{_till(with_goods(world))}?pane=customer&q=nobody", world.staff_cookies(), save)


def sent(world: World) -> Walker:
    walker = opened(world)
    till = _till(walker)
    walker.press("Accept and send payment link")
    world.sandbox.advance(1)
    return walker.open(till)


def on_code(world: World) -> Walker:
    """At a till whose order is on its code."""
    return opened(world).press("Put it on the till code")


def code_of(world: World, walker: Walker) -> str:
    return sticker_of(world, _till(walker))


def sticker_of(world: World, till: str) -> str:
    """The fixed address of a till, whose page in the admin is `till`."""
    place = till.partition("?")[0].partition("#")[0]
    page = Walker.at(world.base_url, f"{place}/code", cookies=world.staff_cookies())
    found = re.search(r"/till/[0-9a-z]{26}", page.response.text)
    assert found is not None, page.path
    return found[0]


def under_way(world: World) -> Walker:
    """Somebody has opened the order from the sticker, and chosen a way to pay."""
    walker = on_code(world)
    shopper = Walker.at(world.base_url, code_of(world, walker)).press("Proceed to pay")
    shopper.press("Continue", chosen=["Invoice", "By e-mail"])
    return walker.open(_till(walker))


def paid(world: World) -> Walker:
    walker = on_code(world)
    shopper = Walker.at(world.base_url, code_of(world, walker)).press("Proceed to pay")
    shopper.press("Continue", chosen=["Invoice", "By e-mail"])
    walks.through_code(shopper, world.sandbox, world.sandbox.shopper("returning")).press("Confirm purchase")
    return walker.open(_till(walker))


def _ended(world: World) -> Stop:
    walker = opened(world)
    order = re.search(r'name="order" value="(ord_\w+)"', walker.response.text)
    assert order is not None, walker.path
    walker.send(f"/admin/orders/{order[1]}/cancel", {})
    return Stop(_till(walker), world.staff_cookies())


def _sticker(world: World) -> Stop:
    return Stop(code_of(world, on_code(world)))


def _sticker_empty(world: World) -> Stop:
    return Stop(code_of(world, opened(world)))


def _product(world: World) -> Stop:
    page = Walker.at(world.base_url, "/admin/till/products", cookies=world.staff_cookies()).response.text
    found = re.search(r"/admin/till/products/prod_\w+", page)
    assert found is not None
    return Stop(found[0], world.staff_cookies())


def _page(path: str) -> Callable[[World], Stop]:
    def reach(world: World) -> Stop:
        return Stop(path, world.staff_cookies())

    return reach


# What `e2e/states.py` lists: a name, the route, and the way there.
ALL: Final[tuple[tuple[str, str, Callable[[World], Stop]], ...]] = (
    ("admin-till-1-goods", _TILL, _at(with_goods)),
    ("admin-till-1-receipt", _TILL, _at(with_customer, "#receipt")),
    ("admin-till-1-nothing-found", _TILL, _at(at_a_till, "?q=nothing-like-this")),
    ("admin-till-2-amount", _TILL, _at(with_goods, "?pane=amount")),
    ("admin-till-2-discount", _TILL, _at(with_goods, "?pane=discount")),
    ("admin-till-2-line", _TILL, _line),
    ("admin-till-2-customer", _TILL, _at(with_customer, "?pane=customer")),
    ("admin-till-2-customer-refused", _TILL, _customer_refused),
    ("admin-till-2-customer-meant", _TILL, _customer_meant),
    ("admin-till-3-open", _TILL, _at(opened)),
    ("admin-till-3-sent", _TILL, _at(sent)),
    ("admin-till-3-under-way", _TILL, _at(under_way)),
    ("admin-till-4-paid", _TILL, _at(paid)),
    ("admin-till-4-ended", _TILL, _ended),
    ("admin-till-5-setup", "/admin/till/setup", _page("/admin/till/setup")),
    ("admin-till-5-several", "/admin/till", _page("/admin/till")),
    ("admin-till-5-code", f"{_TILL}/code", _at(at_a_till, "/code")),
    ("admin-till-6-products", "/admin/till/products", _page("/admin/till/products")),
    ("admin-till-6-product-new", "/admin/till/products/new", _page("/admin/till/products/new")),
    ("admin-till-6-product", _PRODUCT, _product),
    ("pay-0-till", _CODE, _sticker),
    ("pay-0-till-empty", _CODE, _sticker_empty),
)
