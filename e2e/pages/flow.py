"""The three steps, the way out and the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from playwright.sync_api import Locator, expect

from e2e.browsing import Phone
from e2e.sandbox import Shopper

METHOD = "How do you want to pay?"
IDENTIFY = "Who is paying?"
CONFIRM = "Check and confirm"
CONFIRMED = "Purchase confirmed"
REFUSED = "This plan is not possible right now"
WAITING = "A person is checking your order"
DECLINED = "The purchase was declined"

Delivery = Literal["By e-mail", "On paper"]


@dataclass(frozen=True, slots=True)
class MethodPage:
    phone: Phone

    def shown(self) -> MethodPage:
        self.phone.sees(METHOD)
        return self

    def choose_invoice(self, delivery: Delivery = "By e-mail") -> MethodPage:
        self.phone.choose(self.phone.radio("Invoice"))
        self.phone.choose(self.phone.radio(delivery))
        return self

    def choose_instalments(self) -> MethodPage:
        self.phone.choose(self.phone.radio("Instalments"))
        return self

    @property
    def months(self) -> Locator:
        return self.phone.combobox("Months")

    @property
    def monthly(self) -> Locator:
        return self.phone.combobox("Monthly amount")

    def pick_months(self, months: int) -> MethodPage:
        self.phone.pick(self.months, str(months))
        return self._figures_follow()

    def pick_monthly(self, amount_minor: str) -> MethodPage:
        self.phone.pick(self.monthly, amount_minor)
        return self._figures_follow()

    def _figures_follow(self) -> MethodPage:
        """By themselves with scripts; without, at the press of a button."""
        if not self.phone.has_script:
            self.phone.tap(self.phone.button("Update"))
        return self

    def figure(self, term: str) -> Locator:
        """The visible value beside a term of the figures."""
        label = self.phone.words(term)
        rows = self.phone.tab.locator("dl div").filter(has=self.phone.tab.get_by_text(label, exact=True))
        return rows.locator("dd").filter(visible=True)

    def go_on(self) -> None:
        self.phone.tap(self.phone.button("Continue"))


@dataclass(frozen=True, slots=True)
class IdentifyPage:
    phone: Phone

    def shown(self) -> IdentifyPage:
        self.phone.sees(IDENTIFY)
        return self

    @property
    def code(self) -> Locator:
        return self.phone.textbox("Code from the SMS")

    def send_code(self) -> IdentifyPage:
        """To the number that stands there already."""
        self.phone.tap(self.phone.button("Send code"))
        expect(self.code).to_be_visible()
        return self

    def fill_in(self, postcode: str, number: str) -> IdentifyPage:
        self.phone.type(self.phone.textbox("Postcode"), postcode)
        self.phone.type(self.phone.textbox("Mobile phone"), number)
        return self

    def send_code_to(self, shopper: Shopper) -> IdentifyPage:
        return self.fill_in(shopper.postcode, shopper.typed_phone).send_code()

    def type_code(self, code: str) -> None:
        """With scripts a whole code sends itself; without, the button is pressed."""
        self.phone.type(self.code, code)
        if not self.phone.has_script:
            self.phone.tap(self.phone.button("Confirm code"))

    def ask_for_another(self) -> None:
        self.phone.tap(self.phone.button_like("Send a new code"))

    def go_to_bank(self) -> None:
        self.phone.tap(self.phone.link("Identify with my bank"))


@dataclass(frozen=True, slots=True)
class ConfirmPage:
    phone: Phone

    def shown(self) -> ConfirmPage:
        self.phone.sees(CONFIRM)
        return self

    def fill_in_address(self, shopper: Shopper) -> ConfirmPage:
        self.phone.type(self.phone.textbox("Street address"), shopper.street)
        self.phone.type(self.phone.textbox("City"), shopper.city)
        return self

    def fill_in_email(self, address: str) -> ConfirmPage:
        self.phone.type(self.phone.textbox("E-mail"), address)
        return self

    @property
    def button(self) -> Locator:
        return self.phone.button("Confirm purchase")

    def confirm(self) -> None:
        self.phone.tap(self.button)

    def change_plan(self) -> None:
        self.phone.tap(self.phone.link("Change plan"))


@dataclass(frozen=True, slots=True)
class OutcomePage:
    phone: Phone

    def confirmed(self) -> OutcomePage:
        self.phone.sees(CONFIRMED)
        return self

    def refused(self) -> OutcomePage:
        self.phone.sees(REFUSED)
        return self

    def waiting(self) -> OutcomePage:
        self.phone.sees(WAITING)
        return self

    def declined(self) -> OutcomePage:
        self.phone.sees(DECLINED)
        return self

    def ask_a_person(self, said: str) -> OutcomePage:
        self.phone.tap(self.phone.text("Ask a person to look at it"))
        self.phone.type(self.phone.textbox("What should we know?"), said)
        self.phone.tap(self.phone.button("Ask a person"))
        return self.waiting()

    def do_not_wait(self) -> None:
        self.phone.tap(self.phone.button("Choose another plan instead"))

    def back_to_shop(self) -> None:
        self.phone.tap(self.phone.link("Back to the shop"))

    def choose_another_plan(self) -> None:
        self.phone.tap(self.phone.link("Choose another plan"))


@dataclass(frozen=True, slots=True)
class WayOut:
    """The button at the foot of every step, and the page that asks once more."""

    phone: Phone

    def ask(self) -> WayOut:
        self.phone.tap(self.phone.button("Cancel this purchase"))
        self.phone.sees("Cancel this purchase?")
        return self

    def cancel(self) -> None:
        self.phone.tap(self.phone.button("Cancel this purchase"))

    def stay(self) -> None:
        self.phone.tap(self.phone.link("Go on with the purchase"))
