"""The lives of a payment through a provider, and of money that goes back through it."""

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
