"""One purchase, as its buyer sees it: from what the rooms below know to what the page says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from app.invoices.references import iban_in_groups, in_groups
from app.invoices.states import InvoiceState
from app.kernel.money import Money
from app.kernel.phone import masked
from app.orders.states import REFUNDABLE
from app.returns.states import RefundState
from app.web.shopper.purchases_views import (
    AskedView,
    DocumentView,
    PayHereView,
    PaymentView,
    PurchaseState,
    PurchaseView,
    RefundRow,
    ReturnRow,
    SentView,
)
from app.web.shopper.refused import masked_email
from app.web.shopper.views import LineView

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from app.agreements.queries import AgreementView
    from app.invoices.queries import InvoiceView
    from app.invoices.queries import PaymentView as Payment
    from app.merchants.queries import Merchant
    from app.messages.sent import Sent
    from app.orders.queries import OrderContact, OrderView
    from app.plans.quote import Method
    from app.returns.queries import RefundView, ReturnView

# A document that asks for nothing any more and was never paid has no line among the sums.
_LISTED: Final = frozenset({"invoice", "notice"})


@dataclass(frozen=True, slots=True)
class Around:
    """Everything that stands around an order, each list as its room answers it."""

    invoices: Sequence[InvoiceView]
    payments: Sequence[Payment]
    agreement: AgreementView | None
    sent: Sequence[Sent]
    returns: Sequence[ReturnView]
    refunds: Sequence[RefundView]


def purchase_view(shop: Merchant, order: OrderView, around: Around) -> PurchaseView:
    invoices = around.invoices
    assert order.paid_at is not None, "a purchase was paid"
    url = f"/purchases/{order.public_id}"
    documents = {invoice.public_id: invoice for invoice in invoices}
    quote = order.quote_content or {}
    return PurchaseView(
        url=url,
        shop=shop.name,
        shop_email=shop.contact_email,
        reference=order.reference,
        bought_on=shop.local_date(order.paid_at),
        state=cast(PurchaseState, order.state.value),
        lines=[
            LineView(line.name, line.quantity, Money(line.total_minor, order.currency), line.type)
            for line in order.lines
        ],
        total=Money(order.total_minor, order.currency),
        from_wallet=_part(order, quote, "wallet_minor"),
        by_provider=_part(order, quote, "paid_minor"),
        method=cast("Method | None", quote.get("method")),
        owed=Money(sum(invoice.open_minor for invoice in invoices if invoice.asks), order.currency),
        asked=[_asked(invoice) for invoice in invoices if invoice.kind in _LISTED],
        payments=[
            PaymentView(Money(payment.amount_minor, payment.currency), payment.paid_on, payment.source)
            for payment in around.payments
        ],
        documents=_documents(url, shop, invoices, around.agreement),
        sent=[_sent(one, order.contact, documents) for one in around.sent],
        zone=shop.time_zone,
        may_return=order.state in REFUNDABLE and order.refundable_minor > 0,
        returns=[_return(url, shop, one) for one in around.returns],
        refunds=[_refund(shop, one) for one in around.refunds if one.state is not RefundState.REFUSED],
        put=_put(order, around),
        wallet_url=f"/wallet?shop={shop.public_id}",
    )


def _part(order: OrderView, quote: Mapping[str, object], name: str) -> Money | None:
    """What was paid at once in one way; None for nothing."""
    part_minor = quote.get(name, 0)
    return Money(part_minor, order.currency) if isinstance(part_minor, int) and part_minor else None


def _put(order: OrderView, around: Around) -> Money | None:
    """What went into the wallet while something is still owed for it: that lowered nothing."""
    is_owed = any(invoice.open_minor > 0 for invoice in around.invoices if invoice.asks)
    put_minor = sum(one.put_minor for one in around.refunds)
    return Money(put_minor, order.currency) if is_owed and put_minor else None


def _asked(invoice: InvoiceView) -> AskedView:
    assert invoice.due_on is not None, "what asks for money says when"
    payment = invoice.content.payment
    is_open = invoice.open_minor > 0
    return AskedView(
        number=invoice.number,
        instalment=invoice.instalment,
        instalments=invoice.content.instalments,
        amount=Money(invoice.amount_minor - invoice.reduced_minor, invoice.currency),
        open=Money(invoice.open_minor, invoice.currency),
        due_on=invoice.due_on,
        is_overdue=invoice.state is InvoiceState.OVERDUE,
        is_asked=invoice.state is not InvoiceState.SCHEDULED,
        is_paid=not is_open,
        pay=PayHereView(payment.payee, iban_in_groups(payment.iban), in_groups(payment.reference))
        if payment is not None and is_open and invoice.state is not InvoiceState.SCHEDULED
        else None,
    )


def _documents(
    url: str, shop: Merchant, invoices: Sequence[InvoiceView], agreement: AgreementView | None
) -> list[DocumentView]:
    """The newest last, as they came."""
    found = [
        DocumentView(
            invoice.kind,  # type: ignore[arg-type]  # a reminder is printed and never stored
            invoice.number,
            invoice.instalment if invoice.kind == "notice" else 0,
            invoice.issue_on,
            f"{url}/documents/{invoice.public_id}",
        )
        for invoice in invoices
        if invoice.state is not InvoiceState.SCHEDULED
    ]
    if agreement is not None:
        signed = shop.local_date(agreement.signed_at)
        found.insert(0, DocumentView("agreement", "", 0, signed, f"{url}/agreement"))
    return found


def _return(url: str, shop: Merchant, found: ReturnView) -> ReturnRow:
    return ReturnRow(
        url=f"{url}/returns/{found.public_id}",
        number=found.number_text,
        state=found.state.value,
        on=shop.local_date(found.announced_at),
        refund=Money(found.refund_minor, found.currency),
    )


def _refund(shop: Merchant, refund: RefundView) -> RefundRow:
    return RefundRow(
        on=shop.local_date(refund.decided_at or refund.asked_at),
        amount=Money(refund.amount_minor, refund.currency),
        to_wallet=Money(refund.to_wallet_minor, refund.currency),
        lowered=Money(refund.lowered_minor, refund.currency),
        back=Money(refund.back_minor, refund.currency),
        is_waiting=refund.state is RefundState.PENDING_APPROVAL,
    )


def _sent(sent: Sent, contact: OrderContact, documents: Mapping[str, InvoiceView]) -> SentView:
    document = documents.get(sent.document) if sent.document else None
    return SentView(
        at=sent.at,
        what=sent.what,
        channel=sent.channel,
        number=None if document is None else document.number,
        is_receipt=document is not None and document.kind == "receipt",
        # A link may have gone to an address that the buyer then changed.
        to=None if sent.what == "link" else _to(sent, contact),
    )


def _to(sent: Sent, contact: OrderContact) -> str | None:
    if sent.channel == "email":
        return masked_email(contact.email) if contact.email else None
    if sent.channel == "sms":
        return masked(contact.phone) if contact.phone else None
    return contact.city
