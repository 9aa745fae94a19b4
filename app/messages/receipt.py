"""The receipt that follows a purchase: the lines, VAT per rate, the plan as it was confirmed, and whom to ask."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from uuid import UUID

from app.kernel import templating
from app.kernel.money import Money
from app.merchants.queries import Merchant, merchant_by_id
from app.messages.language import language_of_order
from app.messages.ports import Mail
from app.orders.queries import OrderView, order_for_api
from app.orders.rules import vat_groups
from app.payments.queries import RecordedView, payment_of_order
from app.payments.rules import Source
from app.plans.disclosure import QuoteView, view_of
from app.plans.quote import Quote


@dataclass(frozen=True, slots=True)
class ReceiptLine:
    name: str
    quantity: int
    unit_price: Money
    total: Money


@dataclass(frozen=True, slots=True)
class ReceiptVat:
    """`percent` is percent, not a fraction."""

    percent: Decimal
    net: Money
    vat: Money
    gross: Money


@dataclass(frozen=True, slots=True)
class ReceiptMoney:
    """How and on which day the shop had the money, where no checkout was paid."""

    source: Source
    day: date


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the templates show. `day` is the merchant's local date. Either `plan` or `received` is there. `is_insured`
    says that an insurance was bought with the goods, which is told of on its own."""

    shop: str
    contact_email: str
    reference: str
    day: date
    lines: tuple[ReceiptLine, ...]
    vat: tuple[ReceiptVat, ...]
    total: Money
    plan: QuoteView | None
    received: ReceiptMoney | None
    is_insured: bool = False


@dataclass(frozen=True, slots=True)
class Addressed:
    """A receipt, to whom and in which language it goes. The address shows in no representation."""

    receipt: Receipt
    lang: str
    to: str = field(repr=False)


async def receipt_mail(merchant_id: UUID, order_public_id: str, *, base_url: str = "") -> Mail | None:
    """The mail, or None when nobody left an address, the order is unpaid, or it is gone. Somebody whom we
    know is led to the page of their purchase, below `base_url`."""
    merchant = await merchant_by_id(merchant_id)
    order = await order_for_api(merchant_id, order_public_id)
    if merchant is None or order is None or order.contact.email is None:
        return None
    payment = await payment_of_order(merchant_id, order.id)
    if order.paid_at is None or (order.quote_content is None and payment is None):
        return None
    lang = await language_of_order(merchant_id, order_public_id)
    receipt = receipt_of(order, merchant, payment)
    addressed = Addressed(receipt, lang, order.contact.email)
    # Nobody signs in as a company.
    by_company = order.quote_content is not None and order.quote_content.get("for_company") is True
    led = order.customer_public_id is not None and base_url and not by_company
    return _written(addressed, order, merchant, f"{base_url}/purchases/{order.public_id}" if led else None)


def receipt_of(order: OrderView, merchant: Merchant, payment: RecordedView | None = None) -> Receipt:
    """A paid order as its receipt shows it; `payment` is what paid it outside the checkout."""
    assert order.paid_at is not None, "only a paid order has a receipt"

    def money(amount_minor: int) -> Money:
        return Money(amount_minor, order.currency)

    return Receipt(
        shop=merchant.name,
        contact_email=merchant.contact_email,
        reference=order.reference,
        day=merchant.local_date(order.paid_at),
        lines=tuple(
            ReceiptLine(line.name, line.quantity, money(line.unit_price_minor), money(line.total_minor))
            for line in order.lines
        ),
        vat=tuple(
            ReceiptVat(
                group.percent, money(group.net_minor), money(group.vat_minor), money(group.gross_minor)
            )
            for group in vat_groups(order.lines)
        ),
        total=money(order.total_minor),
        plan=view_of(Quote.from_data(order.quote_content)) if order.quote_content else None,
        received=ReceiptMoney(payment.source, payment.received_on) if payment else None,
        is_insured=any(line.origin == "insurance" for line in order.lines),
    )


def _written(addressed: Addressed, order: OrderView, merchant: Merchant, purchase_url: str | None) -> Mail:
    def rendered(part: str) -> str:
        return templating.render_text(
            f"mail/receipt/{part}", addressed.lang, receipt=addressed.receipt, purchase_url=purchase_url
        )

    return Mail(
        to=addressed.to,
        # A header is one line, whatever a shop calls itself.
        subject=" ".join(rendered("subject.txt").split()),
        text=rendered("body.txt"),
        html=rendered("body.html"),
        reply_to=merchant.contact_email,
        from_name=merchant.name,
        message_id=f"receipt.{order.public_id}",
        merchant_id=merchant.id,
    )
