"""The verbs of payments.

| file | holds |
|---|---|
| `recording` | money that staff say came in |
| `moving` | a payment through a provider: born, leased, moved along its states |
| `refunding` | money that goes back through the provider |
| `disputing` | what banks take back, because whoever owns the card disputes it |
| `saving` | what later charges are made with |
| `watching` | how a provider's method is doing |
"""

from app.payments.actions.disputing import (
    begin_dispute,
    claim_looks,
    disputed_left,
    hold_disputes,
    look_again,
    looked,
    move_dispute,
    note_answer_by,
    refuse_disputed,
    want_look,
)
from app.payments.actions.moving import (
    CONTACT_KEPT,
    NewProviderPayment,
    as_told,
    begin,
    forget_contacts,
    let_go,
    let_go_due,
    move,
    note,
    opened,
    postpone,
    take,
)
from app.payments.actions.recording import record
from app.payments.actions.refunding import begin_refund, move_refund, postpone_refund, take_refund
from app.payments.actions.saving import FORGET_JOB, forget_method, keep_method, save_method
from app.payments.actions.watching import claim_probe, note_failure, note_success

__all__ = [
    "CONTACT_KEPT",
    "FORGET_JOB",
    "NewProviderPayment",
    "as_told",
    "begin",
    "begin_dispute",
    "begin_refund",
    "claim_looks",
    "claim_probe",
    "disputed_left",
    "forget_contacts",
    "forget_method",
    "hold_disputes",
    "keep_method",
    "let_go",
    "let_go_due",
    "look_again",
    "looked",
    "move",
    "move_dispute",
    "move_refund",
    "note",
    "note_answer_by",
    "note_failure",
    "note_success",
    "opened",
    "postpone",
    "postpone_refund",
    "record",
    "refuse_disputed",
    "save_method",
    "take",
    "take_refund",
    "want_look",
]
