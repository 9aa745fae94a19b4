"""What a customer has bought, what they owe and when, and every document of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from litestar import Request, Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from app.agreements.queries import agreement_of_order, document_of_order
from app.checkout.purchases import (
    Bought,
    Due,
    Purchase,
    Shops,
    owed_by,
    purchase_of,
    purchases_of,
    shops_of,
)
from app.invoices.pdf import file_name, pdf_of
from app.invoices.queries import invoice_by_public_id, invoices_of_order, payments_of
from app.invoices.states import InvoiceState
from app.kernel.cursors import CursorRefused
from app.messages.invoice import sheet_content
from app.messages.sent import sent_about
from app.returns.queries import refunds_of_order, returns_of_order
from app.subscriptions.queries import subscriptions_of_customer
from app.web.shared.points import earned_of
from app.web.shopper.account import Here, here_of
from app.web.shopper.information import document
from app.web.shopper.purchase_insurance_views import insurance_view
from app.web.shopper.purchase_page import Around, purchase_view
from app.web.shopper.purchases_views import DueView, PurchaseRow, PurchasesView, ShopChoice
from app.web.shopper.subscriptions_views import row_of

if TYPE_CHECKING:
    from app.identity.account_queries import SignedInCustomer
    from app.merchants.queries import Merchant

PURCHASES: Final = "/purchases"


@get(PURCHASES, include_in_schema=False)
async def show_purchases(request: Request[Any, Any, Any]) -> Response[str]:
    """Newest first; `shop` (a public id) leaves the others out, `before` is where the page before ended."""
    here = await here_of(request)
    if here.customer is None:
        return here.to_sign_in()
    shops = await open_shops(here.customer)
    chosen = chosen_shop(shops, request.query_params.get("shop", ""))
    ids = [chosen.id] if chosen is not None else shops.ids
    cursor = request.query_params.get("before") or None
    try:
        page = await purchases_of(here.customer.customer_id, ids, cursor=cursor)
    except CursorRefused:
        raise NotFoundException from None
    owed = await owed_by(here.customer.customer_id, ids)
    wanted = {"shop": chosen.public_id} if chosen is not None else {}
    older = urlencode({**wanted, "before": page.next_cursor}) if page.next_cursor else None
    view = PurchasesView(
        shops=_choices(shops, chosen),
        chosen=ShopChoice(chosen.public_id, chosen.name, is_chosen=True) if chosen is not None else None,
        dues=[_due(due, shops) for due in owed.dues],
        totals=owed.totals,
        rows=[_row(purchase, shops) for purchase in page.purchases],
        older_url=f"{PURCHASES}?{older}" if older else None,
        is_first=cursor is None,
        closed=shops.closed,
    )
    found = await subscriptions_of_customer(here.customer.customer_id, ids) if cursor is None else ()
    rows = [row_of(sub, shops.of(sub.merchant_id), here.lang) for sub in found]
    return here.page("purchases", {"purchases": view, "subscriptions": rows})


@get(f"{PURCHASES}/{{order_id:str}}", include_in_schema=False)
async def show_purchase(request: Request[Any, Any, Any], order_id: FromPath[str]) -> Response[str]:
    here = await here_of(request)
    if here.customer is None:
        return here.to_sign_in()
    bought, shop = await bought_here(here.customer, order_id)
    invoices = await invoices_of_order(shop.id, order_id)
    payments = await payments_of(shop.id, *(invoice.id for invoice in invoices))
    around = Around(
        invoices=invoices,
        payments=payments,
        agreement=await agreement_of_order(shop.id, order_id),
        sent=await sent_about(shop.id, order_id),
        returns=await returns_of_order(shop.id, bought.order.id),
        refunds=await refunds_of_order(shop.id, bought.order.id),
    )
    view = purchase_view(shop, bought.order, around)
    context = {
        "purchase": view,
        "earned": await earned_of(order_id, shop),
        "insurance": await insurance_view(shop, bought.order, here.lang),
    }
    return here.page("purchase", context)


@get(f"{PURCHASES}/{{order_id:str}}/agreement", include_in_schema=False)
async def download_bought_agreement(
    request: Request[Any, Any, Any], order_id: FromPath[str]
) -> Response[Any]:
    here = await here_of(request)
    if here.customer is None:
        return here.to_sign_in()
    _, shop = await bought_here(here.customer, order_id)
    found = await document_of_order(shop.id, order_id)
    if found is None:
        raise NotFoundException
    return _sealed(here, document(found.data, found.name))


@get(f"{PURCHASES}/{{order_id:str}}/documents/{{invoice_id:str}}", include_in_schema=False)
async def download_bought_document(
    request: Request[Any, Any, Any], order_id: FromPath[str], invoice_id: FromPath[str]
) -> Response[Any]:
    """An invoice, a receipt, a notice or a credit note as it was sent; an instalment to come has no sheet yet."""
    here = await here_of(request)
    if here.customer is None:
        return here.to_sign_in()
    _, shop = await bought_here(here.customer, order_id)
    invoice = await invoice_by_public_id(shop.id, invoice_id)
    if (
        invoice is None
        or invoice.order_public_id != order_id
        or invoice.customer_id != here.customer.customer_id
        or invoice.state is InvoiceState.SCHEDULED
    ):
        raise NotFoundException
    content = sheet_content(invoice)
    return _sealed(here, document(await pdf_of(content, invoice.lang), file_name(content)))


async def open_shops(customer: SignedInCustomer) -> Shops:
    return await shops_of(
        customer.customer_id, by_code=customer.way == "code", vouched_by=customer.vouched_by
    )


def chosen_shop(shops: Shops, public_id: str) -> Merchant | None:
    """The shop that an address names; None where it names none. Somebody else's shop is 404."""
    if not public_id:
        return None
    found = shops.named(public_id)
    if found is None:
        raise NotFoundException
    return found


