"""Ways to what shoppers say at the end, and to the page on which staff read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from e2e.stop import Stop
from e2e.walker import Walker

if TYPE_CHECKING:
    from e2e.browsing import Phone
    from e2e.world import World

SUPPORT: Final = "/admin/support"


def _ended(world: World) -> str:
    """The path of a purchase that the shop cancelled before anybody was known in it."""
    session = world.shop.open_session()
    world.shop.cancel(session)
    return f"{session.path}/outcome"


def said(world: World) -> Stop:
    def press(phone: Phone) -> None:
        # Asked once: a second look, in another language, finds it said.
        if phone.heading("How easy was this?").count():
            phone.tap(phone.button("5 of 5, easy"))
        phone.sees("Thank you for telling us")

    return Stop(_ended(world), then=press)


def read(world: World) -> Stop:
    walker = Walker.at(world.base_url, _ended(world)).press("1 of 5, hard")
    walker.press("Send", {"What could be better? (optional)": "The code came late, and twice."})
    return Stop(SUPPORT, world.staff_cookies())


ALL: Final = (
    ("pay-4-said", "/pay/{session_id:str}/outcome", said),
    ("admin-support", SUPPORT, read),
)
