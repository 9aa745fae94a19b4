"""The verbs of the flow, in the order in which a purchase meets them. One transaction each."""

from app.checkout.actions.aside import free_outdated_in_tx, set_aside
from app.checkout.actions.assigning import keep_money, return_money
from app.checkout.actions.charging import start_charge
from app.checkout.actions.choosing import Added, choose_plan
from app.checkout.actions.confirming import confirm
from app.checkout.actions.deciding import decide
from app.checkout.actions.ending import (
    cancel_order,
    cancel_order_in_tx,
    cancel_session,
    cancel_session_in_tx,
    expire_due,
    extend_link,
    extend_link_in_tx,
    withdraw_link,
    withdraw_link_in_tx,
)
from app.checkout.actions.forgetting import forget_ended, release_browsers
from app.checkout.actions.holding import answer_to, ask_person, go_on_without
from app.checkout.actions.identifying import (
    Identification,
    code_never_left,
    forget_browser,
    identify_by_bank,
    identify_by_code,
    request_code,
)
from app.checkout.actions.insuring import cancel_insurance, may_cancel
from app.checkout.actions.naming import name_company
from app.checkout.actions.opening import (
    Arrival,
    OpenedSession,
    open_session,
    open_session_in_tx,
    proceed,
    proceed_in_tx,
)
from app.checkout.actions.passkeys import (
    ask_for_passkey,
    ask_to_save,
    identify_by_passkey,
    remove_passkey,
    save_passkey,
)
from app.checkout.actions.paying import start_payment
from app.checkout.actions.recording import Recorded, record_payment
from app.checkout.actions.removing import expire_orders
from app.checkout.actions.reusing import pay_reusable
from app.checkout.actions.reviewing import Answer, answer_case
from app.checkout.actions.seeing import saw
from app.checkout.contacts import Details

__all__ = [
    "Added",
    "Answer",
    "Arrival",
    "Details",
    "Identification",
    "OpenedSession",
    "Recorded",
    "answer_case",
    "answer_to",
    "ask_for_passkey",
    "ask_person",
    "ask_to_save",
    "cancel_insurance",
    "cancel_order",
    "cancel_order_in_tx",
    "cancel_session",
    "cancel_session_in_tx",
    "choose_plan",
    "code_never_left",
    "confirm",
    "decide",
    "expire_due",
    "expire_orders",
    "extend_link",
    "extend_link_in_tx",
    "forget_browser",
    "forget_ended",
    "free_outdated_in_tx",
    "go_on_without",
    "identify_by_bank",
    "identify_by_code",
    "identify_by_passkey",
    "keep_money",
    "may_cancel",
    "name_company",
    "open_session",
    "open_session_in_tx",
    "pay_reusable",
    "proceed",
    "proceed_in_tx",
    "record_payment",
    "release_browsers",
    "remove_passkey",
    "request_code",
    "return_money",
    "save_passkey",
    "saw",
    "set_aside",
    "start_charge",
    "start_payment",
    "withdraw_link",
    "withdraw_link_in_tx",
]
