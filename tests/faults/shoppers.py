"""Shoppers before the last button, and their browsers as seen by a web process that shares our keys and database."""

from __future__ import annotations

from itertools import count
from typing import Final

import httpx

from app.checkout import shown
from app.identity.actions import browsers
from app.kernel import clock
from app.merchants.queries import Merchant
from tests.factories.checkout import Shopper, a_line, a_session, an_identity

BROWSER: Final = {"Sec-Fetch-Site": "same-origin", "Accept-Language": "en", "HX-Request": "true"}
BOUGHT: Final = "Purchase confirmed"
_numbers = count(1)


def as_browser_of(shopper: Shopper) -> dict[str, str]:
    """The headers that this shopper's browser sends."""
    cookie = browsers.write(shopper.browser.token, wall=clock.wall())
    return {**BROWSER, "Cookie": f"kolme_browser={cookie}"}


async def at_confirm(merchant: Merchant, subject: str = "aino") -> tuple[Shopper, str]:
    """Somebody whom their bank has named and who has been approved, and the signed field of their last form.

    Each has a basket, an address for mail and a phone of their own: many alike in an hour would be held for a person.
    """
    number = next(_numbers)
    session = await a_session(
        merchant,
        a_line(f"Wool blanket {number}"),
        email=f"person-{number}@example.test",
        phone=f"+35850{number:07d}",
    )
    shopper = Shopper.at(session)
    await shopper.choose()
    await shopper.return_from_bank(an_identity(subject=subject))
    await shopper.be_decided()
    return shopper, shown.sign(await shopper.flow())


async def press_confirm(client: httpx.AsyncClient, shopper: Shopper, field: str) -> httpx.Response:
    """The last button."""
    return await client.post(
        f"/pay/{shopper.session}/confirm", data={"shown": field}, headers=as_browser_of(shopper)
    )
