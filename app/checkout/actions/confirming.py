"""Step 3: the shopper confirms. One transaction makes the purchase, whatever happens around it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from app.checkout import shown
from app.checkout.actions.aside import check_aside, spend_in_tx
from app.checkout.actions.ending import end_others_in_tx
from app.checkout.errors import CreditRefused, DetailsMissing, SessionEnded, ShownTotalChanged, StepNotReached
from app.checkout.queries import Customer, Flow, hold
from app.checkout.queries import flow as read_flow
from app.checkout.states import MACHINE, SessionState
from app.credit import actions as credit
from app.credit.errors import LimitUsedUp
from app.identity.actions import customers
from app.identity.actions.browsers import BrowserToken
from app.kernel import db, outbox
from app.ledger import actions as ledger
from app.ledger import rules as ledger_rules
from app.links import actions as links
from app.links.errors import LinkEnded, LinkPaused
from app.orders import actions as orders
from app.orders.actions import Contact, Payment
from app.orders.states import OrderState
from app.plans.quote import Quote

ACTOR: Final = "shopper"


@dataclass(frozen=True, slots=True)
class Details:
    """What was typed in step 3; None where nothing was asked. Personal data: shown in no representation."""

    name: str | None = None
    email: str | None = None
    street: str | None = None
    postcode: str | None = None
    city: str | None = None

    def __repr__(self) -> str:
        return "Details()"


def known_contact(flow: Flow, details: Details) -> Contact:
    """Who buys: what is typed now goes first, then what we know, then what the shop passed."""
    customer = flow.customer
    passed = flow.passed
    return Contact(
        name=customer.name if customer else details.name or passed.name,
        email=details.email or (customer.email if customer else None) or passed.email,
        phone=(customer.phone if customer else None) or flow.phone,
        postcode=details.postcode
        or (customer.postcode if customer else None)
        or flow.postcode
        or passed.postcode,
        street=details.street or (customer.street if customer else None) or passed.street,
        city=details.city or (customer.city if customer else None) or passed.city,
    )


def missing_fields(quote: Quote, contact: Contact) -> frozenset[str]:
    """The details this purchase needs and nobody knows: an e-mail address for documents, a postal one for paper."""
    needed = {"name": contact.name, "email": contact.email}
    if quote.delivery == "paper":
        needed |= {"street": contact.street, "postcode": contact.postcode, "city": contact.city}
    return frozenset(field for field, value in needed.items() if not value)


async def confirm(
    public_id: str,
    browser: BrowserToken,
    shown_field: str,
    details: Details,
    *,
    lang: str | None = None,
    seen: Flow | None = None,
) -> Flow:
    """Make the purchase: order paid and locked, exposure reserved, postings balanced, events on the outbox.

    `lang` is the language of the page that was confirmed: the history keeps it, for mails about the purchase. `seen` is
    the flow as this request has read it already; what changed since is read again, under the lock. A repeat
    after success changes nothing and answers the same flow. Raises SessionEnded, StepNotReached,
    ShownTotalChanged, DetailsMissing, CreditRefused, HoldEnded, ModuleOff.
    """
    return await db.in_tx(lambda: _confirm(public_id, browser, shown_field, details, lang, seen))


async def _confirm(
    public_id: str,
    browser: BrowserToken,
    shown_field: str,
    details: Details,
    lang: str | None,
    seen: Flow | None,
) -> Flow:
    # A link may be paused meanwhile: its session is read whole under the lock.
    known = seen is not None and seen.link_id is None and await hold(seen)
    flow = seen if known and seen is not None else await _locked(public_id, browser)
    if flow.stored_state is SessionState.CONFIRMED and flow.ours:
        return flow
    customer, quote = _checked(flow, shown_field)
    await check_aside(flow)
    contact = known_contact(flow, details)
    missing = missing_fields(quote, contact)
    if missing:
        raise DetailsMissing(missing)
    await _buy(flow, customer, quote, contact, lang)
    return replace(flow, stored_state=SessionState.CONFIRMED, order_state=OrderState.PAID, contact=contact)


async def _locked(public_id: str, browser: BrowserToken) -> Flow:
    flow = await read_flow(public_id, browser.digest, lock=True)
    if flow is None:
        raise SessionEnded
    return flow


def _checked(flow: Flow, shown_field: str) -> tuple[Customer, Quote]:
    if flow.state is not SessionState.OPEN:
        raise SessionEnded
    if flow.customer is None or flow.quote is None or not flow.identified or not flow.quote_stands:
        raise StepNotReached
    if flow.changed or not shown.matches(flow, shown_field):
        raise ShownTotalChanged
    if not flow.lends:
        return flow.customer, flow.quote
    if flow.decision is None or flow.decision.outcome != "approved" or not flow.decision_stands:
        raise CreditRefused
    return flow.customer, flow.quote


async def _buy(flow: Flow, customer: Customer, quote: Quote, contact: Contact, lang: str | None) -> None:
    merchant, now = flow.merchant, flow.now
    if flow.link_id is not None:
        await _use_link(flow)
    await _reserve(flow, customer, quote)
    await MACHINE.move(
        merchant.id,
        flow.session_id,
        expected=SessionState.OPEN,
        to=SessionState.CONFIRMED,
        actor=ACTOR,
        at=now,
        detail={"version": flow.version} | ({"lang": lang} if lang else {}),
    )
    payment = Payment(customer.id, quote.id, contact)
    await orders.pay(merchant.id, flow.order_id, payment, actor=ACTOR, now=now)
    await customers.bought(
        merchant.id,
        customer.id,
        email=contact.email,
        street=contact.street,
        city=contact.city,
        postcode=contact.postcode,
        phone=contact.phone,
        now=now,
    )
    # Wallet before the accounts that every purchase of the shop posts to.
    await spend_in_tx(flow, customer)
    await ledger.post(
        merchant.id,
        key=f"purchase:{flow.order_public_id}",
        cause="purchase",
        about=flow.order_public_id,
        entries=ledger_rules.purchase(customer.public_id, flow.total, merchant.creditor),
        now=now,
    )
    await _tell(flow, quote)


async def _reserve(flow: Flow, customer: Customer, quote: Quote) -> None:
    """Room under the customer's limit for what is lent."""
    if not quote.is_credit:
        return
    merchant = flow.merchant
    try:
        await credit.reserve(
            merchant.id,
            customer.id,
            flow.currency,
            amount_minor=quote.amount_minor,
            limit_minor=merchant.credit_limit_minor,
        )
    except LimitUsedUp:
        raise CreditRefused from None


