"""Ways to the page of a payment link: what it asks, and where it leads nowhere."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from e2e import walks
from e2e.browsing import Phone
from e2e.links import AINO, Link, a_link
from e2e.stop import Stop
from e2e.walker import Walker
from e2e.world import World

_LINK: Final = "/link/{token:str}"


def asking(world: World) -> Stop:
    """Nothing is known of the shopper, and something is sent by post."""
    return Stop(a_link(world, customer=None, shipping=True, lasts=timedelta(days=7)).path)


def refused(world: World) -> Stop:
    def press(phone: Phone) -> None:
        phone.type(phone.textbox("E-mail"), "aino(at)example")
        phone.tap(phone.button("Proceed to pay"))
        phone.sees("Something is missing or not right")

    return Stop(a_link(world, customer=None).path, then=press)


def known(world: World) -> Stop:
    def unfold(phone: Phone) -> None:
        phone.tap(phone.text("What you are buying"))

    return Stop(a_link(world, customer=AINO).path, then=unfold)


def begun(world: World) -> Stop:
    link = a_link(world, customer=AINO)
    return Stop(link.path, pressed(world, link).cookies)


def cancelled(world: World) -> Stop:
    """Back from a payment that the shopper stopped."""
    return Stop(f"{a_link(world, customer=AINO).path}?ended=cancelled")


def paid(world: World) -> Stop:
    link = a_link(world, customer=AINO)
    shopper = world.sandbox.shopper("returning")
    walker = pressed(world, link).press("Continue", chosen=["Invoice", "By e-mail"])
    walks.arrived(walks.through_code(walker, world.sandbox, shopper), "Check and confirm")
    walks.arrived(walker.press("Confirm purchase"), "Purchase confirmed")
    return Stop(link.path)


def held(world: World) -> Stop:
    """Somebody else's payment is looked at by a person."""
    link = a_link(world, customer=AINO)
    shopper = world.sandbox.shopper("register-down")
    walker = pressed(world, link).press("Continue", chosen=["Invoice", "By e-mail"])
    walks.arrived(walks.through_code(walker, world.sandbox, shopper), "A person is checking your order")
    return Stop(link.path)


def stopped(verb: str, status: int) -> Callable[[World], Stop]:
    def reach(world: World) -> Stop:
        link = a_link(world, customer=AINO)
        link.do(world, verb)
        return Stop(link.path, status=status)

    return reach


def order_cancelled(world: World) -> Stop:
    link = a_link(world, customer=AINO)
    answer = world.shop.client.post(f"/api/v1/orders/{link.order_id}/cancel")
    assert answer.status_code == 200, answer.text
    return Stop(link.path, status=410)


def lapsed(world: World) -> Stop:
    link = a_link(world, customer=AINO, lasts=timedelta(minutes=5))
    world.sandbox.advance(301)
    return Stop(link.path, status=410)


def pressed(world: World, link: Link) -> Walker:
    """On the first step, by the link."""
    walker = Walker.at(world.base_url, link.path).press("Proceed to pay")
    return walks.arrived(walker, "How do you want to pay?")


def _nobody(world: World) -> Stop:
    del world
    return Stop(f"/link/{'x' * 43}", status=404)


ALL: Final[tuple[tuple[str, str, Callable[[World], Stop]], ...]] = (
    ("link-asking", _LINK, asking),
    ("link-refused", _LINK, refused),
    ("link-known", _LINK, known),
    ("link-begun", _LINK, begun),
    ("link-stopped", _LINK, cancelled),
    ("link-paid", _LINK, paid),
    ("link-held", _LINK, held),
    ("link-paused", _LINK, stopped("pause", 200)),
    ("link-withdrawn", _LINK, stopped("withdraw", 410)),
    ("link-cancelled", _LINK, order_cancelled),
    ("link-lapsed", _LINK, lapsed),
    ("link-unknown", _LINK, _nobody),
)
