"""An insurance is given up in two taps: the page that says what follows, and its one button."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from app.checkout.actions import cancel_insurance
from app.extras.errors import InsuranceEnded, InsuranceUnknown
from app.kernel import clock
from app.ledger.errors import MoneyFrozen
from app.returns.errors import NotInvoicedYet, RefundableChanged
from app.web.shopper.account import Here, here_of
from app.web.shopper.purchase_insurance_views import insurance_view
from app.web.shopper.purchases import PURCHASES, bought_here

if TYPE_CHECKING:
    from app.merchants.queries import Merchant

_PAGE: Final = f"{PURCHASES}/{{order_id:str}}/insurance"
ACTOR: Final = "shopper"


@get(_PAGE, include_in_schema=False)
async def show_insurance(request: Request[Any, Any, Any], order_id: FromPath[str]) -> Response[str]:
    here = await here_of(request)
    if here.customer is None:
        return here.to_sign_in()
    return await _page(here, order_id)


@post(_PAGE, include_in_schema=False, status_code=200)
async def give_up_insurance(request: Request[Any, Any, Any], order_id: FromPath[str]) -> Response[str]:
    """Given up twice is given up once."""
    here = await here_of(request)
    if here.customer is None:
        return here.to_sign_in()
    _, shop = await bought_here(here.customer, order_id)
    outcome = await given_up(shop, order_id)
    if outcome == "done":
        return here.lead_to(f"{PURCHASES}/{order_id}/insurance")
    return await _page(here, order_id, notice=outcome, status=STATUSES[outcome])


Outcome = Literal["done", "over", "soon", "frozen"]
STATUSES: Final[dict[Outcome, int]] = {"over": 409, "soon": 409, "frozen": 503}


async def given_up(shop: Merchant, order_id: str) -> Outcome:
    """The press of the one button. `soon`: the documents of the purchase are drawn in a moment; `frozen`: no money
    moves at all right now. NotFound where nothing was insured."""
    try:
        await cancel_insurance(shop, order_id, actor=ACTOR, now=await clock.business_now())
    except InsuranceUnknown:
        raise NotFoundException from None
    except InsuranceEnded:
        return "over"
    except (NotInvoicedYet, RefundableChanged):
        return "soon"
    except MoneyFrozen:
        return "frozen"
    return "done"


async def _page(
    here: Here, order_id: str, *, notice: Outcome | None = None, status: int = 200
) -> Response[str]:
    assert here.customer is not None, "the caller has asked"
    bought, shop = await bought_here(here.customer, order_id)
    view = await insurance_view(shop, bought.order, here.lang)
    if view is None:
        raise NotFoundException
    context = {
        "insurance": view,
        "notice": notice,
        "shop_name": shop.name,
        "shop_email": shop.contact_email,
        "purchase_url": f"{PURCHASES}/{order_id}",
        "reference": bought.order.reference,
    }
    return here.page("purchase_insurance_page", context, status=status)
