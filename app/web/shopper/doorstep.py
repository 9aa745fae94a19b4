"""A page before the flow: of a payment link, of a reusable link, of a till's code. Its frame is the flow's, which has
not begun: it shows the shop alone.

Every such page gives a new browser its cookie, so that two presses of its button come from one browser.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response

from app.identity.actions.browsers import BrowserToken
from app.kernel import clock
from app.kernel.money import Money
from app.merchants.queries import Merchant, merchant_by_id
from app.web.shared import forms, rendering
from app.web.shared.doors import House, house_of
from app.web.shared.language import language_of
from app.web.shopper.views import FlowView
from app.web.shopper.visit import browser_of, keep_browser, keep_language, shop_view


@dataclass(frozen=True, slots=True)
class Doorstep:
    """One request on a shop's address, by a browser that has no session there yet, or comes back to it."""

    request: Request[Any, Any, Any]
    house: House
    browser: BrowserToken
    wall: datetime
    now: datetime
    lang: str
    merchant: Merchant

    def page(
        self, name: str, context: Mapping[str, object], total: Money, *, status: int = 200
    ) -> Response[str]:
        """The page of that name, or the piece of it that htmx asks for."""
        flow = FlowView(id="", step=None, total=total, lines=(), back_url="", can_cancel=False)
        common = {"lang": self.lang, "shop": shop_view(self.merchant), "flow": flow, "form": forms.Form()}
        response = rendering.page(
            self.request,
            f"shopper/{name}.html",
            f"shopper/_{name}.html",
            {**common, **context},
            status=status,
        )
        keep_browser(response, self.browser, self.house, self.wall)
        keep_language(response, self.request, self.house, self.lang)
        return response


async def at_door(request: Request[Any, Any, Any], merchant_id: UUID) -> Doorstep:
    """A request on an address of this shop, now."""
    house, wall = house_of(request), clock.wall()
    merchant = await merchant_by_id(merchant_id)
    assert merchant is not None, "the address belongs to a merchant"
    browser, now = browser_of(request, house, wall), await clock.business_now()
    lang = language_of(request, merchant_default=merchant.locale)
    return Doorstep(request, house, browser, wall, now, lang, merchant)
