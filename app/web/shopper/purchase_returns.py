"""A shopper announces what comes back, sees in money what each way gives before choosing, and follows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from app.invoices.credits import Pieces
from app.kernel import db
from app.kernel.money import Money
from app.merchants.errors import ModuleOff
from app.orders.errors import OrderRemoved, OrderUnknown
from app.returns.actions.announcing import announce_once
from app.returns.actions.returning import NewReturn, cancel_return, offer_for
from app.returns.errors import NotInvoicedYet, NotRefundable, ReturnMoved, ReturnRefused
from app.returns.queries import ReturnView, return_by_public_id, returnable_of, returns_of_order, sale_of
from app.returns.rules import REASONS, Destination
from app.web.shared.forms import Form
from app.web.shopper.account import Here, here_of
from app.web.shopper.purchase_return_views import LineChoice, OfferView, ReturnFormView, ReturnPageView
from app.web.shopper.purchases import PURCHASES, bought_here

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.checkout.purchases import Bought
    from app.merchants.queries import Merchant
    from app.returns.actions.returning import Offered
    from app.returns.queries import Returnable, Sale

_ONE: Final = f"{PURCHASES}/{{order_id:str}}"
ACTOR: Final = "shopper"


@get(f"{_ONE}/return", include_in_schema=False)
async def show_return_form(request: Request[Any, Any, Any], order_id: FromPath[str]) -> Response[str]:
    here = await here_of(request)
    if here.customer is None:
        return here.to_sign_in()
    bought, shop = await bought_here(here.customer, order_id)
    return await _form_page(here, bought, shop, Form())


@post(f"{_ONE}/return", include_in_schema=False, status_code=200)
async def announce_return(request: Request[Any, Any, Any], order_id: FromPath[str]) -> Response[str]:
    """What was chosen, with its figures; once a way for the money is chosen too, the return is announced."""
    here = await here_of(request)
    if here.customer is None:
        return here.to_sign_in()
    bought, shop = await bought_here(here.customer, order_id)
    form = await here.form()
    if form.value("step") != "announce":
        return await _form_page(here, bought, shop, form, look=True)
    new = _wanted(form)
    seen = form.value("seen")
    try:
        announced = await announce_once(
            shop, order_id, new, seen=int(seen) if _is_small(seen) else 0, now=here.now
        )
    except ReturnRefused as refused:
        return await _form_page(here, bought, shop, form, problem=refused.reason, status=422)
    except (ModuleOff, NotInvoicedYet, NotRefundable, OrderRemoved, OrderUnknown) as refused:
        return await _form_page(here, bought, shop, form, problem=refused.code, status=409)
    return here.lead_to(f"{PURCHASES}/{order_id}/returns/{announced.public_id}?new=1")


@get(f"{_ONE}/returns/{{return_id:str}}", include_in_schema=False)
async def follow_return(
    request: Request[Any, Any, Any], order_id: FromPath[str], return_id: FromPath[str]
) -> Response[str]:
    """The number of a return, what to do next, and what became of it."""
    here = await here_of(request)
    if here.customer is None:
        return here.to_sign_in()
    bought, shop = await bought_here(here.customer, order_id)
    return _return_page(here, shop, await _own(shop, bought, return_id))


@post(f"{_ONE}/returns/{{return_id:str}}/call-off", include_in_schema=False, status_code=200)
async def call_off_return(
    request: Request[Any, Any, Any], order_id: FromPath[str], return_id: FromPath[str]
) -> Response[str]:
    """Called off while nothing has come yet; called off twice is called off once."""
    here = await here_of(request)
    if here.customer is None:
        return here.to_sign_in()
    bought, shop = await bought_here(here.customer, order_id)
    found = await _own(shop, bought, return_id)
    try:
        await db.in_tx(lambda: cancel_return(shop, found.public_id, actor=ACTOR, now=here.now))
    except ReturnMoved:
        # It has come to the shop meanwhile: the page tells.
        return _return_page(here, shop, await _own(shop, bought, return_id), status=409)
    return here.lead_to(f"{PURCHASES}/{order_id}/returns/{return_id}")


async def _own(shop: Merchant, bought: Bought, return_id: str) -> ReturnView:
    found = await return_by_public_id(shop.id, return_id)
    if found is None or found.order_id != bought.order.id:
        raise NotFoundException
    return found


async def _form_page(
    here: Here,
    bought: Bought,
    shop: Merchant,
    form: Form,
    *,
    look: bool = False,
    problem: str | None = None,
    status: int = 200,
) -> Response[str]:
    """The goods to choose from; with `look` what the chosen ones come to, each way."""
    sale = await sale_of(shop.id, bought.order)
    today = shop.local_date(here.now)
    returnable = await returnable_of(shop, bought.order, today, sale=sale) if sale else None
    if sale is None or returnable is None:
        # The documents of a purchase are drawn in moments.
        return here.page("purchase_return_soon", {"url": f"{PURCHASES}/{bought.order.public_id}"})
    offered = None
    if look or problem is not None:
        try:
            offered = await offer_for(shop, bought.order, _wanted(form, to="original"), today)
        except ReturnRefused as refused:
            problem, status = problem or refused.reason, 422
        except NotRefundable as refused:
            problem, status = problem or refused.code, 409
    view = await _form_view(bought, shop, form, sale, returnable, offered=offered, problem=problem)
    return here.page("purchase_return", {"back": view, "form": form}, status=status)


async def _form_view(
    bought: Bought,
    shop: Merchant,
    form: Form,
    sale: Sale,
    returnable: Returnable,
    *,
    offered: Offered | None,
    problem: str | None,
) -> ReturnFormView:
    currency = bought.order.currency
    chosen = {piece.position: piece.quantity for piece in _pieces(form)}
    new = _wanted(form)
    lines = [
        LineChoice(
            position=line.position,
            name=line.name,
            price=Money(line.unit_price_minor, currency),
            left=line.left,
            chosen=min(line.left, chosen.get(line.position, 0)),
            is_kept=line.is_kept,
        )
        for line in returnable.lines
        if line.left
    ]
    hidden = {f"n{piece.position}": str(piece.quantity) for piece in new.pieces}
    return ReturnFormView(
        url=f"{PURCHASES}/{bought.order.public_id}",
        shop=shop.name,
        reference=bought.order.reference,
        lines=lines,
        reason=new.reason,
        statement=form.value("statement"),
        last_day=returnable.last_day,
        is_in_time=returnable.is_in_time,
        fee=Money(returnable.conditions.fee_minor, currency),
        waived_to_wallet=returnable.conditions.fee_waived_to_wallet
        and shop.has("wallet")
        and currency == shop.currency,
        offer=_offer(offered, bought, shop, sale) if offered is not None else None,
        to=new.to,
        seen=len(await returns_of_order(shop.id, bought.order.id)),
        problem=problem,
        hidden={**hidden, "reason": new.reason, "statement": form.value("statement")},
    )


def _offer(offered: Offered, bought: Bought, shop: Merchant, sale: Sale) -> OfferView:
    offer, currency = offered.offer, bought.order.currency
    has_wallet = shop.has("wallet") and currency == shop.currency
    owed = sum(document.open_minor for document in sale.together if document.asks)
    names = {position: line.name for position, line in enumerate(bought.order.lines)}
    return OfferView(
        value=Money(offer.value_minor, currency),
        fee=Money(offer.fee_to_original_minor, currency),
        original=Money(offer.to_original_minor, currency),
        wallet=Money(offer.to_wallet_minor, currency) if has_wallet else None,
        difference=Money(offer.difference_minor, currency) if has_wallet and offer.difference_minor else None,
        owed_before=Money(owed, currency),
        pieces=[(names[piece.position], piece.quantity) for piece in offered.pieces],
    )


def _wanted(form: Form, to: Destination | None = None) -> NewReturn:
    reason, way = form.value("reason"), form.value("to")
    return NewReturn(
        pieces=_pieces(form),
        reason=reason if reason in REASONS else "changed_mind",
        to=to or ("wallet" if way == "wallet" else "original"),
        actor=ACTOR,
        statement=form.value("statement"),
    )


def _pieces(form: Form) -> Sequence[Pieces]:
    """What was picked of each line, from fields called n0, n1, ..."""
    found = []
    for name, text in form.values.items():
        position, number = name.removeprefix("n"), text
        is_count = name.startswith("n") and _is_small(position) and _is_small(number)
        if is_count and int(number) > 0:
            found.append(Pieces(int(position), int(number)))
    return found


def _is_small(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 4


def _return_page(here: Here, shop: Merchant, found: ReturnView, *, status: int = 200) -> Response[str]:
    url = f"{PURCHASES}/{found.order_public_id}"
    view = ReturnPageView(
        url=f"{url}/returns/{found.public_id}",
        purchase_url=url,
        shop=shop.name,
        shop_email=shop.contact_email,
        reference=found.order_reference,
        number=found.number_text,
        state=found.state.value,
        reason=found.reason,
        to=found.destination,
        refund=Money(found.refund_minor, found.currency),
        fee=Money(found.fee_minor, found.currency),
        announced_on=shop.local_date(found.announced_at),
        lines=[(line.name, line.quantity) for line in found.lines],
        refusal=found.refusal,
        is_new="new" in here.request.query_params,
    )
    return here.page("purchase_return_page", {"back": view}, status=status)
