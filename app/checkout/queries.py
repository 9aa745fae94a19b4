"""Reads of the flow. Everything a page needs comes with one query."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from app.checkout.flow_parts import (
    Aside,
    Challenge,
    Customer,
    Decision,
    aside_of,
    challenge_of,
    customer_of,
    decision_of,
    remembered_of,
)
from app.checkout.states import SessionState
from app.checkout.steps import Progress
from app.extras.rules import Choice, ShippingOption, shipping_line
from app.identity.actions.browsers import handed_over
from app.identity.actions.codes import Approval
from app.identity.actions.remembered import Remembered
from app.kernel import clock, db, ids
from app.kernel.money import Money
from app.law.queries import CONFIRMED_WORDINGS
from app.law.rules import law_of
from app.ledger.states import HoldState
from app.links.states import LinkState
from app.merchants.queries import Merchant, merchant_by_id
from app.orders.actions import Contact
from app.orders.companies import Company, company_of
from app.orders.queries import line_of
from app.orders.rules import Line
from app.orders.states import OrderState
from app.payments.methods import Buyer
from app.plans.quote import Quote

DECISIONS_MAX: Final = 3
PAYABLE: Final = frozenset({OrderState.DRAFT, OrderState.OPEN, OrderState.IN_PAYMENT})
CLOSED: Final = frozenset({LinkState.PAUSED, LinkState.WITHDRAWN})
# A quote's dates count from its day. Who chose just before midnight may still confirm just after it.
QUOTE_GRACE: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Flow:
    """One session, its order and its people, at one moment, as seen from one browser.

    `now` is business time. `ours` says that this browser is the one the session is bound to, or that it is bound to
    none yet; `quote`, `customer`, `challenge` are None while unknown. `phone` and `postcode` are the identified
    person's; before that they are the last that anybody asked a code for, in whichever browser. `country` is the
    shopper's, where phones and postcodes are read; the law and the day are those of the merchant's country.
    `passkeys` counts those of the identified person that work. `version` is the newest version of the order whose
    change a shopper can see, `seen_version` the one from which they last went on in this session; `watched` says that
    open pages hear of changes at once.
    `rows` names the versions of the session's and of the order's row that this was read from. `wallet_minor` is what
    the identified person's wallet here holds; not all of it need be free (`purse_of`). `aside` is what was set aside of
    it for this session.
    `link_id` is the payment link that made the session, `typed` what its shopper told on the link's page, of
    the place to deliver to, or in step 3 before a payment; it is of the browser that the session is bound to.
    `choice` is what was chosen in this session beside the way to pay, from `shipping_options` among others;
    `extras_by` is the session whose choices the order's lines are. `company` is who buys where a business
    does, once it is known. `payment_failure` is why the last payment through a provider came to nothing, until
    something is chosen anew. `begins_subscription` says that the order, once paid, is charged again by itself.
    `review_first` says that a person looks at the purchase before what its provider has authorised is taken.
    """

    now: datetime
    merchant: Merchant
    session_id: UUID
    public_id: str
    stored_state: SessionState
    locale: str | None
    success_url: str
    cancel_url: str
    expires_at: datetime
    held_until: datetime | None
    browser_id: UUID | None
    bound_browser_id: UUID | None
    phone: str | None = field(repr=False)
    postcode: str | None = field(repr=False)
    phone_proved_at: datetime | None
    contact_elsewhere: bool
    identified_by: str | None
    identified_at: datetime | None
    decisions_made: int
    order_id: UUID
    order_public_id: str
    order_state: OrderState
    country: str
    version: int
    reference: str
    currency: str
    total_minor: int
    buyer: Buyer
    lines: tuple[Line, ...]
    contact: Contact
    quote: Quote | None
    decision: Decision | None
    customer: Customer | None
    challenge: Challenge | None
    passkeys: int
    official_wording: bool
    seen_version: int | None = None
    watched: bool = False
    link_id: UUID | None = None
    link_state: LinkState | None = None
    typed: Contact = field(default_factory=Contact, repr=False)
    handed_over: str | None = field(default=None, repr=False)
    remembered: Remembered | None = None
    rows: str = ""
    wallet_minor: int = 0
    aside: Aside | None = None
    shipping_options: tuple[ShippingOption, ...] = ()
    choice: Choice = field(default_factory=Choice)
    extras_by: UUID | None = None
    company: Company | None = None
    payment_failure: str | None = None
    begins_subscription: bool = False
    review_first: bool = False
    answered: bool = False

    @property
    def total(self) -> Money:
        return Money(self.total_minor, self.currency)

    @property
    def state(self) -> SessionState:
        """The state with time taken into account: an open session past its end is expired, whoever asks first, and a
        held one once the time for its answer is over. One whose order or link is out of reach is cancelled."""
        if is_over(self.stored_state, self.expires_at, self.held_until, self.now, answered=self.answered):
            return SessionState.EXPIRED
        return reachable(self.stored_state, self.order_state, self.link_state)

    @property
    def ours(self) -> bool:
        if self.bound_browser_id is None:
            # Once a session has ended and its browser is forgotten, it is nobody's.
            return self.stored_state is SessionState.OPEN and self.customer is None
        return self.browser_id == self.bound_browser_id

    @property
    def tells_all(self) -> bool:
        """What is bought is shown to whoever may still buy it; after the end, to the bound browser alone."""
        return self.state is SessionState.OPEN or self.ours

    @property
    def identified(self) -> bool:
        return self.customer is not None and self.browser_id is not None and self.ours

    @property
    def passed(self) -> Contact:
        """What the shop passed of its shopper, for the first browser alone; and what was told on the link's page, or
        before a payment, in this one."""
        if not self.ours:
            return Contact()
        return self.typed if self.contact_elsewhere else self.typed.over(self.contact)

    @property
    def phone_proved_here(self) -> bool:
        """A right code was typed in this very browser, and more than a code is needed."""
        return (
            self.phone_proved_at is not None and self.challenge is not None and self.challenge.state == "used"
        )

    @property
    def quote_stands(self) -> bool:
        """The quote is of today (its due dates and its rate count from the day of the purchase), of the order's present
        sum, which the shop may have changed, of no choices that somebody else made on the order of a link, and of a
        way to deliver that the shop still offers like that.
        """
        if self.quote is None or Money(self.quote.price_minor, self.quote.currency) != self.total:
            return False
        if self.extras_by not in {None, self.session_id} or not self.delivery_stands:
            return False
        return self.merchant.local_date(self.now - QUOTE_GRACE) <= self.quote.start

    @property
    def delivery_stands(self) -> bool:
        """The order comes in one of the ways that its shop offers now, at that price; in none, where there is nothing
        to choose."""
        chosen = [line for line in self.lines if line.origin == "shipping"]
        if not self.shipping_options:
            return not chosen
        return len(chosen) == 1 and chosen[0] in map(shipping_line, self.shipping_options)

    @property
    def changed(self) -> bool:
        """The shop has edited the order since the shopper went on from a page that showed it."""
        return self.seen_version is not None and self.seen_version != self.version

    @property
    def progress(self) -> Progress:
        if self.customer is not None and not self.identified:
            return Progress.ELSEWHERE
        if self.changed:
            return Progress.CHANGED
        if not self.quote_stands:
            return Progress.NOTHING
        if not self.identified:
            # Whoever is charged again later can end it only where they are known.
            needs_nobody = self.quote is not None and self.quote.needs_nobody and not self.begins_subscription
            return Progress.GUEST if needs_nobody else Progress.CHOSEN
        if not self.lends:
            return Progress.IDENTIFIED
        if self.decision is not None and self.decision_stands:
            return Progress.IDENTIFIED if self.decision.outcome == "approved" else Progress.REFUSED
        return Progress.REFUSED if self.decisions_made >= DECISIONS_MAX else Progress.IDENTIFIED

    @property
    def lends(self) -> bool:
        """Whether the chosen way to pay lends anything, so that it needs a decision and an agreement."""
        return self.quote is None or self.quote.is_credit

    @property
    def owed_by_company(self) -> bool:
        """Whether the chosen way to pay lends to a company: its contact person proves a phone, and nobody else is
        identified."""
        return self.quote is not None and self.quote.for_company

    @property
    def lends_to_consumer(self) -> bool:
        """Whether there is an information sheet and an agreement to go with the chosen way to pay."""
        return self.lends and not self.owed_by_company

    @property
    def money_aside(self) -> bool:
        """What the chosen way to pay takes from the wallet is set aside; always so where it takes nothing."""
        taken_minor = self.quote.wallet_minor if self.quote is not None else 0
        return not taken_minor or (
            self.aside is not None
            and self.aside.state is HoldState.PENDING
            and self.aside.amount_minor == taken_minor
            and self.now < self.aside.expires_at
        )

    @property
    def decision_stands(self) -> bool:
        """The stored decision is for the present quote (choosing another plan clears it) and has not run out."""
        return self.decision is not None and self.now < self.decision.valid_until

    @property
    def approval(self) -> Approval:
        """What a code sent now would approve."""
        basket = f"{self.order_public_id}:{self.version}"
        return Approval(self.public_id, self.total_minor, self.currency, self.merchant.public_id, basket)


# Somebody has answered in time about the session `s`, and the answer waits its seconds, or for the worker.
ANSWERED: Final = """(s.state = 'held' AND EXISTS (
           SELECT FROM cases a WHERE a.merchant_id = s.merchant_id AND a.session_id = s.id AND a.state = 'decided'))"""


def is_over(
    state: SessionState,
    expires_at: datetime,
    held_until: datetime | None,
    now: datetime,
    *,
    answered: bool = False,
) -> bool:
    """Whether a session's time is over, though nobody may have written it down yet. One that somebody has answered in
    time (`ANSWERED`) is held until the answer takes effect."""
    if state is SessionState.HELD:
        return not answered and held_until is not None and now >= held_until
    return state is SessionState.OPEN and now >= expires_at


def reachable(state: SessionState, order_state: OrderState, link_state: LinkState | None) -> SessionState:
    """An open session is cancelled while somebody else pays for its order or a person looks at that, once the order has
    ended, and while its link is paused or withdrawn. Only sessions of links have others beside them.
    """
    if state is not SessionState.OPEN:
        return state
    if order_state in PAYABLE and link_state not in CLOSED:
        return state
    return SessionState.CANCELLED


_FLOW: Final = f"""
SELECT s.xmin || ' ' || o.xmin AS rows,
       s.merchant_id, s.id, s.public_id, s.state, s.locale, s.success_url, s.cancel_url, s.expires_at,
       s.held_until, {ANSWERED} AS answered, s.browser_id,
       s.phone, s.postcode, s.phone_proved_at, s.contact_elsewhere, s.identified_by, s.identified_at, s.decisions_made,
       s.payment_failure, s.order_id, s.link_id, s.typed, pl.state AS link_state,
       o.public_id AS order_public_id, o.state AS order_state, o.shown_version, o.reference, o.currency,
       o.total_minor, s.seen_version, o.watched, o.shipping_options, o.extras_by, s.choice,
       o.buyer, o.country, s.review_first,
       c.name, c.email, c.phone AS contact_phone, c.postcode AS contact_postcode, c.street, c.city,
       c.company_country, c.company_number, c.company_name, c.purchase_order,
       (SELECT array_agg(ROW(l.type, l.name, l.quantity, l.unit_price_minor, l.vat_percent, l.sku, l.category,
                             l.origin)
                         ORDER BY l.position)
        FROM order_lines l WHERE l.merchant_id = o.merchant_id AND l.order_id = o.id AND l.version = o.version)
        AS lines,
       q.content AS quote,
       d.id AS decision_id, d.outcome, d.reasons, d.would_pass_minor, d.valid_until, d.decided_by,
       d.amount_minor AS decided_minor, d.quote_id AS decided_quote_id,
       wh.id AS hold_id, wh.amount_minor AS aside_minor, wh.state AS hold_state, wh.expires_at AS aside_until,
       -w.balance_minor AS wallet_minor,
       k.id AS customer_id, k.public_id AS customer_public_id, k.name AS customer_name, k.email AS customer_email,
       k.phone AS customer_phone, k.postcode AS customer_postcode, k.street AS customer_street, k.city AS customer_city,
       k.created_at AS customer_since,
       b.id AS asking_browser_id, CASE WHEN b.token_digest <> $2 THEN b.handover END AS handover,
       r.id AS remembered_id, rk.id AS remembered_customer_id, rk.phone AS remembered_phone,
       rk.postcode AS remembered_postcode,
       EXISTS (SELECT FROM profiles p WHERE p.merchant_id = s.merchant_id AND p.customer_id = rk.id) AS remembered_here,
       h.phone AS challenge_phone, h.postcode AS challenge_postcode, h.state AS challenge_state, h.tries_left,
       h.created_at AS challenge_created_at, h.expires_at AS challenge_expires_at, h.remember,
       h.approval_digest,
       (SELECT count(*) FROM passkeys p WHERE p.customer_id = s.customer_id AND p.ended_at IS NULL) AS passkeys,
       (SELECT offset_s FROM business_clock) AS offset_s,
       EXISTS (SELECT FROM subscription_offers f WHERE f.merchant_id = s.merchant_id AND f.order_id = s.order_id)
           AS begins_subscription,
       {CONFIRMED_WORDINGS} AS confirmed_wordings
