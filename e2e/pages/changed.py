"""What a shopper reads whose order was edited meanwhile."""

from __future__ import annotations

from dataclasses import dataclass

from playwright.sync_api import expect

from e2e.browsing import Phone


@dataclass(frozen=True, slots=True)
class ChangedPage:
    phone: Phone

    def shown(self) -> ChangedPage:
        self.phone.sees("The shop has changed your order")
        return self

    def adds(self, line: str) -> ChangedPage:
        expect(self.phone.tab.get_by_role("listitem").filter(has_text=line)).to_contain_text("Added")
        return self

    def totals(self, was: str, now: str) -> ChangedPage:
        """Before and now, side by side."""
        total = self.phone.tab.get_by_role("listitem").filter(has_text="Total")
        expect(total).to_contain_text(was)
        expect(total).to_contain_text(now)
        return self

    def go_on(self) -> None:
        self.phone.tap(self.phone.button("Continue"))
