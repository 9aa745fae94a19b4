"""What the templates of the admin are given: made from the features' results, ready for the locale's filters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from app.invoices.states import InvoiceState
from app.kernel.money import Money
from app.orders.rules import vat_groups
from app.payments.disputing import GOES_ON
from app.plans.disclosure import QuoteView, view_of
from app.plans.errors import QuoteDamagedError
from app.plans.quote import Quote

if TYPE_CHECKING:
    from app.cases.queries import Asker
    from app.checkout.overview import FailedDelivery, SessionView, Steps
    from app.invoices.queries import InvoiceView
    from app.ledger.queries import PostingView
    from app.orders.queries import DeliveryView, OrderContact, OrderVersion, OrderView, TimelineEntry
    from app.orders.rules import LineChange, Origin
    from app.payments.dispute_queries import DisputeView
    from app.payments.queries import PaymentView

StepKey = Literal["opened", "chosen", "identified", "held", "confirmed"]
DeliveryState = Literal["done", "failed", "waiting"]


@dataclass(frozen=True, slots=True)
class OrderRow:
    """``method`` is how it was paid in the checkout; None before, and where it was paid outside of it."""

    public_id: str
    reference: str
    customer: str | None
    state: str
    total: Money
    created_at: datetime
    method: str | None = None


@dataclass(frozen=True, slots=True)
class LineRow:
    name: str
    sku: str | None
    type: str
    quantity: int
    unit_price: Money
    vat_percent: Decimal
    total: Money
    origin: Origin


@dataclass(frozen=True, slots=True)
class VatRow:
    """The lines of one VAT rate."""

    percent: Decimal
    net: Money
    vat: Money
    gross: Money


@dataclass(frozen=True, slots=True)
class PostingRow:
    """One side is always None."""

    cause: str
    account: str
    debit: Money | None
    credit: Money | None
    posted_at: datetime


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """A job about the order, with what it delivers and each of its tries."""

    kind: str
    subject: str
    state: DeliveryState
    next_at: datetime | None
    tries: Sequence[object]


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """An invoice or what goes with one. `asks` tells whether money is asked for with it, `open` how much still."""

    public_id: str
    number: str
    kind: str
    state: str
    due_on: date | None
    amount: Money
    asks: bool
    open: Money


@dataclass(frozen=True, slots=True)
class FailedRow:
    kind: str
    subject: str
    order_public_id: str | None
    reference: str | None
    failed_at: datetime
    attempts: int
    error: str


@dataclass(frozen=True, slots=True)
class Bar:
    """One step of the way: how many came so far, and which share of those who began (0-100, a whole number)."""

    step: StepKey
    count: int
    percent: int


@dataclass(frozen=True, slots=True)
class OrderDetail:
    public_id: str
    reference: str
    state: str
    country: str
    buyer: str
    total: Money
    refundable: Money
    created_at: datetime
    paid_at: datetime | None
    removed: bool
    contact: OrderContact
    lines: Sequence[LineRow]
    vat: Sequence[VatRow]
    quote: QuoteView | None
    quote_damaged: bool
    sessions: Sequence[SessionView]
    timeline: Sequence[TimelineEntry]
    deliveries: Sequence[DeliveryRow]
    postings: Sequence[PostingRow]


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """What became of one line. `sign` is +, - or ~ (changed); `was` is the price of all its pieces before."""

    sign: Literal["+", "-", "~"]
    name: str
    quantity: int
    was: Money | None
    now: Money | None


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One version of an order; `before` is the total of the one before it. `seen` holds when shoppers went on from it,
    and the checkout of each where the order has had several."""

    version: int
    at: datetime
    actor: str
    total: Money
    before: Money | None
    changes: Sequence[str]
    lines: Sequence[ChangeRow]
    seen: Sequence[tuple[datetime, str]] = ()


def versions_of(order: OrderView, versions: Sequence[OrderVersion]) -> tuple[VersionRow, ...]:
    """The versions of an order, newest first; nothing while there is but one."""
    if len(versions) < 2:
        return ()
    rows = []
    sessions = {session for each in versions for _, session in each.seen}
    for index, each in enumerate(versions):
        before = versions[index - 1].total_minor if index else None
        rows.append(
            VersionRow(
                version=each.version,
                at=each.at,
                actor=each.actor,
                total=Money(each.total_minor, order.currency),
                before=None
                if before is None or before == each.total_minor
                else Money(before, order.currency),
                changes=each.changes,
                lines=tuple(_change(change, order.currency) for change in each.lines),
                seen=tuple((at, session if len(sessions) > 1 else "") for at, session in each.seen),
            )
        )
    return tuple(reversed(rows))


def _change(change: LineChange, currency: str) -> ChangeRow:
    line = change.after or change.before
    assert line is not None, "a change is of some line"
    return ChangeRow(
        sign="+" if change.before is None else "-" if change.after is None else "~",
        name=line.name,
        quantity=line.quantity,
        was=None if change.before is None else Money(change.before.total_minor, currency),
        now=None if change.after is None else Money(change.after.total_minor, currency),
    )


def known_of(contact: OrderContact, asker: Asker | None) -> OrderContact:
    """Who buys: as the order names them, else as they told it when it began to wait for a person."""
    if asker is None:
        return contact
    return replace(
        contact,
        name=contact.name or asker.name,
        email=contact.email or asker.email,
        phone=contact.phone or asker.phone,
    )


def row_of(order: OrderView, asker: Asker | None = None) -> OrderRow:
    known = known_of(order.contact, asker)
    return OrderRow(
        public_id=order.public_id,
        reference=order.reference,
        customer=known.name or known.email or known.phone,
        state=order.state.value,
        total=Money(order.total_minor, order.currency),
        created_at=order.created_at,
        method=order.method,
    )


