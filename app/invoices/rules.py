"""Which documents a purchase gives, what they say, and when who is reminded. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final, Literal

from app.invoices.content import (
    Content,
    InstalmentItem,
    Kind,
    LateItem,
    LineItem,
    Party,
    Payment,
    VatItem,
)
from app.invoices.errors import BarcodeRefused
from app.invoices.references import rf_reference, virtual_barcode
from app.law.rules import CountryLaw
from app.orders.rules import Line, vat_groups
from app.plans.quote import Quote
from app.plans.schedule import Instalment

# A notice reaches its payer two weeks before the money is due.
NOTICE_DAYS: Final = 14
REMINDERS_MAX: Final = 3
# Where the law file names no distance between reminders.
REMINDER_GAP_DAYS: Final = 14
BARCODE_VERSION: Final = 4

Channel = Literal["sms", "email", "letter"]


@dataclass(frozen=True, slots=True)
class Payee:
    """Whose account is paid to; `assigned` tells that it is not the seller's."""

    name: str
    company_id: str | None
    iban: str
    assigned: bool


@dataclass(frozen=True, slots=True)
class Sale:
    """A confirmed purchase with both sides of it. `purchased_on` is the local day of the merchant's country."""

    order_reference: str
    lines: Sequence[Line]
    quote: Quote
    seller: Party
    buyer: Party
    payee: Payee
    purchased_on: date


@dataclass(frozen=True, slots=True)
class Document:
    """One row to be drawn. `in_series` says that it carries VAT and its number is the series' next."""

    kind: Kind
    in_series: bool
    instalment: int
    amount_minor: int
    principal_minor: int
    interest_minor: int
    fee_minor: int
    issue_on: date
    due_on: date | None
    reference: str | None
    is_issued: bool
    content: Content


def references_needed(quote: Quote) -> int:
    """Each document that asks for money has a reference of its own."""
    return len(quote.schedule)


def number_text(year: int, number: int) -> str:
    return f"{year}-{number:05d}"


def documents(sale: Sale, number: str, references: Sequence[str]) -> tuple[Document, ...]:
    """The documents of a sale, its VAT document (numbered `number`) first.

    An invoice plan gives one invoice. Instalments give a receipt with the VAT of the sale and one notice an instalment,
    without VAT: the seller's tax is on the sale, the instalments repay a credit. Every figure is the stored quote's.
    """
    if len(references) != references_needed(sale.quote):
        raise ValueError("one reference for each payment")
    if sale.quote.method == "invoice":
        return (_invoice(sale, number, references[0]),)
    notices = (
        _notice(sale, number, row, reference)
        for row, reference in zip(sale.quote.schedule, references, strict=True)
    )
    return (_receipt(sale, number), *notices)


def opposing(content: Content, number: str, issue_on: date) -> Content:
    """The credit note of a document with VAT: its lines and VAT with the other sign, and nothing to pay."""
    return replace(
        content,
        kind="credit_note",
        number=number,
        sale_number=content.number,
        issue_on=issue_on,
        due_on=None,
        lines=tuple(
            replace(line, quantity=-line.quantity, total_minor=-line.total_minor) for line in content.lines
        ),
        vat=tuple(
            VatItem(group.percent, -group.net_minor, -group.vat_minor, -group.gross_minor)
            for group in content.vat
        ),
        price_minor=-content.price_minor,
        interest_minor=0,
        fee_minor=0,
        amount_minor=-content.price_minor,
        payment=None,
        instalments=0,
        schedule=(),
    )


def reminder_of(content: Content, paid_minor: int, today: date) -> Content:
    """The sheet that asks again for what is open of a document: its codes carry the rest, to be paid at once."""
    assert content.payment is not None, "only what asks for money is reminded of"
    open_minor = content.amount_minor - paid_minor
    payment = content.payment
    try:
        barcode = virtual_barcode(payment.iban, payment.reference, open_minor, None, BARCODE_VERSION)
    except BarcodeRefused:
        barcode = None
    return replace(
        content,
        kind="reminder",
        issue_on=today,
        lines=(),
        vat=(),
        price_minor=content.amount_minor,
        interest_minor=0,
        fee_minor=0,
        amount_minor=open_minor,
        payment=replace(payment, barcode=barcode),
        schedule=(),
    )


def _invoice(sale: Sale, number: str, reference: str) -> Document:
    [row] = sale.quote.schedule
    content = replace(
        _base(sale, "invoice", number),
        due_on=row.due,
        interest_minor=row.interest_minor,
        fee_minor=row.fee_minor,
        amount_minor=row.amount_minor,
        payment=_payment(sale.payee, reference, row.amount_minor, row.due),
    )
    return _asking(content, row, instalment=0, is_issued=True, in_series=True)


def _receipt(sale: Sale, number: str) -> Document:
    content = replace(
        _base(sale, "receipt", number),
        instalments=len(sale.quote.schedule),
        schedule=tuple(_item(row) for row in sale.quote.schedule),
    )
    return Document(
        kind="receipt",
        in_series=True,
        instalment=0,
        amount_minor=content.amount_minor,
        principal_minor=content.amount_minor,
        interest_minor=0,
        fee_minor=0,
        issue_on=content.issue_on,
        due_on=None,
        reference=None,
        is_issued=True,
        content=content,
    )


