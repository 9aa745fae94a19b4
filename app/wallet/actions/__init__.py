"""The verbs of wallets. What moves money for another room runs inside its transaction; the rest has its own."""

from app.wallet.actions.adjusting import (
    ADJUSTERS,
    Adjustment,
    adjust,
    approve_adjustment,
    refuse_adjustment,
    would_wait,
)
from app.wallet.actions.lapsing import lapse_due
from app.wallet.actions.moving import add, capture, give_back, hold, release
from app.wallet.actions.payouts import (
    NewPayout,
    approve_payout,
    cancel_payout,
    mark_paid,
    refuse_payout,
    request_payout,
)
from app.wallet.actions.second_person import APPROVERS, Staff

__all__ = [
    "ADJUSTERS",
    "APPROVERS",
    "Adjustment",
    "NewPayout",
    "Staff",
    "add",
    "adjust",
    "approve_adjustment",
    "approve_payout",
    "cancel_payout",
    "capture",
    "give_back",
    "hold",
    "lapse_due",
    "mark_paid",
    "refuse_adjustment",
    "refuse_payout",
    "release",
    "request_payout",
    "would_wait",
]