FROM checkout_sessions s
JOIN orders o ON o.merchant_id = s.merchant_id AND o.id = s.order_id
JOIN order_contacts c ON c.merchant_id = s.merchant_id AND c.order_id = s.order_id
LEFT JOIN payment_links pl ON pl.merchant_id = s.merchant_id AND pl.id = s.link_id
LEFT JOIN quotes q ON q.merchant_id = s.merchant_id AND q.id = s.quote_id
LEFT JOIN credit_decisions d ON d.merchant_id = s.merchant_id AND d.id = s.decision_id
LEFT JOIN customers k ON k.id = s.customer_id
LEFT JOIN holds wh ON wh.merchant_id = s.merchant_id AND wh.id = s.hold_id
LEFT JOIN ledger_accounts w ON w.merchant_id = s.merchant_id AND w.currency = o.currency
    AND w.address = 'customer:' || k.public_id || ':wallet'
LEFT JOIN LATERAL (SELECT * FROM browsers v WHERE v.expires_at > $3 AND (v.token_digest = $2
                       OR (v.previous_digest = $2 AND v.previous_until > $3 AND v.device = $4))
                   ORDER BY v.token_digest = $2 DESC, v.previous_until DESC LIMIT 1) b ON true
LEFT JOIN remembered_browsers r ON (r.token_digest = $5 OR (r.previous_digest = $5 AND r.previous_until > $3))
    AND r.ended_at IS NULL AND r.expires_at > $3
