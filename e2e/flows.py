"""Whole stories as sentences. Each begins on step 1 and ends where the sentence ends, with scripts or without."""

from __future__ import annotations

from e2e.browsing import Phone
from e2e.pages.bank import BankPage
from e2e.pages.flow import ConfirmPage, Delivery, IdentifyPage, MethodPage, OutcomePage
from e2e.sandbox import Sandbox, Shopper


def chooses_invoice(phone: Phone, delivery: Delivery = "By e-mail") -> None:
    MethodPage(phone).shown().choose_invoice(delivery).go_on()
    IdentifyPage(phone).shown()


def proves_the_phone(phone: Phone, sandbox: Sandbox, shopper: Shopper) -> None:
    """Step 2 by a code, to the number that the shop passed on."""
    page = IdentifyPage(phone).shown().send_code()
    page.type_code(sandbox.code_of(shopper))


def identifies_at_the_bank(phone: Phone, shopper: Shopper) -> None:
    IdentifyPage(phone).shown().go_to_bank()
    BankPage(phone).identify_as(shopper)


def a_returning_shopper_pays_by_code(phone: Phone, sandbox: Sandbox, shopper: Shopper) -> None:
    chooses_invoice(phone)
    proves_the_phone(phone, sandbox, shopper)
    ConfirmPage(phone).shown().confirm()
    OutcomePage(phone).confirmed()


def a_returning_shopper_types_everything(phone: Phone, sandbox: Sandbox, shopper: Shopper) -> None:
    """The shop passed nothing on."""
    chooses_invoice(phone)
    page = IdentifyPage(phone).send_code_to(shopper)
    page.type_code(sandbox.code_of(shopper))
    ConfirmPage(phone).shown().confirm()
    OutcomePage(phone).confirmed()


def a_first_timer_pays_by_code_and_bank(phone: Phone, sandbox: Sandbox, shopper: Shopper) -> None:
    """The code proves the phone; who it is, the bank has to say once."""
    chooses_invoice(phone)
    proves_the_phone(phone, sandbox, shopper)
    identifies_at_the_bank(phone, shopper)
    ConfirmPage(phone).shown().confirm()
    OutcomePage(phone).confirmed()


def a_first_timer_without_email_pays_by_code_and_bank(
    phone: Phone, sandbox: Sandbox, shopper: Shopper
) -> None:
    """The shop passed on the phone and no e-mail: the flow asks for what only it is missing."""
    chooses_invoice(phone)
    proves_the_phone(phone, sandbox, shopper)
    identifies_at_the_bank(phone, shopper)
    ConfirmPage(phone).shown().fill_in_email(shopper.email).confirm()
    OutcomePage(phone).confirmed()


def somebody_without_phone_pays_by_bank(phone: Phone, shopper: Shopper) -> None:
    chooses_invoice(phone)
    identifies_at_the_bank(phone, shopper)
    ConfirmPage(phone).shown().fill_in_email(shopper.email).confirm()
    OutcomePage(phone).confirmed()


def a_shopper_is_refused(phone: Phone, sandbox: Sandbox, shopper: Shopper) -> None:
    chooses_invoice(phone)
    proves_the_phone(phone, sandbox, shopper)
    OutcomePage(phone).refused()


def a_returning_shopper_pays_in_instalments(
    phone: Phone, sandbox: Sandbox, shopper: Shopper, months: int
) -> None:
    MethodPage(phone).shown().choose_instalments().pick_months(months).go_on()
    proves_the_phone(phone, sandbox, shopper)
    ConfirmPage(phone).shown().confirm()
    OutcomePage(phone).confirmed()
