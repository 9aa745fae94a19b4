"""Ways to the page that tells a shopper what the shop has changed meanwhile."""

from __future__ import annotations

from typing import Final

from e2e import walks
from e2e.stop import Stop
from e2e.walker import Walker
from e2e.world import World

BLANKET: Final = {"name": "Wool blanket", "quantity": 1, "unit_price_minor": 129_00}
SOCKS: Final = {"name": "Wool socks, grey", "quantity": 1, "unit_price_minor": 7_00}


def told(world: World) -> Stop:
    """A pair of socks was added while the shopper looked at the last page."""
    shopper = world.sandbox.shopper("returning")
    session = world.shop.open_session(129_00, knows=shopper)
    walker = walks.to_confirm(world, session, shopper)
    world.shop.edit(session, [BLANKET, SOCKS])
    return Stop(f"{session.path}/changed", walker.cookies)


def told_of_much(world: World) -> Stop:
    """Everything that can happen to a line, and a plan that does not take what is left."""
    session = world.shop.open_session(129_00)
    cup = {"name": "Birch cup with a handle of reindeer antler", "quantity": 2, "unit_price_minor": 18_50}
    lamp = {"sku": "L-1", "name": "Lamp", "quantity": 1, "unit_price_minor": 60_00}
    world.shop.edit(session, [BLANKET, cup, lamp])
    walker = walks.to_identify_by_instalments(world, session, months=3)
    world.shop.edit(session, [{**cup, "quantity": 1}, {**lamp, "name": "Reading lamp"}, SOCKS])
    world.shop.edit(
        session, [{**cup, "quantity": 1}, {**lamp, "name": "Reading lamp", "unit_price_minor": 19_00}]
    )
    return Stop(f"{session.path}/changed", walker.cookies)


def told_before_a_plan(world: World) -> Stop:
    """What was chosen from an older page is not taken."""
    session = world.shop.open_session(129_00)
    walker = Walker.at(world.base_url, session.path)
    world.shop.edit(session, [BLANKET, SOCKS])
    walker.press("Continue", chosen=["Invoice", "By e-mail"])
    walks.arrived(walker, "The shop has changed your order")
    return Stop(f"{session.path}/changed", walker.cookies)
