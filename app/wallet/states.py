"""A payout's life: asked for, then paid by a person at the bank, or called off."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from app.kernel.states import Machine


class PayoutState(StrEnum):
    REQUESTED = "requested"
    PAID = "paid"
    CANCELLED = "cancelled"


_S = PayoutState

EDGES: Final[dict[tuple[str, str], str]] = {
    (_S.REQUESTED, _S.PAID): "payout.paid",
    (_S.REQUESTED, _S.CANCELLED): "payout.cancelled",
}

MACHINE: Final = Machine(
    "wallet payout", table="wallet_payouts", history_table="wallet_payout_history", edges=EDGES
)
