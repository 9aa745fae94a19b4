"""What Stripe's objects say of a payment, read into the words of `payments/ports.py`. Pure.

A payment of ours is one Checkout session, whose intent comes to be when the shopper pays, or, for a later charge, an
intent alone. What an intent says goes before what its session says: the money is the intent's.
"""

from __future__ import annotations

from typing import Final

import msgspec

from app.payments.ports import Aggregate, SavedMethod, SetUp, Standing

SESSION_PREFIX: Final = "cs_"
# Under these names our public id of a payment stands in the metadata of every object, and in a refund's its key.
REFERENCE: Final = "reference"
KEY: Final = "key"
_BETWEEN: Final = "/"

_BRANDS: Final = {
    "amex": "American Express",
    "cartes_bancaires": "Cartes Bancaires",
    "diners": "Diners Club",
    "jcb": "JCB",
    "mastercard": "Mastercard",
    "unionpay": "UnionPay",
    "visa": "Visa",
}
_FAILURES: Final = {
    "insufficient_funds": "insufficient_funds",
    "withdrawal_count_limit_exceeded": "insufficient_funds",
    "card_velocity_exceeded": "insufficient_funds",
    "expired_card": "card_expired",
    "authentication_required": "authentication_failed",
    "authentication_not_handled": "authentication_failed",
    "payment_intent_authentication_failure": "authentication_failed",
    "processing_error": "provider_error",
    "issuer_not_available": "provider_error",
    "reenter_transaction": "provider_error",
    "try_again_later": "provider_error",
}


class Card(msgspec.Struct, frozen=True):
    """A card as far as it may be shown."""

    brand: str | None = None
    last4: str | None = None
    exp_month: int | None = None
    exp_year: int | None = None


class MethodDetails(msgspec.Struct, frozen=True):
    card: Card | None = None


class Charge(msgspec.Struct, frozen=True):
    """What moved. `amount_captured` is missing from the oldest answers; `captured` then means all of it."""

    id: str
    amount: int
    captured: bool = False
    amount_captured: int | None = None
    amount_refunded: int = 0
    payment_method_details: MethodDetails | None = None


class Failure(msgspec.Struct, frozen=True):
    """Why a card said no: the bank's reason in `decline_code`, where `code` is only that it did."""

    code: str | None = None
    decline_code: str | None = None


class Intent(msgspec.Struct, frozen=True):
    """A PaymentIntent, asked for with its `latest_charge`."""

    id: str
    status: str
    amount: int
    currency: str
    metadata: dict[str, str] | None = None
    latest_charge: Charge | str | None = None
    last_payment_error: Failure | None = None
    cancellation_reason: str | None = None
    setup_future_usage: str | None = None
    customer: str | None = None
    payment_method: str | None = None


class Session(msgspec.Struct, frozen=True):
    """A Checkout session, asked for with its intent and that one's charge."""

    id: str
    status: str
    amount_total: int
    currency: str
    metadata: dict[str, str] | None = None
    url: str | None = None
    payment_intent: Intent | str | None = None


class SavedCard(msgspec.Struct, frozen=True):
    """A PaymentMethod."""

    id: str
    card: Card | None = None


class SetupIntent(msgspec.Struct, frozen=True):
    """What saves a card without a payment, asked for with its `payment_method`."""

    id: str
    status: str
    customer: str | None = None
    payment_method: SavedCard | str | None = None


class SetupPage(msgspec.Struct, frozen=True):
    """A Checkout session that saves a card, asked for with its intent."""

    id: str
    status: str
    metadata: dict[str, str] | None = None
    url: str | None = None
    setup_intent: SetupIntent | str | None = None


class Refund(msgspec.Struct, frozen=True):
    id: str
    status: str
    amount: int
    currency: str
    metadata: dict[str, str] | None = None


class Refunds(msgspec.Struct, frozen=True):
    """One page of a list."""

    data: tuple[Refund, ...]


class Intents(msgspec.Struct, frozen=True):
    """One page of a list."""

    data: tuple[Intent, ...]


class Error(msgspec.Struct, frozen=True):
    """What stands in the body of a refusal."""

    code: str | None = None
    decline_code: str | None = None
    payment_intent: Intent | None = None


class Refusal(msgspec.Struct, frozen=True):
    error: Error


def of_session(session: Session) -> Aggregate:
    """A payment through the hosted page. Until the shopper has paid there it has no intent."""
    intent = session.payment_intent
    if isinstance(intent, Intent) and intent.status in {"requires_capture", "succeeded", "canceled"}:
        return _of_intent(session.id, intent)
    # A card that was declined on the hosted page may be tried again there, until the session is over.
    standing = Standing.EXPIRED if session.status == "expired" else Standing.PENDING
    return Aggregate(
        session.id,
        named(session.metadata, REFERENCE),
        standing,
        session.currency.upper(),
        authorised_minor=0,
    )


