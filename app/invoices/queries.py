"""Reads of invoices. Every list is one statement, whatever its length."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final, Literal
from uuid import UUID

from app.invoices import settlement
from app.invoices.content import Content, Kind
from app.invoices.rules import Off
from app.invoices.states import UNPAID, InvoiceState
from app.kernel import db


@dataclass(frozen=True, slots=True)
class Seller:
    """What invoices say of a shop; None where nobody has said it: then the shop's own name and e-mail stand there.

    `company_id` and `vat_id` are written as in the country, `iban` and `bic` without spaces; `footer` is free text.
    """

    company_id: str | None = None
    vat_id: str | None = None
    street: str | None = None
    postcode: str | None = None
    city: str | None = None
    iban: str | None = None
    bic: str | None = None
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    footer: str | None = None


@dataclass(frozen=True, slots=True)
class InvoiceView:
    """A document with what has been paid of it. Amounts are minor units of `currency`.

    One of a sale that was paid outside the checkout has neither debtor nor quote, and one that a guest paid by card or
    MobilePay has no debtor: nothing was ever owed on it.
    """

    id: UUID
    public_id: str
    kind: Kind
    number: str
    order_id: UUID
    order_public_id: str
    debtor_id: UUID | None
    debtor_public_id: str | None
    quote_id: str | None
    instalment: int
    currency: str
    amount_minor: int
    principal_minor: int
    interest_minor: int
    fee_minor: int
    paid_minor: int
    issue_on: date
    due_on: date | None
    reference: str | None
    state: InvoiceState
    delivery: str
    lang: str
    created_at: datetime
    charges_posted_at: datetime | None
    remind_on: date | None
    credited_minor: int
    dropped_interest_minor: int
    dropped_fee_minor: int
    restored_minor: int
    put_minor: int
    content: Content = field(repr=False)

    @property
    def paid_outside(self) -> bool:
        """Whether its sale was paid by money that staff recorded."""
        return self.content.received is not None

    @property
    def customer_id(self) -> UUID:
        """Who owes, or owed, what was bought."""
        assert self.debtor_id is not None, "a sale on credit has its debtor"
        return self.debtor_id

    @property
    def customer_public_id(self) -> str:
        assert self.debtor_public_id is not None, "a sale on credit has its debtor"
        return self.debtor_public_id

    @property
    def asks(self) -> bool:
        """Whether money is asked for with it, or was."""
        return self.kind in {"invoice", "notice"} and self.state is not InvoiceState.CREDITED

    @property
    def open_minor(self) -> int:
        """What is still asked for."""
        return self.amount_minor - self.paid_minor - self.reduced_minor if self.asks else 0

    @property
    def reduced_minor(self) -> int:
        """What is asked for no more: credited, or dropped because it will never be earned."""
        return self.credited_minor + self.dropped_interest_minor + self.dropped_fee_minor

    @property
    def off(self) -> Off:
        """What came off it since it was drawn."""
        return Off(self.paid_minor, self.credited_minor, self.dropped_interest_minor, self.dropped_fee_minor)

    @property
    def earned_interest_minor(self) -> int:
        """The interest that is earned sooner or later."""
        return self.interest_minor - self.dropped_interest_minor

    @property
    def earned_fee_minor(self) -> int:
        return self.fee_minor - self.dropped_fee_minor

    @property
    def charges_minor(self) -> int:
        return self.earned_interest_minor + self.earned_fee_minor


@dataclass(frozen=True, slots=True)
class PaymentView:
    """Money that came in: `applied_minor` paid the invoice, `over_minor` is the customer's credit."""

    public_id: str
    invoice_id: UUID
    key: str
    amount_minor: int
    applied_minor: int
    over_minor: int
    currency: str
    paid_on: date
    source: str
    actor: str
    recorded_at: datetime


