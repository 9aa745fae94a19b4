"""The flow's stories without a browser: quick ways to bring a session to a place, by forms alone.

Each begins on step 1 of a session and leaves the walker where the name says.
"""

from __future__ import annotations

from e2e.sandbox import Sandbox, Shopper
from e2e.shop import Session
from e2e.walker import Walker
from e2e.world import World
from tests.support.authenticator import Device


def to_identify(world: World, session: Session, *, delivery: str = "By e-mail") -> Walker:
    walker = Walker.at(world.base_url, session.path)
    walker.press("Continue", chosen=["Invoice", delivery])
    return arrived(walker, "Who is paying?")


def to_identify_by_instalments(world: World, session: Session, months: int = 12) -> Walker:
    walker = Walker.at(world.base_url, f"{session.path}?method=instalments&months={months}")
    walker.press("Continue")
    return arrived(walker, "Who is paying?")


def to_code(walker: Walker, shopper: Shopper) -> Walker:
    walker.press("Send code", {"Postcode": shopper.postcode, "Mobile phone": shopper.phone})
    return arrived(walker, "Who is paying?")


def through_code(walker: Walker, sandbox: Sandbox, shopper: Shopper) -> Walker:
    return to_code(walker, shopper).press("Confirm code", {"Code from the SMS": sandbox.code_of(shopper)})


def at_the_bank(walker: Walker, shopper: Shopper) -> Walker:
    """Out to the bank, identified there, and back."""
    walker.follow("Identify with my bank")
    walker.press(f"Identify as {shopper.name}", value=shopper.subject)
    arrived(walker, "Back from your bank")
    return walker.press("Continue")


def to_confirm(world: World, session: Session, shopper: Shopper, *, delivery: str = "By e-mail") -> Walker:
    """As a returning shopper."""
    walker = through_code(to_identify(world, session, delivery=delivery), world.sandbox, shopper)
    return arrived(walker, "Check and confirm")


def to_outcome(world: World, session: Session, shopper: Shopper) -> Walker:
    return arrived(to_confirm(world, session, shopper).press("Confirm purchase"), "Purchase confirmed")


def to_refusal(world: World, session: Session, shopper: Shopper) -> Walker:
    walker = through_code(to_identify(world, session), world.sandbox, shopper)
    return arrived(walker, "This plan is not possible right now")


def to_wait(world: World, session: Session, shopper: Shopper) -> Walker:
    """The credit register gives no answer for this shopper: a person decides."""
    walker = through_code(to_identify(world, session), world.sandbox, shopper)
    return arrived(walker, "A person is checking your order")


def a_purchase(world: World, shopper: Shopper) -> Session:
    session = world.shop.open_session(knows=shopper)
    to_outcome(world, session, shopper)
    return session


def to_outcome_by_bank(world: World, session: Session, shopper: Shopper) -> Walker:
    walker = at_the_bank(to_identify(world, session), shopper)
    return arrived(walker.press("Confirm purchase"), "Purchase confirmed")


def a_buyer(world: World) -> Walker:
    """Somebody who has bought by bank, and is signed in by it to see what is theirs."""
    shopper = world.sandbox.shopper("first-timer")
    to_outcome_by_bank(world, world.shop.open_session(knows=shopper), shopper)
    return signs_in_at_the_bank(world, shopper)


def signs_in_at_the_bank(world: World, shopper: Shopper) -> Walker:
    return arrived(at_the_bank(Walker.at(world.base_url, "/account"), shopper), "Purchases")


def saves_passkey(world: World, walker: Walker, session: Session, agent: str) -> Device:
    """After a purchase by bank. What a script and a device would do is done by hand: there is no form for it."""
    device = Device(origin=world.base_url, synced="iPhone" in agent)
    options = walker.send(f"{session.path}/passkeys/challenge", {}).response.json()
    walker.send(f"{session.path}/passkeys", {"answer": device.make(options)}, agent=agent)
    arrived(walker, "Purchase confirmed")
    return device


def arrived(walker: Walker, heading: str) -> Walker:
    assert walker.heading == heading, f"{walker.heading!r} at {walker.response.url}, not {heading!r}"
    return walker
