"""Ways to where staff record money that came outside the checkout, and to the cases about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from e2e import order_states
from e2e.browsing import Phone
from e2e.stop import Stop
from e2e.waits import QUEUE
from e2e.walker import Walker
from e2e.world import World

_ORDER: Final = "/admin/orders/{public_id:str}"
_CASE: Final = "/admin/reviews/{public_id:str}"
_NOTE: Final = {"Note of the payment": "Own reference of the payer: AINO V."}


def record(walker: Walker, typed: dict[str, str] | None = None) -> Walker:
    """ "Record payment" on an order's page: by bank, the whole price, unless something else is typed."""
    return walker.press("Record payment", _NOTE | (typed or {}), chosen=["Bank transfer"])


def unfolded(world: World) -> Stop:
    """The form as it is before anything is typed."""
    stop = order_states.typed(world)
    return Stop(stop.path, stop.cookies, lambda phone: phone.tap(phone.text("Money came in another way")))


def refused(world: World) -> Stop:
    def press(phone: Phone) -> None:
        phone.tap(phone.text("Money came in another way"))
        phone.tap(phone.button("Record payment"))
        phone.text("Say how the money came.").wait_for()

    stop = order_states.typed(world)
    return Stop(stop.path, stop.cookies, press)


def paid(world: World) -> Stop:
    walker = record(_at_an_order(world))
    return Stop(walker.path, walker.cookies)


def case(world: World) -> Stop:
    walker = record(_at_an_order(world), {"Amount received (EUR)": "100,00"})
    return Stop(walker.path, walker.cookies)


def case_refused(world: World) -> Stop:
    def press(phone: Phone) -> None:
        phone.tap(phone.text("Kept for an order"))
        phone.tap(phone.button("Save the answer"))
        phone.text("Say in a few words why.").wait_for()

    stop = case(world)
    return Stop(stop.path, stop.cookies, press)


def case_answered(world: World) -> Stop:
    walker = Walker.at(world.base_url, case(world).path, cookies=world.staff_cookies())
    typed = {"Reason": "The payer had typed the wrong sum."}
    walker.press("Save the answer", typed, chosen=["Returned to the payer"])
    return Stop(walker.path, walker.cookies)


def queue(world: World) -> Stop:
    case_answered(world)
    case(world)
    return Stop(QUEUE, world.staff_cookies())


def _at_an_order(world: World) -> Walker:
    stop = order_states.typed(world)
    return Walker.at(world.base_url, stop.path, cookies=stop.cookies)


# What `e2e/states.py` lists: a name, the route, and the way there.
ALL: Final[tuple[tuple[str, str, Callable[[World], Stop]], ...]] = (
    ("admin-order-record", _ORDER, unfolded),
    ("admin-order-record-refused", _ORDER, refused),
    ("admin-order-recorded", _ORDER, paid),
    ("admin-review-money", _CASE, case),
    ("admin-review-money-refused", _CASE, case_refused),
    ("admin-review-money-answered", _CASE, case_answered),
    ("admin-reviews-money", QUEUE, queue),
)
