"""Where somebody signs in to see what is theirs."""

from __future__ import annotations

from dataclasses import dataclass

from playwright.sync_api import Locator, expect

from e2e.browsing import Phone
from e2e.sandbox import Shopper

SIGN_IN = "Sign in"


@dataclass(frozen=True, slots=True)
class SignInPage:
    phone: Phone

    def shown(self) -> SignInPage:
        self.phone.sees(SIGN_IN)
        return self

    @property
    def code(self) -> Locator:
        return self.phone.textbox("Code from the SMS")

    def send_code_to(self, shopper: Shopper) -> SignInPage:
        self.phone.type(self.phone.textbox("Postcode"), shopper.postcode)
        self.phone.type(self.phone.textbox("Mobile phone"), shopper.typed_phone)
        self.phone.tap(self.phone.button("Send code"))
        expect(self.code).to_be_visible()
        return self

    def type_code(self, code: str) -> None:
        """With scripts a whole code sends itself; without, the button is pressed."""
        self.phone.type(self.code, code)
        if not self.phone.has_script:
            self.phone.tap(self.phone.button("Confirm code"))

    def at_the_bank(self, shopper: Shopper) -> None:
        self.phone.tap(self.phone.link("Identify with my bank"))
        self.phone.tap(self.phone.tab.locator(f'button[value="{shopper.subject}"]'))
        if not self.phone.has_script:
            self.phone.tap(self.phone.button("Continue"))


@dataclass(frozen=True, slots=True)
class AccountFrame:
    """What stands around every page of somebody who is signed in."""

    phone: Phone

    def sign_out(self) -> None:
        self.phone.tap(self.phone.button("Sign out"))
        expect(
            self.phone.text("You are signed out. Nothing of yours is left in this browser.")
        ).to_be_visible()
