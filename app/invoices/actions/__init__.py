"""The verbs of invoices: drawing, paying, crediting, and what falls due by the clock."""

from app.invoices.actions.crediting import credit_in_full
from app.invoices.actions.drawing import DRAW_JOB, ask_to_draw, draw, set_seller
from app.invoices.actions.due import REMIND_JOB, issue_due, mark_overdue, post_due_charges, remind_due
from app.invoices.actions.paying import NewPayment, record_payment

__all__ = [
    "DRAW_JOB",
    "REMIND_JOB",
    "NewPayment",
    "ask_to_draw",
    "credit_in_full",
    "draw",
    "issue_due",
    "mark_overdue",
    "post_due_charges",
    "record_payment",
    "remind_due",
    "set_seller",
]
