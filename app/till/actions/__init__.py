"""The till's verbs: its setup, the address book, the receipt in the making, and what becomes of one."""

from app.till.actions.book import add_customer, change_customer, forget_customer, forget_old
from app.till.actions.opening import next_customer, open_order, put_on_code, take_back, take_off_code
from app.till.actions.receipts import (
    add_amount,
    add_product,
    change_line,
    choose_customer,
    clear,
    give_discount,
    step_line,
)
from app.till.actions.setup import add_product_to_list, change_product, make_till, renew_code, retire_product

__all__ = [
    "add_amount",
    "add_customer",
    "add_product",
    "add_product_to_list",
    "change_customer",
    "change_line",
    "change_product",
    "choose_customer",
    "clear",
    "forget_customer",
    "forget_old",
    "give_discount",
    "make_till",
    "next_customer",
    "open_order",
    "put_on_code",
    "renew_code",
    "retire_product",
    "step_line",
    "take_back",
    "take_off_code",
]
