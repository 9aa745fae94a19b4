"""The pages of refunds and returns in the admin, all of one order that was paid once and of which a part went back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import httpx

from e2e import walks
from e2e.browsing import Phone
from e2e.stop import Stop
from e2e.world import World


@dataclass(frozen=True, slots=True)
class Returned:
    """An order of which a part went back and goods are on their way: ids of the order, the refund, the return."""

    order: str
    refund: str
    coming: str


_made: Final[dict[str, Returned]] = {}


def returned(world: World) -> Returned:
    """Made once a world."""
    if world.base_url not in _made:
        session = walks.a_purchase(world, world.sandbox.shopper("returning"))
        given = world.shop.client.post(
            f"/api/v1/orders/{session.order_id}/refunds",
            json={"amount_minor": 2_900, "refundable_minor": session.total_minor, "to": "original"},
            headers={"Idempotency-Key": f"e2e-{session.order_id}"},
        )
        assert given.status_code == 201, given.text
        second = walks.a_purchase(world, world.sandbox.shopper("returning"))
        world.sandbox.advance(1)
        announced = httpx.post(
            f"{world.base_url}/admin/orders/{second.order_id}/return",
            data={"line-0": "1", "reason": "wrong_size", "to": "original", "statement": "Too short."},
            cookies=world.staff_cookies(),
            headers={"Sec-Fetch-Site": "same-origin"},
        )
        assert announced.status_code == 303, announced.text
        coming = announced.headers["location"].rpartition("/")[2]
        _made[world.base_url] = Returned(session.order_id, given.json()["id"], coming)
    return _made[world.base_url]


def page(path: str, then: str = "", sees: str = "") -> Callable[[World], Stop]:
    """A page of it, its ids put into the address; `then` is a button to press there."""

    def reach(world: World) -> Stop:
        made = returned(world)

        def press(phone: Phone) -> None:
            phone.tap(phone.button(then))
            phone.sees(sees)

        address = path.format(order=made.order, refund=made.refund, coming=made.coming)
        return Stop(address, world.staff_cookies(), press if then else None)

    return reach