COLUMNS: Final = """
    i.id, i.public_id, i.kind, i.number, i.order_id, o.public_id AS order_public_id,
    i.customer_id AS debtor_id, c.public_id AS debtor_public_id, i.quote_id, i.instalment, i.currency,
    i.amount_minor, i.principal_minor,
    i.interest_minor, i.fee_minor, i.paid_minor, i.issue_on, i.due_on, i.reference, i.state, i.delivery, i.lang,
    i.created_at, i.charges_posted_at, i.remind_on, i.credited_minor, i.dropped_interest_minor, i.dropped_fee_minor,
    i.restored_minor, i.put_minor,
    i.content
"""
TABLES: Final = """
    invoices i JOIN orders o ON o.merchant_id = i.merchant_id AND o.id = i.order_id
    LEFT JOIN customers c ON c.id = i.customer_id
"""
# The two parts above are constants of this module.
_BY_PUBLIC_ID: Final = f"SELECT {COLUMNS} FROM {TABLES} WHERE i.merchant_id = $1 AND i.public_id = $2"  # noqa: S608
_BY_ID: Final = f"SELECT {COLUMNS} FROM {TABLES} WHERE i.merchant_id = $1 AND i.id = $2"  # noqa: S608
_OF_ORDER: Final = (
    f"SELECT {COLUMNS} FROM {TABLES} WHERE i.merchant_id = $1 AND o.public_id = $2 ORDER BY i.id"  # noqa: S608
)

_PAYMENT_COLUMNS: Final = """public_id, invoice_id, key, amount_minor, applied_minor, over_minor, currency, paid_on,
    source, actor, recorded_at"""


DueKind = Literal["issue", "charge", "overdue", "remind"]

# What falls due by the clock: a condition that a partial index serves, the day that counts, and how it counts.
_DUE: Final[Mapping[DueKind, tuple[str, str, str]]] = {
    "issue": ("i.state = 'scheduled'", "issue_on", "<="),
    "charge": (
        "i.charges_posted_at IS NULL AND i.interest_minor + i.fee_minor > 0 AND i.state <> 'credited'",
        "due_on",
        "<=",
    ),
    "overdue": ("i.state IN ('issued', 'partly_paid')", "due_on", "<"),
    "remind": ("i.state = 'overdue' AND i.remind_on IS NOT NULL", "remind_on", "<="),
}


def due_sql(kind: DueKind) -> str:
    """FROM and WHERE of what is due at business time $1. A day begins in the merchant's country: no zone is a whole day
    ahead of UTC, so the first comparison uses the index and the second one decides."""
    condition, day, comparison = _DUE[kind]
    return f"""FROM invoices i JOIN merchants m ON m.id = i.merchant_id
        WHERE {condition} AND i.{day} <= ($1::timestamptz AT TIME ZONE 'UTC')::date + 1
          AND i.{day} {comparison} ($1::timestamptz AT TIME ZONE m.time_zone)::date"""


async def due_by_clock(now: datetime) -> Mapping[DueKind, int]:
    """How much of each kind should have been done by `now` and has not."""
    # Only constants of this module are joined here.
    counts = ", ".join(f'(SELECT count(*) {due_sql(kind)}) AS "{kind}"' for kind in _DUE)
    row = await db.fetch_one(f"SELECT {counts}", now)
    assert row is not None
    return {kind: row[kind] for kind in _DUE if row[kind]}


# The order before its documents, as a refund takes them: a document that is written twice in a transaction has the
# database look at its order again, and whoever held the document first would wait there for whoever holds the order.
_KEEP_ORDER: Final = """
SELECT o.id FROM orders o WHERE o.merchant_id = $1
  AND o.id = (SELECT i.order_id FROM invoices i WHERE i.merchant_id = $1 AND i.public_id = $2)
FOR KEY SHARE
"""


async def invoice_by_public_id(
    merchant_id: UUID, public_id: str, *, lock: bool = False
) -> InvoiceView | None:
    """One document; with `lock` its row stays locked until the end of the transaction."""
    sql = _BY_PUBLIC_ID
    if lock:
        await db.fetch_value(_KEEP_ORDER, merchant_id, public_id)
        sql = f"{_BY_PUBLIC_ID} FOR UPDATE OF i"
    row = await db.fetch_one(sql, merchant_id, public_id)
    return None if row is None else view_of(row)


