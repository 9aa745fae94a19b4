"""A payment link on its way: one try to send it, what it looks like, and what the far end later tells of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from app.kernel import db, outbox, templating
from app.kernel.jobs import (
    Done,
    EndedAlready,
    GiveUp,
    Outcome,
    TryAgain,
    again_or_give_up,
    business_now,
)
from app.kernel.money import Money
from app.kernel.outbox import Job
from app.links.queries import LinkView, link_by_id
from app.links.sending import SendState, SendView, send_by_id, settle, tell_sent
from app.links.states import LinkState
from app.merchants.queries import Merchant, merchant_by_id
from app.messages.ports import Mail, MailDoor, NeverTaken, NotTaken, Sms, SmsDoor
from app.messages.receipt import ReceiptLine
from app.orders.queries import OrderView, order_by_id
from app.orders.states import OrderState

SEND_TIMEOUT_S: Final = 10.0
_PAYABLE: Final = frozenset({OrderState.OPEN, OrderState.IN_PAYMENT})


@dataclass(frozen=True, slots=True)
class Doors:
    sms: SmsDoor
    mail: MailDoor
    base_url: str


@dataclass(frozen=True, slots=True)
class Letter:
    """What the templates show: the shop's words, and the order as it is now. `until` is business time."""

    shop: str
    contact_email: str
    reference: str
    subject: str = field(repr=False)
    message: str = field(repr=False)
    url: str = field(repr=False)
    lines: tuple[ReceiptLine, ...]
    total: Money
    until: datetime | None
    zone: str


@dataclass(frozen=True, slots=True)
class Written:
    """A letter as it leaves; `html` and `subject` are empty for an SMS."""

    subject: str = field(repr=False)
    text: str = field(repr=False)
    html: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Found:
    send: SendView
    link: LinkView
    order: OrderView
    merchant: Merchant


def letter_of(
    link: LinkView, order: OrderView, merchant: Merchant, base_url: str, *, subject: str, message: str
) -> Letter:
    """An order's letter in these words."""

    def money(amount_minor: int) -> Money:
        return Money(amount_minor, order.currency)

    return Letter(
        shop=merchant.name,
        contact_email=merchant.contact_email,
        reference=order.reference,
        subject=subject,
        message=message,
        url=link.url(base_url),
        lines=tuple(
            ReceiptLine(line.name, line.quantity, money(line.unit_price_minor), money(line.total_minor))
            for line in order.lines
        ),
        total=money(order.total_minor),
        until=link.expires_at,
        zone=merchant.time_zone,
    )


def mail_text(letter: Letter, lang: str) -> Written:
    """The letter as an e-mail, plain and HTML."""

    def rendered(part: str) -> str:
        return templating.render_text(f"mail/payment_link/{part}", lang, letter=letter)

    # A header is one line, whatever somebody typed.
    return Written(" ".join(letter.subject.split()), rendered("body.txt"), rendered("body.html"))


def sms_text(letter: Letter, lang: str) -> Written:
    """The letter as a text message: the words, then the address."""
    return Written("", templating.render_text("sms/payment_link.txt", lang, letter=letter).strip(), "")


async def deliver(job: Job, doors: Doors) -> Outcome:
    """One try to send a link. What is true of link and order is read right before it leaves."""
    found = await _found(job)
    if found is None or found.send.state != "queued":
        return Done("there is nothing to send any more")
    now = business_now(job)
    reason = _why_not(found, now)
    if reason is not None:
        return await _end(job, found, "failed", Done(reason), reason=reason, now=now)
    try:
        await _hand_over(found, doors)
    except NeverTaken as refused:
        return await _end(job, found, "bounced", GiveUp(refused.reason), reason=refused.reason, now=now)
    except NotTaken as refused:
        outcome = _after(job, found, refused)
        if isinstance(outcome, TryAgain):
            return outcome
        return await _end(job, found, "failed", outcome, reason=refused.reason, now=now)
    taken = "handed to the SMS gateway" if found.send.channel == "sms" else "handed to the mail server"
    return await _end(job, found, "sent", Done(taken), now=now)


def _why_not(found: _Found, now: datetime) -> str | None:
    """Why a link that was asked for is not sent after all; None when it is."""
    state = found.link.state_at(now)
    if state is not LinkState.ACTIVE:
        return f"link_{state}"
    if found.order.state not in _PAYABLE:
        return f"order_{found.order.state}"
    return "order_removed" if found.send.recipient is None else None


def _after(job: Job, found: _Found, refused: NotTaken) -> TryAgain | GiveUp:
    # A mailbox knows a repeated mail by its Message-ID; a phone shows an SMS twice.
    if found.send.channel == "sms" and not refused.certain:
        return GiveUp(f"nobody knows whether it left: {refused.reason}")
    return again_or_give_up(job, refused.reason)


async def _hand_over(found: _Found, doors: Doors) -> None:
    send, merchant = found.send, found.merchant
    assert send.recipient is not None, "the caller asked"
    letter = letter_of(
        found.link,
        found.order,
        merchant,
        doors.base_url,
        subject=send.subject or "",
        message=send.body or "",
    )
    if send.channel == "sms":
        text = sms_text(letter, send.lang).text
        await doors.sms.send(Sms(send.recipient, text, merchant.id), SEND_TIMEOUT_S)
        return
    written = mail_text(letter, send.lang)
    mail = Mail(
        to=send.recipient,
        subject=written.subject,
        text=written.text,
        html=written.html,
        reply_to=merchant.contact_email,
        from_name=merchant.name,
        message_id=send.message_id,
        merchant_id=merchant.id,
        followed=True,
    )
    await doors.mail.send(mail, SEND_TIMEOUT_S)


async def _end(
    job: Job,
    found: _Found,
    state: SendState,
    outcome: Done | GiveUp,
    *,
    now: datetime,
    reason: str | None = None,
) -> Outcome:
    """End the job together with what it says of the send: neither is told without the other."""

    async def end() -> None:
        changed = await settle(job.merchant_id, found.send.id, state, now=now, reason=reason)
        if changed and state == "sent":
            await tell_sent(found.link, found.send, now)
        if isinstance(outcome, Done):
            await outbox.succeed(job, outcome.detail)
        else:
            await outbox.retry(job, error=outcome.error, run_at=None)

    await db.in_tx(end)
    return EndedAlready()


async def _found(job: Job) -> _Found | None:
    send = await send_by_id(job.merchant_id, UUID(str(job.payload["send"])))
    link = None if send is None else await link_by_id(job.merchant_id, send.link_id)
    if send is None or link is None:
        return None
    order = await order_by_id(job.merchant_id, link.order_id)
    merchant = await merchant_by_id(job.merchant_id)
    return None if order is None or merchant is None else _Found(send, link, order, merchant)
