"""Ways to orders that look odd: what staff see of one, and what its shopper is asked."""

from __future__ import annotations

from typing import Final

from e2e.held_states import held
from e2e.stop import Stop
from e2e.waits import at_the_case
from e2e.world import World

CASE: Final = "/admin/reviews/{public_id:str}"
SETTINGS: Final = "/admin/settings/reviews"


def case(world: World) -> Stop:
    """With others like it beside."""
    held(world)
    session, _, _ = held(world)
    return Stop(at_the_case(world, session).response.url.path, world.staff_cookies())


def asked(world: World) -> Stop:
    """The shopper's page with a question on it."""
    session, _, walker = held(world)
    at_the_case(world, session).press(
        "Send the question", {"Your question": "Is the parcel point near your home?"}
    )
    return Stop(f"{session.path}/outcome", walker.cookies)


def settings(world: World) -> Stop:
    return Stop(SETTINGS, world.staff_cookies())


ALL: Final = (
    ("admin-review-risk", CASE, case),
    ("pay-4-held-order-asked", "/pay/{session_id:str}/outcome", asked),
    ("admin-review-settings", SETTINGS, settings),
)
