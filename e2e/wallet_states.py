"""Ways to the pages of the flow that speak of the wallet."""

from __future__ import annotations

from e2e import walks
from e2e.sandbox import Shopper
from e2e.shop import Session
from e2e.stop import Stop
from e2e.walker import Walker
from e2e.wallets import fill_wallet
from e2e.world import World


def nothing(world: World) -> Stop:
    """No way to pay takes the money of another country."""
    return Stop(world.shop.open_session(country="SE", currency="SEK").path)


def known(world: World) -> Stop:
    """Step 1 for somebody who is identified: what is in the wallet stands beside it."""
    session, walker = _with_the_wallet(world, 150_00)
    return Stop(f"{session.path}?method=wallet", walker.cookies)


def alone(world: World) -> Stop:
    session, walker = _with_the_wallet(world, 150_00)
    return Stop(f"{session.path}/confirm", walker.cookies)


def short(world: World) -> Stop:
    session, walker = _with_the_wallet(world, 12_40)
    return Stop(f"{session.path}/confirm", walker.cookies)


def part(world: World) -> Stop:
    session, walker = _with_the_wallet(world, 12_40)
    walker.press(_words("Use %(amount)s from your wallet and pay the rest by invoice"))
    return Stop(f"{session.path}/confirm", walker.cookies)


def unused(world: World) -> Stop:
    """The plan alone, and the one tap that has the wallet pay a part."""
    session, shopper = _somebody(world, 12_40)
    walker = walks.through_code(walks.to_identify(world, session), world.sandbox, shopper)
    return Stop(f"{session.path}/confirm", walker.cookies)


def confirmed(world: World) -> Stop:
    session, walker = _with_the_wallet(world, 150_00)
    walker.press("Confirm purchase")
    return Stop(f"{session.path}/outcome", walker.cookies)


def confirmed_in_part(world: World) -> Stop:
    session, walker = _with_the_wallet(world, 12_40)
    walker.press(_words("Use %(amount)s from your wallet and pay the rest by invoice"))
    walker.press("Confirm purchase")
    return Stop(f"{session.path}/outcome", walker.cookies)


def _somebody(world: World, amount_minor: int) -> tuple[Session, Shopper]:
    shopper = world.sandbox.shopper("returning")
    fill_wallet(world, shopper, amount_minor)
    return world.shop.open_session(129_00, knows=shopper), shopper


def _with_the_wallet(world: World, amount_minor: int) -> tuple[Session, Walker]:
    """Identified by a code, the wallet chosen at step 1."""
    session, shopper = _somebody(world, amount_minor)
    walker = Walker.at(world.base_url, session.path)
    walker.press("Continue", chosen=["Wallet"])
    walks.arrived(walker, "Who is paying?")
    return session, walks.through_code(walker, world.sandbox, shopper)


def _words(text: str) -> str:
    return text % {"amount": "€12.40"}
