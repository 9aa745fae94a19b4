"""The lives of a change by staff and of a payout: the edge tables, and the machines that move them."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from app.kernel.states import Machine


class AdjustmentState(StrEnum):
    PENDING_APPROVAL = "pending_approval"
    DONE = "done"
    REFUSED = "refused"


class PayoutState(StrEnum):
    PENDING_APPROVAL = "pending_approval"
    REQUESTED = "requested"
    PAID = "paid"
    CANCELLED = "cancelled"


_S = PayoutState

# A change that nobody need approve is born done.
ADJUSTMENT_EDGES: Final[dict[tuple[str, str], str]] = {
    (AdjustmentState.PENDING_APPROVAL, AdjustmentState.DONE): "adjustment.approved",
    (AdjustmentState.PENDING_APPROVAL, AdjustmentState.REFUSED): "adjustment.refused",
}

# A payout that nobody need approve is born requested.
EDGES: Final[dict[tuple[str, str], str]] = {
    (_S.PENDING_APPROVAL, _S.REQUESTED): "payout.approved",
    (_S.PENDING_APPROVAL, _S.CANCELLED): "payout.refused",
    (_S.REQUESTED, _S.PAID): "payout.paid",
    (_S.REQUESTED, _S.CANCELLED): "payout.cancelled",
}

ADJUSTMENTS: Final = Machine(
    "wallet adjustment",
    table="wallet_adjustments",
    history_table="wallet_adjustment_history",
    edges=ADJUSTMENT_EDGES,
)
MACHINE: Final = Machine(
    "wallet payout", table="wallet_payouts", history_table="wallet_payout_history", edges=EDGES
)
