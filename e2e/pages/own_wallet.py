"""`/wallet`, as its owner reads it."""

from __future__ import annotations

from dataclasses import dataclass

from playwright.sync_api import Locator, expect

from e2e.browsing import Phone


@dataclass(frozen=True, slots=True)
class WalletPage:
    phone: Phone

    def shown(self) -> WalletPage:
        self.phone.sees("Wallet")
        return self

    def holds(self, amount: str) -> WalletPage:
        expect(self.phone.tab.locator(".sum-large")).to_have_text(amount)
        return self

    @property
    def movements(self) -> Locator:
        """The rows of the table, the newest first."""
        table = self.phone.tab.get_by_role("table", name=self.phone.words("Movements"), exact=True)
        return table.locator("tbody tr")

    def tells(self, *rows: tuple[str, str, str]) -> WalletPage:
        """Every movement: what, how much, and what was there after it. No more than these."""
        expect(self.movements).to_have_count(len(rows))
        for row, (what, amount, after) in zip(self.movements.all(), rows, strict=True):
            cells = row.locator("td")
            expect(cells.nth(0)).to_contain_text(what)
            expect(cells.nth(1)).to_have_text(amount)
            expect(cells.nth(2)).to_have_text(after)
        return self

    @property
    def turn(self) -> Locator:
        return self.phone.button("Turn points into money")
