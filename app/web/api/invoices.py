"""`/api/v1/invoices`: the list of documents, one of them, its payments and its credit notes."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath

from app.invoices import actions
from app.invoices.actions import NewPayment
from app.invoices.credits import EVERYTHING, Pieces, Wanted
from app.invoices.errors import CreditRefused, NotCreditable
from app.invoices.lists import Shown, list_invoices
from app.invoices.queries import (
    InvoiceView,
    PaymentView,
    invoice_by_public_id,
    payment_by_key,
    payments_of,
)
from app.invoices.states import InvoiceState
from app.invoices.ubl import can_be_ubl, ubl_of
from app.invoices.ubl import file_name as ubl_name
from app.kernel import ids
from app.kernel.money import Money
from app.orders import actions as orders
from app.orders.states import REFUNDABLE
from app.returns import actions as returns
from app.returns.actions import NewRefund
from app.returns.errors import RefundRefused
from app.web.api import body, schemas, schemas_money
from app.web.api.keys import Caller, TheCaller
from app.web.api.once import Answer, key_of, once
from app.web.api.params import bad_parameter, list_params
from app.web.api.problems import InputRefused, fault, invalid, not_found


@get("/invoices/{invoice_id:str}")
async def read_invoice(invoice_id: FromPath[str], caller: TheCaller) -> Response[bytes]:
    """One invoice, receipt, notice or credit note, with what was paid of it."""
    if not ids.is_public_id("inv", invoice_id):
        raise not_found()
    invoice = await invoice_by_public_id(caller.merchant.id, invoice_id)
    if invoice is None:
        raise not_found()
    payments = await payments_of(caller.merchant.id, invoice.id)
    return Answer(200, msgspec.json.encode(presented(invoice, payments))).response()


@get("/invoices/{invoice_id:str}/e-invoice")
async def download_efile(invoice_id: FromPath[str], caller: TheCaller) -> Response[bytes]:
    """The document of a company as a file after Peppol BIS Billing 3.0 (UBL 2.1). 404 for every other document."""
    found = ids.is_public_id("inv", invoice_id)
    invoice = await invoice_by_public_id(caller.merchant.id, invoice_id) if found else None
    if invoice is None or not can_be_ubl(invoice.content):
        raise not_found()
    headers = {"Content-Disposition": f'attachment; filename="{ubl_name(invoice.content)}"'}
    return Response(ubl_of(invoice.content), media_type="application/xml", headers=headers)


@get("/invoices")
async def list_documents(request: Request[Any, Any, Any], caller: TheCaller) -> Response[bytes]:
    """Documents, newest first, by state or of one order. Three statements, whatever the number."""
    params = list_params(request, "state", "order_id")
    order_id = params.others.get("order_id")
    if order_id is not None and not ids.is_public_id("ord", order_id):
        raise bad_parameter("order_id")
    page = await list_invoices(
        caller.merchant.id,
        shown=_state(params.others.get("state")),
        order_public_id=order_id,
        cursor=params.cursor,
        limit=params.limit,
    )
    payments = await payments_of(caller.merchant.id, *(invoice.id for invoice in page.invoices))
    data = tuple(
        presented(invoice, tuple(each for each in payments if each.invoice_id == invoice.id))
        for invoice in page.invoices
    )
    return Answer(200, msgspec.json.encode(schemas_money.InvoiceList(data, page.next_cursor))).response()


def _state(text: str | None) -> Shown:
    try:
        return "all" if text is None else InvoiceState(text)
    except ValueError:
        raise bad_parameter("state") from None


@post("/invoices/{invoice_id:str}/credit-notes", status_code=201)
async def credit(
    request: Request[Any, Any, Any], invoice_id: FromPath[str], caller: TheCaller
) -> Response[bytes]:
    """Take back a sale, whole or in part. Answers the credit note."""
    if not ids.is_public_id("inv", invoice_id):
        raise not_found()
    if key_of(request) is None:
        raise InputRefused(
            400,
            "idempotency_key_missing",
            detail="A credit note needs an Idempotency-Key, so that it is made once.",
        )
    given, raw = await body.read(request, schemas.NewCreditNote)
    wanted, key = _wanted(given), f"credit:{key_of(request)}"

    async def work() -> Answer:
        note = await _credited(caller, invoice_id, wanted, key)
        return Answer(201, msgspec.json.encode(presented(note, ())))

    return await once(request, caller.merchant.id, raw, work)


async def _credited(caller: Caller, invoice_id: str, wanted: Wanted, key: str) -> InvoiceView:
    """A credit note is what a refund the original way leaves: there is one way to take a sale back."""
    merchant = caller.merchant
    invoice = await invoice_by_public_id(merchant.id, invoice_id)
    if invoice is None:
        raise not_found()
    order = await orders.lock(merchant.id, invoice.order_public_id)
    if invoice.kind not in {"invoice", "receipt"} or order.state not in REFUNDABLE:
        raise NotCreditable(invoice.kind, invoice.state)
    new = NewRefund(wanted, order.refundable_minor, "original", caller.actor, key)
    try:
        made = await returns.refund(merchant, order.public_id, new, caller.now)
    except RefundRefused as refused:
        raise CreditRefused(refused.field) from None
    if made.credit_note_public_id is None:
        raise InputRefused(
            409, "approval_needed", detail="This is above what one person may give back: make a refund."
        )
    note = await invoice_by_public_id(merchant.id, made.credit_note_public_id)
    assert note is not None
    return note


def _wanted(given: schemas.NewCreditNote) -> Wanted:
    if given.lines is None:
        return EVERYTHING if given.amount_minor is None else given.amount_minor
    if given.amount_minor is not None:
        raise invalid(fault("/lines", "one_of_two"))
    return tuple(Pieces(each.line - 1, each.quantity) for each in given.lines)


@post("/invoices/{invoice_id:str}/payments", status_code=201)
async def record_payment(
    request: Request[Any, Any, Any], invoice_id: FromPath[str], caller: TheCaller
) -> Response[bytes]:
    """Money that came in. What is over becomes the customer's credit."""
    if not ids.is_public_id("inv", invoice_id):
        raise not_found()
    given, raw = await body.read(request, schemas.NewPayment)
    key = f"api:{invoice_id}:{key_of(request) or ids.internal_id()}"
    payment = NewPayment(Money(given.amount_minor, given.currency), given.paid_on, "api", caller.actor, key)

    async def work() -> Answer:
        recorded = await actions.record_payment(caller.merchant, invoice_id, payment, caller.now)
        return _answer(recorded, invoice_id)

    async def landed() -> Answer | None:
        recorded = await payment_by_key(caller.merchant.id, key)
        return None if recorded is None else _answer(recorded, invoice_id)

    return await once(request, caller.merchant.id, raw, work, landed)


