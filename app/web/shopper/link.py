"""A payment link: "Proceed to pay", and what to say where nothing can be paid by it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from litestar import Request, Response, get, post
from litestar.params import FromPath

from app.checkout.actions import Arrival, proceed
from app.checkout.errors import BrowserOver
from app.checkout.own_session import own_session
from app.checkout.queries import PAYABLE
from app.kernel.money import Money
from app.links.errors import LinkEnded, LinkPaused
from app.links.queries import LinkView, link_by_token
from app.links.states import LinkState
from app.orders.actions import Contact
from app.orders.errors import OrderLocked, OrderRemoved
from app.orders.queries import OrderView, order_by_id
from app.orders.rules import lines_of_shop
from app.orders.states import OrderState
from app.web.shared import forms, rendering
from app.web.shared.client import client_address
from app.web.shopper.changes import version_in
from app.web.shopper.details import ON_THE_PAGE, read_details
from app.web.shopper.doorstep import Doorstep, at_door
from app.web.shopper.link_views import LinkEndKind, LinkEndView, LinkReturn, LinkStartView
from app.web.shopper.refused import masked_email
from app.web.shopper.reusable import press_reusable, show_reusable
from app.web.shopper.views import LineView
from app.web.shopper.visit import keep_browser

_ADDRESS_FIELDS: Final = frozenset({"street", "postcode", "city"})
# What nobody can change any more is gone; the others may come back.
_STATUSES: Final[dict[LinkEndKind, int]] = {"withdrawn": 410, "lapsed": 410, "cancelled": 410}
_PAID: Final = frozenset({OrderState.PAID, OrderState.PARTLY_REFUNDED, OrderState.REFUNDED})


@dataclass(frozen=True, slots=True)
class Opening:
    """One request on a link. `own` is the session that this browser has on its way by it."""

    door: Doorstep
    link: LinkView
    own: str | None


@get("/link/{token:str}", include_in_schema=False)
async def show_link(request: Request[Any, Any, Any], token: FromPath[str]) -> Response[str]:
    """The order that a link asks to be paid. Nothing is written: programs open links in mails before people do."""
    here = await _open(request, token)
    return await (show_reusable(request, token) if here is None else _page_now(here))


@post("/link/{token:str}", include_in_schema=False, status_code=200)
async def proceed_to_pay(request: Request[Any, Any, Any], token: FromPath[str]) -> Response[str]:
    """The press: a session for this browser, and on to its first step."""
    here = await _open(request, token)
    if here is None:
        return await press_reusable(request, token)
    if _end_of(here) is not None:
        return await _page_now(here)
    order = await _order(here)
    form = forms.parse(await request.body())
    asked = frozenset() if here.own else _missing(order)
    read, errors = read_details(form, asked, order.country, optional=_optional(order))
    if errors:
        return _start_page(here, order, forms.Form(form.values, errors), status=422)
    arrival = Arrival(
        here.door.browser,
        here.door.wall,
        here.door.lang,
        here.link.url(here.door.house.settings.base_url),
        Contact(**read),
        address=client_address(request, here.door.house.settings.trusted_proxies),
        version=version_in(form.value("version")),
    )
    try:
        session = await proceed(here.link, arrival, here.door.now)
    except (LinkPaused, LinkEnded, OrderLocked, OrderRemoved):
        # Somebody was faster: the shop, another payer, or the clock.
        present = await _open(request, token)
        assert present is not None, "links are never deleted"
        return await _page_now(present)
    except BrowserOver:
        return rendering.redirect(request, f"/link/{token}")
    response = rendering.redirect(request, f"/pay/{session}")
    keep_browser(response, here.door.browser, here.door.house, here.door.wall)
    return response


async def _open(request: Request[Any, Any, Any], token: str) -> Opening | None:
    """None where no order answers to the address: then it may be that of a reusable link, or nobody's."""
    link = await link_by_token(token)
    if link is None:
        return None
    door = await at_door(request, link.merchant_id)
    own = None if door.browser.fresh else await own_session(link, door.browser, door.now)
    return Opening(door, link, own)


async def _page_now(here: Opening) -> Response[str]:
    kind = _end_of(here)
    if kind is None:
        return _start_page(here, await _order(here), forms.Form())
    total = Money(here.link.total_minor, here.link.currency)
    shown = LinkEndView(kind, here.door.merchant.contact_email)
    return here.door.page("link_end", {"end": shown}, total, status=_STATUSES.get(kind, 200))


def _end_of(here: Opening) -> LinkEndKind | None:
    """Why nothing can be paid by the link now; None where it can. Whoever has begun in time may go on."""
    link, order_state = here.link, here.link.order_state
    if order_state in _PAID:
        return "paid"
    if order_state is OrderState.CANCELLED:
        return "cancelled"
    if order_state is OrderState.EXPIRED:
        return "lapsed"
    if here.own is not None:
        return None
    state = link.state_at(here.door.now)
    if state is LinkState.ACTIVE:
        return None if order_state in PAYABLE else "held"
    return _ENDS[state]


_ENDS: Final[dict[LinkState, LinkEndKind]] = {
    LinkState.PAUSED: "paused",
    LinkState.WITHDRAWN: "withdrawn",
    LinkState.LAPSED: "lapsed",
    LinkState.USED: "paid",
}


async def _order(here: Opening) -> OrderView:
    order = await order_by_id(here.link.merchant_id, here.link.order_id)
    assert order is not None, "a link leads to an order"
    return order


def _start_page(here: Opening, order: OrderView, form: forms.Form, *, status: int = 200) -> Response[str]:
    # What somebody else on the way to pay has chosen is theirs.
    lines = lines_of_shop(order.lines)
    total = Money(sum(line.total_minor for line in lines), order.currency)
    view = LinkStartView(
        url=f"/link/{here.link.token}",
        version=order.version,
        reference=order.reference,
        lines=[
            LineView(line.name, line.quantity, Money(line.total_minor, order.currency), line.type)
            for line in lines
        ],
        until=here.link.expires_at,
        zone=here.door.merchant.time_zone,
        missing=tuple(field for field in ON_THE_PAGE if not here.own and field in _missing(order)),
        optional=_optional(order),
        country=order.country,
        email_masked=masked_email(order.contact.email) if order.contact.email else None,
        support_email=here.door.merchant.contact_email,
        begun=here.own is not None,
        ended=_ended(here.door.request),
    )
    return here.door.page("link", {"start": view, "form": form}, total, status=status)


def _ended(request: Request[Any, Any, Any]) -> LinkReturn | None:
    """Whether the flow led back here, and why."""
    said = request.query_params.get("ended")
    return "cancelled" if said == "cancelled" else "expired" if said == "expired" else None


def _missing(order: OrderView) -> frozenset[str]:
    return frozenset(field for field in ON_THE_PAGE if not getattr(order.contact, field))


def _optional(order: OrderView) -> frozenset[str]:
    """A postal address is needed where something is sent; elsewhere it is for whoever wants an invoice on paper."""
    is_sent = any(line.type == "shipping" for line in order.lines)
    return frozenset() if is_sent else _ADDRESS_FIELDS
