"""The verbs of invoices: drawing, paying, crediting, and what falls due by the clock."""

from app.invoices.actions.crediting import NewCredit, credit, credit_in_full
from app.invoices.actions.drawing import DRAW_JOB, ask_to_draw, draw
from app.invoices.actions.due import REMIND_JOB, issue_due, mark_overdue, post_due_charges, remind_due
from app.invoices.actions.paying import NewPayment, record_payment
from app.invoices.actions.selling import save_seller, set_seller
from app.invoices.actions.settling import settle_early

__all__ = [
    "DRAW_JOB",
    "REMIND_JOB",
    "NewCredit",
    "NewPayment",
    "ask_to_draw",
    "credit",
    "credit_in_full",
    "draw",
    "issue_due",
    "mark_overdue",
    "post_due_charges",
    "record_payment",
    "remind_due",
    "save_seller",
    "set_seller",
    "settle_early",
]
