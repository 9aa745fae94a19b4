"""Which accounts exist and what a transfer must satisfy. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

from app.kernel.money import POINTS_UNIT, Amount, Money
from app.ledger.errors import NotForThisAccount, NotPositive

Side = Literal["debit", "credit"]
Creditor = Literal["operator", "merchant"]


class AccountKind(StrEnum):
    """The chart of accounts; docs/ledger.md draws it."""

    RECEIVABLE = "receivable"
    CUSTOMER_CREDIT = "customer_credit"
    BANK = "bank"
    MERCHANT_PAYABLE = "merchant_payable"
    MERCHANT_SALES = "merchant_sales"
    INTEREST_INCOME = "interest_income"
    FEE_INCOME = "fee_income"
    WALLET = "wallet"
    POINTS = "points"
    POINTS_ISSUED = "points_issued"
    LOYALTY_COST = "loyalty_cost"
    GOODWILL = "goodwill"
    BREAKAGE = "breakage"
    PSP_CLEARING = "psp_clearing"
    CASH = "cash"
    UNASSIGNED = "unassigned"
    PRICE_INCOME = "price_income"
    DISPUTED = "disputed"
    CHARGEBACKS = "chargebacks"


NORMAL_SIDE: Final[dict[AccountKind, Side]] = {
    AccountKind.RECEIVABLE: "debit",
    AccountKind.CUSTOMER_CREDIT: "credit",
    AccountKind.BANK: "debit",
    AccountKind.MERCHANT_PAYABLE: "credit",
    AccountKind.MERCHANT_SALES: "credit",
    AccountKind.INTEREST_INCOME: "credit",
    AccountKind.FEE_INCOME: "credit",
    AccountKind.WALLET: "credit",
    AccountKind.POINTS: "credit",
    AccountKind.POINTS_ISSUED: "debit",
    AccountKind.LOYALTY_COST: "debit",
    AccountKind.GOODWILL: "debit",
    AccountKind.BREAKAGE: "credit",
    AccountKind.PSP_CLEARING: "debit",
    AccountKind.CASH: "debit",
    AccountKind.UNASSIGNED: "credit",
    AccountKind.PRICE_INCOME: "credit",
    AccountKind.DISPUTED: "debit",
    AccountKind.CHARGEBACKS: "debit",
}

# What a customer has stands in these, as a credit, in lots; it moves by `put`, `take` and their like alone.
LOTTED: Final = frozenset({AccountKind.WALLET, AccountKind.POINTS})
# These count points, all others money.
IN_POINTS: Final = frozenset({AccountKind.POINTS, AccountKind.POINTS_ISSUED})


@dataclass(frozen=True, slots=True)
class Account:
    """An account by its address within one merchant's partition; one balance per currency."""

    address: str
    kind: AccountKind


def receivable_of(customer_public_id: str) -> Account:
    """What this customer owes the creditor. Pseudonymous: the address holds a public id and nothing personal."""
    return Account(f"customer:{customer_public_id}:receivable", AccountKind.RECEIVABLE)


def credit_of(customer_public_id: str) -> Account:
    """What this customer paid beyond what was asked, and has back from the creditor."""
    return Account(f"customer:{customer_public_id}:credit", AccountKind.CUSTOMER_CREDIT)


def bank_of(creditor: Creditor) -> Account:
    """Where payments come in."""
    return Account(f"{creditor}:bank", AccountKind.BANK)


def interest_of(creditor: Creditor) -> Account:
    return Account(f"{creditor}:interest", AccountKind.INTEREST_INCOME)


def fees_of(creditor: Creditor) -> Account:
    return Account(f"{creditor}:fees", AccountKind.FEE_INCOME)


def wallet_of(customer_public_id: str) -> Account:
    """What this customer has at this merchant's shop."""
    return Account(f"customer:{customer_public_id}:wallet", AccountKind.WALLET)