def _notice(sale: Sale, sale_number: str, row: Instalment, reference: str) -> Document:
    issue_on = max(sale.purchased_on, row.due - timedelta(days=NOTICE_DAYS))
    content = replace(
        _base(sale, "notice", f"{sale_number}/{row.number}"),
        sale_number=sale_number,
        issue_on=issue_on,
        due_on=row.due,
        lines=(),
        vat=(),
        price_minor=row.principal_minor,
        interest_minor=row.interest_minor,
        fee_minor=row.fee_minor,
        amount_minor=row.amount_minor,
        payment=_payment(sale.payee, reference, row.amount_minor, row.due),
        instalment=row.number,
        instalments=len(sale.quote.schedule),
        schedule=(_item(row),),
    )
    is_issued = issue_on <= sale.purchased_on
    return _asking(content, row, instalment=row.number, is_issued=is_issued, in_series=False)


def _asking(
    content: Content, row: Instalment, *, instalment: int, is_issued: bool, in_series: bool
) -> Document:
    assert content.payment is not None
    return Document(
        kind=content.kind,
        in_series=in_series,
        instalment=instalment,
        amount_minor=row.amount_minor,
        principal_minor=row.principal_minor,
        interest_minor=row.interest_minor,
        fee_minor=row.fee_minor,
        issue_on=content.issue_on,
        due_on=row.due,
        reference=content.payment.reference,
        is_issued=is_issued,
        content=content,
    )


def _base(sale: Sale, kind: Kind, number: str) -> Content:
    """What the documents of a sale have in common: the sale itself, with its VAT."""
    quote = sale.quote
    return Content(
        kind=kind,
        number=number,
        sale_number=None,
        order_reference=sale.order_reference,
        seller=sale.seller,
        buyer=sale.buyer,
        purchased_on=sale.purchased_on,
        issue_on=sale.purchased_on,
        due_on=None,
        currency=quote.currency,
        lines=tuple(
            LineItem(
                line.name,
                line.sku,
                line.quantity,
                line.unit_price_minor,
                f"{line.vat_percent:f}",
                line.total_minor,
            )
            for line in sale.lines
        ),
        vat=tuple(
            VatItem(f"{group.percent:f}", group.net_minor, group.vat_minor, group.gross_minor)
            for group in vat_groups(sale.lines)
        ),
        price_minor=quote.amount_minor,
        interest_minor=0,
        fee_minor=0,
        amount_minor=quote.amount_minor,
        payment=None,
        instalment=0,
        instalments=0,
        schedule=(),
        nominal_rate=f"{quote.nominal_rate:f}",
        apr=f"{quote.apr:f}",
        late=_late(quote),
        quote_id=quote.id,
        quote_hash=quote.hash,
    )


def _payment(payee: Payee, reference: str, amount_minor: int, due: date) -> Payment:
    try:
        barcode = virtual_barcode(payee.iban, reference, amount_minor, due, BARCODE_VERSION)
    except BarcodeRefused:
        barcode = None
    return Payment(
        payee=payee.name,
        payee_id=payee.company_id,
        iban=payee.iban,
        reference=reference,
        rf_reference=rf_reference(reference),
        barcode=barcode,
        assigned=payee.assigned,
    )


def _item(row: Instalment) -> InstalmentItem:
    return InstalmentItem(
        row.number, row.due, row.amount_minor, row.principal_minor, row.interest_minor, row.fee_minor
    )


def _late(quote: Quote) -> LateItem:
    late = quote.late
    return LateItem(
        interest_percent=None if late.interest_percent is None else f"{late.interest_percent:f}",
        margin_percent=None if late.interest_margin_percent is None else f"{late.interest_margin_percent:f}",
        reminder_fee_minor=late.reminder_fee_minor,
    )


@dataclass(frozen=True, slots=True)
class Ladder:
    """When a country lets an unpaid invoice be asked for again, in days after the due date and between reminders."""

    grace_days: int
    second_after_days: int
    gap_days: int

    def first_on(self, due: date) -> date:
        return due + timedelta(days=self.grace_days)

    def next_on(self, due: date, *, sent: int, today: date) -> date | None:
        """The day of the reminder after `sent` ones, the last of them today; None after the last."""
        if sent >= REMINDERS_MAX:
            return None
        return max(due + timedelta(days=self.second_after_days), today + timedelta(days=self.gap_days))


def ladder_of(law: CountryLaw, on: date) -> Ladder:
    """The country's ladder. Raises FigureUnknown without a day for the first reminder."""
    gap = law.find("reminder_gap_days", on)
    after = law.find("reminder_after_days", on)
    gap_days = int(gap.value) if gap else REMINDER_GAP_DAYS
    return Ladder(
        grace_days=int(law.figure("reminder_grace_days", on).value),
        second_after_days=int(after.value) if after else gap_days,
        gap_days=gap_days,
    )


def channel_of(step: int, *, has_phone: bool, delivery: str) -> Channel:
    """The first reminder is a free SMS where there is a phone; the others go the way of the invoice."""
    if step == 1 and has_phone:
        return "sms"
    return "letter" if delivery == "paper" else "email"


def split_payment(open_minor: int, paid_minor: int) -> tuple[int, int]:
    """What of a payment goes to the invoice, and what is over."""
    applied = min(open_minor, paid_minor)
    return applied, paid_minor - applied
