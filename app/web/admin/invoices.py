"""The list of invoices, one of them with what happened to it, its PDF, and the payments that staff record."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.status_codes import HTTP_200_OK

from app.invoices import actions
from app.invoices.errors import NotPayable, PaymentKeyReused, PaymentRefused
from app.invoices.lists import (
    SEARCH_LENGTH_MAX,
    InvoicePage,
    Shown,
    credit_notes_of,
    happened_to,
    list_invoices,
)
from app.invoices.pdf import file_name, pdf_of
from app.invoices.queries import InvoiceView, invoice_by_public_id, payments_of
from app.invoices.states import InvoiceState
from app.invoices.ubl import can_be_ubl, ubl_of
from app.invoices.ubl import file_name as ubl_name
from app.kernel import clock, db, ids
from app.kernel.cursors import CursorRefused
from app.kernel.money import Money
from app.merchants.queries import staff_actors
from app.messages.invoice import sheet_content
from app.web.admin.access import AdminRequest
from app.web.admin.documents import payment_of
from app.web.admin.invoices_views import invoice_figures, invoice_row
from app.web.admin.pages import merchant_of, show
from app.web.shared import forms, rendering
from app.web.shared.forms import FieldError, Form

PAGE_SIZE: Final = 25
LIST: Final = "/admin/invoices"
# The list's filters, each with what it shows; `templates/admin/invoices.html` words them.
FILTERS: Final[dict[str, Shown]] = {
    "open": "open",
    "overdue": InvoiceState.OVERDUE,
    "paid": InvoiceState.PAID,
    "credited": InvoiceState.CREDITED,
    "scheduled": InvoiceState.SCHEDULED,
}


@get("/invoices", name="admin:invoices")
async def invoice_list(request: AdminRequest) -> Response[str]:
    merchant = await merchant_of(request)
    wanted = request.query_params.get("state", "")
    state = wanted if wanted in FILTERS else ""
    search = forms.one_line(forms.clean(request.query_params.get("q", "")))[:SEARCH_LENGTH_MAX]
    cursor = request.query_params.get("cursor")
    found = await _found(merchant.id, state, search, cursor)
    context = {
        "rows": tuple(invoice_row(invoice) for invoice in found.invoices),
        "states": tuple(FILTERS),
        "state": state,
        "q": search,
        "older_url": list_url(state, search, found.next_cursor) if found.next_cursor else None,
        "newest_url": list_url(state, search) if cursor else None,
    }
    return await show(
        request,
        "admin/invoices.html",
        context,
        section="invoices",
        partial="admin/_invoices.html",
        push_url=list_url(state, search, cursor or ""),
    )


@get("/invoices/{public_id:str}", name="admin:invoice")
async def one_invoice(request: AdminRequest, public_id: FromPath[str]) -> Response[str]:
    invoice = await invoice_of(request, public_id)
    return await no_invoice(request) if invoice is None else await show_invoice(request, invoice)


@get("/invoices/{public_id:str}/pdf", name="admin:invoice-pdf")
async def invoice_pdf(request: AdminRequest, public_id: FromPath[str]) -> Response[bytes] | Response[str]:
    """The sheet as its customer gets it, in the customer's language."""
    invoice = await invoice_of(request, public_id)
    if invoice is None:
        return await no_invoice(request)
    content = sheet_content(invoice)
    headers = {
        "Cache-Control": rendering.NO_STORE,
        "Content-Disposition": f'attachment; filename="{file_name(content)}"',
    }
    sheet = await pdf_of(content, invoice.lang)
    return Response(sheet, media_type="application/pdf", headers=headers)


@get("/invoices/{public_id:str}/e-invoice", name="admin:invoice-efile")
async def invoice_efile(request: AdminRequest, public_id: FromPath[str]) -> Response[bytes] | Response[str]:
    """The document of a company as an e-invoice file, whichever way it was sent."""
    invoice = await invoice_of(request, public_id)
    if invoice is None or not can_be_ubl(invoice.content):
        return await no_invoice(request)
    headers = {
        "Cache-Control": rendering.NO_STORE,
        "Content-Disposition": f'attachment; filename="{ubl_name(invoice.content)}"',
    }
    return Response(ubl_of(invoice.content), media_type="application/xml", headers=headers)


