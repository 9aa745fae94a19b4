"""What the templates of invoices are given: made from the features' results, ready for the locale's filters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from app.invoices.credits import left_of, pieces_left
from app.invoices.references import iban_in_groups, in_groups
from app.kernel.money import Money

if TYPE_CHECKING:
    from app.invoices.content import Content
    from app.invoices.queries import InvoiceView


@dataclass(frozen=True, slots=True)
class InvoiceRow:
    """One document in a list. `asks` tells whether money is asked for with it, `open` how much still."""

    public_id: str
    number: str
    kind: str
    state: str
    customer: str
    order_public_id: str
    issue_on: date
    due_on: date | None
    amount: Money
    asks: bool
    open: Money


@dataclass(frozen=True, slots=True)
class SoldLine:
    """A line of a sale at its place, from 0; `left` is how many pieces no credit note has taken back."""

    at: int
    name: str
    sku: str | None
    quantity: int
    unit_price: Money
    vat_percent: Decimal
    total: Money
    left: int


@dataclass(frozen=True, slots=True)
class VatLine:
    percent: Decimal
    net: Money
    vat: Money
    gross: Money


@dataclass(frozen=True, slots=True)
class InvoiceFigures:
    """One document as its page shows it. `left` is what may still be credited of a sale."""

    row: InvoiceRow
    order_reference: str
    sale_number: str | None
    purchased_on: date
    delivery: str
    lang: str
    price: Money
    interest: Money
    fees: Money
    paid: Money
    credited: Money
    dropped: Money
    payee: str
    iban: str
    reference: str
    rf_reference: str
    lines: Sequence[SoldLine]
    vat: Sequence[VatLine]
    left: Money
    is_sale: bool


def invoice_row(invoice: InvoiceView) -> InvoiceRow:
    return InvoiceRow(
        public_id=invoice.public_id,
        number=invoice.number,
        kind=invoice.kind,
        state=invoice.state.value,
        customer=invoice.content.buyer.name,
        order_public_id=invoice.order_public_id,
        issue_on=invoice.issue_on,
        due_on=invoice.due_on,
        amount=Money(
            -invoice.amount_minor if invoice.kind == "credit_note" else invoice.amount_minor, invoice.currency
        ),
        asks=invoice.asks,
        open=Money(invoice.open_minor, invoice.currency),
    )


def invoice_figures(invoice: InvoiceView, notes: Sequence[InvoiceView]) -> InvoiceFigures:
    """A document with what its credit notes left of it."""
    content, earlier = invoice.content, [note.content for note in notes]
    is_sale = invoice.kind in {"invoice", "receipt"}
    payment = content.payment

    def money(amount_minor: int) -> Money:
        return Money(amount_minor, invoice.currency)

    return InvoiceFigures(
        row=invoice_row(invoice),
        order_reference=content.order_reference,
        sale_number=content.sale_number,
        purchased_on=content.purchased_on,
        delivery=invoice.delivery,
        lang=invoice.lang,
        price=money(content.price_minor),
        interest=money(invoice.interest_minor),
        fees=money(invoice.fee_minor),
        paid=money(invoice.paid_minor),
        credited=money(sum(note.amount_minor for note in notes) if is_sale else invoice.credited_minor),
        dropped=money(invoice.dropped_interest_minor + invoice.dropped_fee_minor),
        payee=payment.payee if payment else "",
        iban=iban_in_groups(payment.iban) if payment else "",
        reference=in_groups(payment.reference) if payment else "",
        rf_reference=in_groups(payment.rf_reference) if payment else "",
        lines=sold_lines(content, pieces_left(content, earlier) if is_sale else None),
        vat=vat_lines(content),
        left=money(left_of(content, earlier) if is_sale else 0),
        is_sale=is_sale,
    )


def sold_lines(content: Content, left: Sequence[int] | None = None) -> tuple[SoldLine, ...]:
    return tuple(
        SoldLine(
            at=at,
            name=line.name,
            sku=line.sku,
            quantity=line.quantity,
            unit_price=Money(line.unit_price_minor, content.currency),
            vat_percent=Decimal(line.vat_percent),
            total=Money(line.total_minor, content.currency),
            left=0 if left is None else left[at],
        )
        for at, line in enumerate(content.lines)
    )


def vat_lines(content: Content) -> tuple[VatLine, ...]:
    return tuple(
        VatLine(
            Decimal(group.percent),
            Money(group.net_minor, content.currency),
            Money(group.vat_minor, content.currency),
            Money(group.gross_minor, content.currency),
        )
        for group in content.vat
    )
