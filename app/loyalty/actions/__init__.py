"""The verbs of loyalty; the only writers of its tables."""

from app.loyalty.actions.adjusting import Adjustment, adjust
from app.loyalty.actions.earning import Bought, Refunded, claw_back_for, earn_for
from app.loyalty.actions.programmes import save_programme
from app.loyalty.actions.turning import Turned, take_points

__all__ = [
    "Adjustment",
    "Bought",
    "Refunded",
    "Turned",
    "adjust",
    "claw_back_for",
    "earn_for",
    "save_programme",
    "take_points",
]
