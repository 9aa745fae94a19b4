"""The admin."""

from __future__ import annotations

from dataclasses import dataclass

import pyotp
from playwright.sync_api import Locator, expect

from e2e.browsing import Phone
from e2e.world import Staff


@dataclass(frozen=True, slots=True)
class Admin:
    phone: Phone

    def sign_in(self, staff: Staff) -> Admin:
        self.phone.open("/admin")
        self.phone.type(self.phone.textbox("E-mail"), staff.email)
        self.phone.type(self.phone.textbox("Password"), staff.password)
        self.phone.type(self.phone.textbox("Code from your app"), pyotp.TOTP(staff.totp_secret).now())
        self.phone.tap(self.phone.button("Sign in"))
        self.phone.sees("Today")
        return self

    def open_order(self, reference: str) -> Admin:
        """Through the list, as somebody who has only the shop's reference."""
        self.phone.tap(self.phone.link("Orders").filter(visible=True))
        self.phone.sees("Orders")
        self.phone.type(self.phone.tab.get_by_role("searchbox"), reference)
        self.phone.tap(self.phone.link(reference))
        expect(self.phone.tab.get_by_role("heading", name=reference, exact=True)).to_be_visible()
        return self

    def part(self, english: str) -> Locator:
        return self.phone.tab.get_by_role("region", name=self.phone.words(english), exact=True)