def of_intent(intent: Intent) -> Aggregate:
    """A later charge, which has no page: what was declined has failed."""
    return _of_intent(intent.id, intent)


def of_setup(page: SetupPage) -> SetUp:
    """A card that is being saved. Until its bank has said yes nothing is."""
    intent, reference = page.setup_intent, named(page.metadata, REFERENCE)
    if not isinstance(intent, SetupIntent) or page.status != "complete":
        standing = Standing.EXPIRED if page.status == "expired" else Standing.PENDING
        return SetUp(page.id, reference, standing)
    if intent.status == "canceled":
        return SetUp(page.id, reference, Standing.CANCELLED)
    method = intent.payment_method
    if intent.status != "succeeded" or not intent.customer or not isinstance(method, SavedCard):
        return SetUp(page.id, reference, Standing.PENDING)
    saved = _shown(token_of(intent.customer, method.id), method.card or Card())
    return SetUp(page.id, reference, Standing.AUTHORISED, saved)


def named(metadata: dict[str, str] | None, name: str) -> str:
    """What was written beside an object under this name; empty where nothing was."""
    return (metadata or {}).get(name, "")


def failure_of(code: str | None, decline_code: str | None) -> str:
    """One of `ports.FAILURES`."""
    return _FAILURES.get(decline_code or "") or _FAILURES.get(code or "") or "declined"


def token_of(customer: str, payment_method: str) -> str:
    return f"{customer}{_BETWEEN}{payment_method}"


def parts_of_token(token: str) -> tuple[str, str]:
    """The customer and the payment method. Raises ValueError."""
    customer, mark, payment_method = token.partition(_BETWEEN)
    if not mark or not customer.startswith("cus_") or not payment_method.startswith("pm_"):
        raise ValueError("not a token of a saved card")
    return customer, payment_method


def _of_intent(provider_ref: str, intent: Intent) -> Aggregate:
    charge = intent.latest_charge if isinstance(intent.latest_charge, Charge) else None
    standing = _standing(intent)
    if standing in {Standing.PENDING, Standing.FAILED}:
        authorised_minor = captured_minor = 0
    else:
        authorised_minor = _authorised(intent, charge, standing)
        captured_minor = _captured(intent, charge)
    is_let_go = standing in {Standing.CANCELLED, Standing.EXPIRED} or captured_minor > 0
    error = intent.last_payment_error or Failure()
    return Aggregate(
        provider_ref=provider_ref,
        reference=named(intent.metadata, REFERENCE),
        standing=standing,
        currency=intent.currency.upper(),
        authorised_minor=authorised_minor,
        captured_minor=captured_minor,
        refunded_minor=charge.amount_refunded if charge is not None and captured_minor else 0,
        # What is not captured with the first capture, Stripe lets go.
        cancelled_minor=authorised_minor - captured_minor if is_let_go else 0,
        failure=failure_of(error.code, error.decline_code) if standing is Standing.FAILED else None,
        saved=_saved(intent, charge),
    )


def _standing(intent: Intent) -> Standing:
    match intent.status:
        case "requires_capture" | "succeeded":
            return Standing.AUTHORISED
        case "canceled":
            # Stripe itself let go of it, most often after seven days; `automatic` is its older word for that.
            is_late = intent.cancellation_reason in {"expired", "automatic"}
            return Standing.EXPIRED if is_late else Standing.CANCELLED
        case "requires_payment_method" if intent.last_payment_error is not None:
            return Standing.FAILED
        case _:
            return Standing.PENDING


def _authorised(intent: Intent, charge: Charge | None, standing: Standing) -> int:
    if charge is not None:
        return charge.amount
    return intent.amount if standing is Standing.AUTHORISED else 0


def _captured(intent: Intent, charge: Charge | None) -> int:
    if intent.status != "succeeded":
        return 0
    if charge is None:
        return intent.amount
    if charge.amount_captured is not None:
        return charge.amount_captured
    return charge.amount if charge.captured else 0


def _saved(intent: Intent, charge: Charge | None) -> SavedMethod | None:
    if intent.setup_future_usage != "off_session" or not intent.customer or not intent.payment_method:
        return None
    details = charge.payment_method_details if charge is not None else None
    if details is None:
        return None
    return _shown(token_of(intent.customer, intent.payment_method), details.card or Card())


def _shown(token: str, card: Card) -> SavedMethod:
    brand = _BRANDS.get(card.brand or "", (card.brand or "card").replace("_", " ").capitalize())
    expires_on = f"{card.exp_year:04d}-{card.exp_month:02d}" if card.exp_year and card.exp_month else None
    label = f"{brand} {card.last4 or ''}".strip()
    return SavedMethod(token, label, expires_on)
