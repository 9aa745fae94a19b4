"""Everything that is printed on an invoice, as one value that is stored with it and never changes.

Words are not in it: they come from the catalogue of the language when it is drawn.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

import msgspec

from app.plans.quote import PaidMethod

# A reminder is printed and never stored.
Kind = Literal["invoice", "receipt", "notice", "credit_note", "reminder"]


@dataclass(frozen=True, slots=True)
class Party:
    """Who sells or buys. `address` holds its lines in order, as they are printed; the parts of it are there where a
    company is one of the two, for files that name each. `contact` is who is asked for at a company."""

    name: str
    address: tuple[str, ...] = ()
    company_id: str | None = None
    vat_id: str | None = None
    email: str | None = None
    phone: str | None = None
    street: str | None = None
    postcode: str | None = None
    city: str | None = None
    country: str | None = None
    contact: str | None = None


@dataclass(frozen=True, slots=True)
class Payment:
    """To whom and how to pay. `barcode` holds 54 digits, None where the account is not Finnish or the sum too large."""

    payee: str
    payee_id: str | None
    iban: str
    reference: str
    rf_reference: str
    barcode: str | None
    assigned: bool
    bic: str | None = None


@dataclass(frozen=True, slots=True)
class LineItem:
    """A line of the order, VAT included; `vat_percent` is percent as text. A part of the price that a credit note takes
    back without naming goods has no `name`."""

    name: str
    sku: str | None
    quantity: int
    unit_price_minor: int
    vat_percent: str
    total_minor: int


@dataclass(frozen=True, slots=True)
class VatItem:
    percent: str
    net_minor: int
    vat_minor: int
    gross_minor: int


@dataclass(frozen=True, slots=True)
class InstalmentItem:
    number: int
    due: date
    amount_minor: int
    principal_minor: int
    interest_minor: int
    fee_minor: int


@dataclass(frozen=True, slots=True)
class ReceivedItem:
    """How and when a sale was paid outside the checkout."""

    source: Literal["bank", "cash"]
    on: date


@dataclass(frozen=True, slots=True)
class ProviderItem:
    """What a provider took with the purchase, by card or MobilePay, in minor units."""

    method: PaidMethod
    amount_minor: int


@dataclass(frozen=True, slots=True)
class LateItem:
    """What paying late costs, percent a year as text; None while the figure is not known."""

    interest_percent: str | None
    margin_percent: str | None
    reminder_fee_minor: int


@dataclass(frozen=True, slots=True)
class Content:
    """Amounts are minor units of `currency`. `sale_number` is the document a notice collects or a credit note opposes.

    `lines` and `vat` are of the whole sale, negative on a credit note, empty on a notice; `schedule` holds every
    instalment of a sale in parts, and on a notice its own alone, number `instalment` of `instalments`. `partial` tells
    that a credit note leaves something of the sale. `paid_minor` and `credited_minor` are what came off a notice or a
    reminder before it was printed: `amount_minor` is the rest. `wallet_minor` is what the wallet paid of the sale with
    the purchase: an invoice asks for the rest. `footer` is the seller's own text. A credit note has
    the instalments that are left as its `schedule`, and in `to_wallet_minor` what of it went into the wallet.
    `wallet_minor` is what the wallet paid of the sale with the purchase: an invoice asks for the rest.
    `received` stands on the receipt of a sale that was paid outside the checkout: no plan, no rate and no quote.
    `provider` stands on the receipt of a sale that card or MobilePay paid, whole or beside the wallet. `for_company`
    says that a company bought, and `purchase_order` what it calls its purchase.
    """

    kind: Kind
    number: str
    sale_number: str | None
    order_reference: str
    seller: Party
    buyer: Party
    purchased_on: date
    issue_on: date
    due_on: date | None
    currency: str
    lines: tuple[LineItem, ...]
    vat: tuple[VatItem, ...]
    price_minor: int
    interest_minor: int
    fee_minor: int
    amount_minor: int
    payment: Payment | None
    instalment: int
    instalments: int
    schedule: tuple[InstalmentItem, ...]
    nominal_rate: str
    apr: str
    late: LateItem
    quote_id: str
    quote_hash: str
    version: int = 1
    partial: bool = False
    paid_minor: int = 0
    credited_minor: int = 0
    footer: str = ""
    to_wallet_minor: int = 0
    received: ReceivedItem | None = None
    wallet_minor: int = 0
    provider: ProviderItem | None = None
    for_company: bool = False
    purchase_order: str = ""

    @property
    def at_once_minor(self) -> int:
        """What was paid with the purchase."""
        return self.wallet_minor + (self.provider.amount_minor if self.provider else 0)

    def to_data(self) -> dict[str, object]:
        """As plain objects, for a jsonb column."""
        data: dict[str, object] = msgspec.to_builtins(self)
        return data

    @classmethod
    def from_data(cls, data: Mapping[str, object]) -> Content:
        """From what the column gives back. Raises msgspec.ValidationError when it never came from `to_data`."""
        return msgspec.convert(data, type=cls)
