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
    ProviderItem,
    VatItem,
)
from app.invoices.credits import TakenBack
from app.invoices.errors import BarcodeRefused
from app.invoices.references import rf_reference, virtual_barcode
from app.kernel.money import Money
from app.law.rules import CountryLaw
from app.orders.rules import Line, vat_groups
from app.plans.quote import Quote
from app.plans.schedule import Instalment

# A notice reaches its payer two weeks before the money is due.
NOTICE_DAYS: Final = 14
# The product's own most; a country may allow fewer.
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
    bic: str | None = None


@dataclass(frozen=True, slots=True)
class Sale:
    """A confirmed purchase with both sides of it; nobody is to be paid where all was paid at once. `purchased_on` is
    the local day of the merchant's country."""

    order_reference: str
    lines: Sequence[Line]
    quote: Quote
    seller: Party
    buyer: Party
    payee: Payee | None
    purchased_on: date
    footer: str = ""
    for_company: bool = False
    purchase_order: str = ""


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


@dataclass(frozen=True, slots=True)
class Off:
    """What came off a document since it was drawn: paid, credited, and the costs that will never be earned."""

    paid_minor: int = 0
    credited_minor: int = 0
    interest_minor: int = 0
    fee_minor: int = 0

    @property
    def dropped_minor(self) -> int:
        return self.interest_minor + self.fee_minor

    @property
    def sum_minor(self) -> int:
        return self.paid_minor + self.credited_minor + self.dropped_minor


def references_needed(quote: Quote) -> int:
    """Each document that asks for money has a reference of its own."""
    return len(quote.schedule)


def number_text(year: int, number: int) -> str:
    return f"{year}-{number:05d}"


