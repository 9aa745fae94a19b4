"""Ways to orders that look odd: what staff see of one, and what its shopper is asked."""

from __future__ import annotations

from typing import Final

from e2e import walks
from e2e.shop import Session
from e2e.stop import Stop
from e2e.walker import Walker
from e2e.waits import at_the_case
from e2e.world import World

CASE: Final = "/admin/reviews/{public_id:str}"
SETTINGS: Final = "/admin/settings/reviews"


def held(world: World, *, times: int = 1) -> tuple[Session, Walker]:
    """A purchase that a person looks at; `times` the very same goods, by as many shoppers."""
    for _ in range(times):
        shopper = world.sandbox.shopper("held")
        session = world.shop.open_session(knows=shopper)
        walker = walks.to_confirm(world, session, shopper).press("Confirm purchase")
        walks.arrived(walker, "A person is checking your order")
    return session, walker


def case(world: World) -> Stop:
    """With others like it beside."""
    session, _ = held(world, times=2)
    return Stop(at_the_case(world, session).response.url.path, world.staff_cookies())


def asked(world: World) -> Stop:
    """The shopper's page with a question on it."""
    session, walker = held(world)
    at_the_case(world, session).press(
        "Send the question", {"Your question": "Is the parcel point near your home?"}
    )
    return Stop(f"{session.path}/outcome", walker.cookies)


def settings(world: World) -> Stop:
    return Stop(SETTINGS, world.staff_cookies())


ALL: Final = (
    ("admin-review-risk", CASE, case),
    ("pay-outcome-asked", "/pay/{session_id:str}/outcome", asked),
    ("admin-review-settings", SETTINGS, settings),
)
