"""The verbs of wallets. What moves money for another room runs inside its transaction; the rest has its own."""

from app.wallet.actions.adjusting import ADJUSTERS, Adjustment, Staff, adjust
from app.wallet.actions.lapsing import lapse_due
from app.wallet.actions.moving import add, capture, give_back, hold, release
from app.wallet.actions.payouts import NewPayout, cancel_payout, mark_paid, request_payout

__all__ = [
    "ADJUSTERS",
    "Adjustment",
    "NewPayout",
    "Staff",
    "add",
    "adjust",
    "cancel_payout",
    "capture",
    "give_back",
    "hold",
    "lapse_due",
    "mark_paid",
    "release",
    "request_payout",
]
