"""The verbs of payments.

| file | holds |
|---|---|
| `recording` | money that staff say came in |
| `moving` | a payment through a provider: born, leased, moved along its states |
| `refunding` | money that goes back through the provider |
| `saving` | what later charges are made with |
"""

from app.payments.actions.moving import (
    NewProviderPayment,
    begin,
    forget_contacts,
    let_go,
    let_go_due,
    move,
    note,
    opened,
    postpone,
    release,
    take,
)
from app.payments.actions.recording import record
from app.payments.actions.refunding import begin_refund, move_refund, postpone_refund, take_refund
from app.payments.actions.saving import forget_method, save_method

__all__ = [
    "NewProviderPayment",
    "begin",
    "begin_refund",
    "forget_contacts",
    "forget_method",
    "let_go",
    "let_go_due",
    "move",
    "move_refund",
    "note",
    "opened",
    "postpone",
    "postpone_refund",
    "record",
    "release",
    "save_method",
    "take",
    "take_refund",
]
