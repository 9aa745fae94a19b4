"""The states that speak of passkeys: only a browser whose device can hold one shows them."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect

from e2e import walks
from e2e.browsing import Phone
from e2e.pages.passkeys import Holder, PasskeyPages
from e2e.shop import Session
from e2e.stop import Stop
from e2e.walker import Walker
from e2e.world import World


def unknown(world: World) -> Stop:
    """The device holds a passkey for us that nobody knows any more."""

    def use_it(phone: Phone) -> None:
        holder = Holder.of(phone)
        holder.is_touched(at_once=False)
        holder.holds_a_stranger()
        phone.reload()
        expect(PasskeyPages(phone).link).to_be_visible()
        holder.is_touched(at_once=True)
        PasskeyPages(phone).use()
        expect(phone.tab.locator(".note.bad")).to_be_visible()
        # Else the browser would offer the same passkey again and again.
        holder.is_touched(at_once=False)

    session = world.shop.open_session()
    return Stop(f"{session.path}/identify", walks.to_identify(world, session).cookies, use_it)


def offered(world: World) -> Stop:
    def look(phone: Phone) -> None:
        Holder.of(phone)
        phone.reload()
        expect(PasskeyPages(phone).offer).to_be_visible()

    session, walker = _bought_by_bank(world)
    return Stop(f"{session.path}/outcome", walker.cookies, look)


def listed(*agents: str) -> Callable[[World], Stop]:
    """One passkey for each browser that is named by what it says of itself."""

    def reach(world: World) -> Stop:
        session, walker = _bought_by_bank(world)
        for agent in agents:
            walks.saves_passkey(world, walker, session, agent)
        return Stop(f"{session.path}/passkeys", walker.cookies)

    return reach


def _bought_by_bank(world: World) -> tuple[Session, Walker]:
    shopper = world.sandbox.shopper("first-timer")
    session = world.shop.open_session(knows=shopper)
    return session, walks.to_outcome_by_bank(world, session, shopper)
