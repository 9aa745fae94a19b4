"""What the sandbox's Stripe does with its objects. No network, no database.

Written after Stripe's own pages on the life of an intent and of a Checkout session, and held against another imitation
of it by the tests; not against our adapter, which it knows nothing of.
"""

from __future__ import annotations

from datetime import datetime

from app.web.sandbox.stripe_objects import Card, Charge, Intent, Method, Refund, Session, new_id

# What Stripe allows a Checkout session to last.
LASTS_S_MIN = 30 * 60
LASTS_S_MAX = 24 * 3600


class StripeError(Exception):
    """An answer that says no. `intent` stands beside a card's refusal."""

    def __init__(
        self, status: int, kind: str, code: str | None, message: str, *, intent: Intent | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.code = code
        self.message = message
        self.intent = intent


def invalid(message: str, code: str | None = None, *, status: int = 400) -> StripeError:
    return StripeError(status, "invalid_request_error", code, message)


def unexpected_state(intent: Intent) -> StripeError:
    return invalid(f"This PaymentIntent has a status of {intent.status}.", "payment_intent_unexpected_state")


def challenge(intent: Intent, method: Method) -> bool:
    """Whether the card's bank wants to see the shopper first, who is there to be seen."""
    if not method.card.needs_challenge:
        return False
    intent.payment_method = method.id
    intent.status = "requires_action"
    return True


def ask_bank(intent: Intent, method: Method, *, is_later: bool) -> str:
    """The card's bank is asked for the money; what it refuses with, empty when it agrees. The intent is changed."""
    card = method.card
    refused = card.refused or (card.refused_later if is_later else "")
    if refused:
        decline(intent, refused)
        return refused
    intent.code = intent.decline_code = ""
    intent.payment_method = method.id
    if intent.is_setup:
        intent.status = "succeeded"
        return ""
    intent.charge = Charge(new_id("ch"), intent.amount)
    intent.status = "requires_capture"
    if intent.capture_method != "manual":
        capture(intent, intent.amount)
    return ""


def decline(intent: Intent, reason: str) -> None:
    """Codes of their own stand alone; every other reason is a decline."""
    own = {"expired_card", "processing_error", "payment_intent_authentication_failure"}
    later = {"authentication_required"}
    intent.code = reason if reason in own | later else "card_declined"
    intent.decline_code = "" if reason in own else reason
    intent.status = "requires_payment_method"
    intent.payment_method = None
    intent.charge = None


def capture(intent: Intent, amount: int) -> None:
    """What is not captured is let go. Raises StripeError."""
    charge = intent.charge
    if intent.status != "requires_capture" or charge is None:
        raise unexpected_state(intent)
    if not 0 < amount <= charge.amount:
        raise invalid("The amount is greater than the amount that can be captured.", "amount_too_large")
    charge.captured, charge.amount_captured = True, amount
    intent.status = "succeeded"


def cancel(intent: Intent, reason: str | None) -> None:
    """Raises StripeError for what is captured, cancelled or with the bank."""
    if intent.status not in {"requires_payment_method", "requires_action", "requires_capture"}:
        raise unexpected_state(intent)
    intent.status = "canceled"
    intent.cancellation_reason = reason


def refund(intent: Intent, amount: int | None, metadata: dict[str, str]) -> Refund:
    """All that is left, or a part of it. Raises StripeError."""
    charge = intent.charge
    if intent.status != "succeeded" or charge is None:
        raise invalid("This PaymentIntent has no charge that could be refunded.", "charge_not_captured")
    if any(each.status != "won" for each in intent.disputes):
        raise invalid("The charge is disputed: the bank has the money.", "charge_disputed")
    left = charge.amount_captured - charge.amount_refunded
    if not left:
        raise invalid("The charge has been refunded already.", "charge_already_refunded")
    wanted = left if amount is None else amount
    if not 0 < wanted <= left:
        raise invalid("The refund is greater than what is left of the charge.", "amount_too_large")
    made = Refund(new_id("re"), intent.id, wanted, intent.currency, metadata)
    charge.refunds.insert(0, made)
    return made


def expire(session: Session) -> None:
    """Raises StripeError for one that is over."""
    if session.status != "open":
        raise invalid(f"Only open sessions can be expired; this one is {session.status}.")
    session.status = "expired"


def check_end(expires_at: int, wall: datetime) -> None:
    """Raises StripeError."""
    lasts_s = expires_at - wall.timestamp()
    # Half a minute of grace, as whoever asks has a clock of their own.
    if not LASTS_S_MIN - 30 <= lasts_s <= LASTS_S_MAX + 30:
        raise invalid("`expires_at` must lie from 30 minutes to 24 hours ahead.")


def run_out(session: Session, wall: datetime) -> bool:
    """Whether the session ran out just now."""
    if session.status != "open" or wall.timestamp() < session.expires_at:
        return False
    session.status = "expired"
    return True


def pay(session: Session, intent: Intent, method: Method) -> str:
    """The shopper pays on the hosted page; what the bank refuses with, empty when it agrees. After a refusal the page
    stays open for another card."""
    if session.status != "open":
        raise invalid("The session is over.")
    session.is_paying = True
    _belong(session, intent, method)
    refused = ask_bank(intent, method, is_later=False)
    if not refused:
        session.status = "complete"
    return refused


def fail_challenge(session: Session, intent: Intent) -> str:
    """The shopper did not confirm at the card's bank. The page stays open."""
    if session.status != "open":
        raise invalid("The session is over.")
    session.is_paying = True
    decline(intent, "payment_intent_authentication_failure")
    return intent.code


def pay_later(session: Session, intent: Intent, method: Method, answers_at: datetime) -> None:
    """As above, with a bank that makes up its mind at `answers_at` (business time)."""
    if session.status != "open":
        raise invalid("The session is over.")
    session.is_paying = True
    session.status = "complete"
    _belong(session, intent, method)
    intent.status = "processing"
    intent.payment_method = method.id
    intent.answers_at = answers_at


def bank_answers(intent: Intent, method: Method, business: datetime) -> bool:
    """Whether a bank that took its time has answered by now; it agrees."""
    if intent.status != "processing" or intent.answers_at is None or business < intent.answers_at:
        return False
    intent.answers_at = None
    ask_bank(intent, method, is_later=False)
    return True


def new_method(card: Card, customer: str | None = None) -> Method:
    return Method(new_id("pm"), card.number, customer)


def _belong(session: Session, intent: Intent, method: Method) -> None:
    """A card that is saved needs somebody whose it is."""
    if session.makes_customer:
        intent.customer = intent.customer or new_id("cus")
        method.customer = intent.customer
