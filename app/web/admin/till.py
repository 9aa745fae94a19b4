"""The till: products to tap, the receipt beside them, and what is asked in between. Every button is a form that works
without JavaScript; with it the page is changed in place.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Final
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.status_codes import HTTP_200_OK

from app.checkout.actions import cancel_order
from app.orders.errors import OrderLocked, OrderRemoved, OrderUnknown
from app.till import actions, queries
from app.till.errors import CustomerUnknown, ProductUnknown, ReceiptFull, ReceiptOpened
from app.till.queries import SEARCH_LENGTH_MAX
from app.till.rules import matching
from app.web.admin import till_forms
from app.web.admin.access import AdminRequest
from app.web.admin.pages import merchant_of, show
from app.web.admin.till_pages import (
    HOME,
    PANES,
    Counter,
    View,
    back,
    counter_of,
    no_till,
    show_till,
    uuid_of,
)
from app.web.shared import forms, rendering
from app.web.shared.forms import FieldError, Form

# What a till makes of these is said on the page it leads to.
_REFUSED: Final = (ProductUnknown, ReceiptOpened, ReceiptFull, CustomerUnknown)


@get("/till", name="admin:till")
async def tills(request: AdminRequest) -> Response[str]:
    """Which till: the only one at once."""
    found = await queries.tills_of((await merchant_of(request)).id)
    if len(found) == 1:
        return rendering.redirect(request, f"{HOME}/{found[0].public_id}", leave=True)
    is_owner = request.user.staff.role == "owner"
    context = {"tills": found, "is_owner": is_owner, "form": Form()}
    return await show(request, "admin/till/tills.html", context, section="till")


@get("/till/{public_id:str}", name="admin:till:one")
async def one_till(request: AdminRequest, public_id: FromPath[str]) -> Response[str]:
    counter = await counter_of(request, public_id)
    return await no_till(request) if counter is None else await show_till(counter, _view_of(request))


def _view_of(request: AdminRequest) -> View:
    asked = request.query_params
    pane = asked.get("pane", "goods")
    return View(
        pane if pane in PANES else "goods",
        _search(asked.get("q", "")),
        forms.clean(asked.get("category", "")),
        uuid_of(asked.get("line", "")),
        notice=asked.get("notice"),
    )


@post("/till/{public_id:str}/receipt", name="admin:till:receipt", status_code=HTTP_200_OK)
async def change_receipt(request: AdminRequest, public_id: FromPath[str]) -> Response[str]:
    """One change of the receipt: which one is told by the button that was pressed."""
    counter = await counter_of(request, public_id)
    if counter is None:
        return await no_till(request)
    form = forms.parse(await request.body())
    view = View(q=_search(form.value("q")), category=form.value("category"))
    try:
        again = await _do(counter, form, view)
    except _REFUSED as refused:
        return await back(counter, View(q=view.q, category=view.category, notice=refused.code), form)
    if isinstance(again, View):
        return await show_till(counter, again, status=422 if again.form.errors else HTTP_200_OK)
    return await back(counter, view, form)


async def _do(counter: Counter, form: Form, view: View) -> View | None:
    """Do what was pressed; answers a view to stay on, where something has to be typed again."""
    line = uuid_of(form.value("line"))
    if line is not None:
        return await _do_with_line(counter, form, line)
    place, now = counter.place, counter.now
    match form.value("do"):
        case "amount":
            return await _add_amount(counter, form)
        case "discount":
            return await _discount(counter, form)
        case "no-discount":
            await actions.give_discount(place, None, now=now)
        case "nobody":
            await actions.choose_customer(place, None, now=now)
        case "clear":
            await actions.clear(place, now=now)
        case "find":
            return await _find(counter, view)
        case _ if form.value("add"):
            await actions.add_product(place, form.value("add"), now=now)
        case _:
            pass
    return None


async def _do_with_line(counter: Counter, form: Form, line: UUID) -> View | None:
    place, now = counter.place, counter.now
    match form.value("do"):
        case "less":
            await actions.step_line(place, line, -1, now=now)
        case "more":
            await actions.step_line(place, line, 1, now=now)
        case "drop":
            await actions.change_line(place, line, 0, 0, now=now)
        case _:
            return await _change_line(counter, form, line)
    return None


async def _find(counter: Counter, view: View) -> View:
    """Enter after a search, as a scanner does: the one product that it can mean is added, and the search is over."""
    products = await queries.products_of(counter.merchant.id)
    exact = [each for each in products if each.sku and each.sku.casefold() == view.q.casefold()]
    found = exact or matching(products, view.q)
    if view.q and len(found) == 1:
        await actions.add_product(counter.place, found[0].public_id, now=counter.now)
        return View()
    return View(q=view.q)


async def _add_amount(counter: Counter, form: Form) -> View | None:
    amount = till_forms.amount_of(form)
    if isinstance(amount, Form):
        return View("amount", form=amount)
    await actions.add_amount(counter.place, amount.name, amount.amount_minor, amount.percent, now=counter.now)
    return None


async def _change_line(counter: Counter, form: Form, line: UUID) -> View | None:
    change = till_forms.line_of(form)
    if isinstance(change, Form):
        return View("line", line=line, form=change)
    await actions.change_line(counter.place, line, change.quantity, change.unit_price_minor, now=counter.now)
    return None


async def _discount(counter: Counter, form: Form) -> View | None:
    discount = till_forms.discount_of(form)
    if isinstance(discount, Form):
        return View("discount", form=discount)
    receipt = await queries.receipt_of(counter.place)
    if discount.amount_minor is not None and discount.amount_minor >= receipt.sums.gross_minor:
        return View("discount", form=form.refused(off=FieldError("too_much")))
    await actions.give_discount(counter.place, discount, now=counter.now)
    return None


@post("/till/{public_id:str}/stop", name="admin:till:stop", status_code=HTTP_200_OK)
async def stop_order(request: AdminRequest, public_id: FromPath[str]) -> Response[str]:
    """End the order that is open here, with every payment of it, and have its receipt back as it was typed."""
    counter = await counter_of(request, public_id)
    if counter is None:
        return await no_till(request)
    form = forms.parse(await request.body())
    order = form.value("order")
    receipt = await queries.receipt_of(counter.place)
    notice = None
    if order and receipt.order_public_id == order:
        # What cannot be stopped any more, or came to nothing already, is told apart by what became of its receipt.
        with suppress(OrderLocked, OrderUnknown, OrderRemoved):
            await cancel_order(counter.merchant.id, order, actor=counter.actor, now=counter.now)
        await actions.take_back(counter.place, order, now=counter.now)
        after = await queries.receipt_of(counter.place)
        notice = "too_late" if after.order_public_id == order else None
    return await back(counter, View(notice=notice), Form({"from": "receipt"}))


def _search(text: str) -> str:
    return forms.one_line(forms.clean(text))[:SEARCH_LENGTH_MAX]
