"""The demo shop."""

from __future__ import annotations

from dataclasses import dataclass

from playwright.sync_api import expect

from e2e.browsing import Phone
from e2e.sandbox import Shopper


@dataclass(frozen=True, slots=True)
class DemoShop:
    phone: Phone

    def open(self) -> DemoShop:
        self.phone.open("/demo")
        return self

    def add(self, product: str) -> DemoShop:
        name = self.phone.words("Add %(product)s to the basket") % {"product": product}
        self.phone.tap(self.phone.tab.get_by_role("button", name=name, exact=True))
        self.phone.sees("Your basket")
        return self

    def is_known_as(self, shopper: Shopper) -> DemoShop:
        """What the shop knows of its customer, and passes on."""
        self.phone.tap(self.phone.text("What the shop knows of you"))
        self.phone.type(self.phone.textbox("Phone"), shopper.phone)
        self.phone.type(self.phone.textbox("Postal code"), shopper.postcode)
        return self

    def pay(self) -> None:
        self.phone.tap(self.phone.button("Pay later with Kolme"))


@dataclass(frozen=True, slots=True)
class DemoOrder:
    """The shop's own page of an order, to which the shopper returns."""

    phone: Phone

    def paid(self) -> DemoOrder:
        """Only the signed message makes it so. With scripts the page asks again by itself; without, it reloads."""
        expect(self.phone.heading("Paid. Thank you!")).to_be_visible(timeout=20_000)
        return self

    @property
    def reference(self) -> str:
        return self.phone.tab.url.split("?")[0].rpartition("/")[2]
