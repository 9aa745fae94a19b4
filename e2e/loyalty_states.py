"""The pages of points in the admin: the programme, and what one customer has."""

from __future__ import annotations

import re

import httpx

from e2e import walks
from e2e.browsing import Phone
from e2e.stop import Stop
from e2e.world import World

PROGRAMME = "/admin/settings/loyalty"


def programme_refused(world: World) -> Stop:
    def press(phone: Phone) -> None:
        phone.type(phone.textbox("Days before points can be used"), "many")
        phone.tap(phone.button("Save the programme"))
        phone.sees("Something is missing or not right")

    return Stop(PROGRAMME, world.staff_cookies(), press)


def points(world: World) -> Stop:
    """Those of somebody who has just bought."""
    shopper = world.sandbox.shopper("returning")
    walks.a_purchase(world, shopper)
    world.sandbox.advance(1)
    found = httpx.get(
        f"{world.base_url}/admin/wallets", params={"q": shopper.phone}, cookies=world.staff_cookies()
    )
    customer = re.search(r"/admin/wallets/(cus_\w+)", found.text)
    assert customer is not None, "a buyer is found by their phone"
    return Stop(f"/admin/wallets/{customer[1]}/points", world.staff_cookies())
