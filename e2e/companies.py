"""A company that buys, by forms alone, and the pages that only companies see."""

from __future__ import annotations

from typing import Final

from e2e import walks
from e2e.admin_states import page
from e2e.sandbox import Shopper
from e2e.shop import Session
from e2e.stop import Stop
from e2e.walker import Walker
from e2e.world import World

WHO: Final = {"Company number": "2077474-0", "Company name": "Kone Oy", "Your reference": "PO-77"}
CHOICE: Final = ["Invoice", "30 days net", "As an e-invoice file"]
CONTACT: Final = {"Name": "Outi Ostaja", "Street address": "Tehtaankatu 1", "City": "Helsinki"}


def named(world: World, session: Session) -> Walker:
    """On step 1, with the company told."""
    walker = Walker.at(world.base_url, session.path)
    walks.arrived(walker, "Which company is buying?")
    return walks.arrived(walker.press("Continue", WHO), "How do you want to pay?")


def to_confirm(world: World, session: Session, shopper: Shopper) -> Walker:
    walker = named(world, session).press("Continue", chosen=CHOICE)
    walks.arrived(walker, "Who is paying?")
    return walks.arrived(walks.through_code(walker, world.sandbox, shopper), "Check and confirm")


def who(world: World) -> Stop:
    return Stop(world.shop.open_session(buyer="business").path)


def method(world: World) -> Stop:
    """What a company is offered, the invoice opened."""
    session = world.shop.open_session(buyer="business")
    return Stop(f"{session.path}?method=invoice&net=30", named(world, session).cookies)


def confirm(world: World) -> Stop:
    shopper = world.sandbox.shopper("business")
    session = world.shop.open_session(buyer="business", knows=shopper)
    return Stop(f"{session.path}/confirm", to_confirm(world, session, shopper).cookies)


ways = page("/admin/settings/ways")
