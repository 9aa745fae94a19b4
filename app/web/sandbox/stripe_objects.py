"""The objects of the sandbox's Stripe: how they are kept, and how its API shows them.

What is shown has the names of API version 2026-10-28.endive; of each object only as much as a caller of ours, or a test
of theirs, ever looks at.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import msgspec

from app.kernel.ids import public_id


class Card(msgspec.Struct, frozen=True):
    """A well-known test card: how it is shown, and what the bank says when it is asked at the counter and later."""

    number: str
    brand: str = "visa"
    needs_challenge: bool = False
    refused: str = ""
    refused_later: str = ""

    @property
    def last4(self) -> str:
        return self.number[-4:]


# The numbers and what becomes of them are those of Stripe's own test mode (docs.stripe.com/testing).
CARDS = (
    Card("4242424242424242"),
    Card("5555555555554444", brand="mastercard"),
    Card("4000002760003184", needs_challenge=True, refused_later="authentication_required"),
    Card("4000000000000002", refused="generic_decline"),
    Card("4000000000009995", refused="insufficient_funds"),
    Card("4000000000000069", refused="expired_card"),
    Card("4000000000000119", refused="processing_error"),
    Card("4000000000000341", refused_later="generic_decline"),
)
EXPIRES = (12, 2034)


def card_by_number(number: str) -> Card | None:
    return next((card for card in CARDS if card.number == number), None)


class Method(msgspec.Struct):
    id: str
    number: str
    customer: str | None = None

    @property
    def card(self) -> Card:
        return card_by_number(self.number) or CARDS[0]


class Refund(msgspec.Struct):
    id: str
    payment_intent: str
    amount: int
    currency: str
    metadata: dict[str, str] = {}


class Charge(msgspec.Struct):
    """`refunds`: the newest first."""

    id: str
    amount: int
    captured: bool = False
    amount_captured: int = 0
    refunds: list[Refund] = []

    @property
    def amount_refunded(self) -> int:
        return sum(refund.amount for refund in self.refunds)


class Dispute(msgspec.Struct):
    """`created`: Unix seconds. Its money is away, unless it is won."""

    id: str
    amount: int
    reason: str
    created: int
    status: str = "needs_response"


class Intent(msgspec.Struct):
    """`loses_answer`: the next capture happens, and its answer does not arrive. `answers_at`: business time at which
    the card's bank will have made up its mind."""

    id: str
    amount: int
    currency: str
    status: str = "requires_payment_method"
    capture_method: str = "automatic"
    description: str = ""
    metadata: dict[str, str] = {}
    customer: str | None = None
    payment_method: str | None = None
    setup_future_usage: str | None = None
    charge: Charge | None = None
    code: str = ""
    decline_code: str = ""
    cancellation_reason: str | None = None
    is_setup: bool = False
    """It saves a card, and moves no money."""
    loses_answer: bool = False
    answers_at: datetime | None = None
    disputes: list[Dispute] = []


class Session(msgspec.Struct):
    id: str
    amount: int
    currency: str
    name: str
    success_url: str
    cancel_url: str
    expires_at: int
    intent_id: str
    """Of an intent that is told to nobody before the shopper pays: `is_paying`."""
    status: str = "open"
    locale: str = "auto"
    is_paying: bool = False
    makes_customer: bool = False
    metadata: dict[str, str] = {}


def new_id(prefix: str) -> str:
    return public_id(f"{prefix}_test")