async def bought_here(customer: SignedInCustomer, order_id: str) -> tuple[Bought, Merchant]:
    """A purchase of this customer, and its shop. Everything else is 404."""
    shops = await open_shops(customer)
    bought = await purchase_of(customer.customer_id, shops.ids, order_id)
    if bought is None:
        raise NotFoundException
    return bought, shops.of(bought.merchant_id)


def _sealed(here: Here, response: Response[bytes]) -> Response[Any]:
    return here.sealed(response)


def _choices(shops: Shops, chosen: Merchant | None) -> list[ShopChoice]:
    """Nothing to choose from where there is one shop."""
    if len(shops.open) < 2:
        return []
    return [ShopChoice(shop.public_id, shop.name, shop is chosen) for shop in shops.open]


def _due(due: Due, shops: Shops) -> DueView:
    shop = shops.of(due.merchant_id)
    return DueView(
        url=f"{PURCHASES}/{due.order_public_id}",
        shop=shop.name,
        reference=due.order_reference,
        number=due.number,
        instalment=due.instalment,
        open=due.open,
        due_on=due.due_on,
        is_overdue=due.is_overdue,
        is_asked=due.is_asked,
        put=due.put or None,
        wallet_url=f"/wallet?shop={shop.public_id}",
    )


def _row(purchase: Purchase, shops: Shops) -> PurchaseRow:
    shop = shops.of(purchase.merchant_id)
    return PurchaseRow(
        url=f"{PURCHASES}/{purchase.public_id}",
        shop=shop.name,
        reference=purchase.reference,
        names=purchase.names,
        more=max(0, purchase.kinds - len(purchase.names)),
        bought_on=shop.local_date(purchase.paid_at),
        total=purchase.total,
        state=purchase.state.value,  # type: ignore[arg-type]
        owed=purchase.owed,
        due_on=purchase.due_on,
        is_overdue=purchase.is_overdue,
        put=purchase.put or None,
    )