async def invoice_by_id(merchant_id: UUID, invoice_id: UUID, *, lock: bool = False) -> InvoiceView | None:
    sql = f"{_BY_ID} FOR UPDATE OF i" if lock else _BY_ID
    row = await db.fetch_one(sql, merchant_id, invoice_id)
    return None if row is None else view_of(row)


async def invoices_of_order(
    merchant_id: UUID, order_public_id: str, *, lock: bool = False
) -> tuple[InvoiceView, ...]:
    """Every document of an order, in the order they were drawn."""
    sql = f"{_OF_ORDER} FOR UPDATE OF i" if lock else _OF_ORDER
    return tuple(view_of(row) for row in await db.fetch_all(sql, merchant_id, order_public_id))


async def payments_of(merchant_id: UUID, *invoice_ids: UUID) -> tuple[PaymentView, ...]:
    """What came in for these documents, oldest first."""
    rows = await db.fetch_all(
        f"SELECT {_PAYMENT_COLUMNS} FROM invoice_payments"  # noqa: S608 - a constant of this module
        " WHERE merchant_id = $1 AND invoice_id = ANY($2::uuid[]) ORDER BY id",
        merchant_id,
        list(invoice_ids),
    )
    return tuple(PaymentView(**row) for row in rows)


async def payment_by_key(merchant_id: UUID, key: str) -> PaymentView | None:
    row = await db.fetch_one(
        f"SELECT {_PAYMENT_COLUMNS} FROM invoice_payments WHERE merchant_id = $1 AND key = $2",  # noqa: S608
        merchant_id,
        key,
    )
    return None if row is None else PaymentView(**row)


async def paid_by_wallet(merchant_id: UUID, order_id: UUID) -> int:
    """What the wallet paid of an order's documents at the purchase, in minor units."""
    paid = await db.fetch_value(
        """SELECT coalesce(sum(p.applied_minor), 0) FROM invoice_payments p
           JOIN invoices i ON i.merchant_id = p.merchant_id AND i.id = p.invoice_id
           WHERE p.merchant_id = $1 AND i.order_id = $2 AND p.source = 'wallet'""",
        merchant_id,
        order_id,
    )
    return int(paid)


async def seller_of(merchant_id: UUID) -> Seller:
    """What is known of a shop as a seller; an empty one when nobody said anything."""
    row = await db.fetch_one(
        "SELECT company_id, vat_id, street, postcode, city, iban, bic, name, email, phone, footer"
        " FROM invoice_sellers WHERE merchant_id = $1",
        merchant_id,
    )
    return Seller() if row is None else Seller(**row)


def unpaid_of(
    together: Sequence[InvoiceView],
) -> tuple[tuple[InvoiceView, ...], tuple[settlement.Part, ...]]:
    """The documents of an order that still ask for money, and each as the rules of settlement see it."""
    dues = {invoice.instalment: invoice.due_on for invoice in together if invoice.kind == "notice"}
    unpaid = tuple(invoice for invoice in together if invoice.asks and invoice.state in UNPAID)
    parts = []
    for invoice in unpaid:
        assert invoice.due_on is not None
        parts.append(
            settlement.Part(
                starts_on=dues.get(invoice.instalment - 1) or invoice.content.purchased_on,
                due_on=invoice.due_on,
                open_minor=invoice.open_minor,
                interest_minor=invoice.earned_interest_minor,
                fee_minor=invoice.earned_fee_minor,
                is_posted=invoice.charges_posted_at is not None,
            )
        )
    return unpaid, tuple(parts)


def settlement_on(together: Sequence[InvoiceView], day: date) -> settlement.Settlement | None:
    """What would settle the instalments among an order's documents on a day; None when none asks for money."""
    _, parts = unpaid_of([invoice for invoice in together if invoice.kind == "notice"])
    return settlement.settle(parts, day) if parts else None


def view_of(row: db.Record) -> InvoiceView:
    """A row of COLUMNS."""
    values = dict(row.items())
    values["state"] = InvoiceState(values["state"])
    values["content"] = Content.from_data(values["content"])
    return InvoiceView(**values)
