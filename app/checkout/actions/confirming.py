"""Step 3: the shopper confirms. One transaction makes the purchase, whatever happens around it."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from app.checkout import shown
from app.checkout.actions.aside import check_aside, spend_in_tx
from app.checkout.actions.assessing import assess, decline_in_tx
from app.checkout.actions.ending import end_others_in_tx
from app.checkout.actions.holding import hold_purchase_in_tx
from app.checkout.assessing import Press
from app.checkout.contacts import Details, known_contact, missing_fields
from app.checkout.errors import CreditRefused, DetailsMissing, SessionEnded, ShownTotalChanged, StepNotReached
from app.checkout.flow_parts import Customer
from app.checkout.queries import Flow, hold
from app.checkout.queries import flow as read_flow
from app.checkout.states import MACHINE, SessionState
from app.credit import actions as credit
from app.credit.errors import LimitUsedUp
from app.credit.queries import exposure_minor
from app.identity.actions import customers
from app.identity.actions.browsers import BrowserToken
from app.kernel import db, outbox
from app.kernel.money import MAX_AMOUNT_MINOR, Money
from app.ledger import actions as ledger
from app.ledger import rules as ledger_rules
from app.ledger.rules import Entry
from app.links import actions as links
from app.links.errors import LinkEnded, LinkPaused
from app.orders import actions as orders
from app.orders.actions import Contact, Payment
from app.orders.states import OrderState
from app.payments.queries import somebody_takes
from app.plans.quote import Quote

ACTOR: Final = "shopper"
NOTHING_KNOWN: Final = Press()
# A press comes again: what it has led to stands.
_DONE: Final = frozenset({SessionState.CONFIRMED, SessionState.HELD})


async def confirm(
    public_id: str,
    browser: BrowserToken,
    shown_field: str,
    details: Details,
    *,
    lang: str | None = None,
    seen: Flow | None = None,
    press: Press = NOTHING_KNOWN,
) -> Flow:
    """Make the purchase: order paid and locked, exposure reserved, postings balanced, events on the outbox. Or have it
    wait for a person, or decline it, where risk asks for that: the state of the flow tells.

    `lang` is the language of the page that was confirmed: the history keeps it, for mails about the purchase. `seen` is
    the flow as this request has read it already; what changed since is read again, under the lock. A repeat
    after success changes nothing and answers the same flow. `press` is what is known of the press itself. Raises
    SessionEnded, StepNotReached,
    ShownTotalChanged, DetailsMissing, CreditRefused, HoldEnded, ModuleOff.
    """

    async def make() -> Flow:
        flow = await held_flow(public_id, browser, seen)
        if flow.stored_state in _DONE and flow.ours:
            return flow
        return await _confirm(flow, shown_field, details, lang, press)

    return await db.in_tx(make)


async def held_flow(public_id: str, browser: BrowserToken, seen: Flow | None) -> Flow:
    """The flow under the locks of session and order: as it was seen, where it still is so. In a transaction. Raises
    SessionEnded for none."""
    # A link may be paused meanwhile: its session is read whole under the lock.
    if seen is not None and seen.link_id is None and await hold(seen):
        return seen
    flow = await read_flow(public_id, browser.digest, lock=True)
    if flow is None:
        raise SessionEnded
    return flow


async def _confirm(flow: Flow, shown_field: str, details: Details, lang: str | None, press: Press) -> Flow:
    customer, quote = _checked(flow, shown_field)
    await check_aside(flow)
    contact = known_contact(flow, details)
    missing = missing_fields(quote, contact)
    if missing:
        raise DetailsMissing(missing)
    match await assess(flow, quote, contact, press):
        case "decline":
            return await decline_in_tx(flow)
        case "hold":
            await _check_room(flow, customer, quote)
            await take_up_in_tx(flow)
            return await hold_purchase_in_tx(flow, contact, lang or flow.merchant.locale)
        case "approve":
            await purchase_in_tx(flow, customer, quote, contact, lang)
    return replace(flow, stored_state=SessionState.CONFIRMED, order_state=OrderState.PAID, contact=contact)


def _checked(flow: Flow, shown_field: str) -> tuple[Customer, Quote]:
    quote = quote_shown(flow, shown_field)
    # What a provider takes is paid by `paying`, not here.
    if flow.customer is None or not flow.identified or quote.paid_minor:
        raise StepNotReached
    if not flow.lends:
        return flow.customer, quote
    if flow.decision is None or flow.decision.outcome != "approved" or not flow.decision_stands:
        raise CreditRefused
    return flow.customer, quote


def quote_shown(flow: Flow, shown_field: str) -> Quote:
    """What is about to be bought: chosen, still possible, and what the page showed. Raises SessionEnded,
    StepNotReached, ShownTotalChanged."""
    if flow.state is not SessionState.OPEN:
        raise SessionEnded
    if flow.quote is None or not flow.quote_stands or (flow.customer is not None and not flow.identified):
        raise StepNotReached
    if flow.changed or not shown.matches(flow, shown_field):
        raise ShownTotalChanged
    return flow.quote


async def purchase_in_tx(
    flow: Flow, customer: Customer, quote: Quote, contact: Contact, lang: str | None, *, actor: str = ACTOR
) -> None:
    """All of a purchase that no provider takes part in; `actor` is whoever confirms it. In a transaction that holds
    session and order. Raises SessionEnded where a link does not lead to it any more, CreditRefused, HoldEnded,
    MoneyFrozen."""
    if flow.link_id is not None:
        await _use_link(flow)
    await _reserve(flow, customer, quote)
    await buy_in_tx(flow, quote, contact, lang, actor=actor)


async def buy_in_tx(
    flow: Flow, quote: Quote, contact: Contact, lang: str | None, *, actor: str = ACTOR
) -> None:
    """The purchase itself, by whoever is known in this session, or by nobody known who has paid. In a transaction that
    holds session and order. Raises HoldEnded, MoneyFrozen."""
    merchant, now, customer = flow.merchant, flow.now, flow.customer
    await MACHINE.move(
        merchant.id,
        flow.session_id,
        expected=flow.stored_state,
        to=SessionState.CONFIRMED,
        actor=actor,
        at=now,
        detail={"version": flow.version} | ({"lang": lang} if lang else {}),
    )
    payment = Payment(None if customer is None else customer.id, quote.id, contact)
    await orders.pay(merchant.id, flow.order_id, payment, actor=actor, now=now)
    if customer is not None:
        # What a contact person typed stands on the order: it is not their company's to keep.
        own = Contact() if flow.identified_by == "company" else contact
        await customers.bought(
            merchant.id,
            customer.id,
            email=own.email,
            street=own.street,
            city=own.city,
            postcode=own.postcode,
            phone=own.phone,
            now=now,
        )
        # Wallet before the accounts that every purchase of the shop posts to.
        await spend_in_tx(flow, customer)
    await ledger.post(
        merchant.id,
        key=f"purchase:{flow.order_public_id}",
        cause="purchase",
        about=flow.order_public_id,
        entries=_entries(flow, quote),
        now=now,
    )
    await _tell(flow, quote)


def _entries(flow: Flow, quote: Quote) -> tuple[Entry, ...]:
    buyer, creditor = flow.customer, flow.merchant.creditor
    if quote.paid_minor:
        paid = Money(quote.paid_minor, quote.currency)
        who = None if buyer is None else buyer.public_id
        return ledger_rules.paid_purchase(who, flow.total, paid, creditor)
    assert buyer is not None, "what is lent, or taken from a wallet, is somebody's"
    return ledger_rules.purchase(buyer.public_id, flow.total, creditor)


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
            limit_minor=_limit_minor(flow),
        )
    except LimitUsedUp:
        raise CreditRefused from None


async def _check_room(flow: Flow, customer: Customer, quote: Quote) -> None:
    """Nobody waits for what cannot be approved: there is room for it now. What is lent is reserved by the purchase."""
    if not quote.is_credit:
        return
    owed_minor = await exposure_minor(flow.merchant.id, customer.id, flow.currency)
    if owed_minor + quote.amount_minor > _limit_minor(flow):
        raise CreditRefused


def _limit_minor(flow: Flow) -> int:
    """What this customer may owe: a company that a person has let go above its limit, whatever they have decided on."""
    if not flow.owed_by_company:
        return flow.merchant.credit_limit_minor
    by_person = flow.decision is not None and flow.decision.by_person
    return MAX_AMOUNT_MINOR if by_person else flow.merchant.company_limit_minor


async def _use_link(flow: Flow) -> None:
    """By a link: it leads to its order still, and whoever else was on the way to pay it comes too late."""
    merchant_id, now = flow.merchant.id, flow.now
    link = await links.lock_of(merchant_id, flow.order_id)
    if await somebody_takes(merchant_id, flow.order_id):
        # A provider is taking somebody else's money for it at this moment.
        raise SessionEnded
    try:
        await links.use(link, actor=ACTOR, now=now)
    except (LinkPaused, LinkEnded):
        raise SessionEnded from None
    await take_up_in_tx(flow)
    await end_others_in_tx(merchant_id, flow.order_id, flow.session_id, actor=ACTOR, now=now)


async def take_up_in_tx(flow: Flow) -> None:
    """The order of a link is being paid again, where somebody else's payment was given up after this one had begun."""
    if flow.order_state is not OrderState.OPEN:
        return
    await orders.move(
        flow.merchant.id,
        flow.order_id,
        expected=OrderState.OPEN,
        to=OrderState.IN_PAYMENT,
        actor=ACTOR,
        now=flow.now,
    )


async def _tell(flow: Flow, quote: Quote) -> None:
    data = {
        "session_id": flow.public_id,
        "order_id": flow.order_public_id,
        "reference": flow.reference,
        "total_minor": flow.total_minor,
        "currency": flow.currency,
        "quote_id": quote.id,
        "method": quote.method,
        "buyer": flow.buyer,
        "wallet_minor": quote.wallet_minor,
        "paid_minor": quote.paid_minor,
    }
    told = ("session.confirmed", "order.paid")
    await outbox.emit_all(flow.merchant.id, told, data, now=flow.now, about=flow.order_public_id)
