"""Orders as staff write and read them."""

from __future__ import annotations

from dataclasses import dataclass

from playwright.sync_api import Locator, expect

from e2e.browsing import Phone
from e2e.pages.admin import Admin

_SAVE = "Save order"


@dataclass(frozen=True, slots=True)
class OrderForm:
    """A new order, or the next version of one."""

    phone: Phone

    def new(self) -> OrderForm:
        self.phone.open("/admin/orders")
        self.phone.tap(self.phone.link("New order"))
        self.phone.sees("New order")
        return self

    def refer(self, reference: str) -> OrderForm:
        self.phone.type(self.phone.textbox("Reference"), reference)
        return self

    def line(self, number: int, name: str, price: str, *, pieces: int = 1) -> OrderForm:
        """Another line is asked for where there are too few."""
        group = self.phone.tab.get_by_role("group", name=f"Line {number}", exact=True)
        if not group.count():
            self.phone.tap(self.phone.button("Add a line"))
        typed = {"Name of the line": name, "Pieces": str(pieces), "Price of one": price, "VAT rate": "25.5"}
        for label, text in typed.items():
            self.phone.type(group.get_by_role("textbox", name=label, exact=True), text)
        return self

    def customer(self, **fields: str) -> OrderForm:
        labels = {"name": "Name", "email": "E-mail", "phone": "Mobile phone"}
        for name, text in fields.items():
            self.phone.type(self.phone.textbox(labels[name]), text)
        return self

    def save(self) -> OrderDesk:
        self.phone.tap(self.phone.button(_SAVE))
        expect(self.phone.button(_SAVE)).to_have_count(0)
        return OrderDesk(self.phone)


@dataclass(frozen=True, slots=True)
class OrderDesk:
    """The page of one order."""

    phone: Phone

    @property
    def order_id(self) -> str:
        return self.phone.path.removeprefix("/admin/orders/").partition("?")[0]

    @property
    def timeline(self) -> Locator:
        return Admin(self.phone).part("Timeline")

    def open(self, order_id: str) -> OrderDesk:
        self.phone.open(f"/admin/orders/{order_id}")
        return self

    def tells(self, *events: str) -> OrderDesk:
        """Each of them stands in the timeline, sooner or later and without being asked."""
        for event in events:
            expect(self.timeline.get_by_text(event, exact=True).first).to_be_visible()
        return self

    def was_seen(self, version: int) -> OrderDesk:
        """By a shopper."""
        versions = Admin(self.phone).part("Versions").get_by_role("listitem")
        one = versions.filter(has=self.phone.text(f"Version {version}"))
        expect(one).to_contain_text("Seen by the shopper")
        return self

    def costs(self, total: str) -> OrderDesk:
        expect(self.phone.tab.locator("#order-head .headline")).to_have_text(total)
        return self

    def edit(self) -> OrderForm:
        self.phone.tap(self.phone.link("Edit"))
        expect(self.phone.button(_SAVE)).to_be_visible()
        return OrderForm(self.phone)

    def says_too_late(self) -> OrderDesk:
        words = "This order is as it stands below: it can no longer be changed that way."
        expect(self.phone.text(words)).to_be_visible()
        return self

    def is_locked(self) -> OrderDesk:
        """Nothing on the page leads to a change of the contents or to another payment."""
        expect(self.phone.link("Print")).to_be_visible()
        expect(self.phone.link("Edit")).to_have_count(0)
        expect(self.phone.button("Payment link")).to_have_count(0)
        expect(self.phone.button("Cancel the order")).to_have_count(0)
        return self
