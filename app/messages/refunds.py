"""What a shopper is told of money that went back, itemised and where it went, and of goods on their way back."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final, Literal
from uuid import UUID

from app.invoices.pdf import file_name, pdf_of
from app.invoices.queries import InvoiceView, invoice_by_id
from app.kernel import outbox, templating
from app.kernel.jobs import Done, Event, Outcome
from app.kernel.money import Money
from app.kernel.outbox import Job
from app.merchants.queries import Merchant, merchant_by_id
from app.messages.delivery import hand_over
from app.messages.language import language_of_order
from app.messages.ports import Attachment, Mail, MailDoor
from app.orders.queries import OrderView, order_by_id
from app.plans.queries import quote_content
from app.plans.quote import Quote
from app.returns.queries import (
    RefundView,
    ReturnView,
    lines_of_refund,
    refund_by_public_id,
    return_by_public_id,
)

JOB_KIND: Final = "refund_mail"
PDF: Literal["application/pdf"] = "application/pdf"


@dataclass(frozen=True, slots=True)
class MailedLine:
    """`kind` is goods, sum, discount or fee; positive where something is taken back."""

    kind: str
    name: str
    quantity: int
    total: Money


@dataclass(frozen=True, slots=True)
class MailedPayment:
    due: date
    amount: Money


@dataclass(frozen=True, slots=True)
class RefundWords:
    """What the templates of a refund show; None for what is nothing. `payments` are those of the plan as it is now."""

    shop: str
    contact_email: str
    reference: str
    lines: tuple[MailedLine, ...]
    total: Money
    to_wallet: Money | None
    lowered: Money | None
    back: Money | None
    costs: Money | None
    outside: str
    debts_stay: bool
    payments: tuple[MailedPayment, ...]


@dataclass(frozen=True, slots=True)
class ReturnWords:
    """What the templates of a return show. `what` is announced or refused."""

    shop: str
    contact_email: str
    reference: str
    number: str
    what: str
    lines: tuple[tuple[str, int], ...]
    value: Money
    fee: Money | None
    refund: Money
    to: str
    refusal: str | None = field(repr=False)


async def send_refund(event: Event) -> None:
    """Money went back: the shopper is told once, however often this is asked."""
    refund_id = str(event.data["refund_id"])
    await outbox.put(
        event.merchant_id,
        JOB_KIND,
        {"refund": refund_id},
        key=f"mail:refund:{refund_id}",
        about=str(event.data["order_id"]),
    )


async def deliver_refund(job: Job, door: MailDoor) -> Outcome:
    """One try to tell of a refund."""
    mail = await refund_mail(job.merchant_id, str(job.payload["refund"]))
    if mail is None:
        return Done("there is no e-mail address to send it to")
    return await hand_over(job, mail, door)


async def deliver_return(job: Job, door: MailDoor) -> Outcome:
    """One try to tell of a return that was announced or refused."""
    mail = await return_mail(job.merchant_id, str(job.payload["return"]), str(job.payload["what"]))
    if mail is None:
        return Done("there is no e-mail address to send it to")
    return await hand_over(job, mail, door)


async def refund_mail(merchant_id: UUID, refund_public_id: str) -> Mail | None:
    """The mail with its credit note; None when nobody left an address."""
    merchant = await merchant_by_id(merchant_id)
    refund = await refund_by_public_id(merchant_id, refund_public_id)
    if merchant is None or refund is None or refund.credit_note_id is None:
        return None
    order = await order_by_id(merchant_id, refund.order_id)
    note = await invoice_by_id(merchant_id, refund.credit_note_id)
    if order is None or note is None or order.contact.email is None:
        return None
    words = await _refund_words(merchant, refund, _how_it_was_paid(note, order))
    lang = await language_of_order(merchant_id, refund.order_public_id)
    sheet = Attachment(file_name(note.content), PDF, await pdf_of(note.content, lang))
    mail = _written(merchant, "refund", lang, words, order.contact.email)
    return replace(mail, message_id=f"refund.{refund_public_id}", attachments=(sheet,))


def _how_it_was_paid(note: InvoiceView, order: OrderView) -> str:
    """Where what was paid goes back to, where that is no account of the customer's: bank, cash, card or mobilepay."""
    if note.content.received is not None:
        return note.content.received.source
    method = "" if order.quote_content is None else Quote.from_data(order.quote_content).method
    return method if method in {"card", "mobilepay"} else ""


async def return_mail(merchant_id: UUID, return_public_id: str, what: str) -> Mail | None:
    """The mail, or None when nobody left an address."""
    merchant = await merchant_by_id(merchant_id)
    found = await return_by_public_id(merchant_id, return_public_id)
    if merchant is None or found is None:
        return None
    order = await order_by_id(merchant_id, found.order_id)
    if order is None or order.contact.email is None:
        return None
    lang = await language_of_order(merchant_id, found.order_public_id)
    words = _return_words(merchant, found, what)
    mail = _written(merchant, "return", lang, words, order.contact.email)
    return replace(mail, message_id=f"return.{what}.{return_public_id}")


async def _refund_words(merchant: Merchant, refund: RefundView, outside: str) -> RefundWords:
    def some(amount_minor: int) -> Money | None:
        return Money(amount_minor, refund.currency) if amount_minor else None

    lines = await lines_of_refund(merchant.id, refund.id)
    return RefundWords(
        shop=merchant.name,
        contact_email=merchant.contact_email,
        reference=refund.order_reference,
        lines=tuple(
            MailedLine(line.kind, line.name, abs(line.quantity), Money(line.total_minor, refund.currency))
            for line in lines
        ),
        total=Money(refund.amount_minor, refund.currency),
        to_wallet=some(refund.to_wallet_minor),
        lowered=some(refund.lowered_minor),
        back=some(refund.back_minor),
        costs=some(refund.costs_minor),
        outside=outside,
        debts_stay=refund.put_minor > 0,
        payments=await _payments(merchant.id, refund),
    )


async def _payments(merchant_id: UUID, refund: RefundView) -> tuple[MailedPayment, ...]:
    """The plan of what is left, where this refund changed it and it has more than one payment."""
    if refund.quote_id is None:
        return ()
    content = await quote_content(merchant_id, refund.quote_id)
    if content is None:
        return ()
    quote = Quote.from_data(content)
    if not quote.months:
        return ()
    return tuple(MailedPayment(row.due, Money(row.amount_minor, quote.currency)) for row in quote.schedule)


def _return_words(merchant: Merchant, found: ReturnView, what: str) -> ReturnWords:
    return ReturnWords(
        shop=merchant.name,
        contact_email=merchant.contact_email,
        reference=found.order_reference,
        number=found.number_text,
        what=what,
        lines=tuple((line.name, line.quantity) for line in found.lines),
        value=Money(found.value_minor, found.currency),
        fee=Money(found.fee_minor, found.currency) if found.fee_minor else None,
        refund=Money(found.refund_minor, found.currency),
        to=found.destination,
        refusal=found.refusal,
    )


def _written(merchant: Merchant, folder: str, lang: str, words: RefundWords | ReturnWords, to: str) -> Mail:
    def rendered(part: str, **more: str) -> str:
        return templating.render_text(f"mail/{folder}/{part}", lang, words=words, **more)

    # A header is one line, whatever a shop calls itself.
    subject = " ".join(rendered("subject.txt").split())
    return Mail(
        to=to,
        subject=subject,
        text=rendered("body.txt"),
        html=rendered("body.html", subject=subject),
        reply_to=merchant.contact_email,
        from_name=merchant.name,
        message_id="",
        merchant_id=merchant.id,
    )
