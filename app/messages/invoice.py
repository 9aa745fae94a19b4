"""An invoice on its way to whoever pays it: as a mail with the PDF, or as a letter."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Literal
from uuid import UUID

from app.invoices.content import Content
from app.invoices.pdf import file_name, pdf_of
from app.invoices.queries import InvoiceView, invoice_by_public_id
from app.invoices.references import iban_in_groups, in_groups
from app.invoices.rules import notice_of, reminder_of
from app.invoices.ubl import can_be_ubl, ubl_of
from app.invoices.ubl import file_name as ubl_name
from app.kernel import clock, templating
from app.kernel.money import Money
from app.merchants.queries import Merchant, merchant_by_id
from app.messages.ports import Attachment, Letter, Mail
from app.orders.queries import OrderContact, order_by_id

PDF: Literal["application/pdf"] = "application/pdf"
XML: Literal["application/xml"] = "application/xml"


@dataclass(frozen=True, slots=True)
class Addressed:
    """A document with the people around it, and the day on which it is looked at, in the merchant's country."""

    invoice: InvoiceView
    merchant: Merchant
    today: date
    contact: OrderContact = field(repr=False)


@dataclass(frozen=True, slots=True)
class Words:
    """What the mail's templates show. `to_pay` is what is open now; `is_paid` says that the sale was paid at once."""

    kind: str
    shop: str
    number: str
    sale_number: str | None
    total: Money
    to_pay: Money
    due: date | None
    payee: str
    iban: str
    reference: str
    contact_email: str
    partial: bool
    is_paid: bool


async def addressed(merchant_id: UUID, public_id: str) -> Addressed | None:
    """None when there is no such document or its order is gone."""
    merchant = await merchant_by_id(merchant_id)
    invoice = await invoice_by_public_id(merchant_id, public_id)
    if merchant is None or invoice is None:
        return None
    order = await order_by_id(merchant_id, invoice.order_id)
    if order is None:
        return None
    today = merchant.local_date(await clock.business_now())
    return Addressed(invoice, merchant, today, order.contact)


def reminder_content(found: Addressed) -> Content:
    """What a reminder of today says."""
    return reminder_of(found.invoice.content, found.invoice.off, found.today)


def sheet_content(invoice: InvoiceView) -> Content:
    """What the sheet of a document says now: it never changes, but a notice asks only for what is still open."""
    return notice_of(invoice.content, invoice.off) if invoice.kind == "notice" else invoice.content


async def invoice_mail(merchant_id: UUID, public_id: str) -> Mail | None:
    """The document by e-mail; None when nobody left an address."""
    found = await addressed(merchant_id, public_id)
    if found is None:
        return None
    return await mail_of(found, sheet_content(found.invoice), f"invoice.{public_id}")


async def reminder_mail(found: Addressed, step: int) -> Mail | None:
    """A reminder of what is still open, with a sheet that says so; None when nobody left an address."""
    message_id = f"reminder.{step}.{found.invoice.public_id}"
    return await mail_of(found, reminder_content(found), message_id)


async def mail_of(found: Addressed, content: Content, message_id: str) -> Mail | None:
    if found.contact.email is None:
        return None
    lang, merchant = found.invoice.lang, found.merchant
    words = words_of(found, content)

    def rendered(part: str, **more: str) -> str:
        return templating.render_text(f"mail/invoice/{part}", lang, words=words, **more)

    # A header is one line, whatever a shop calls itself.
    subject, lead = _one_line(rendered("subject.txt")), _one_line(rendered("lead.txt"))

    return Mail(
        to=found.contact.email,
        subject=subject,
        text=rendered("body.txt", lead=lead),
        html=rendered("body.html", subject=subject, lead=lead),
        reply_to=merchant.contact_email,
        from_name=merchant.name,
        message_id=message_id,
        merchant_id=merchant.id,
        attachments=(await _sheet(content, lang), *_efile(found, content)),
    )


async def letter_of(found: Addressed, content: Content, letter_id: str) -> Letter | None:
    """A document on paper; None when the address is not whole."""
    contact, lang = found.contact, found.invoice.lang
    if not (contact.name and contact.street and contact.postcode and contact.city):
        return None
    subject = templating.render_text("mail/invoice/subject.txt", lang, words=words_of(found, content))
    return Letter(
        to=(contact.name, contact.street, f"{contact.postcode} {contact.city}"),
        subject=_one_line(subject),
        sheet=await _sheet(content, lang),
        letter_id=letter_id,
        merchant_id=found.merchant.id,
    )


def words_of(found: Addressed, content: Content) -> Words:
    payment = content.payment
    return Words(
        kind=content.kind,
        shop=found.merchant.name,
        number=content.number,
        sale_number=content.sale_number,
        total=Money(abs(content.amount_minor), content.currency),
        to_pay=Money(found.invoice.open_minor, content.currency),
        due=content.due_on,
        payee=payment.payee if payment else "",
        iban=iban_in_groups(payment.iban) if payment else "",
        reference=in_groups(payment.reference) if payment else "",
        contact_email=found.merchant.contact_email,
        partial=content.partial,
        is_paid=content.kind == "receipt" and not content.schedule,
    )


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _efile(found: Addressed, content: Content) -> tuple[Attachment, ...]:
    """The same document for a company's bookkeeping, where that was chosen."""
    if found.invoice.delivery != "efile" or not can_be_ubl(content):
        return ()
    return (Attachment(ubl_name(content), XML, ubl_of(content)),)


async def _sheet(content: Content, lang: str) -> Attachment:
    return Attachment(file_name(content), PDF, await pdf_of(content, lang))