def presented(invoice: InvoiceView, payments: tuple[PaymentView, ...]) -> schemas_money.Invoice:
    """A document as the API tells it."""
    asked = invoice.content.payment
    return schemas_money.Invoice(
        id=invoice.public_id,
        kind=invoice.kind,
        number=invoice.number,
        sale_number=invoice.content.sale_number,
        state=invoice.state.value,
        order_id=invoice.order_public_id,
        instalment=invoice.instalment or None,
        currency=invoice.currency,
        amount_minor=invoice.amount_minor,
        principal_minor=invoice.principal_minor,
        interest_minor=invoice.interest_minor,
        fee_minor=invoice.fee_minor,
        paid_minor=invoice.paid_minor,
        credited_minor=invoice.credited_minor,
        dropped_minor=invoice.dropped_interest_minor + invoice.dropped_fee_minor,
        open_minor=invoice.open_minor,
        issue_on=invoice.issue_on,
        due_on=invoice.due_on,
        iban=None if asked is None else asked.iban,
        reference=invoice.reference,
        rf_reference=None if asked is None else asked.rf_reference,
        quote_id=invoice.quote_id,
        payments=tuple(_payment(payment, invoice.public_id) for payment in payments),
    )


def _answer(payment: PaymentView, invoice_id: str) -> Answer:
    return Answer(201, msgspec.json.encode(_payment(payment, invoice_id)))


def _payment(payment: PaymentView, invoice_id: str) -> schemas_money.Payment:
    return schemas_money.Payment(
        id=payment.public_id,
        invoice_id=invoice_id,
        amount_minor=payment.amount_minor,
        applied_minor=payment.applied_minor,
        over_minor=payment.over_minor,
        currency=payment.currency,
        paid_on=payment.paid_on,
        source=payment.source,
        recorded_at=payment.recorded_at,
    )
