"""An insurance by the address in its receipt: whoever bought as a guest sees it there and gives it up in two taps.

An address that we did not sign, or whose time is over, is not found.
"""

from __future__ import annotations

from typing import Any, Final

from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from app.extras.addresses import PATH, is_open, opened_by
from app.extras.queries import InsuranceView, insurance_by_id
from app.orders.queries import order_for_api
from app.web.shared import rendering
from app.web.shopper.doorstep import Doorstep, at_door
from app.web.shopper.purchase_insurance import STATUSES, Outcome, given_up
from app.web.shopper.purchase_insurance_views import insurance_box

_PAGE: Final = f"{PATH}/{{token:str}}"


@get(_PAGE, include_in_schema=False)
async def show_insured(request: Request[Any, Any, Any], token: FromPath[str]) -> Response[str]:
    """Nothing is written: programs open links in mails before people do."""
    door, found = await _open(request, token)
    return await _page(door, found, token)


@post(_PAGE, include_in_schema=False, status_code=200)
async def give_up_insured(request: Request[Any, Any, Any], token: FromPath[str]) -> Response[str]:
    """Given up twice is given up once."""
    door, found = await _open(request, token)
    outcome = await given_up(door.merchant, found.order_public_id)
    if outcome == "done":
        return rendering.redirect(request, f"{PATH}/{token}")
    return await _page(door, found, token, notice=outcome, status=STATUSES[outcome])


async def _open(request: Request[Any, Any, Any], token: str) -> tuple[Doorstep, InsuranceView]:
    named = opened_by(token)
    found = await insurance_by_id(*named) if named is not None else None
    if named is None or found is None:
        raise NotFoundException
    door = await at_door(request, named[0])
    if not is_open(found.cancel_until, door.merchant.local_date(door.now)):
        raise NotFoundException
    return door, found


async def _page(
    door: Doorstep, found: InsuranceView, token: str, *, notice: Outcome | None = None, status: int = 200
) -> Response[str]:
    order = await order_for_api(door.merchant.id, found.order_public_id)
    assert order is not None, "an insurance belongs to an order that is kept"
    view = insurance_box(found, door.merchant, order, f"{PATH}/{token}", door.lang, door.now)
    context = {
        "insurance": view,
        "notice": notice,
        "shop_email": door.merchant.contact_email,
        "reference": order.reference,
    }
    return door.page("insured", context, view.premium, status=status)