def show_session(
    session: Session, intent: Intent, method: Method | None, expand: Collection[str], page_url: str
) -> dict[str, object]:
    """`page_url`: the address of the hosted page, told while it is open."""
    shown: object = None
    if session.is_paying and not intent.is_setup:
        inner = [each.partition(".")[2] for each in expand if each.partition(".")[0] == "payment_intent"]
        shown = show_intent(intent, method, inner) if inner else intent.id
    told: dict[str, object] = {
        "id": session.id,
        "object": "checkout.session",
        "mode": "payment",
        "status": session.status,
        "payment_status": "paid" if intent.status == "succeeded" else "unpaid",
        "amount_total": session.amount,
        "currency": session.currency,
        "client_reference_id": session.metadata.get("reference"),
        "metadata": session.metadata,
        "expires_at": session.expires_at,
        "success_url": session.success_url,
        "cancel_url": session.cancel_url,
        "payment_method_types": ["card"],
        "payment_intent": shown,
        "livemode": False,
        "url": page_url if session.status == "open" else None,
    }
    if not intent.is_setup:
        return told
    of_money = {"payment_status": "no_payment_required", "amount_total": None, "currency": session.currency}
    return {**told, **of_money, "mode": "setup", "setup_intent": _show_setup(intent, method, expand)}


def _show_setup(intent: Intent, method: Method | None, expand: Collection[str]) -> object:
    """Unlike an intent that moves money it is there, and told, from the beginning."""
    inner = [each for each in expand if each.partition(".")[0] == "setup_intent"]
    if not inner:
        return intent.id
    saved: object = intent.payment_method
    if "setup_intent.payment_method" in inner and method is not None:
        saved = show_method(method)
    return {
        "id": intent.id,
        "object": "setup_intent",
        "status": intent.status,
        "customer": intent.customer,
        "payment_method": saved,
        "description": intent.description,
        "metadata": intent.metadata,
        "usage": "off_session",
        "last_setup_error": show_error(intent) if intent.code else None,
        "livemode": False,
    }


def show_intent(intent: Intent, method: Method | None, expand: Collection[str]) -> dict[str, object]:
    charge = intent.charge
    shown: object = None
    if charge is not None:
        shown = _show_charge(intent, charge, method) if "latest_charge" in expand else charge.id
    return {
        "id": intent.id,
        "object": "payment_intent",
        "status": intent.status,
        "amount": intent.amount,
        "amount_capturable": intent.amount if intent.status == "requires_capture" else 0,
        "amount_received": charge.amount_captured if charge is not None else 0,
        "currency": intent.currency,
        "capture_method": intent.capture_method,
        "description": intent.description,
        "metadata": intent.metadata,
        "customer": intent.customer,
        "payment_method": intent.payment_method,
        "payment_method_types": ["card"],
        "setup_future_usage": intent.setup_future_usage,
        "cancellation_reason": intent.cancellation_reason,
        "last_payment_error": show_error(intent) if intent.code else None,
        "latest_charge": shown,
        "livemode": False,
    }


def show_error(intent: Intent) -> dict[str, object]:
    told: dict[str, object] = {
        "type": "card_error",
        "code": intent.code,
        "message": "The card was declined.",
    }
    return {**told, "decline_code": intent.decline_code} if intent.decline_code else told


def show_refund(refund: Refund) -> dict[str, object]:
    return {
        "id": refund.id,
        "object": "refund",
        "amount": refund.amount,
        "currency": refund.currency,
        "payment_intent": refund.payment_intent,
        "status": "succeeded",
        "metadata": refund.metadata,
    }


def show_method(method: Method) -> dict[str, object]:
    return {
        "id": method.id,
        "object": "payment_method",
        "type": "card",
        "customer": method.customer,
        "card": _show_card(method.card),
        "livemode": False,
    }


def _show_charge(intent: Intent, charge: Charge, method: Method | None) -> dict[str, object]:
    card = method.card if method is not None else CARDS[0]
    return {
        "id": charge.id,
        "object": "charge",
        "status": "succeeded",
        "amount": charge.amount,
        "amount_captured": charge.amount_captured,
        "amount_refunded": charge.amount_refunded,
        "captured": charge.captured,
        "currency": intent.currency,
        "metadata": intent.metadata,
        "payment_intent": intent.id,
        "payment_method": intent.payment_method,
        "payment_method_details": {"type": "card", "card": _show_card(card)},
    }


def _show_card(card: Card) -> dict[str, object]:
    return {"brand": card.brand, "last4": card.last4, "exp_month": EXPIRES[0], "exp_year": EXPIRES[1]}
