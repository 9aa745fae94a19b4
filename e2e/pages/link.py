"""A payment link: the shopper's page, and the staff's."""

from __future__ import annotations

import re
from dataclasses import dataclass

from playwright.sync_api import expect

from e2e.browsing import Phone

PROCEED = "Proceed to pay"
_GREETINGS = {"en": "^Hello ", "fi": "^Hei "}


@dataclass(frozen=True, slots=True)
class LinkPage:
    phone: Phone

    def shown(self) -> LinkPage:
        self.phone.sees(PROCEED)
        return self

    def lists(self, name: str) -> LinkPage:
        """What is bought is folded."""
        fold = self.phone.text("What you are buying")
        self.phone.tap(fold)
        expect(self.phone.tab.get_by_text(name, exact=True)).to_be_visible()
        return self

    def costs(self, total: str) -> LinkPage:
        expect(self.phone.tab.locator(".figures .sum dd").first).to_have_text(total)
        return self

    def fill_in(self, **fields: str) -> LinkPage:
        """By the labels of the fields, in small letters."""
        labels = {
            "name": "Name",
            "email": "E-mail",
            "street": "Street address",
            "postcode": "Postcode",
            "city": "City",
        }
        for name, text in fields.items():
            self.phone.type(self.phone.textbox(labels[name]), text)
        return self

    def asks_for(self, *labels: str) -> LinkPage:
        """These textboxes and no other ones."""
        expect(self.phone.tab.get_by_role("textbox")).to_have_count(len(labels))
        for label in labels:
            expect(self.phone.textbox(label)).to_be_visible()
        return self

    def proceed(self) -> None:
        self.phone.tap(self.phone.button(PROCEED))


@dataclass(frozen=True, slots=True)
class LinkDesk:
    """The staff's page of one link; it begins on the page of its order."""

    phone: Phone

    def open(self) -> LinkDesk:
        self.phone.tap(self.phone.button("Payment link"))
        self.phone.sees("Payment link")
        return self

    def use_language(self, lang: str) -> LinkDesk:
        """The message in the shop's words of that language."""
        self.phone.pick(self.phone.combobox("Language of the message"), lang)
        self.phone.tap(self.phone.button("Use this language"))
        expect(self.phone.textbox("Message")).to_have_value(re.compile(_GREETINGS[lang]))
        return self

    def write(self, *, subject: str, message: str) -> LinkDesk:
        """In place of the words that the shop usually sends."""
        self.phone.type(self.phone.textbox("Subject"), subject)
        self.phone.type(self.phone.textbox("Message"), message)
        return self

    def hold_for(self, quick_choice: str) -> LinkDesk:
        self.phone.tap(self.phone.button(quick_choice))
        expect(self.phone.text("Changed. The address stays the same.")).to_be_visible()
        return self

    def copy(self) -> str:
        """What is in the clipboard of this browser then."""
        self.phone.tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
        self.phone.tap(self.phone.button("Copy link"))
        expect(self.phone.tab.get_by_role("button", name="Copied", exact=True)).to_be_visible()
        return str(self.phone.tab.evaluate("navigator.clipboard.readText()"))

    def send_by_email(self) -> LinkDesk:
        self.phone.tap(self.phone.button("Send by e-mail"))
        expect(self.phone.text("It is on its way. What becomes of it is told below.")).to_be_visible()
        return self

    def press_send_twice(self) -> LinkDesk:
        """As a hand does that is not sure."""
        self.phone.double_tap(self.phone.button("Send by e-mail"))
        expect(self.phone.text("It is on its way. What becomes of it is told below.")).to_be_visible()
        return self

    def reads(self, english: str) -> LinkDesk:
        """Once the page is loaded again."""
        self.phone.reload()
        expect(self.phone.text(english).first).to_be_visible()
        return self
