"""The signed agreement by e-mail, and what the reminder of the right to withdraw says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from app.agreements.queries import AgreementView, agreement_of_order, document_of_order, sheet_of_order
from app.agreements.rules import withdraw_until
from app.kernel import templating
from app.merchants.queries import Merchant, merchant_by_id
from app.messages.ports import Attachment, Mail
from app.orders.queries import OrderView, order_for_api

PDF: Final = "application/pdf"


@dataclass(frozen=True, slots=True)
class Words:
    """What both mails and the SMS show. `creditor_email` is None where the creditor has told none."""

    shop: str
    creditor: str
    creditor_email: str | None
    reference: str
    withdraw_until: date
    withdrawal_days: int
    withdrawal_repay_days: int
    contact_email: str


@dataclass(frozen=True, slots=True)
class Signing:
    """A purchase with its agreement and what messages say of it."""

    merchant: Merchant
    order: OrderView
    agreement: AgreementView
    words: Words


async def agreement_mail(merchant_id: UUID, order_public_id: str) -> Mail | None:
    """The agreement with its PDF, exactly as it is kept; None when nobody left an address."""
    found = await found_of(merchant_id, order_public_id)
    document = await document_of_order(merchant_id, order_public_id)
    if found is None or document is None:
        return None
    attachment = Attachment(document.name, PDF, document.data)
    return mail_of(found, "agreement", (attachment,))


async def found_of(merchant_id: UUID, order_public_id: str) -> Signing | None:
    """None when there is no such agreement."""
    merchant = await merchant_by_id(merchant_id)
    order = await order_for_api(merchant_id, order_public_id)
    agreement = await agreement_of_order(merchant_id, order_public_id)
    sheet = await sheet_of_order(merchant_id, order_public_id)
    if merchant is None or order is None or agreement is None or sheet is None:
        return None
    terms = sheet.terms
    until = withdraw_until(agreement.signed_at, merchant.time_zone, terms.withdrawal_days)
    words = Words(
        shop=merchant.name,
        creditor=sheet.creditor.name,
        creditor_email=sheet.creditor.email,
        reference=order.reference,
        withdraw_until=until,
        withdrawal_days=terms.withdrawal_days,
        withdrawal_repay_days=terms.withdrawal_repay_days,
        contact_email=merchant.contact_email,
    )
    return Signing(merchant, order, agreement, words)


def mail_of(found: Signing, template: str, attachments: tuple[Attachment, ...]) -> Mail | None:
    """A mail about an agreement in the language it was signed in; None when nobody left an address."""
    to, lang, merchant = found.order.contact.email, found.agreement.lang, found.merchant
    if to is None:
        return None

    def rendered(part: str, **more: str) -> str:
        return templating.render_text(f"mail/{template}/{part}", lang, words=found.words, **more)

    # A header is one line, whatever a shop calls itself.
    subject = " ".join(rendered("subject.txt").split())
    return Mail(
        to=to,
        subject=subject,
        text=rendered("body.txt"),
        html=rendered("body.html", subject=subject),
        reply_to=found.words.creditor_email or merchant.contact_email,
        from_name=merchant.name,
        message_id=f"{template}.{found.order.public_id}",
        merchant_id=merchant.id,
        attachments=attachments,
    )