@post("/invoices/{public_id:str}/payments", name="admin:invoice-payment", status_code=HTTP_200_OK)
async def record_payment(request: AdminRequest, public_id: FromPath[str]) -> Response[str]:
    """Record what came in for this document; a second press records nothing more."""
    merchant = await merchant_of(request)
    invoice = await invoice_of(request, public_id)
    if invoice is None:
        return await no_invoice(request)
    form = forms.parse(await request.body())
    now = clock.business(request.user.staff.offset_s)
    payment = payment_of(form, invoice.currency, f"staff:{request.user.staff.public_id}")
    if isinstance(payment, Form):
        return await show_invoice(request, invoice, form=payment, status=422)
    try:
        await db.in_tx(lambda: actions.record_payment(merchant, public_id, payment, now))
    except PaymentRefused as refused:
        field = "paid_on" if refused.field == "paid_on" else "amount"
        again = form.refused(**{field: FieldError(refused.code)})
        return await show_invoice(request, invoice, form=again, status=422)
    except (NotPayable, PaymentKeyReused):
        # The page was old: the one it leads to shows how things stand.
        return rendering.redirect(request, f"{LIST}/{public_id}", leave=True)
    return rendering.redirect(request, f"{LIST}/{public_id}#payments", leave=True)


async def invoice_of(request: AdminRequest, public_id: str) -> InvoiceView | None:
    """A document of the shop that the visitor works for."""
    if not ids.is_public_id("inv", public_id):
        return None
    return await invoice_by_public_id(request.user.staff.merchant_id, public_id)


async def no_invoice(request: AdminRequest) -> Response[str]:
    return await show(request, "admin/no_invoice.html", {}, section="invoices", status=404)


async def show_invoice(
    request: AdminRequest, invoice: InvoiceView, *, form: Form | None = None, status: int = 200
) -> Response[str]:
    """One document's page; `form` is what was typed of a payment, with what is wrong in it."""
    merchant = await merchant_of(request)
    notes = await credit_notes_of(merchant.id, invoice.id)
    around = {
        "invoice": invoice_figures(invoice, notes),
        "notes": tuple(invoice_row(note) for note in notes),
        "payments": tuple(
            (
                payment,
                Money(payment.amount_minor, payment.currency),
                Money(payment.over_minor, payment.currency),
            )
            for payment in await payments_of(merchant.id, invoice.id)
        ),
        "timeline": await happened_to(merchant.id, invoice),
        "can_refund": invoice.kind in {"invoice", "receipt"}
        and not invoice.paid_outside
        and invoice.state is not InvoiceState.CREDITED,
        "has_efile": can_be_ubl(invoice.content),
        "staff_names": await staff_actors(merchant.id),
        "payment_key": str(ids.internal_id()),
        "today": merchant.local_date(clock.business(request.user.staff.offset_s)),
        "form": form or Form(),
    }
    return await show(request, "admin/invoice.html", around, section="invoices", status=status)


def list_url(state: str = "", q: str = "", cursor: str = "") -> str:
    """The list with its filters: every one that is set is in the address, so that it can be kept and sent."""
    given = (("state", state), ("q", q), ("cursor", cursor))
    query = urlencode({name: value for name, value in given if value})
    return f"{LIST}?{query}" if query else LIST


async def _found(merchant_id: UUID, state: str, search: str, cursor: str | None) -> InvoicePage:
    """The page that was asked for; a place that never was shows the first one."""
    # What waits to be sent would bury the rest; whoever searches for it finds it.
    shown = FILTERS.get(state, "all" if search else "sent")
    try:
        return await list_invoices(
            merchant_id, shown=shown, search=search, cursor=cursor or None, limit=PAGE_SIZE
        )
    except CursorRefused:
        return await list_invoices(merchant_id, shown=shown, search=search, limit=PAGE_SIZE)
