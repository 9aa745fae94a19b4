"""The till's page: a receipt in the making with what is beside it, or the order that was opened from it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from litestar import Response
from litestar.status_codes import HTTP_200_OK

from app.checkout import overview
from app.kernel import clock, ids
from app.links.queries import link_of_order
from app.links.sending import sends_of_link
from app.merchants.queries import Merchant
from app.orders.queries import order_for_api
from app.till import queries
from app.till.queries import Place, Receipt, Till
from app.till.rules import Product, usual_percent
from app.web.admin import till_forms
from app.web.admin.access import AdminRequest, settings_of
from app.web.admin.pages import merchant_of, show
from app.web.admin.till_views import goods_of, open_order_of, sheet_of
from app.web.shared import htmx, rendering
from app.web.shared.forms import Form

HOME: Final = "/admin/till"
PANES: Final = frozenset({"goods", "amount", "discount", "line", "customer"})
# How long a link that is sent from the till may hold, in days; none unless the cashier says so.
VALIDITIES: Final = (1, 3, 7, 14, 30)


@dataclass(frozen=True, slots=True)
class Counter:
    """A till, and who stands behind it."""

    request: AdminRequest
    merchant: Merchant
    till: Till
    now: datetime

    @property
    def place(self) -> Place:
        return Place(self.merchant.id, self.till.id, self.request.user.staff.public_id)

    @property
    def url(self) -> str:
        return f"{HOME}/{self.till.public_id}"

    @property
    def actor(self) -> str:
        return f"staff:{self.request.user.staff.public_id}"


@dataclass(frozen=True, slots=True)
class View:
    """What is looked at: a pane, what was searched for in it, what was typed, and a notice by its code."""

    pane: str = "goods"
    q: str = ""
    category: str = ""
    line: UUID | None = None
    form: Form = Form()  # noqa: RUF009 - frozen and empty
    notice: str | None = None
    meant: str | None = None
    known: str | None = None


async def counter_of(request: AdminRequest, public_id: str) -> Counter | None:
    merchant = await merchant_of(request)
    found = await queries.till_of(merchant.id, public_id) if ids.is_public_id("till", public_id) else None
    if found is None:
        return None
    return Counter(request, merchant, found, clock.business(request.user.staff.offset_s))


async def no_till(request: AdminRequest) -> Response[str]:
    return await show(request, "admin/till/no_till.html", {}, section="till", status=404)


async def show_till(counter: Counter, view: View, *, status: int = HTTP_200_OK) -> Response[str]:
    """The receipt in the making with what is beside it; once an order is open, the page of that order alone."""
    receipt = await queries.receipt_of(counter.place)
    if receipt.order_public_id is not None:
        return await show_open(counter, receipt.order_public_id, notice=view.notice)
    products = await queries.products_of(counter.merchant.id)
    currency = counter.merchant.currency
    context: dict[str, object] = {
        "till": counter.till,
        "url": counter.url,
        "shop_lang": counter.merchant.locale,
        "view": view,
        "form": view.form,
        "receipt": sheet_of(receipt, currency),
        "currency": currency,
        "key": str(ids.internal_id()),
    }
    context |= await _pane(counter, view, receipt, products)
    return await show(
        counter.request,
        "admin/till/till.html",
        context,
        section="till",
        partial="admin/till/_till.html",
        status=status,
    )


async def _pane(
    counter: Counter, view: View, receipt: Receipt, products: tuple[Product, ...]
) -> dict[str, object]:
    """What stands beside the receipt: the products, unless something is asked."""
    if view.pane == "customer":
        found = await queries.customers_found(counter.merchant.id, view.q)
        form = view.form if view.form.values else till_forms.begun_from(view.q)
        return {"pane": "customer", "found": found, "form": form}
    if view.pane == "amount":
        usual = usual_percent(products)
        vat = "" if usual is None else till_forms.percent_typed(usual)
        return {"pane": "amount", "rates": till_forms.rates_of(products), "usual": vat}
    if view.pane == "discount":
        return {"pane": "discount", "percents": till_forms.PERCENTS}
    item = next((item for item in receipt.items if item.id == view.line), None)
    if view.pane == "line" and item is not None:
        return {"pane": "line", "item": item, "price": till_forms.money_typed(item.unit_price_minor)}
    goods = goods_of(products, receipt, counter.merchant.currency, q=view.q, category=view.category)
    return {"pane": "goods", "goods": goods}


async def show_open(counter: Counter, order_public_id: str, *, notice: str | None = None) -> Response[str]:
    """How the order stands; the page asks again by itself whenever something changes."""
    merchant = counter.merchant
    order = await order_for_api(merchant.id, order_public_id)
    assert order is not None, "a receipt's order is there as long as the receipt"
    link = await link_of_order(merchant.id, order.id)
    assert link is not None, "an order of a till has a link"
    leads_to = await queries.on_code(counter.till.code, counter.now)
    view = open_order_of(
        order,
        link,
        await overview.sessions_of_order(merchant.id, order.id),
        await sends_of_link(merchant.id, link.id),
        link_url=link.url(settings_of(counter.request).base_url),
        qr_label=order.reference,
        code_until=leads_to.until
        if leads_to is not None and leads_to.order_public_id == order.public_id
        else None,
        now=counter.now,
    )
    context = {
        "till": counter.till,
        "url": counter.url,
        "shop_lang": merchant.locale,
        "order": view,
        "notice": notice,
        "validities": VALIDITIES,
        "key": str(ids.internal_id()),
    }
    return await show(
        counter.request, "admin/till/open.html", context, section="till", partial="admin/till/_open.html"
    )


async def back(counter: Counter, view: View, form: Form) -> Response[str]:
    """To the till as it is now: in place for htmx, else by a redirect to where the button stood."""
    if htmx.wants_partial(counter.request.headers):
        return await show_till(counter, view)
    query = {"category": view.category, "q": view.q, "notice": view.notice or ""}
    kept = urlencode({name: text for name, text in query.items() if text})
    # On a phone the receipt is a sheet of its own, which its address opens.
    place = "#receipt" if form.value("from") == "receipt" else ""
    return rendering.redirect(counter.request, f"{counter.url}{'?' if kept else ''}{kept}{place}", leave=True)


def uuid_of(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
