"""The fixed address of a till, as a shopper opens it from the sticker: the order that the cashier has put on it, or
that there is none. Before somebody is identified nothing personal is shown: a photo of the sticker gives nothing away.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from app.checkout.actions import Arrival, proceed
from app.checkout.errors import BrowserOver
from app.kernel import clock
from app.kernel.money import Money
from app.links.errors import LinkEnded, LinkPaused
from app.links.queries import link_of_order
from app.links.states import LinkState
from app.orders.errors import OrderLocked, OrderRemoved
from app.orders.queries import OrderView, order_for_api
from app.till.queries import Till, on_code
from app.web.shared import live, rendering
from app.web.shared.client import client_address
from app.web.shopper.doorstep import Doorstep, at_door
from app.web.shopper.views import LineView
from app.web.shopper.visit import keep_browser

if TYPE_CHECKING:
    from app.links.queries import LinkView

_CODE_LENGTH: Final = 26


@dataclass(frozen=True, slots=True)
class TillView:
    """What the page shows. `page` names what stands on it, so that an open page knows whether it has changed;
    `reference` is None where no order is on the code. `back` says that they have come back from a purchase, `ended`
    from a payment that came to nothing.
    """

    url: str
    live_url: str
    name: str
    page: str
    reference: str | None
    support_email: str
    back: bool
    ended: bool


@dataclass(frozen=True, slots=True)
class _Here:
    """One request on a till's address; order and link are there together or not at all."""

    door: Doorstep
    till: Till
    order: OrderView | None
    link: LinkView | None

    @property
    def url(self) -> str:
        return f"/till/{self.till.code}"


@get("/till/{code:str}", include_in_schema=False)
async def show_till_code(request: Request[Any, Any, Any], code: FromPath[str]) -> Response[str]:
    """The basket that is on the code now. Nothing is written; an open page that shows just this gets 204."""
    here = await _open(request, code)
    if request.query_params.get("page") == _page_name(here):
        return Response("", status_code=204, headers={"Cache-Control": rendering.NO_STORE})
    return _page(here)


@post("/till/{code:str}", include_in_schema=False, status_code=200)
async def pay_at_till(request: Request[Any, Any, Any], code: FromPath[str]) -> Response[str]:
    """The press: a session of this browser on the order, which tells it nothing that the shop knows of its customer."""
    here = await _open(request, code)
    if here.link is None:
        return _page(here)
    arrival = Arrival(
        here.door.browser,
        here.door.wall,
        here.door.lang,
        f"{here.door.house.settings.base_url}{here.url}",
        prefill=False,
        address=client_address(request, here.door.house.settings.trusted_proxies),
    )
    try:
        session = await proceed(here.link, arrival, here.door.now)
    except (LinkPaused, LinkEnded, OrderLocked, OrderRemoved):
        # Somebody was faster: the cashier, or another payer.
        return _page(await _open(request, code))
    except BrowserOver:
        return rendering.redirect(request, here.url)
    response = rendering.redirect(request, f"/pay/{session}")
    keep_browser(response, here.door.browser, here.door.house, here.door.wall)
    return response


@get("/till/{code:str}/live", include_in_schema=False)
async def hear_till_code(code: FromPath[str]) -> Response[Any]:
    """Tells an open page that something was put on the code, or taken off."""
    found = await on_code(code, await clock.business_now()) if len(code) == _CODE_LENGTH else None
    if found is None:
        raise NotFoundException
    return live.stream(found.till.public_id)


async def _open(request: Request[Any, Any, Any], code: str) -> _Here:
    """An unknown or malformed address is 404, the same bytes."""
    now = await clock.business_now()
    found = await on_code(code, now) if len(code) == _CODE_LENGTH else None
    if found is None:
        raise NotFoundException
    door = await at_door(request, found.till.merchant_id)
    order = link = None
    if found.order_public_id is not None:
        order = await order_for_api(door.merchant.id, found.order_public_id)
        link = None if order is None else await link_of_order(door.merchant.id, order.id)
    # A link that the shop has stopped opens nothing here either.
    payable = order is not None and link is not None and link.state_at(door.now) is LinkState.ACTIVE
    return _Here(door, found.till, order if payable else None, link if payable else None)


def _page_name(here: _Here) -> str:
    """Another order, or another version of it, is another page."""
    return "till" if here.order is None else f"till-{here.order.reference}-{here.order.version}"


def _page(here: _Here) -> Response[str]:
    order, merchant, asked = here.order, here.door.merchant, here.door.request.query_params
    currency = merchant.currency if order is None else order.currency
    view = TillView(
        url=here.url,
        live_url=f"{here.url}/live",
        name=here.till.name,
        page=_page_name(here),
        reference=None if order is None else order.reference,
        support_email=merchant.contact_email,
        back="session" in asked and "ended" not in asked,
        ended="ended" in asked,
    )
    lines = tuple(
        LineView(line.name, line.quantity, Money(line.total_minor, currency), line.type)
        for line in (() if order is None else order.lines)
    )
    total = Money(0 if order is None else order.total_minor, currency)
    return here.door.page("till", {"till": view, "lines": lines}, total)