LEFT JOIN customers rk ON rk.id = r.customer_id AND rk.state = 'active'
LEFT JOIN LATERAL (SELECT * FROM code_challenges h WHERE h.subject = s.public_id
                   AND (s.customer_id IS NULL OR s.browser_id <> b.id)
                   ORDER BY h.id DESC LIMIT 1) h ON h.browser_id = b.id
WHERE s.public_id = $1
"""  # noqa: S608 - the part that is filled in is a constant


async def flow(
    public_id: str,
    browser_digest: bytes,
    *,
    device: bytes = b"",
    remembered_digest: bytes | None = None,
    lock: bool = False,
) -> Flow | None:
    """The flow of a session as one browser sees it, or None. One query.

    `device` lets a browser whose last answer was lost in with the secret before (`handed_over` is the new one);
    `remembered_digest` says whose browser it is. `lock` holds the session and its order until the caller's transaction
    ends.
    """
    if not ids.is_public_id("cs", public_id):
        return None
    sql = f"{_FLOW} FOR UPDATE OF s, o" if lock else _FLOW
    wall = clock.wall()
    row = await db.fetch_one(sql, public_id, browser_digest, wall, device, remembered_digest)
    if row is None:
        return None
    merchant = await merchant_by_id(row["merchant_id"])
    assert merchant is not None, "a session belongs to a merchant"
    return _read(row, merchant)


_HOLD: Final = """
SELECT s.xmin || ' ' || o.xmin = $3 FROM checkout_sessions s
JOIN orders o ON o.merchant_id = s.merchant_id AND o.id = s.order_id
WHERE s.merchant_id = $1 AND s.id = $2 FOR UPDATE OF s, o
"""


async def hold(flow: Flow) -> bool:
    """Hold session and order until the transaction ends. True when they are as `flow` has read them: it need not be
    read again, which takes ten times as long."""
    same: bool | None = await db.fetch_value(_HOLD, flow.merchant.id, flow.session_id, flow.rows)
    return same is True


def _read(row: db.Record, merchant: Merchant) -> Flow:
    quote = row["quote"]
    return Flow(
        now=clock.business(row["offset_s"]),
        merchant=merchant,
        session_id=row["id"],
        public_id=row["public_id"],
        stored_state=SessionState(row["state"]),
        locale=row["locale"],
        success_url=row["success_url"],
        cancel_url=row["cancel_url"],
        expires_at=row["expires_at"],
        held_until=row["held_until"],
        browser_id=row["asking_browser_id"],
        bound_browser_id=row["browser_id"],
        phone=row["phone"],
        postcode=row["postcode"],
        phone_proved_at=row["phone_proved_at"],
        contact_elsewhere=row["contact_elsewhere"],
        identified_by=row["identified_by"],
        identified_at=row["identified_at"],
        decisions_made=row["decisions_made"],
        order_id=row["order_id"],
        order_public_id=row["order_public_id"],
        order_state=OrderState(row["order_state"]),
        country=row["country"],
        version=row["shown_version"],
        seen_version=row["seen_version"],
        watched=row["watched"],
        reference=row["reference"],
        currency=row["currency"],
        total_minor=row["total_minor"],
        buyer=row["buyer"],
        lines=tuple(line_of(line) for line in row["lines"] or ()),
        contact=Contact(
            row["name"],
            row["email"],
            row["contact_phone"],
            row["contact_postcode"],
            row["street"],
            row["city"],
        ),
        quote=None if quote is None else Quote.from_data(quote),
        decision=decision_of(row),
        customer=customer_of(row),
        challenge=challenge_of(row),
        link_id=row["link_id"],
        link_state=None if row["link_state"] is None else LinkState(row["link_state"]),
        typed=Contact(**(row["typed"] or {})),
        handed_over=handed_over(row["handover"]),
        remembered=remembered_of(row, merchant),
        passkeys=row["passkeys"],
        rows=row["rows"],
        wallet_minor=row["wallet_minor"] or 0,
        aside=aside_of(row),
        shipping_options=tuple(ShippingOption.from_data(each) for each in row["shipping_options"] or ()),
        choice=Choice.from_data(row["choice"]),
        extras_by=row["extras_by"],
        company=company_of(row),
        payment_failure=row["payment_failure"],
        answered=row["answered"],
        begins_subscription=row["begins_subscription"],
        review_first=row["review_first"],
        official_wording=law_of(merchant.country).is_official(row["confirmed_wordings"] or ()),
    )
