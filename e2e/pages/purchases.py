"""`/purchases`: what was bought and is owed, one purchase, and a return of it."""

from __future__ import annotations

from dataclasses import dataclass

from playwright.sync_api import Locator, expect

from e2e.browsing import Phone


@dataclass(frozen=True, slots=True)
class PurchasesPage:
    phone: Phone

    def shown(self) -> PurchasesPage:
        self.phone.sees("Purchases")
        return self

    def look_at(self, order_id: str) -> PurchasePage:
        self.phone.tap(self.phone.tab.locator(f'section[aria-labelledby="bought"] a[href$="{order_id}"]'))
        return PurchasePage(self.phone)


@dataclass(frozen=True, slots=True)
class PurchasePage:
    phone: Phone

    @property
    def documents(self) -> Locator:
        return self.phone.tab.locator('section[aria-labelledby="documents"] a')

    def begin_return(self) -> ReturnPage:
        self.phone.tap(self.phone.link("Return something"))
        return ReturnPage(self.phone)


@dataclass(frozen=True, slots=True)
class ReturnPage:
    phone: Phone

    def choose(self, name: str, pieces: int) -> ReturnPage:
        self.phone.sees("Return something")
        self.phone.pick(self.phone.tab.get_by_label(name), str(pieces))
        self.phone.tap(self.phone.button("See what you get back"))
        return self

    def offers(self, way: str, amount: str) -> ReturnPage:
        head = self.phone.tab.locator(".choice-head").filter(has=self.phone.radio(way))
        expect(head.locator(".side")).to_have_text(amount)
        return self

    def announce(self, way: str) -> ReturnPage:
        self.phone.choose(self.phone.radio(way))
        self.phone.tap(self.phone.button("Announce the return"))
        return self

    def announced(self) -> ReturnPage:
        expect(self.phone.tab.get_by_role("heading", level=1)).to_contain_text("R-")
        expect(self.phone.heading("What to do next")).to_be_visible()
        return self
