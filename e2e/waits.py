"""Ways to where a credit decision is refused, waits for a person, or was answered by one."""

from __future__ import annotations

from e2e import walks
from e2e.browsing import Phone
from e2e.shop import Session
from e2e.stop import Stop
from e2e.walker import Walker
from e2e.world import World

QUEUE = "/admin/reviews"


def refused_by_ban(world: World) -> Stop:
    shopper = world.sandbox.shopper("credit-ban")
    session = world.shop.open_session(knows=shopper)
    return Stop(f"{session.path}/outcome", walks.to_refusal(world, session, shopper).cookies)


def asking(world: World) -> Stop:
    """A refusal with the question to a person unfolded."""
    session, walker = _refused(world)
    return Stop(
        f"{session.path}/outcome",
        walker.cookies,
        lambda phone: phone.tap(phone.text("Ask a person to look at it")),
    )


def waiting(world: World) -> Stop:
    session, walker = _held(world)
    return Stop(f"{session.path}/outcome", walker.cookies)


def waiting_asked(world: World) -> Stop:
    """The shopper asked, and can read again what they said."""
    session, walker = _asked(world)
    return Stop(f"{session.path}/outcome", walker.cookies)


def declined_by_person(world: World) -> Stop:
    session, walker = _held(world)
    at_the_case(world, session).press("Decline", {"Note": "No papers came."})
    return Stop(f"{session.path}/outcome", walker.cookies)


def decision(world: World) -> Stop:
    session, walker = _refused(world)
    return Stop(f"{session.path}/decision", walker.cookies)


def decision_register_down(world: World) -> Stop:
    session, walker = _held(world)
    return Stop(f"{session.path}/decision", walker.cookies)


def review(world: World) -> Stop:
    return _case(world, _held(world)[0])


def review_asked(world: World) -> Stop:
    """Register, own history and rules all have figures, and the shopper has said something."""
    return _case(world, _asked(world)[0])


def review_without_note(world: World) -> Stop:
    def decline(phone: Phone) -> None:
        phone.tap(phone.button("Decline"))
        phone.text("Say in a few words why you decline.").wait_for()

    stop = review(world)
    return Stop(stop.path, stop.cookies, decline)


def review_answered(world: World) -> Stop:
    session, _ = _held(world)
    stop = _case(world, session)
    at_the_case(world, session).press("Approve", {"Note": "Pay slips came by e-mail."})
    return stop


def reviews(world: World) -> Stop:
    review_answered(world)
    _held(world)
    return Stop(QUEUE, world.staff_cookies())


def at_the_case(world: World, session: Session) -> Walker:
    """Staff, on the page of the case that the session waits for."""
    return Walker.at(world.base_url, QUEUE, cookies=world.staff_cookies()).follow(session.reference)


def _case(world: World, session: Session) -> Stop:
    return Stop(at_the_case(world, session).response.url.path, world.staff_cookies())


def _refused(world: World) -> tuple[Session, Walker]:
    shopper = world.sandbox.shopper("declined")
    session = world.shop.open_session(450_00, knows=shopper)
    return session, walks.to_refusal(world, session, shopper)


def _asked(world: World) -> tuple[Session, Walker]:
    session, walker = _refused(world)
    walker.press("Ask a person", {"What should we know?": "I begin a new job in December."})
    return session, walks.arrived(walker, "A person is checking your order")


def _held(world: World) -> tuple[Session, Walker]:
    shopper = world.sandbox.shopper("register-down")
    session = world.shop.open_session(knows=shopper)
    return session, walks.to_wait(world, session, shopper)
