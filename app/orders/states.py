"""An order's life: the edge table, and the one machine that moves it."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from app.kernel.states import Machine


class OrderState(StrEnum):
    DRAFT = "draft"
    OPEN = "open"
    IN_PAYMENT = "in_payment"
    HELD = "held"
    PAID = "paid"
    PARTLY_REFUNDED = "partly_refunded"
    REFUNDED = "refunded"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


_S = OrderState

# Whose contents the shop may still change. In payment too: what was shown before can then no longer be confirmed.
EDITABLE: Final = frozenset({_S.DRAFT, _S.OPEN, _S.IN_PAYMENT})
CANCELLABLE: Final = EDITABLE | {_S.HELD}
# Of whose price something may still be given back.
REFUNDABLE: Final = frozenset({_S.PAID, _S.PARTLY_REFUNDED})

EDGES: Final[dict[tuple[str, str], str]] = {
    (_S.DRAFT, _S.IN_PAYMENT): "order.payment_started",
    (_S.DRAFT, _S.CANCELLED): "order.cancelled",
    (_S.DRAFT, _S.EXPIRED): "order.expired",
    (_S.OPEN, _S.OPEN): "order.accepted",
    (_S.OPEN, _S.IN_PAYMENT): "order.payment_started",
    (_S.OPEN, _S.CANCELLED): "order.cancelled",
    (_S.OPEN, _S.EXPIRED): "order.expired",
    (_S.IN_PAYMENT, _S.DRAFT): "order.payment_stopped",
    (_S.IN_PAYMENT, _S.OPEN): "order.payment_stopped",
    (_S.IN_PAYMENT, _S.HELD): "order.held",
    (_S.IN_PAYMENT, _S.PAID): "order.paid",
    (_S.IN_PAYMENT, _S.CANCELLED): "order.cancelled",
    (_S.IN_PAYMENT, _S.EXPIRED): "order.expired",
    (_S.HELD, _S.PAID): "order.paid",
    (_S.HELD, _S.IN_PAYMENT): "order.released",
    (_S.HELD, _S.OPEN): "order.declined",
    (_S.HELD, _S.CANCELLED): "order.cancelled",
    (_S.HELD, _S.EXPIRED): "order.expired",
    (_S.PAID, _S.PARTLY_REFUNDED): "order.refunded",
    (_S.PAID, _S.REFUNDED): "order.refunded",
    (_S.PARTLY_REFUNDED, _S.PARTLY_REFUNDED): "order.refunded",
    (_S.PARTLY_REFUNDED, _S.REFUNDED): "order.refunded",
}

MACHINE: Final = Machine("order", table="orders", history_table="order_history", edges=EDGES)