def points_of(customer_public_id: str) -> Account:
    return Account(f"customer:{customer_public_id}:points", AccountKind.POINTS)


def psp_of(creditor: Creditor) -> Account:
    """What a card processor has taken in and not yet paid out."""
    return Account(f"{creditor}:psp", AccountKind.PSP_CLEARING)


def disputed_of(creditor: Creditor) -> Account:
    """What a provider has taken back because it is disputed, until somebody has decided whose it is."""
    return Account(f"{creditor}:disputed", AccountKind.DISPUTED)


MERCHANT_PAYABLE: Final = Account("operator:payable:merchant", AccountKind.MERCHANT_PAYABLE)
MERCHANT_SALES: Final = Account("merchant:sales", AccountKind.MERCHANT_SALES)
# What lies in the merchant's tills.
MERCHANT_CASH: Final = Account("merchant:cash", AccountKind.CASH)
# Money that came in and pays no order: it waits for somebody to send it back or to say what it is for.
UNASSIGNED: Final = Account("merchant:unassigned", AccountKind.UNASSIGNED)
POINTS_ISSUED: Final = Account("merchant:points_issued", AccountKind.POINTS_ISSUED)
LOYALTY_COST: Final = Account("merchant:loyalty", AccountKind.LOYALTY_COST)
GOODWILL: Final = Account("merchant:goodwill", AccountKind.GOODWILL)
CHARGEBACKS: Final = Account("merchant:chargebacks", AccountKind.CHARGEBACKS)
BREAKAGE: Final = Account("merchant:expired", AccountKind.BREAKAGE)
# What the operator earned from the shop itself, by its price plan.
PRICE_INCOME: Final = Account("operator:prices", AccountKind.PRICE_INCOME)


@dataclass(frozen=True, slots=True)
class Entry:
    """One side of a transfer: a positive amount on one side of an account."""

    account: Account
    side: Side
    amount: Amount

    @property
    def signed_minor(self) -> int:
        """A debit is positive, a credit negative."""
        return self.amount.amount_minor if self.side == "debit" else -self.amount.amount_minor


class Unbalanced(ValueError):
    """The entries of a transfer do not sum to zero, or one is not positive: a fault of the program."""


def check_balanced(entries: Sequence[Entry]) -> None:
    """Every amount is positive, in a unit of its account, and debits equal credits in each currency.

    Raises Unbalanced, NotForThisAccount.
    """
    sums: dict[str, int] = {}
    for entry in entries:
        if entry.amount.amount_minor <= 0:
            raise Unbalanced(f"{entry.account.address}: an entry is positive")
        check_unit(entry.account, entry.amount.currency)
        sums[entry.amount.currency] = sums.get(entry.amount.currency, 0) + entry.signed_minor
    if not entries or any(sums.values()):
        raise Unbalanced(f"entries sum to {sums}")


def check_unit(account: Account, unit: str) -> None:
    """Points accounts keep points, all others money. Raises NotForThisAccount."""
    if (account.kind in IN_POINTS) != (unit == POINTS_UNIT):
        raise NotForThisAccount(account.address, unit)


def check_lotted(account: Account, amount: Amount, against: Account | None = None) -> None:
    """Whether this much can come into, or go out of, an account with lots, against one without.

    Raises NotPositive, NotForThisAccount.
    """
    if amount.amount_minor <= 0:
        raise NotPositive(amount.amount_minor)
    if account.kind not in LOTTED:
        raise NotForThisAccount(account.address, amount.currency)
    check_unit(account, amount.currency)
    if against is not None:
        check_plain(against)
        check_unit(against, amount.currency)


def check_plain(account: Account) -> None:
    """An account without lots. Raises NotForThisAccount."""
    if account.kind in LOTTED:
        raise NotForThisAccount(account.address, "entries")


