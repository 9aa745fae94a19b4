"""Crediting a sale: what to take back, then a look at the note beside what it opposes, and only then the deed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.status_codes import HTTP_200_OK

from app.invoices import actions
from app.invoices.actions import NewCredit
from app.invoices.credits import EVERYTHING, Pieces, TakenBack, Wanted, left_of, take_back
from app.invoices.errors import CreditedMeanwhile, CreditRefused, NotCreditable
from app.invoices.lists import credit_notes_of
from app.invoices.queries import InvoiceView, back_of, invoices_of_order
from app.invoices.rules import opposing
from app.invoices.states import InvoiceState
from app.kernel import clock, db
from app.kernel.money import Money
from app.web.admin.access import AdminRequest
from app.web.admin.documents import minor_of
from app.web.admin.invoices import LIST, invoice_of, no_invoice
from app.web.admin.invoices_views import invoice_figures, sold_lines, vat_lines
from app.web.admin.pages import merchant_of, show
from app.web.shared import forms, rendering
from app.web.shared.forms import FieldError, Form

_PIECES: Final = re.compile(r"[0-9]{1,5}", re.ASCII)


@get("/invoices/{public_id:str}/credit", name="admin:credit")
async def credit_form(request: AdminRequest, public_id: FromPath[str]) -> Response[str]:
    invoice = await invoice_of(request, public_id)
    if invoice is None:
        return await no_invoice(request)
    if not _may_be_credited(invoice):
        return rendering.redirect(request, f"{LIST}/{public_id}", leave=True)
    return await _ask(request, invoice, Form())


@post("/invoices/{public_id:str}/credit", name="admin:credit-now", status_code=HTTP_200_OK)
async def credit(request: AdminRequest, public_id: FromPath[str]) -> Response[str]:
    """Without `left` the note is shown beside what it opposes; with it, it is drawn, once."""
    merchant = await merchant_of(request)
    invoice = await invoice_of(request, public_id)
    if invoice is None:
        return await no_invoice(request)
    if not _may_be_credited(invoice):
        return rendering.redirect(request, f"{LIST}/{public_id}", leave=True)
    form = forms.parse(await request.body())
    wanted = _wanted(form, invoice)
    if isinstance(wanted, Form):
        return await _ask(request, invoice, wanted, status=422)
    notes = [note.content for note in await credit_notes_of(merchant.id, invoice.id)]
    try:
        taken = take_back(invoice.content, notes, wanted)
    except CreditRefused as refused:
        again = form.refused(**{refused.field.removesuffix("_minor"): FieldError(refused.code)})
        return await _ask(request, invoice, again, status=422)
    seen = form.value("left")
    if not seen.isascii() or not seen.isdigit() or int(seen) != left_of(invoice.content, notes):
        return await _confirm(request, invoice, form, taken)
    now = clock.business(request.user.staff.offset_s)
    new = NewCredit(wanted, f"staff:{request.user.staff.public_id}", int(seen))
    try:
        note = await db.in_tx(lambda: actions.credit(merchant, public_id, new, now))
    except (CreditedMeanwhile, CreditRefused, NotCreditable):
        # Somebody else was faster: the page it leads to shows how things stand.
        return rendering.redirect(request, f"{LIST}/{public_id}", leave=True)
    return rendering.redirect(request, f"{LIST}/{note.public_id}", leave=True)


def _may_be_credited(invoice: InvoiceView) -> bool:
    return invoice.kind in {"invoice", "receipt"} and invoice.state is not InvoiceState.CREDITED


def _wanted(form: Form, invoice: InvoiceView) -> Wanted | Form:
    """What was typed, or the form with what is wrong in it."""
    match form.value("what"):
        case "all":
            return EVERYTHING
        case "amount":
            minor = minor_of(form.value("amount"))
            return form.refused(amount=FieldError("malformed")) if minor is None else minor
        case "lines":
            return _pieces(form, len(invoice.content.lines))
        case _:
            return form.refused(what=FieldError("missing"))


def _pieces(form: Form, lines: int) -> Wanted | Form:
    pieces = []
    for at in range(lines):
        text = form.value(f"line-{at}") or "0"
        if not _PIECES.fullmatch(text):
            return form.refused(lines=FieldError("malformed"))
        if int(text):
            pieces.append(Pieces(at, int(text)))
    return tuple(pieces)


async def _ask(request: AdminRequest, invoice: InvoiceView, form: Form, status: int = 200) -> Response[str]:
    notes = await credit_notes_of(request.user.staff.merchant_id, invoice.id)
    context = {"invoice": invoice_figures(invoice, notes), "form": form}
    return await show(request, "admin/invoice_credit.html", context, section="invoices", status=status)


async def _confirm(
    request: AdminRequest, invoice: InvoiceView, form: Form, taken: TakenBack
) -> Response[str]:
    """The note as it would be, beside the original, and what becomes of the money."""
    merchant = await merchant_of(request)
    notes = await credit_notes_of(merchant.id, invoice.id)
    today = merchant.local_date(clock.business(request.user.staff.offset_s))
    note = opposing(invoice.content, "", today, taken)
    together = await invoices_of_order(merchant.id, invoice.order_public_id)
    back = back_of(together, taken.amount_minor, is_rest=taken.is_rest)
    context: Mapping[str, object] = {
        "invoice": invoice_figures(invoice, notes),
        "lines": sold_lines(note),
        "vat": vat_lines(note),
        "sum": Money(note.price_minor, note.currency),
        "total": Money(taken.amount_minor, note.currency),
        "off": Money(taken.amount_minor - back, note.currency) if back < taken.amount_minor else None,
        "back": Money(back, note.currency) if back else None,
        "is_rest": taken.is_rest,
        "values": {name: value for name, value in form.values.items() if name != "left"},
    }
    return await show(request, "admin/invoice_credit_check.html", context, section="invoices")
