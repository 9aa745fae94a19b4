"""A till's page as a cashier's hand meets it, part by part, with scripts and without; and the sticker's."""

from __future__ import annotations

import re
from dataclasses import dataclass

from playwright.sync_api import expect

from e2e.browsing import Phone


@dataclass(frozen=True, slots=True)
class ReceiptPage:
    """A receipt in the making. On a phone it is a sheet over the products."""

    phone: Phone

    def shown(self) -> ReceiptPage:
        expect(self.phone.tab.locator("main#till")).to_be_visible()
        return self

    def tap(self, product: str, times: int = 1) -> ReceiptPage:
        for _ in range(times):
            self.phone.tap(self.phone.tab.locator("button.tile").filter(has_text=product))
        return self

    def counts(self, pieces: int) -> ReceiptPage:
        expect(self.phone.tab.locator(".till-sum .count")).to_have_text(str(pieces))
        return self

    def open_receipt(self) -> ReceiptPage:
        self.phone.tap(self.phone.tab.locator(".till-sum"))
        expect(self.phone.tab.locator("#receipt")).to_be_visible()
        return self

    def reads(self, total: str) -> ReceiptPage:
        expect(self.phone.tab.locator("#receipt .sum dd")).to_have_text(total)
        return self

    def may_not_open(self) -> ReceiptPage:
        expect(self.phone.button("Open order")).to_have_count(0)
        return self

    def choose_new_customer(self, name: str, email: str) -> ReceiptPage:
        choose = self.phone.words("Choose customer")
        self.phone.tap(self.phone.tab.locator(".till-foot").get_by_role("link", name=choose))
        self.phone.sees("Customer")
        new = self.phone.tab.locator("details.till-new")
        if new.get_attribute("open") is None:
            self.phone.tap(new.locator("summary").first)
        self.phone.type(self.phone.textbox("Name"), name)
        return self.give_email(email)

    def give_email(self, email: str) -> ReceiptPage:
        self.phone.type(self.phone.textbox("E-mail"), email)
        self.phone.tap(self.phone.button("Save and choose"))
        return self

    def needs_an_email(self) -> ReceiptPage:
        self.phone.sees("Something is missing or not right")
        expect(self.phone.textbox("E-mail")).to_have_attribute("aria-invalid", "true")
        return self

    def answer_the_slip(self, meant: str) -> ReceiptPage:
        self.phone.tap(self.phone.tab.locator(f'button[name="take"][value="{meant}"]'))
        return self

    def open_order(self) -> OpenOrderPage:
        self.phone.tap(self.phone.button("Open order"))
        expect(self.phone.tab.locator("main#till.open")).to_be_visible()
        return OpenOrderPage(self.phone)


@dataclass(frozen=True, slots=True)
class OpenOrderPage:
    """An order that was opened at the till, mirrored. Without scripts the page is looked at anew."""

    phone: Phone

    def send(self) -> OpenOrderPage:
        self.phone.tap(self.phone.button("Accept and send payment link"))
        return self

    def put_on_code(self) -> OpenOrderPage:
        self.phone.tap(self.phone.button("Put it on the till code"))
        expect(self.phone.text("On the till code")).to_be_visible()
        return self

    def has_reached(self, *steps: str) -> OpenOrderPage:
        """The steps that carry a tick, by their words."""
        self._look()
        wanted = [re.compile("^" + re.escape(self.phone.words(step))) for step in steps]
        expect(self.phone.tab.locator(".till-steps .done")).to_have_text(wanted)
        return self

    def says(self, english: str) -> OpenOrderPage:
        self._look()
        expect(self.phone.tab.locator(".till-end")).to_contain_text(self.phone.words(english))
        return self

    def sent_to(self, email: str) -> OpenOrderPage:
        self._look()
        expect(self.phone.tab.locator(".till-sent")).to_contain_text(f"Sent to {email}")
        return self

    def stop(self) -> ReceiptPage:
        self.phone.tap(self.phone.tab.locator(".till-stop summary"))
        self.phone.tap(self.phone.button("Stop this order"))
        expect(self.phone.tab.locator("main#till:not(.open)")).to_be_attached()
        return ReceiptPage(self.phone)

    def next_customer(self) -> ReceiptPage:
        self.phone.tap(self.phone.button("Next customer"))
        expect(self.phone.tab.locator("main#till:not(.open)")).to_be_visible()
        return ReceiptPage(self.phone)

    def _look(self) -> None:
        if not self.phone.has_script:
            self.phone.reload()


@dataclass(frozen=True, slots=True)
class StickerPage:
    """The fixed address of a till on a shopper's phone."""

    phone: Phone

    def shows_nothing(self) -> StickerPage:
        self.phone.sees("Nothing to pay here right now")
        return self

    def shows(self, product: str, total: str) -> StickerPage:
        """By itself where the page has a script, else when it is looked at anew."""
        if not self.phone.has_script:
            self.phone.reload()
        self.phone.sees("Your basket")
        expect(self.phone.tab.locator(".order-lines")).to_contain_text(product)
        expect(self.phone.tab.locator(".card .sum dd")).to_have_text(total)
        return self

    def tells_nothing_of(self, *personal: str) -> StickerPage:
        """Neither in what is seen nor in what it is made of."""
        source = self.phone.tab.content()
        for text in personal:
            assert text not in source, text
        return self

    def proceed(self) -> None:
        self.phone.tap(self.phone.button("Proceed to pay"))
        self.phone.sees("How do you want to pay?")
