"""The wallet on the pages of the flow."""

from __future__ import annotations

from dataclasses import dataclass

from playwright.sync_api import Locator

from e2e.browsing import Phone
from e2e.pages.flow import MethodPage

SHORT = "There is not enough in your wallet"


@dataclass(frozen=True, slots=True)
class WalletInTheFlow:
    phone: Phone

    def choose(self) -> None:
        """At step 1, and on."""
        MethodPage(self.phone).shown()
        self.phone.choose(self.phone.radio("Wallet"))
        MethodPage(self.phone).go_on()

    def short(self) -> WalletInTheFlow:
        self.phone.sees(SHORT)
        return self

    def use(self, amount: str, rest: str = "") -> WalletInTheFlow:
        """One tap for a part; `rest` is how the button says that the rest is paid."""
        self.phone.tap(self.phone.button(f"Use {amount} from your wallet{rest}"))
        return self

    def pay_all(self, amount: str) -> WalletInTheFlow:
        self.phone.tap(self.phone.button(f"Pay {amount} from your wallet"))
        return self

    def leave_it(self) -> WalletInTheFlow:
        self.phone.tap(self.phone.button("Do not use the wallet"))
        return self

    def figure(self, term: str) -> Locator:
        return MethodPage(self.phone).figure(term)
