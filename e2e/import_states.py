"""Ways to the pages of orders out of a file, and of links that many people pay by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import count
from typing import Final
from urllib.parse import urlsplit

from e2e.admin_states import page
from e2e.browsing import Phone
from e2e.stop import Stop
from e2e.walker import Walker
from e2e.world import World

_IMPORT: Final = "/admin/orders/import"
_ROWS: Final = (
    "reference;item;price;vat;email;colour\n"
    "BULK-1;Wool blanket;129,00;25,5;aino@example.test;red\n"
    "BULK-2;Birch cup;18,50;25,5;eino@example.test;\n"
)
_FAULTS: Final = (
    'BULK-3;Birch cup;;255;nobody;\nBULK-4;"Birch cup;18,50;25,5;;\n4111 1111 1111 1111;Cup;1;0;;\n'
)

_numbers = count(1)

_REUSABLE: Final = "/admin/links/reusable"
_TERMS: Final = {"What it is for": "Membership 2026", "VAT rate": "25.5"}


def _sent(world: World, rows: str) -> Walker:
    walker = Walker.at(world.base_url, _IMPORT, cookies=world.staff_cookies())
    walker.press("Check the file", {"Rows, the names of the columns first": rows, "Links hold": "14 days"})
    world.sandbox.advance(1)
    return walker.open(walker.path)


def refused(world: World) -> Stop:
    def send(phone: Phone) -> None:
        phone.tap(phone.button("Check the file"))
        phone.sees("Something is missing or not right")

    return Stop(_IMPORT, world.staff_cookies(), send)


def checked(world: World) -> Stop:
    return Stop(_sent(world, _ROWS + _FAULTS).path, world.staff_cookies())


def done(world: World) -> Stop:
    # Contents of their own: what was made once is not made again.
    walker = _sent(world, _ROWS.replace("BULK", f"DONE-{next(_numbers)}") + _FAULTS)
    walker.press("Make 2 orders with links")
    world.sandbox.advance(1)
    return Stop(f"{walker.path}?show=made", world.staff_cookies())


def listed(world: World) -> Stop:
    """The form above the files that were sent before, one of them in the state with the longest words."""
    unreadable(world)
    return Stop(_IMPORT, world.staff_cookies())


def unreadable(world: World) -> Stop:
    return Stop(_sent(world, "reference;item;price;vat\n").path, world.staff_cookies())


def dropped(world: World) -> Stop:
    return Stop(_sent(world, _ROWS).press("Throw the file away").path, world.staff_cookies())


def _made(world: World, more: Mapping[str, str]) -> Walker:
    walker = Walker.at(world.base_url, f"{_REUSABLE}/new", cookies=world.staff_cookies())
    return walker.press("Make the link", {**_TERMS, **more})


def _address(walker: Walker) -> str:
    # The field with the address belongs to no form: it is only there to be copied.
    [address] = {word for word in walker.response.text.split('"') if "/link/" in word}
    return urlsplit(address).path


def reusable(world: World) -> Stop:
    walker = _made(world, {"Sum": "25,00", "How many payments at most": "100"})
    visitor = Walker.at(world.base_url, _address(walker))
    visitor.press("Proceed to pay", {"Reference": "Member 7", "Name": "Aino", "E-mail": "aino@example.test"})
    return Stop(walker.path, world.staff_cookies())


def reusable_refused(world: World) -> Stop:
    def make(phone: Phone) -> None:
        phone.tap(phone.button("Make the link"))
        phone.sees("Something is missing or not right")

    return Stop(f"{_REUSABLE}/new", world.staff_cookies(), make)


def fixed_sum(world: World) -> Stop:
    return Stop(_address(_made(world, {"Sum": "25,00"})))


def free_sum(world: World) -> Stop:
    return Stop(_address(_made(world, {"Reference": "GIFT-2026"})))


def card_number(world: World) -> Stop:
    def press(phone: Phone) -> None:
        phone.type(phone.textbox("Reference"), "4111 1111 1111 1111")
        phone.tap(phone.button("Proceed to pay"))
        phone.sees("Something is missing or not right")

    return Stop(_address(_made(world, {"Sum": "25,00"})), then=press)


def stopped(world: World) -> Stop:
    walker = _made(world, {"Sum": "25,00"})
    address = _address(walker)
    walker.press("Stop the link")
    return Stop(address, status=410)


def used_up(world: World) -> Stop:
    walker = _made(world, {"Sum": "25,00", "Reference": "GATE", "How many payments at most": "1"})
    address = _address(walker)
    Walker.at(world.base_url, address).press(
        "Proceed to pay", {"Name": "Aino", "E-mail": "aino@example.test"}
    )
    return Stop(address, status=410)


# What `e2e/states.py` lists: a name, the route, and the way there.
ALL: Final[tuple[tuple[str, str, Callable[[World], Stop]], ...]] = (
    ("admin-import-form", _IMPORT, page(_IMPORT)),
    ("admin-import-form-refused", _IMPORT, refused),
    ("admin-import-checked", f"{_IMPORT}/{{public_id:str}}", checked),
    ("admin-import-done", f"{_IMPORT}/{{public_id:str}}", done),
    ("admin-import-unreadable", f"{_IMPORT}/{{public_id:str}}", unreadable),
    ("admin-import-dropped", f"{_IMPORT}/{{public_id:str}}", dropped),
    ("admin-reusable-new", f"{_REUSABLE}/new", page(f"{_REUSABLE}/new")),
    ("admin-reusable-new-refused", f"{_REUSABLE}/new", reusable_refused),
    ("admin-reusable-link", f"{_REUSABLE}/{{public_id:str}}", reusable),
    ("admin-reusable-links", _REUSABLE, page(_REUSABLE)),
    ("link-reusable-fixed", "/link/{token:str}", fixed_sum),
    ("link-reusable-free", "/link/{token:str}", free_sum),
    ("link-reusable-card", "/link/{token:str}", card_number),
    ("link-reusable-stopped", "/link/{token:str}", stopped),
    ("link-reusable-used-up", "/link/{token:str}", used_up),
)
