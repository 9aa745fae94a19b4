"""What the templates of purchases are given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from app.kernel.money import Money
    from app.messages.sent import Channel, What
    from app.plans.quote import Method
    from app.web.shopper.views import LineView

DocumentKind = Literal["invoice", "receipt", "notice", "credit_note", "agreement"]
PurchaseState = Literal["paid", "partly_refunded", "refunded"]


@dataclass(frozen=True, slots=True)
class ShopChoice:
    """A shop to look at alone; without an id all of them."""

    public_id: str
    name: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class DueView:
    """A sum that is or will be asked for. ``is_asked`` is False for an instalment whose time has not come. ``put`` is
    what a return of it put into the wallet, at ``wallet_url``; None for nothing."""

    url: str
    shop: str
    reference: str
    number: str
    instalment: int
    open: Money
    due_on: date
    is_overdue: bool
    is_asked: bool
    put: Money | None
    wallet_url: str


@dataclass(frozen=True, slots=True)
class PurchaseRow:
    """A purchase in the list; ``more`` counts the things that ``names`` leaves out. ``put`` is what refunds of it put
    into the wallet; None for nothing."""

    url: str
    shop: str
    reference: str
    names: Sequence[str]
    more: int
    bought_on: date
    total: Money
    state: PurchaseState
    owed: Money
    due_on: date | None
    is_overdue: bool
    put: Money | None


@dataclass(frozen=True, slots=True)
class PurchasesView:
    """``closed`` counts shops that a code alone does not open, ``bank_url`` leads to what does."""

    shops: Sequence[ShopChoice]
    chosen: ShopChoice | None
    dues: Sequence[DueView]
    totals: Sequence[Money]
    rows: Sequence[PurchaseRow]
    older_url: str | None
    is_first: bool
    closed: int


@dataclass(frozen=True, slots=True)
class PayHereView:
    """Where the money of a document goes. ``reference`` and ``iban`` are in groups, as they are printed."""

    payee: str
    iban: str
    reference: str


@dataclass(frozen=True, slots=True)
class AskedView:
    """A document that asks for money, with what is open of it. ``is_asked`` is False for an instalment to come."""

    number: str
    instalment: int
    instalments: int
    amount: Money
    open: Money
    due_on: date
    is_overdue: bool
    is_asked: bool
    is_paid: bool
    pay: PayHereView | None


@dataclass(frozen=True, slots=True)
class DocumentView:
    """A PDF to download. A part of a plan says which one it is."""

    kind: DocumentKind
    number: str
    instalment: int
    on: date
    url: str


@dataclass(frozen=True, slots=True)
class PaymentView:
    """Money that came in from the customer. ``source`` is "wallet" where it is their wallet's, "card" or "mobilepay"
    where it was paid so with the purchase."""

    amount: Money
    on: date
    source: str


@dataclass(frozen=True, slots=True)
class SentView:
    """A message that was sent; ``to`` is masked, None where it is not known any more. ``is_receipt``: its document
    asks for nothing."""

    at: datetime
    what: What
    channel: Channel
    number: str | None
    is_receipt: bool
    to: str | None


@dataclass(frozen=True, slots=True)
class ReturnRow:
    url: str
    number: str
    state: str
    on: date
    refund: Money


@dataclass(frozen=True, slots=True)
class RefundRow:
    """Money that was given back: so much into the wallet, so much off what is owed, so much back to the customer."""

    on: date
    amount: Money
    to_wallet: Money
    lowered: Money
    back: Money
    is_waiting: bool


@dataclass(frozen=True, slots=True)
class PurchaseView:
    """One purchase. ``by_provider`` is what was paid at once by card or MobilePay. ``put`` is what refunds put into the
    wallet at ``wallet_url`` while the purchase is still to be paid; None for nothing. ``zone`` is the shop's."""

    url: str
    shop: str
    shop_email: str
    reference: str
    bought_on: date
    state: PurchaseState
    lines: Sequence[LineView]
    total: Money
    from_wallet: Money | None
    by_provider: Money | None
    method: Method | None
    owed: Money
    asked: Sequence[AskedView]
    payments: Sequence[PaymentView]
    documents: Sequence[DocumentView]
    sent: Sequence[SentView]
    zone: str
    may_return: bool
    returns: Sequence[ReturnRow]
    refunds: Sequence[RefundRow]
    put: Money | None
    wallet_url: str
