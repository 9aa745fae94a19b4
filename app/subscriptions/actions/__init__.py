"""The verbs of subscriptions. One transaction each.

| file | holds |
|---|---|
| `planning` | a shop's plans |
| `beginning` | a paid order begins one |
| `renewing` | what the clock does, and what the answer to a charge does |
| `periods`, `charging` | one period with its order, and one try to be paid for it |
| `leaving` | cancel, keep, pause, go on, begin again |
| `changing` | another price, another plan |
| `exchanging` | another way to pay |
"""

from app.subscriptions.actions.beginning import BEGIN_JOB, ask_to_begin, begin
from app.subscriptions.actions.changing import (
    PlanChange,
    accept_price,
    ask_price,
    change_plan,
    decline_price,
    plan_change,
)
from app.subscriptions.actions.charging import CHARGE_JOB
from app.subscriptions.actions.exchanging import EXCHANGE_JOB, exchange_to_invoice
from app.subscriptions.actions.held import MAIL_JOB
from app.subscriptions.actions.leaving import (
    cancel,
    cancel_in_tx,
    end,
    ends_on,
    keep,
    pause,
    resume,
    revival_of,
    revive,
)
from app.subscriptions.actions.planning import (
    change_plan_terms,
    end_plan,
    end_plan_in_tx,
    make_plan,
    make_plan_in_tx,
    offer_in_tx,
    open_plan,
    plan_to_offer,
)
from app.subscriptions.actions.renewing import advance_due, charge_failed, order_paid, remind_due

__all__ = [
    "BEGIN_JOB",
    "CHARGE_JOB",
    "EXCHANGE_JOB",
    "MAIL_JOB",
    "PlanChange",
    "accept_price",
    "advance_due",
    "ask_price",
    "ask_to_begin",
    "begin",
    "cancel",
    "cancel_in_tx",
    "change_plan",
    "change_plan_terms",
    "charge_failed",
    "decline_price",
    "end",
    "end_plan",
    "end_plan_in_tx",
    "ends_on",
    "exchange_to_invoice",
    "keep",
    "make_plan",
    "make_plan_in_tx",
    "offer_in_tx",
    "open_plan",
    "order_paid",
    "pause",
    "plan_change",
    "plan_to_offer",
    "remind_due",
    "resume",
    "revival_of",
    "revive",
]