async def _use_link(flow: Flow) -> None:
    """By a link: it leads to its order still, and whoever else was on the way to pay it comes too late."""
    merchant_id, now = flow.merchant.id, flow.now
    link = await links.lock_of(merchant_id, flow.order_id)
    try:
        await links.use(link, actor=ACTOR, now=now)
    except (LinkPaused, LinkEnded):
        raise SessionEnded from None
    if flow.order_state is OrderState.OPEN:
        # Somebody else's payment was given up after this one had begun.
        await orders.move(
            merchant_id,
            flow.order_id,
            expected=OrderState.OPEN,
            to=OrderState.IN_PAYMENT,
            actor=ACTOR,
            now=now,
        )
    await end_others_in_tx(merchant_id, flow.order_id, flow.session_id, actor=ACTOR, now=now)


async def _tell(flow: Flow, quote: Quote) -> None:
    data = {
        "session_id": flow.public_id,
        "order_id": flow.order_public_id,
        "reference": flow.reference,
        "total_minor": flow.total_minor,
        "currency": flow.currency,
        "quote_id": quote.id,
        "method": quote.method,
        "wallet_minor": quote.wallet_minor,
    }
    told = ("session.confirmed", "order.paid")
    await outbox.emit_all(flow.merchant.id, told, data, now=flow.now, about=flow.order_public_id)
