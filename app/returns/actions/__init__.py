"""The verbs of refunds and returns. All but `save_conditions` run inside their caller's transaction."""

from app.returns.actions.conditions import save_conditions
from app.returns.actions.refunding import approve, forget_notes, refund, refuse_refund
from app.returns.actions.returning import (
    TELL_JOB,
    NewReturn,
    Offered,
    announce,
    cancel_return,
    forget_words,
    offer_for,
    receive,
    refund_return,
    refuse_return,
)
from app.returns.asking import NewRefund

__all__ = [
    "TELL_JOB",
    "NewRefund",
    "NewReturn",
    "Offered",
    "announce",
    "approve",
    "cancel_return",
    "forget_notes",
    "forget_words",
    "offer_for",
    "receive",
    "refund",
    "refund_return",
    "refuse_refund",
    "refuse_return",
    "save_conditions",
]
