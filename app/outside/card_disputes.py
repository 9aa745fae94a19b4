"""What Stripe's disputes say, read into the words of `payments/ports.py`. Pure.

Stripe's pages that this stands on: api/disputes/object, disputes/how-disputes-work, disputes/categories.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import msgspec

from app.outside.card_reading import REFERENCE, Intent, named
from app.payments import ports
from app.payments.ports import DisputeStanding

# Every other status waits for somebody: us, the bank, or whoever looks at an appeal.
_OVER: Final = {
    "won": DisputeStanding.WON,
    "lost": DisputeStanding.LOST,
    "warning_closed": DisputeStanding.DROPPED,
    "prevented": DisputeStanding.DROPPED,
}
_REASONS: Final = {
    "fraudulent": "fraudulent",
    "unrecognized": "unrecognized",
    "product_not_received": "not_received",
    "product_unacceptable": "not_as_described",
    "duplicate": "duplicate",
    "credit_not_processed": "refund_not_given",
    "subscription_canceled": "subscription_ended",
}


class Movement(msgspec.Struct, frozen=True):
    """Money that left our balance at Stripe for a dispute (negative) or came back, in that balance's currency.
    `created` is Unix seconds."""

    amount: int
    created: int = 0


class Evidence(msgspec.Struct, frozen=True):
    """Unix seconds; 0 or nothing where the bank takes no answer."""

    due_by: int | None = None


class Dispute(msgspec.Struct, frozen=True):
    """A Dispute, asked for with its intent."""

    id: str
    status: str
    amount: int
    currency: str
    reason: str = ""
    payment_intent: Intent | str | None = None
    balance_transactions: tuple[Movement, ...] = ()
    evidence_details: Evidence | None = None


class Disputes(msgspec.Struct, frozen=True):
    """One page of a list."""

    data: tuple[Dispute, ...]
    has_more: bool = False


def of_dispute(dispute: Dispute) -> ports.Dispute:
    """Whether the money is away follows from what moved and not from the status: a dispute that is won has its money
    back a moment later, and an inquiry takes none.

    The last movement tells, and not the sum of all: money that goes and comes in another currency than the balance's is
    exchanged twice, at the rates of two days.
    """
    intent = dispute.payment_intent if isinstance(dispute.payment_intent, Intent) else None
    moved = sorted(dispute.balance_transactions, key=lambda each: each.created)
    due_by = dispute.evidence_details.due_by if dispute.evidence_details is not None else None
    return ports.Dispute(
        provider_ref=dispute.id,
        reference=named(intent.metadata, REFERENCE) if intent is not None else "",
        amount_minor=dispute.amount,
        currency=dispute.currency.upper(),
        standing=_OVER.get(dispute.status, DisputeStanding.OPEN),
        is_away=bool(moved) and moved[-1].amount < 0,
        reason=_REASONS.get(dispute.reason, "other"),
        answer_by=datetime.fromtimestamp(due_by, UTC) if due_by else None,
    )
