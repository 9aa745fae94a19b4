"""What somebody who took an insurance is told of it: its own receipt, and that it was cancelled."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from app.extras.actions import MAIL_JOB
from app.extras.addresses import address_of
from app.extras.queries import InsuranceView, insurance_by_public_id
from app.kernel import templating
from app.kernel.jobs import Done, Outcome
from app.kernel.money import Money
from app.kernel.outbox import Job
from app.merchants.queries import Merchant, merchant_by_id
from app.messages.delivery import hand_over
from app.messages.ports import Mail, MailDoor
from app.orders.queries import OrderView, order_for_api

JOB_KIND: Final = MAIL_JOB


@dataclass(frozen=True, slots=True)
class InsuranceWords:
    """What the templates show. `covered` is in the reader's language where the shop has said it there, `goods` are the
    names of what is insured. Somebody whom we know has a `purchase_url`, anybody else a `cancel_url`."""

    shop: str
    contact_email: str
    reference: str
    name: str
    insurer: str
    covered: str
    goods: tuple[str, ...]
    premium: Money
    day: date
    cancel_until: date
    is_over: bool
    terms_url: str | None
    terms_text: str | None
    purchase_url: str | None
    cancel_url: str | None


async def deliver(job: Job, door: MailDoor, base_url: str) -> Outcome:
    """One try to tell of an insurance that was taken or cancelled."""
    mail = await insurance_mail(
        job.merchant_id, str(job.payload["insurance"]), str(job.payload["what"]), base_url=base_url
    )
    if mail is None:
        return Done("there is no e-mail address to send it to")
    return await hand_over(job, mail, door)


async def insurance_mail(merchant_id: UUID, public_id: str, what: str, *, base_url: str = "") -> Mail | None:
    """The mail, or None when nobody left an address. Somebody whom we know is led to the page of their purchase,
    anybody else by an address of its own to where it is cancelled."""
    merchant = await merchant_by_id(merchant_id)
    found = await insurance_by_public_id(merchant_id, public_id)
    if merchant is None or found is None:
        return None
    order = await order_for_api(merchant_id, found.order_public_id)
    if order is None or order.contact.email is None:
        return None
    words = _words(merchant, found, order, what, base_url)
    return _written(merchant, found, words, order.contact.email)


def _words(
    merchant: Merchant, found: InsuranceView, order: OrderView, what: str, base_url: str
) -> InsuranceWords:
    offer = found.offer
    known = order.customer_public_id is not None
    return InsuranceWords(
        shop=merchant.name,
        contact_email=merchant.contact_email,
        reference=order.reference,
        name=offer.name,
        insurer=offer.insurer,
        covered=offer.covered(found.lang, merchant.locale),
        goods=offer.insured_of(order.lines),
        premium=Money(found.premium_minor, found.currency),
        day=merchant.local_date(found.taken_at),
        cancel_until=found.cancel_until,
        is_over=what == "cancelled",
        terms_url=offer.terms_url,
        terms_text=offer.terms_text,
        purchase_url=f"{base_url}/purchases/{order.public_id}" if base_url and known else None,
        cancel_url=f"{base_url}{address_of(merchant.id, found.id)}" if base_url and not known else None,
    )


def _written(merchant: Merchant, found: InsuranceView, words: InsuranceWords, to: str) -> Mail:
    def rendered(part: str, **more: str) -> str:
        return templating.render_text(f"mail/insurance/{part}", found.lang, words=words, **more)

    # A header is one line, whatever a shop calls itself.
    subject = " ".join(rendered("subject.txt").split())
    what = "cancelled" if words.is_over else "taken"
    return Mail(
        to=to,
        subject=subject,
        text=rendered("body.txt"),
        html=rendered("body.html", subject=subject),
        reply_to=merchant.contact_email,
        from_name=merchant.name,
        message_id=f"insurance.{what}.{found.public_id}",
        merchant_id=merchant.id,
    )
