"""Ways to the pages of somebody who pays by card or MobilePay, and whom nobody need identify."""

from __future__ import annotations

from e2e import walks
from e2e.shop import Session
from e2e.stop import Stop
from e2e.walker import Walker
from e2e.world import World

GUEST = {"Name": "Aino Virta", "E-mail": "aino@example.com"}


def chosen(world: World, way: str = "Card") -> tuple[Session, Walker]:
    """A guest on step 3, of whom the shop has told nothing."""
    session = world.shop.open_session(129_00)
    walker = Walker.at(world.base_url, session.path)
    walker.press("Continue", chosen=[way])
    return session, walks.arrived(walker, "Check and confirm")


def method(world: World) -> Stop:
    """Back on step 1, with the way that was chosen."""
    session, walker = chosen(world)
    return Stop(session.path, walker.cookies)


def identify(world: World) -> Stop:
    session, walker = chosen(world)
    return Stop(f"{session.path}/identify", walker.cookies)


def confirm(world: World) -> Stop:
    session, walker = chosen(world)
    return Stop(f"{session.path}/confirm", walker.cookies)


def pending(world: World) -> Stop:
    """Confirmed, and not paid yet on the provider's page."""
    return _confirmed(world, "MobilePay")


def checking(world: World) -> Stop:
    """The same with a card."""
    return _confirmed(world, "Card")


def _confirmed(world: World, way: str) -> Stop:
    session, walker = chosen(world, way)
    walks.arrived(walker.press("Confirm purchase", GUEST), "You are being taken onwards")
    return Stop(f"{session.path}/return", walker.cookies)
