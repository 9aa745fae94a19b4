"""Ways to the pages of the demo shop."""

from __future__ import annotations

from urllib.parse import urlsplit

from e2e import walks
from e2e.stop import Stop
from e2e.walker import Walker
from e2e.world import World


def basket(world: World) -> Stop:
    return Stop("/demo/basket", _basket(world).cookies)


def _basket(world: World) -> Walker:
    walker = Walker.at(world.base_url, "/demo")
    walker.press("Add Wool blanket to the basket")
    return walker.open("/demo").press("Add Birch cup to the basket")


def _demo_order(world: World) -> Walker:
    """At the payment, with a basket that the shop remembers."""
    return _basket(world).press("Pay later with Kolme")


def order_open(world: World) -> Stop:
    walker = _demo_order(world)
    return Stop(f"/demo/orders/{reference_of(walker)}", walker.cookies)


def order_paid(world: World) -> Stop:
    shopper = world.sandbox.shopper("returning")
    walker = _demo_order(world).press("Continue", chosen=["Invoice", "By e-mail"])
    walks.through_code(walker, world.sandbox, shopper).press("Confirm purchase")
    walks.arrived(walker, "Purchase confirmed")
    world.sandbox.advance(1)
    walker.follow("Back to the shop")
    return Stop(walker.path, walker.cookies)


def cancelled(world: World) -> Stop:
    walker = _demo_order(world)
    return Stop(f"/demo/cancelled/{reference_of(walker)}", walker.cookies)


def reference_of(walker: Walker) -> str:
    """From the way back at the top of the payment page."""
    [back] = [href for name, href in walker.page.links if name.startswith("Back to Havu")]
    return urlsplit(back).path.rpartition("/")[2]
