"""The lives of a payment through a provider, of money that goes back through it, and of a dispute about it."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from app.kernel.states import Machine


class PaymentState(StrEnum):
    """Unknown: a call may have had its effect, nobody heard the answer; whoever asks the provider next finds out."""

    STARTED = "started"
    PENDING = "pending"
    UNKNOWN = "unknown"
    AUTHORISED = "authorised"
    CAPTURING = "capturing"
    CAPTURED = "captured"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    FAILED = "failed"
    EXPIRED = "expired"


_S = PaymentState

# Nothing more is to come of these, but refunds of what was captured.
ENDED: Final = frozenset({_S.CAPTURED, _S.CANCELLED, _S.FAILED, _S.EXPIRED})

EDGES: Final[dict[tuple[str, str], str]] = {
    (_S.STARTED, _S.PENDING): "payment.opened",
    (_S.STARTED, _S.UNKNOWN): "payment.unknown",
    (_S.STARTED, _S.CAPTURED): "payment.captured",
    (_S.STARTED, _S.FAILED): "payment.failed",
    (_S.PENDING, _S.AUTHORISED): "payment.authorised",
    (_S.PENDING, _S.CAPTURING): "payment.capturing",
    (_S.PENDING, _S.CANCELLING): "payment.let_go",
    (_S.PENDING, _S.CAPTURED): "payment.captured",
    (_S.PENDING, _S.CANCELLED): "payment.cancelled",
    (_S.PENDING, _S.FAILED): "payment.failed",
    (_S.PENDING, _S.EXPIRED): "payment.expired",
    (_S.UNKNOWN, _S.PENDING): "payment.opened",
    (_S.UNKNOWN, _S.AUTHORISED): "payment.authorised",
    (_S.UNKNOWN, _S.CAPTURING): "payment.capturing",
    (_S.UNKNOWN, _S.CANCELLING): "payment.let_go",
    (_S.UNKNOWN, _S.CAPTURED): "payment.captured",
    (_S.UNKNOWN, _S.CANCELLED): "payment.cancelled",
    (_S.UNKNOWN, _S.FAILED): "payment.failed",
    (_S.UNKNOWN, _S.EXPIRED): "payment.expired",
    (_S.AUTHORISED, _S.CAPTURING): "payment.capturing",
    (_S.AUTHORISED, _S.CANCELLING): "payment.let_go",
    (_S.AUTHORISED, _S.CAPTURED): "payment.captured",
    (_S.AUTHORISED, _S.CANCELLED): "payment.cancelled",
    (_S.AUTHORISED, _S.FAILED): "payment.failed",
    (_S.AUTHORISED, _S.EXPIRED): "payment.expired",
    (_S.CAPTURING, _S.CAPTURED): "payment.captured",
    (_S.CAPTURING, _S.UNKNOWN): "payment.unknown",
    (_S.CAPTURING, _S.CANCELLING): "payment.let_go",
    (_S.CAPTURING, _S.CANCELLED): "payment.cancelled",
    (_S.CAPTURING, _S.FAILED): "payment.failed",
    (_S.CAPTURING, _S.EXPIRED): "payment.expired",
    (_S.CANCELLING, _S.CAPTURED): "payment.captured",
    (_S.CANCELLING, _S.CANCELLED): "payment.cancelled",
    (_S.CANCELLING, _S.FAILED): "payment.failed",
    (_S.CANCELLING, _S.EXPIRED): "payment.expired",
}

MACHINE: Final = Machine("payment", table="payments", history_table="payment_history", edges=EDGES)


class RefundingState(StrEnum):
    """Underway: the provider has taken it and is not done yet."""

    ASKED = "asked"
    UNKNOWN = "unknown"
    UNDERWAY = "underway"
    DONE = "done"
    REFUSED = "refused"


_R = RefundingState

REFUNDING_EDGES: Final[dict[tuple[str, str], str]] = {
    (_R.ASKED, _R.UNKNOWN): "payment_refund.unknown",
    (_R.ASKED, _R.UNDERWAY): "payment_refund.underway",
    (_R.ASKED, _R.DONE): "payment_refund.done",
    (_R.ASKED, _R.REFUSED): "payment_refund.refused",
    (_R.UNKNOWN, _R.UNDERWAY): "payment_refund.underway",
    (_R.UNKNOWN, _R.DONE): "payment_refund.done",
    (_R.UNKNOWN, _R.REFUSED): "payment_refund.refused",
    (_R.UNDERWAY, _R.DONE): "payment_refund.done",
    (_R.UNDERWAY, _R.REFUSED): "payment_refund.refused",
}

REFUNDING: Final = Machine(
    "refund through the provider",
    table="payment_refunds",
    history_table="payment_refund_history",
    edges=REFUNDING_EDGES,
)


class DisputeState(StrEnum):
    """Asked: the bank asks, and the money is still there. Withdrawn: the provider has taken it back for now. Closed: it
    ended, and no money had gone."""

    ASKED = "asked"
    WITHDRAWN = "withdrawn"
    WON = "won"
    LOST = "lost"
    CLOSED = "closed"


_D = DisputeState

# The bank has the last word, and may change it: what was decided may be appealed, an inquiry become more than that.
DISPUTE_EDGES: Final[dict[tuple[str, str], str]] = {
    (_D.ASKED, _D.WITHDRAWN): "payment_dispute.withdrawn",
    (_D.ASKED, _D.WON): "payment_dispute.won",
    (_D.ASKED, _D.LOST): "payment_dispute.lost",
    (_D.ASKED, _D.CLOSED): "payment_dispute.closed",
    (_D.WITHDRAWN, _D.ASKED): "payment_dispute.reinstated",
    (_D.WITHDRAWN, _D.WON): "payment_dispute.won",
    (_D.WITHDRAWN, _D.LOST): "payment_dispute.lost",
    (_D.WITHDRAWN, _D.CLOSED): "payment_dispute.closed",
    (_D.WON, _D.ASKED): "payment_dispute.asked_again",
    (_D.WON, _D.WITHDRAWN): "payment_dispute.withdrawn",
    (_D.WON, _D.LOST): "payment_dispute.lost",
    (_D.WON, _D.CLOSED): "payment_dispute.closed",
    (_D.LOST, _D.ASKED): "payment_dispute.reinstated",
    (_D.LOST, _D.WITHDRAWN): "payment_dispute.withdrawn",
    (_D.LOST, _D.WON): "payment_dispute.won",
    (_D.LOST, _D.CLOSED): "payment_dispute.closed",
    (_D.CLOSED, _D.ASKED): "payment_dispute.asked_again",
    (_D.CLOSED, _D.WITHDRAWN): "payment_dispute.withdrawn",
    (_D.CLOSED, _D.WON): "payment_dispute.won",
    (_D.CLOSED, _D.LOST): "payment_dispute.lost",
}

DISPUTES: Final = Machine(
    "dispute about a payment",
    table="payment_disputes",
    history_table="payment_dispute_history",
    edges=DISPUTE_EDGES,
)
