"""A message as a mail program shows it."""

from __future__ import annotations

from dataclasses import dataclass

from playwright.sync_api import expect

from e2e.browsing import Phone
from e2e.sandbox import Message


@dataclass(frozen=True, slots=True)
class Mail:
    phone: Phone

    def open(self, message: Message) -> Mail:
        self.phone.open(f"/sandbox/letterbox/{message.id}/body")
        return self

    def reads(self, *texts: str) -> Mail:
        for text in texts:
            expect(self.phone.tab.get_by_text(text).first).to_be_visible()
        return self

    def pay(self) -> None:
        self.phone.tap(self.phone.link("Pay"))