def documents(sale: Sale, number: str, references: Sequence[str]) -> tuple[Document, ...]:
    """The documents of a sale, its VAT document (numbered `number`) first.

    An invoice plan gives one invoice, of the whole price: what the wallet paid with the purchase is not asked for.
    Instalments give a receipt with the VAT of the sale and one notice an instalment, without VAT: the seller's tax is
    on the sale, the instalments repay a credit. A sale that was paid at once (wallet, card, MobilePay) has a receipt
    and nothing else. Every figure is the stored quote's.
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


def opposing(content: Content, number: str, issue_on: date, taken: TakenBack) -> Content:
    """The credit note of a document with VAT: what is taken back with the other sign, and nothing to pay."""
    return replace(
        content,
        kind="credit_note",
        number=number,
        sale_number=content.number,
        issue_on=issue_on,
        due_on=None,
        lines=tuple(
            replace(line, quantity=-line.quantity, total_minor=-line.total_minor) for line in taken.lines
        ),
        vat=tuple(
            VatItem(group.percent, -group.net_minor, -group.vat_minor, -group.gross_minor)
            for group in taken.vat
        ),
        price_minor=-taken.amount_minor,
        interest_minor=0,
        fee_minor=0,
        amount_minor=-taken.amount_minor,
        wallet_minor=0,
        provider=None,
        payment=None,
        instalments=0,
        schedule=(),
        partial=taken.amount_minor != content.price_minor,
    )


def reminder_of(content: Content, off: Off, today: date) -> Content:
    """The sheet that asks again for what is open of a document: its codes carry the rest, to be paid at once."""
    return replace(
        _less(content, off, due=None),
        kind="reminder",
        issue_on=today,
        lines=(),
        vat=(),
        price_minor=content.amount_minor - off.dropped_minor,
        interest_minor=0,
        fee_minor=0,
        schedule=(),
    )


def notice_of(content: Content, off: Off) -> Content:
    """A payment notice as it is sent: what was paid, credited or dropped before is not asked for again."""
    if off == Off():
        return content
    return replace(
        _less(content, off, due=content.due_on),
        interest_minor=content.interest_minor - off.interest_minor,
        fee_minor=content.fee_minor - off.fee_minor,
    )


def _less(content: Content, off: Off, due: date | None) -> Content:
    """With what is open as the sum, and a barcode of it; without anything to pay there is nothing to say of paying."""
    assert content.payment is not None, "only what asks for money is asked for again"
    # What the wallet paid with the purchase is no part of what was asked for.
    open_minor = content.amount_minor - (off.sum_minor - content.wallet_minor)
    asked = content.payment
    barcode = _barcode(asked.iban, asked.reference, Money(open_minor, content.currency), due)
    return replace(
        content,
        amount_minor=open_minor,
        paid_minor=off.paid_minor - content.wallet_minor,
        credited_minor=off.credited_minor,
        wallet_minor=0,
        payment=replace(asked, barcode=barcode) if open_minor else None,
    )


def _invoice(sale: Sale, number: str, reference: str) -> Document:
    [row] = sale.quote.schedule
    content = replace(
        _base(sale, "invoice", number),
        due_on=row.due,
        interest_minor=row.interest_minor,
        fee_minor=row.fee_minor,
        amount_minor=row.amount_minor,
        payment=_payment(sale, reference, row),
    )
    document = _asking(content, row, instalment=0, is_issued=True, in_series=True)
    wallet_minor = sale.quote.wallet_minor
    return replace(
        document,
        amount_minor=document.amount_minor + wallet_minor,
        principal_minor=document.principal_minor + wallet_minor,
    )


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
        wallet_minor=0,
        payment=_payment(sale, reference, row),
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
        lines=items_of(sale.lines),
        vat=vat_of(sale.lines),
        price_minor=quote.price_minor,
        interest_minor=0,
        fee_minor=0,
        amount_minor=quote.price_minor,
        wallet_minor=quote.wallet_minor,
        provider=_provider(quote),
        payment=None,
        instalment=0,
        instalments=0,
        schedule=(),
        nominal_rate=f"{quote.nominal_rate:f}",
        apr=f"{quote.apr:f}",
        late=_late(quote),
        quote_id=quote.id,
        quote_hash=quote.hash,
        footer=sale.footer,
        for_company=sale.for_company,
        purchase_order=sale.purchase_order,
    )


def _provider(quote: Quote) -> ProviderItem | None:
    if quote.method == "card" or quote.method == "mobilepay":  # noqa: PLR1714  narrows
        return ProviderItem(quote.method, quote.paid_minor)
    return None


def items_of(lines: Sequence[Line]) -> tuple[LineItem, ...]:
    """The lines of an order as a document prints them."""
    return tuple(
        LineItem(
            line.name,
            line.sku,
            line.quantity,
            line.unit_price_minor,
            f"{line.vat_percent:f}",
            line.total_minor,
        )
        for line in lines
    )


def vat_of(lines: Sequence[Line]) -> tuple[VatItem, ...]:
    """The VAT in the total, a row for each rate."""
    return tuple(
        VatItem(f"{group.percent:f}", group.net_minor, group.vat_minor, group.gross_minor)
        for group in vat_groups(lines)
    )


def _payment(sale: Sale, reference: str, row: Instalment) -> Payment:
    payee, amount = sale.payee, Money(row.amount_minor, sale.quote.currency)
    assert payee is not None, "what asks for money says whose account to pay to"
    return Payment(
        payee=payee.name,
        payee_id=payee.company_id,
        iban=payee.iban,
        reference=reference,
        rf_reference=rf_reference(reference),
        barcode=_barcode(payee.iban, reference, amount, row.due),
        assigned=payee.assigned,
        bic=payee.bic,
    )


def _barcode(iban: str, reference: str, amount: Money, due: date | None) -> str | None:
    """None where the code cannot be: it means euros on a Finnish account, below a million."""
    if amount.currency != "EUR":
        return None
    try:
        return virtual_barcode(iban, reference, amount.amount_minor, due, BARCODE_VERSION)
    except BarcodeRefused:
        return None


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
    """When a country lets an unpaid invoice be asked for again, in days after the due date and between reminders, and
    how often at most."""

    grace_days: int
    second_after_days: int
    gap_days: int
    reminders_max: int = REMINDERS_MAX

    def first_on(self, due: date) -> date:
        return due + timedelta(days=self.grace_days)

    def next_on(self, due: date, *, sent: int, today: date) -> date | None:
        """The day of the reminder after `sent` ones, the last of them today; None after the last."""
        if sent >= self.reminders_max:
            return None
        return max(due + timedelta(days=self.second_after_days), today + timedelta(days=self.gap_days))


# No law on collecting from consumers speaks of companies: a week and a week, by e-mail.
LADDER_OF_COMPANIES: Final = Ladder(grace_days=3, second_after_days=10, gap_days=7)


def ladder_of(law: CountryLaw, on: date, *, for_company: bool = False) -> Ladder:
    """The country's ladder, or that of companies. Raises FigureUnknown without a day for the first reminder."""
    if for_company:
        return LADDER_OF_COMPANIES
    gap = law.find("reminder_gap_days", on)
    after = law.find("reminder_after_days", on)
    most = law.find("reminders_max", on)
    gap_days = int(gap.value) if gap else REMINDER_GAP_DAYS
    return Ladder(
        grace_days=int(law.figure("reminder_grace_days", on).value),
        second_after_days=int(after.value) if after else gap_days,
        gap_days=gap_days,
        reminders_max=min(int(most.value), REMINDERS_MAX) if most else REMINDERS_MAX,
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