@dataclass(frozen=True, slots=True)
class DisputeRow:
    """A dispute about a payment. ``answer_by`` is wall time."""

    state: str
    reason: str
    amount: Money
    answer_by: datetime | None
    goes_on: bool


@dataclass(frozen=True, slots=True)
class PaymentRow:
    """One try to pay through a provider. ``failure`` is a word of the provider's, or of ours."""

    public_id: str
    method: str
    state: str
    amount: Money
    refunded: Money
    going_back: Money
    failure: str | None
    created_at: datetime
    disputes: tuple[DisputeRow, ...]


def payment_row(payment: PaymentView, disputes: Sequence[DisputeView] = ()) -> PaymentRow:
    """`disputes`: of any payments of its order."""
    return PaymentRow(
        public_id=payment.public_id,
        method=payment.method,
        state=payment.state.value,
        amount=payment.amount,
        refunded=Money(payment.given_back_minor, payment.currency),
        going_back=Money(payment.going_back_minor, payment.currency),
        failure=payment.failure,
        created_at=payment.created_at,
        disputes=tuple(
            DisputeRow(each.state.value, each.reason, each.amount, each.answer_by, each.state in GOES_ON)
            for each in disputes
            if each.payment_id == payment.id
        ),
    )


def detail_of(
    order: OrderView,
    sessions: Sequence[SessionView],
    *,
    timeline: Sequence[TimelineEntry],
    deliveries: Sequence[DeliveryView],
    postings: Sequence[PostingView],
) -> OrderDetail:
    quote, damaged = _quote(order)
    return OrderDetail(
        public_id=order.public_id,
        reference=order.reference,
        state=order.state.value,
        country=order.country,
        buyer=order.buyer,
        total=Money(order.total_minor, order.currency),
        refundable=Money(order.refundable_minor, order.currency),
        created_at=order.created_at,
        paid_at=order.paid_at,
        removed=order.removed,
        contact=order.contact,
        lines=_lines(order),
        vat=_vat(order),
        quote=quote,
        quote_damaged=damaged,
        sessions=sessions,
        timeline=tuple(reversed(timeline)),
        deliveries=tuple(_delivery(delivery) for delivery in deliveries),
        postings=tuple(_posting(posting) for posting in postings),
    )


def document_of(invoice: InvoiceView) -> DocumentRow:
    return DocumentRow(
        public_id=invoice.public_id,
        number=invoice.number,
        kind=invoice.kind,
        state=invoice.state.value,
        due_on=invoice.due_on,
        amount=Money(invoice.amount_minor, invoice.currency),
        asks=invoice.reference is not None and invoice.state is not InvoiceState.CREDITED,
        open=Money(invoice.open_minor, invoice.currency),
    )


def _quote(order: OrderView) -> tuple[QuoteView | None, bool]:
    """The plan as it was shown, and whether what is stored of it cannot be trusted: staff must see the order anyway."""
    if order.quote_content is None:
        return None, False
    try:
        return view_of(Quote.from_data(order.quote_content)), False
    except QuoteDamagedError:
        return None, True


def _lines(order: OrderView) -> tuple[LineRow, ...]:
    return tuple(
        LineRow(
            name=line.name,
            sku=line.sku,
            type=line.type,
            quantity=line.quantity,
            unit_price=Money(line.unit_price_minor, order.currency),
            vat_percent=line.vat_percent,
            total=Money(line.total_minor, order.currency),
            origin=line.origin,
        )
        for line in order.lines
    )


def _vat(order: OrderView) -> tuple[VatRow, ...]:
    return tuple(
        VatRow(
            percent=group.percent,
            net=Money(group.net_minor, order.currency),
            vat=Money(group.vat_minor, order.currency),
            gross=Money(group.gross_minor, order.currency),
        )
        for group in vat_groups(order.lines)
    )


def _posting(posting: PostingView) -> PostingRow:
    amount = Money(abs(posting.amount_minor), posting.currency)
    is_debit = posting.amount_minor > 0
    return PostingRow(
        cause=posting.cause,
        account=posting.address,
        debit=amount if is_debit else None,
        credit=None if is_debit else amount,
        posted_at=posting.posted_at,
    )


def _delivery(delivery: DeliveryView) -> DeliveryRow:
    return DeliveryRow(
        kind=delivery.kind,
        subject=_subject(delivery.payload),
        state="done" if delivery.done_at else "failed" if delivery.failed_at else "waiting",
        next_at=delivery.next_at,
        tries=delivery.tries,
    )


def failed_view_of(failed: FailedDelivery) -> FailedRow:
    return FailedRow(
        kind=failed.kind,
        subject=_subject(failed.payload),
        order_public_id=failed.order_public_id,
        reference=failed.reference,
        failed_at=failed.failed_at,
        attempts=failed.attempts,
        error=failed.error,
    )


def _subject(payload: Mapping[str, object]) -> str:
    """What a job delivers: a webhook says the event's type, a mail the name of its template."""
    said = payload.get("type") or payload.get("template")
    return said if isinstance(said, str) else ""


def bars_of(steps: Steps) -> tuple[Bar, ...]:
    counts: tuple[tuple[StepKey, int], ...] = (
        ("opened", steps.opened),
        ("chosen", steps.chosen),
        ("identified", steps.identified),
        ("held", steps.held),
        ("confirmed", steps.confirmed),
    )
    return tuple(Bar(step, count, round(100 * count / max(1, steps.opened))) for step, count in counts)
