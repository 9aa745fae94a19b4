"""An order that was opened at a till: its link sent or shown, each step of the shopper mirrored, and its end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.status_codes import HTTP_200_OK

from app.kernel import db, ids, templating
from app.links import actions as links
from app.links.errors import LinkEnded, LinkPaused, LinkUnknown
from app.links.sending import Wanted, send_in_tx
from app.merchants.errors import FieldRefused
from app.orders import actions as orders
from app.orders.errors import OrderLocked, OrderRemoved, OrderUnknown, TotalRefused
from app.orders.queries import order_for_api
from app.till import actions, queries
from app.till.errors import ReceiptNotReady
from app.till.rules import Discount
from app.web.admin.access import AdminRequest
from app.web.admin.till_pages import VALIDITIES, Counter, View, back, counter_of, no_till, uuid_of
from app.web.shared import forms, live, rendering
from app.web.shared.forms import Form


@post("/till/{public_id:str}/open", name="admin:till:open", status_code=HTTP_200_OK)
async def open_order(request: AdminRequest, public_id: FromPath[str]) -> Response[str]:
    """Open the order of what is on the receipt; pressed twice, it is opened once."""
    counter = await counter_of(request, public_id)
    if counter is None:
        return await no_till(request)
    merchant = counter.merchant
    receipt = await queries.receipt_of(counter.place)
    try:
        await actions.open_order(
            counter.place,
            country=merchant.country,
            currency=merchant.currency,
            discount_name=_name_of(receipt.discount, merchant.locale),
            actor=counter.actor,
            now=counter.now,
        )
    except (ReceiptNotReady, TotalRefused) as refused:
        return await back(counter, View(notice=refused.code), Form({"from": "receipt"}))
    return rendering.redirect(request, counter.url, leave=True)


def _name_of(discount: Discount | None, lang: str) -> str:
    """What the discount is called on the order, in the shop's language."""
    percent = discount.percent if discount is not None else None
    return templating.render_text("admin/till/discount.txt", lang, percent=percent).strip()


@post("/till/{public_id:str}/order", name="admin:till:order", status_code=HTTP_200_OK)
async def go_on(request: AdminRequest, public_id: FromPath[str]) -> Response[str]:
    """What the cashier does with the order that is open: which of it is told by the button that was pressed."""
    counter = await counter_of(request, public_id)
    if counter is None:
        return await no_till(request)
    form = forms.parse(await request.body())
    order, wanted = form.value("order"), form.value("do")
    receipt = await queries.receipt_of(counter.place)
    if not order or receipt.order_public_id != order:
        # The page was old: the one it leads to shows how things stand.
        return await back(counter, View(), Form())
    if wanted == "send":
        return await _send(counter, order, form)
    if wanted == "code":
        await actions.put_on_code(counter.place, order, now=counter.now)
    elif wanted == "no-code":
        await actions.take_off_code(counter.place, order, now=counter.now)
    elif wanted == "next":
        await actions.next_customer(counter.place, order, now=counter.now)
        return rendering.redirect(request, counter.url, leave=True)
    return await back(counter, View(), Form())


async def _send(counter: Counter, order_public_id: str, form: Form) -> Response[str]:
    """Accept the order and send its link to the customer by e-mail. A page sends once, however often it is pressed."""
    merchant = counter.merchant
    order = await order_for_api(merchant.id, order_public_id)
    if order is None or not order.contact.email:
        return await back(counter, View(notice="no_email"), Form())
    wanted = Wanted(
        "email", order.contact.email, merchant.locale, id=uuid_of(form.value("key")) or ids.internal_id()
    )

    async def accept_and_send() -> None:
        link = await links.lock(merchant.id, order_public_id)
        await orders.accept(merchant.id, order_public_id, actor=counter.actor, now=counter.now)
        await send_in_tx(link, wanted, actor=counter.actor, now=counter.now)

    try:
        await _limit(counter, order_public_id, form)
        await db.in_tx(accept_and_send)
    except (LinkEnded, LinkPaused, LinkUnknown, OrderLocked, OrderRemoved, OrderUnknown):
        return await back(counter, View(notice="not_now"), Form())
    except FieldRefused:
        return await back(counter, View(notice="no_email"), Form())
    return await back(counter, View(), Form())


async def _limit(counter: Counter, order_public_id: str, form: Form) -> None:
    """How long the link holds, where the cashier said so."""
    days = form.value("valid")
    if days in {str(each) for each in VALIDITIES}:
        until = counter.now + timedelta(days=int(days))
        await links.extend(
            counter.merchant.id, order_public_id, expires_at=until, actor=counter.actor, now=counter.now
        )


@get("/till/{public_id:str}/live", name="admin:till:live")
async def hear(request: AdminRequest, public_id: FromPath[str]) -> Response[Any]:
    """Tells the till's page that the order it shows has changed."""
    counter = await counter_of(request, public_id)
    if counter is None:
        return await no_till(request)
    receipt = await queries.receipt_of(counter.place)
    if receipt.order_public_id is None:
        return live.nothing_more()
    return live.stream(receipt.order_public_id)
