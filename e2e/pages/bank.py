"""The sandbox bank: another site, where a person says who they are."""

from __future__ import annotations

from dataclasses import dataclass

from e2e.browsing import Phone
from e2e.sandbox import Shopper


@dataclass(frozen=True, slots=True)
class BankPage:
    phone: Phone

    def identify_as(self, shopper: Shopper) -> None:
        name = self.phone.words("Identify as %(name)s") % {"name": shopper.name}
        buttons = self.phone.tab.get_by_role("button", name=name, exact=True)
        # Two of the sandbox may share a name; the bank tells them apart by their number.
        self.phone.tap(buttons.and_(self.phone.tab.locator(f'[value="{shopper.subject}"]')))
        self._return()

    def give_up(self) -> None:
        self.phone.tap(self.phone.button("Cancel"))
        self._return()

    def fail(self) -> None:
        self.phone.tap(self.phone.button("Let the identification fail"))
        self._return()

    def _return(self) -> None:
        """The page on which the bank lands goes on by itself; without scripts, at the press of a button."""
        if not self.phone.has_script:
            self.phone.sees("Back from your bank")
            self.phone.tap(self.phone.button("Continue"))
