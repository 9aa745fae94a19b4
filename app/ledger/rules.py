"""Which accounts exist and what a transfer must satisfy. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

from app.kernel.money import Money

Side = Literal["debit", "credit"]


class AccountKind(StrEnum):
    """The chart of accounts, first slice: what a customer owes, what the merchant is owed, what was earned."""

    RECEIVABLE = "receivable"
    MERCHANT_PAYABLE = "merchant_payable"
    MERCHANT_SALES = "merchant_sales"


NORMAL_SIDE: Final[dict[AccountKind, Side]] = {
    AccountKind.RECEIVABLE: "debit",
    AccountKind.MERCHANT_PAYABLE: "credit",
    AccountKind.MERCHANT_SALES: "credit",
}


@dataclass(frozen=True, slots=True)
class Account:
    """An account by its address within one merchant's partition; one balance per currency."""

    address: str
    kind: AccountKind


def receivable_of(customer_public_id: str) -> Account:
    """What this customer owes the creditor. Pseudonymous: the address holds a public id and nothing personal."""
    return Account(f"customer:{customer_public_id}:receivable", AccountKind.RECEIVABLE)


MERCHANT_PAYABLE: Final = Account("operator:payable:merchant", AccountKind.MERCHANT_PAYABLE)
MERCHANT_SALES: Final = Account("merchant:sales", AccountKind.MERCHANT_SALES)


@dataclass(frozen=True, slots=True)
class Entry:
    """One side of a transfer: a positive amount on one side of an account."""

    account: Account
    side: Side
    amount: Money

    @property
    def signed_minor(self) -> int:
        """A debit is positive, a credit negative."""
        return self.amount.amount_minor if self.side == "debit" else -self.amount.amount_minor


class Unbalanced(ValueError):
    """The entries of a transfer do not sum to zero, or one is not positive: a fault of the program."""


def check_balanced(entries: Sequence[Entry]) -> None:
    """Every amount is positive and debits equal credits in each currency, else Unbalanced."""
    sums: dict[str, int] = {}
    for entry in entries:
        if entry.amount.amount_minor <= 0:
            raise Unbalanced(f"{entry.account.address}: an entry is positive")
        sums[entry.amount.currency] = sums.get(entry.amount.currency, 0) + entry.signed_minor
    if not entries or any(sums.values()):
        raise Unbalanced(f"entries sum to {sums}")


def purchase(
    customer_public_id: str, total: Money, creditor: Literal["operator", "merchant"]
) -> tuple[Entry, ...]:
    """A confirmed purchase: the customer owes the price; the creditor owes it to the merchant, or the merchant sold.

    Interest and fees are posted when they fall due, so the price alone stands here.
    """
    against = MERCHANT_PAYABLE if creditor == "operator" else MERCHANT_SALES
    return (
        Entry(receivable_of(customer_public_id), "debit", total),
        Entry(against, "credit", total),
    )
