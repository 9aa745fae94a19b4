"""A later charge with a saved method, without the shopper: an order that is paid by what was agreed to before."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Final

from app.checkout.errors import CannotCharge
from app.kernel import db, outbox
from app.kernel.money import Money
from app.ledger import actions as ledger
from app.ledger import rules as ledger_rules
from app.ledger.errors import MoneyFrozen
from app.ledger.queries import frozen
from app.merchants.queries import Merchant
from app.orders import actions as orders
from app.orders.actions import Contact, Payment
from app.orders.queries import OrderView
from app.orders.states import OrderState
from app.payments import actions as payments
from app.payments.actions import NewProviderPayment
from app.payments.queries import PaymentView, SavedMethodView, somebody_takes
from app.plans.quote import paid_quote

# An answer may be long in coming; a charge is asked after until there is one.
_ASKED_FOR: Final = timedelta(days=365)
_PAYABLE: Final = frozenset({OrderState.OPEN, OrderState.IN_PAYMENT})


async def start_charge(
    merchant: Merchant,
    order_public_id: str,
    saved: SavedMethodView,
    *,
    lang: str,
    actor: str,
    now: datetime,
    wall: datetime,
) -> PaymentView:
    """Write a charge of an open order's price down, in the caller's transaction; `checkout.paying.open_at_provider`
    makes it. Paid, the order tells `order.paid`; refused, the event is `charge.failed` (order_id, payment_id, failure),
    and the order stays for another try.

    Raises OrderUnknown, OrderRemoved, CannotCharge (the order is not open, somebody is at it, the method was
    forgotten), MoneyFrozen.
    """
    order = await orders.lock(merchant.id, order_public_id)
    if order.state not in _PAYABLE or saved.saved is None or await somebody_takes(merchant.id, order.id):
        raise CannotCharge
    if await frozen() is not None:
        raise MoneyFrozen
    if order.state is OrderState.OPEN:
        await orders.move(
            merchant.id,
            order.id,
            expected=OrderState.OPEN,
            to=OrderState.IN_PAYMENT,
            actor=actor,
            now=now,
        )
    quote = paid_quote(
        saved.method,
        order.total_minor,
        order.currency,
        order.country,
        merchant.local_date(now),
        merchant=merchant.public_id,
    )
    await orders.keep_quote(merchant.id, quote, now)
    contact = order.contact
    new = NewProviderPayment(
        method=saved.method,
        order_id=order.id,
        session_id=None,
        quote_id=quote.id,
        amount=Money(order.total_minor, order.currency),
        country=order.country,
        lang=lang,
        description=f"{merchant.name} {order.reference}"[:100],
        expires_at=wall + _ASKED_FOR,
        saved_method_id=saved.id,
        contact=asdict(
            Contact(
                contact.name, contact.email, contact.phone, contact.postcode, contact.street, contact.city
            )
        ),
    )
    return await payments.begin(merchant.id, new, actor=actor, now=now, wall=wall)


# Whoever agreed to be charged: the owner of the subscription whose period it is, or else whoever bought the order with
# which the method was saved.
_CUSTOMER: Final = """
SELECT coalesce(
    (SELECT s.customer_id FROM subscription_periods d
     JOIN subscriptions s ON s.merchant_id = d.merchant_id AND s.id = d.subscription_id
     WHERE d.merchant_id = $1 AND d.order_id = $3),
    (SELECT o.customer_id FROM payments p JOIN orders o ON o.merchant_id = p.merchant_id AND o.id = p.order_id
     WHERE p.merchant_id = $1 AND p.saved_method_id = $2 AND p.kind = 'checkout'))
"""


async def pay_charge(merchant: Merchant, order: OrderView, payment: PaymentView, now: datetime) -> None:
    """The charge's money is there: the order is paid. In a transaction that holds the order."""
    if order.state is not OrderState.IN_PAYMENT:
        await orders.move(
            merchant.id,
            order.id,
            expected=order.state,
            to=OrderState.IN_PAYMENT,
            actor="clock",
            now=now,
        )
    customer_id = await db.fetch_value(_CUSTOMER, merchant.id, payment.saved_method_id, order.id)
    contact = Contact(**(payment.contact or {}))
    await orders.pay(
        merchant.id, order.id, Payment(customer_id, payment.quote_id, contact), actor="clock", now=now
    )
    await ledger.post(
        merchant.id,
        key=f"purchase:{order.public_id}",
        cause="purchase",
        about=order.public_id,
        entries=ledger_rules.paid_purchase(None, payment.amount, payment.amount, merchant.creditor),
        now=now,
    )
    data = {
        "order_id": order.public_id,
        "reference": order.reference,
        "total_minor": order.total_minor,
        "currency": order.currency,
        "quote_id": payment.quote_id,
        "method": payment.method,
        "wallet_minor": 0,
        "paid_minor": payment.amount_minor,
    }
    await outbox.emit(merchant.id, "order.paid", data, now=now, about=order.public_id)


async def tell_failed(payment: PaymentView, failure: str, now: datetime) -> None:
    """A charge came to nothing. In a transaction."""
    data = {
        "order_id": payment.order_public_id,
        "payment_id": payment.public_id,
        "method": payment.method,
        "failure": failure,
    }
    await outbox.emit(payment.merchant_id, "charge.failed", data, now=now, about=payment.order_public_id)
