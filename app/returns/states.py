"""The lives of a refund and of a return: the edge tables, and the machines that move them."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from app.kernel.states import Machine


class RefundState(StrEnum):
    PENDING_APPROVAL = "pending_approval"
    DONE = "done"
    REFUSED = "refused"


class ReturnState(StrEnum):
    ANNOUNCED = "announced"
    RECEIVED = "received"
    REFUNDED = "refunded"
    REFUSED = "refused"
    CANCELLED = "cancelled"


# A refund that nobody need approve is born done.
REFUND_EDGES: Final[dict[tuple[str, str], str]] = {
    (RefundState.PENDING_APPROVAL, RefundState.DONE): "refund.approved",
    (RefundState.PENDING_APPROVAL, RefundState.REFUSED): "refund.refused",
}

RETURN_EDGES: Final[dict[tuple[str, str], str]] = {
    (ReturnState.ANNOUNCED, ReturnState.RECEIVED): "return.received",
    (ReturnState.ANNOUNCED, ReturnState.REFUSED): "return.refused",
    (ReturnState.ANNOUNCED, ReturnState.CANCELLED): "return.cancelled",
    (ReturnState.RECEIVED, ReturnState.REFUNDED): "return.refunded",
    (ReturnState.RECEIVED, ReturnState.REFUSED): "return.refused",
}

REFUNDS: Final = Machine("refund", table="refunds", history_table="refund_history", edges=REFUND_EDGES)
RETURNS: Final = Machine("return", table="returns", history_table="return_history", edges=RETURN_EDGES)

# Whose goods are still on their way, or lie at the shop.
OPEN: Final = frozenset({ReturnState.ANNOUNCED, ReturnState.RECEIVED})
