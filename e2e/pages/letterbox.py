"""A message in the sandbox's letterbox, as a mail program shows it."""

from __future__ import annotations

from dataclasses import dataclass

from playwright.sync_api import FrameLocator, expect

from e2e.browsing import Phone, listen
from e2e.sandbox import Message


@dataclass(frozen=True, slots=True)
class Mail:
    phone: Phone

    def open(self, message: Message) -> Mail:
        self.phone.open(f"/sandbox/letterbox/{message.id}")
        return self

    def reads(self, *texts: str) -> Mail:
        for text in texts:
            expect(self._frame.get_by_text(text).first).to_be_visible()
        return self

    def pay(self) -> Phone:
        """By the button in the mail. Returns the tab that it opens, of the same browser."""
        with self.phone.tab.context.expect_page() as opened:
            self.phone.tap(self._frame.get_by_role("link", name="Pay", exact=True))
        phone = self.phone
        tab = Phone(opened.value, phone.base_url, phone.lang, phone.has_script, phone.make, phone.complaints)
        listen(tab)
        return tab

    @property
    def _frame(self) -> FrameLocator:
        return self.phone.tab.frame_locator("iframe.mail")