def purchase(customer_public_id: str, total: Money, creditor: Creditor) -> tuple[Entry, ...]:
    """A confirmed purchase: the customer owes the price; the creditor owes it to the merchant, or the merchant sold.

    Interest and fees are posted when they fall due, so the price alone stands here.
    """
    return (
        Entry(receivable_of(customer_public_id), "debit", total),
        Entry(sold_to(creditor), "credit", total),
    )


def paid_purchase(
    customer_public_id: str | None, price: Money, paid: Money, creditor: Creditor
) -> tuple[Entry, ...]:
    """A purchase of which a provider took `paid` at once. The rest is the wallet's, which takes it off what the
    customer owes; without one nobody need be known.
    """
    entries = [Entry(psp_of(creditor), "debit", paid), Entry(sold_to(creditor), "credit", price)]
    if price != paid:
        assert customer_public_id is not None, "a wallet is somebody's"
        entries.append(Entry(receivable_of(customer_public_id), "debit", price - paid))
    return tuple(entries)


def lost_to(creditor: Creditor) -> Account:
    """Whose loss a lost dispute is: the shop's, which sold. The operator, where it is the creditor, owes it less."""
    return MERCHANT_PAYABLE if creditor == "operator" else CHARGEBACKS


def between(debit: Account, credit: Account, amount: Money) -> tuple[Entry, ...]:
    """All of `amount`, from the account that is credited to the one that is debited."""
    return (Entry(debit, "debit", amount), Entry(credit, "credit", amount))


def charges(customer_public_id: str, interest: Money, fees: Money, creditor: Creditor) -> tuple[Entry, ...]:
    """Interest and fees of one invoice that fell due: the customer owes them, the creditor has earned them."""
    return _without_zeros(
        Entry(receivable_of(customer_public_id), "debit", interest + fees),
        Entry(interest_of(creditor), "credit", interest),
        Entry(fees_of(creditor), "credit", fees),
    )


def payment(customer_public_id: str, applied: Money, over: Money, creditor: Creditor) -> tuple[Entry, ...]:
    """Money that came in: `applied` pays what is owed, `over` is the customer's to have back."""
    return _without_zeros(
        Entry(bank_of(creditor), "debit", applied + over),
        Entry(receivable_of(customer_public_id), "credit", applied),
        Entry(credit_of(customer_public_id), "credit", over),
    )


@dataclass(frozen=True, slots=True)
class Sold:
    """What stands in the books of one sale: its price, the interest and fees posted so far, and what was paid of it."""

    price: Money
    interest: Money
    fees: Money
    paid: Money

    @property
    def owed(self) -> Money:
        return self.price + self.interest + self.fees - self.paid


def credit_note(
    customer_public_id: str | None, sold: Sold, creditor: Creditor, *, by_provider: bool = False
) -> tuple[Entry, ...]:
    """A sale taken back whole: nothing is owed any more, and what was paid is the customer's to have back, or goes back
    through the provider that took it (`by_provider`); then nobody need be known, where nothing is owed."""
    taken_back = (
        Entry(sold_to(creditor), "debit", sold.price),
        Entry(interest_of(creditor), "debit", sold.interest),
        Entry(fees_of(creditor), "debit", sold.fees),
    )
    if customer_public_id is None:
        assert by_provider, "what is owed, or the customer's own, is somebody's"
        return _without_zeros(*taken_back, Entry(psp_of(creditor), "credit", sold.paid))
    back = psp_of(creditor) if by_provider else credit_of(customer_public_id)
    return _without_zeros(
        *taken_back,
        Entry(receivable_of(customer_public_id), "credit", sold.owed),
        Entry(back, "credit", sold.paid),
    )


def sold_to(creditor: Creditor) -> Account:
    """The other half of a sale: what whoever lends owes the shop, or what the shop sold."""
    return MERCHANT_PAYABLE if creditor == "operator" else MERCHANT_SALES


def _without_zeros(*entries: Entry) -> tuple[Entry, ...]:
    return tuple(entry for entry in entries if entry.amount)
