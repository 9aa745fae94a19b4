"""Step 3 where a provider takes the money: what is about to be paid is written down before the provider hears of it.

The session waits in `processing` for the payment's end (`settling`). Everything that talks to the provider is in
`checkout.paying`, outside any transaction.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from app.checkout.actions.aside import check_aside
from app.checkout.actions.assessing import assess, decline_in_tx
from app.checkout.actions.binding import given_here, this_browser
from app.checkout.actions.confirming import ACTOR, NOTHING_KNOWN, held_flow, quote_shown, take_up_in_tx
from app.checkout.assessing import Press
from app.checkout.contacts import Details, known_contact, missing_fields
from app.checkout.errors import BeingPaid, DetailsMissing, PurchaseDeclined, SessionEnded, StepNotReached
from app.checkout.queries import Flow
from app.checkout.queries import flow as read_flow
from app.checkout.states import MACHINE, SessionState
from app.identity.actions.browsers import BrowserToken
from app.kernel import db
from app.kernel.money import Money
from app.kernel.states import Also
from app.ledger import actions as ledger
from app.links import actions as links
from app.links.states import LinkState
from app.orders.actions import Contact
from app.orders.queries import is_being_paid
from app.payments import actions as payments
from app.payments.actions import NewProviderPayment
from app.payments.ports import Way
from app.payments.queries import PaymentView, newest_payment_of_session
from app.payments.settling import ends_at
from app.plans.quote import PaidMethod, Quote

# What is set aside in a wallet waits for the other part of the price. It comes free with the payment's end; this is for
# a provider that nobody hears of any more.
HOLD_OUTLASTS: Final = timedelta(days=30)
_DESCRIPTION_LENGTH_MAX: Final = 100

# What was typed is kept for a second try in this browser; another one's goes.
_WAIT: Final = """payment_failure = NULL, browser_id = coalesce($10, browser_id),
    typed = CASE WHEN browser_id <> $10 THEN $11::jsonb ELSE coalesce(typed, '{}') || $11::jsonb END,
    contact_elsewhere = contact_elsewhere OR coalesce(browser_id <> $10, false), review_first = $12
"""


async def start_payment(  # noqa: PLR0913 - all by name
    public_id: str,
    browser: BrowserToken,
    shown_field: str,
    details: Details,
    *,
    lang: str,
    wall: datetime,
    way: Way = "redirect",
    is_saving: bool = False,
    seen: Flow | None = None,
    press: Press = NOTHING_KNOWN,
) -> PaymentView:
    """The shopper confirmed a way to pay that a provider settles: the session waits for the payment that this answers,
    which `checkout.paying.open_at_provider` opens next. Without a wallet's part nobody need be identified; the session
    is then bound to the browser that confirms. A repeat answers the payment that the session waits for.

    `is_saving` asks the provider for a token for later charges, as what begins a subscription always does. `seen`
    is the flow as this request has read it already; what changed since is read again, under the lock. What risk has a
    person look at is authorised first, and held then (`settling`). Raises
    SessionEnded, StepNotReached, ShownTotalChanged, DetailsMissing, HoldEnded, ModuleOff, MoneyFrozen, and
    PurchaseDeclined once the session is declined.
    """

    async def start() -> PaymentView | None:
        # The browser before the session, as every verb of the flow takes them.
        before = seen or await read_flow(public_id, browser.digest)
        browser_id = None
        if before is not None and before.customer is None and before.stored_state is SessionState.OPEN:
            browser_id = await this_browser(browser, wall)
        flow = await held_flow(public_id, browser, seen)
        if flow.stored_state is SessionState.PROCESSING and flow.ours:
            waited_for = await newest_payment_of_session(flow.merchant.id, flow.session_id)
            assert waited_for is not None, "a session in processing waits for a payment"
            return waited_for
        quote, method = _checked(flow, shown_field)
        await check_aside(flow)
        contact = _contact(flow, details)
        missing = missing_fields(quote, contact)
        if missing:
            raise DetailsMissing(missing)
        outcome = await assess(flow, quote, contact, press)
        if outcome == "decline":
            await decline_in_tx(flow)
            return None
        await _wait(flow, browser_id, details, lang, review_first=outcome == "hold")
        new = NewProviderPayment(
            method=method,
            order_id=flow.order_id,
            session_id=flow.session_id,
            quote_id=quote.id,
            amount=Money(quote.paid_minor, quote.currency),
            country=flow.country,
            lang=lang,
            description=f"{flow.merchant.name} {flow.reference}"[:_DESCRIPTION_LENGTH_MAX],
            expires_at=ends_at(method, wall, flow.expires_at - flow.now),
            way=way,
            is_saving=is_saving or flow.begins_subscription,
            contact=asdict(contact),
        )
        return await payments.begin(flow.merchant.id, new, actor=ACTOR, now=flow.now, wall=wall)

    payment = await db.in_tx(start)
    if payment is None:
        raise PurchaseDeclined
    return payment


def _checked(flow: Flow, shown_field: str) -> tuple[Quote, PaidMethod]:
    quote = quote_shown(flow, shown_field)
    if quote.method not in ("card", "mobilepay"):
        raise StepNotReached
    if (quote.wallet_minor or flow.begins_subscription) and not flow.identified:
        raise StepNotReached
    return quote, quote.method


def _contact(flow: Flow, details: Details) -> Contact:
    """As at any purchase; of whoever is not identified, what was given in this very browser alone."""
    known = known_contact(flow, details)
    if flow.customer is not None:
        return known
    given = given_here(flow)
    return replace(known, phone=given.phone, postcode=details.postcode or given.postcode)


async def _wait(
    flow: Flow, browser_id: UUID | None, details: Details, lang: str, *, review_first: bool
) -> None:
    merchant_id, now = flow.merchant.id, flow.now
    if flow.link_id is not None:
        link = await links.lock_of(merchant_id, flow.order_id)
        if link.stored_state is not LinkState.ACTIVE:
            raise SessionEnded
        if await is_being_paid(merchant_id, flow.order_id):
            raise BeingPaid
    await take_up_in_tx(flow)
    typed = {name: value for name, value in asdict(details).items() if value}
    await MACHINE.move(
        merchant_id,
        flow.session_id,
        expected=SessionState.OPEN,
        to=SessionState.PROCESSING,
        actor=ACTOR,
        at=now,
        detail={"version": flow.version, "lang": lang},
        also=Also(_WAIT, (browser_id, typed, review_first)),
    )
    if flow.aside is not None and flow.quote is not None and flow.quote.wallet_minor:
        await ledger.outlast(merchant_id, flow.aside.id, until=now + HOLD_OUTLASTS, now=now)
