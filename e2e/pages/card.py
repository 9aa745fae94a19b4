"""The sandbox's card page, as a shopper meets it: on another site, with test cards for buttons."""

from __future__ import annotations

from dataclasses import dataclass

from e2e.browsing import Phone


@dataclass(frozen=True, slots=True)
class CardPage:
    phone: Phone

    def shown(self) -> CardPage:
        self.phone.sees("Pay with a test card")
        return self

    def pay_with(self, card: str) -> CardPage:
        self.phone.tap(self.phone.tab.get_by_role("button", name=f"Pay with {card}", exact=True))
        return self

    def confirm_at_the_bank(self) -> None:
        self.phone.tap(self.phone.button("Confirm the payment"))
