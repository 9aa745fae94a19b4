"""Ways to where a purchase that was confirmed waits for a person, and to its end."""

from __future__ import annotations

import time

from e2e import waits, walks
from e2e.paying_states import chosen
from e2e.sandbox import WAIT_S, Shopper
from e2e.shop import Session
from e2e.stop import Stop
from e2e.walker import Walker
from e2e.world import World

CHECKING = "We are checking your payment"
WAITS = "A person is checking your order"
_OUTCOME = "/pay/{session_id:str}/outcome"


def held(world: World) -> tuple[Session, Shopper, Walker]:
    """A shopper who is known has confirmed an invoice, and a person looks at it."""
    shopper = world.sandbox.shopper("held")
    session = world.shop.open_session(knows=shopper)
    walker = walks.to_confirm(world, session, shopper)
    return session, shopper, walks.arrived(walker.press("Confirm purchase"), WAITS)


def guest_at_card_page(world: World, email: str) -> tuple[Session, Walker]:
    """A guest with this address, on the provider's page."""
    session, walker = chosen(world)
    walks.arrived(
        walker.press("Confirm purchase", {"Name": "Aino Virta", "E-mail": email}),
        "You are being taken onwards",
    )
    walker.follow("Continue")
    return session, walker


def held_by_card(world: World) -> tuple[Session, Walker]:
    """As above, by a guest's card: the bank has agreed, and nothing is taken."""
    session, walker = guest_at_card_page(world, "aino@held.example")
    walker.press("Pay with Mastercard 4444")
    deadline = time.monotonic() + WAIT_S
    # A worker, to whom the provider has called, may be asking at this very moment.
    while walker.heading == CHECKING and time.monotonic() < deadline:
        walker.press("Check now")
    return session, walks.arrived(walker, WAITS)


def answered(world: World, session: Session, reason: str) -> None:
    """A reviewer says what they think of the order, by the button of the reason."""
    desk = waits.at_the_case(world, session)
    words = next(
        button.words for form in desk.page.forms for button in form.buttons if button.words.endswith(reason)
    )
    desk.press(words)


def waiting(world: World) -> Stop:
    session, _, walker = held(world)
    return Stop(f"{session.path}/outcome", walker.cookies)


def waiting_by_card(world: World) -> Stop:
    session, walker = held_by_card(world)
    return Stop(f"{session.path}/outcome", walker.cookies)


def not_accepted(world: World) -> Stop:
    """A guest whose order nothing was made of, at the press."""
    session, walker = chosen(world)
    walks.arrived(
        walker.press("Confirm purchase", {"Name": "Aino Virta", "E-mail": "aino@stopped.example"}),
        "The purchase was declined",
    )
    return Stop(f"{session.path}/outcome", walker.cookies)


ALL = (
    ("pay-4-held-order", _OUTCOME, waiting),
    ("pay-4-held-order-card", _OUTCOME, waiting_by_card),
    ("pay-4-declined-order", _OUTCOME, not_accepted),
)
