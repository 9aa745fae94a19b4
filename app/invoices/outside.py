"""The receipt of a sale that was paid outside the checkout: in cash, or to the shop's own account. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from app.invoices.content import Content, LateItem, Party, ReceivedItem
from app.invoices.rules import Document, items_of, vat_of
from app.orders.rules import Line


@dataclass(frozen=True, slots=True)
class OutsideSale:
    """A sale with both sides of it, and how it was paid. `purchased_on` is the merchant's local day."""

    order_reference: str
    lines: Sequence[Line]
    currency: str
    total_minor: int
    seller: Party
    buyer: Party
    purchased_on: date
    received: ReceivedItem
    footer: str = ""


def receipt(sale: OutsideSale, number: str) -> Document:
    """The one document of the sale, with its VAT, in the series. It asks for nothing."""
    content = Content(
        kind="receipt",
        number=number,
        sale_number=None,
        order_reference=sale.order_reference,
        seller=sale.seller,
        buyer=sale.buyer,
        purchased_on=sale.purchased_on,
        issue_on=sale.purchased_on,
        due_on=None,
        currency=sale.currency,
        lines=items_of(sale.lines),
        vat=vat_of(sale.lines),
        price_minor=sale.total_minor,
        interest_minor=0,
        fee_minor=0,
        amount_minor=sale.total_minor,
        payment=None,
        instalment=0,
        instalments=0,
        schedule=(),
        nominal_rate="0",
        apr="0",
        late=LateItem(None, None, 0),
        quote_id="",
        quote_hash="",
        footer=sale.footer,
        received=sale.received,
    )
    return Document(
        kind="receipt",
        in_series=True,
        instalment=0,
        amount_minor=sale.total_minor,
        principal_minor=sale.total_minor,
        interest_minor=0,
        fee_minor=0,
        issue_on=content.issue_on,
        due_on=None,
        reference=None,
        is_issued=True,
        content=content,
    )
