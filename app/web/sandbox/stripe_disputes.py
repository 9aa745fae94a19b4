"""Disputes at the sandbox's Stripe: how they are kept and shown, and what becomes of them. No network, no database.

Stripe's pages that this stands on: api/disputes/object, disputes/how-disputes-work.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from app.web.sandbox.stripe_objects import Dispute, Intent, new_id, show_intent
from app.web.sandbox.stripe_rules import invalid

# How long the bank waits for the shop's answer.
ANSWERED_WITHIN_S: Final = 9 * 24 * 3600
REASONS: Final = frozenset(
    {
        "credit_not_processed",
        "duplicate",
        "fraudulent",
        "general",
        "product_not_received",
        "product_unacceptable",
        "subscription_canceled",
        "unrecognized",
    }
)
Happenings = tuple[tuple[str, Mapping[str, object]], ...]


def begin(intent: Intent, reason: str, wall_s: int) -> Happenings:
    """Whoever owns the card disputes what is left of the payment, and the bank takes it back. Raises StripeError."""
    charge = intent.charge
    if charge is None or not charge.captured:
        raise invalid("This PaymentIntent has no charge that could be disputed.", "charge_not_captured")
    left = charge.amount_captured - charge.amount_refunded
    if intent.disputes or left <= 0:
        raise invalid("This charge is disputed already, or nothing is left of it.", "charge_already_disputed")
    if reason not in REASONS:
        raise invalid("This is no reason.", "parameter_invalid")
    made = Dispute(new_id("du"), left, reason, wall_s)
    intent.disputes.append(made)
    return _told(intent, made, "created", "funds_withdrawn")


def decide(intent: Intent, *, is_won: bool) -> Happenings:
    """The bank decides: for the shop, which has its money back, or for whoever owns the card. Raises StripeError."""
    dispute = next((each for each in intent.disputes if each.status == "needs_response"), None)
    if dispute is None:
        raise invalid("No dispute of this payment waits for a decision.", "dispute_not_open")
    dispute.status = "won" if is_won else "lost"
    return _told(intent, dispute, "closed", *(("funds_reinstated",) if is_won else ()))


def show(dispute: Dispute, intent: Intent, *, is_whole: bool) -> dict[str, object]:
    """`is_whole` shows the intent, and not its name alone."""
    moved = [_movement(dispute, -dispute.amount)]
    if dispute.status == "won":
        moved.append(_movement(dispute, dispute.amount))
    return {
        "id": dispute.id,
        "object": "dispute",
        "amount": dispute.amount,
        "currency": intent.currency,
        "status": dispute.status,
        "reason": dispute.reason,
        "created": dispute.created,
        "charge": intent.charge.id if intent.charge is not None else None,
        "payment_intent": show_intent(intent, None, []) if is_whole else intent.id,
        "balance_transactions": [{**each, "currency": intent.currency} for each in moved],
        "evidence_details": {"due_by": dispute.created + ANSWERED_WITHIN_S, "has_evidence": False},
        "is_charge_refundable": False,
        "metadata": {},
        "livemode": False,
    }


def of_intents(kept: list[Intent], since: int, before: str) -> list[tuple[Dispute, Intent]]:
    """Disputes from `since` (Unix seconds) on, the newest first, after the one named `before`."""
    every = [(each, intent) for intent in kept for each in intent.disputes if each.created >= since]
    every.sort(key=lambda one: (one[0].created, one[0].id), reverse=True)
    names = [each.id for each, _ in every]
    return every[names.index(before) + 1 :] if before in names else every


def _movement(dispute: Dispute, amount: int) -> dict[str, object]:
    return {
        "id": f"txn_{dispute.id}_{'out' if amount < 0 else 'back'}",
        "amount": amount,
        "fee": 0,
        "net": amount,
    }


def _told(intent: Intent, dispute: Dispute, *what: str) -> Happenings:
    shown = msgspec.to_builtins(show(dispute, intent, is_whole=False))
    return tuple((f"charge.dispute.{each}", shown) for each in what)
