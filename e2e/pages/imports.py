"""Orders out of a file, and links that many people pay by, as staff handle them."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass

from playwright.sync_api import FilePayload, expect

from e2e.browsing import Phone


@dataclass(frozen=True, slots=True)
class ImportDesk:
    phone: Phone

    def open(self) -> ImportDesk:
        self.phone.open("/admin/orders")
        self.phone.tap(self.phone.link("Orders from a file"))
        self.phone.sees("Orders from a file")
        return self

    def send(self, name: str, content: str) -> ImportDesk:
        file = FilePayload(name=name, mimeType="text/csv", buffer=content.encode())
        self.phone.tab.get_by_label(self.phone.words("File"), exact=True).set_input_files(file)
        self.phone.tap(self.phone.button("Check the file"))
        return self

    def reads(self, english: str) -> ImportDesk:
        """What the page says, as soon as it says so: a worker takes its time."""
        expect(self.phone.text(english)).to_be_visible()
        return self

    def make(self, count: int) -> ImportDesk:
        words = f"Make {count} order with a link" if count == 1 else f"Make {count} orders with links"
        self.phone.tap(self.phone.button(words))
        self.phone.sees("Done. Each order has its link.")
        return self

    def result(self) -> list[dict[str, str]]:
        with self.phone.tab.expect_download() as started:
            self.phone.tap(self.phone.link("Download with links"))
        text = started.value.path().read_text(encoding="utf-8-sig")
        return list(csv.DictReader(io.StringIO(text)))


@dataclass(frozen=True, slots=True)
class ReusableDesk:
    phone: Phone

    def make(self, **typed: str) -> ReusableDesk:
        """`typed`: by the names of the fields, blanks as underscores."""
        self.phone.open("/admin/links")
        self.phone.tap(self.phone.link("Reusable links"))
        self.phone.tap(self.phone.link("New reusable link"))
        self.phone.sees("New reusable link")
        for name, text in typed.items():
            self.phone.type(self.phone.textbox(name.replace("_", " ")), text)
        self.phone.tap(self.phone.button("Make the link"))
        self.phone.sees("Orders by this link")
        return self

    @property
    def address(self) -> str:
        return self.phone.textbox("Address").input_value()

    def stop(self) -> ReusableDesk:
        self.phone.tap(self.phone.button("Stop the link"))
        expect(self.phone.button("Take payments again")).to_be_visible()
        return self
