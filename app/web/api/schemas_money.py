"""What the API tells of money: documents that ask for it, payments of them, and wallets."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

import msgspec

from app.web.api.points import WalletPoints


class Payment(msgspec.Struct, frozen=True):
    """`applied_minor` paid the invoice, `over_minor` is the customer's credit."""

    id: str
    invoice_id: str
    amount_minor: int
    applied_minor: int
    over_minor: int
    currency: str
    paid_on: date
    source: str
    recorded_at: datetime


class Invoice(msgspec.Struct, frozen=True):
    """`kind`: an `invoice` asks for the price and shows its VAT; a `receipt` shows the VAT of a sale that is paid by
    instalments, each asked for by a `notice`; a `credit_note` opposes one of the first two. `number` is unique with
    VAT documents of a year; `sale_number` is the one that a notice collects or a credit note opposes. `open_minor` is
    `amount_minor` less what was paid, credited, or dropped because it will never be earned. What asks for no money has
    no `due_on`, `iban` and references.
    """

    id: str
    kind: str
    number: str
    sale_number: str | None
    state: str
    order_id: str
    instalment: int | None
    currency: str
    amount_minor: int
    principal_minor: int
    interest_minor: int
    fee_minor: int
    paid_minor: int
    credited_minor: int
    dropped_minor: int
    open_minor: int
    issue_on: date
    due_on: date | None
    iban: str | None
    reference: str | None
    rf_reference: str | None
    quote_id: str | None
    payments: tuple[Payment, ...]


class InvoiceList(msgspec.Struct, frozen=True):
    """Newest first. `next_cursor` leads to the next page; it is null on the last."""

    data: tuple[Invoice, ...]
    next_cursor: str | None


class WalletLot(msgspec.Struct, frozen=True):
    """Money that came into a wallet at once: `amount_minor` came, `left_minor` of it is left, `held_minor` of that set
    aside for a purchase or a payout. `about` is the id of what it came from. Without `expires_at` it never lapses.
    """

    cause: str
    about: str
    amount_minor: int
    left_minor: int
    held_minor: int
    came_at: datetime
    expires_at: datetime | None


class WalletMovement(msgspec.Struct, frozen=True):
    """What came is positive, what went negative. `number` counts the movements of this wallet from 1."""

    number: int
    at: datetime
    cause: str
    about: str
    amount_minor: int
    balance_after_minor: int


class Wallet(msgspec.Struct, frozen=True):
    """`balance_minor` is what the lots have left, `available_minor` what can be paid with now. `lots` are in the order
    they are spent, `movements` newest first; `next_cursor` leads to the movements behind them and is null on the last
    page. While `module` is off nobody can pay with it, and the money stays the customer's.
    """

    customer_id: str
    module: Literal["on", "off"]
    currency: str
    balance_minor: int
    available_minor: int
    held_minor: int
    lots: tuple[WalletLot, ...]
    points: WalletPoints
    movements: tuple[WalletMovement, ...]
    next_cursor: str | None
