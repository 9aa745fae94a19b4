"""Where no electronic identity exists, somebody on the staff says who the shopper is.

The shopper proves a phone by a code, tells their name and waits. Whoever answers the case has called them or seen a
document, and has seen papers on income and debts: no register can be asked without a national number, so the same
answer is the one on credit.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from app.cases.actions import Reach
from app.cases.queries import CaseView, asked_by_shopper
from app.cases.rules import ASKED_BY_SHOPPER_MAX
from app.checkout.actions.binding import given_here
from app.checkout.actions.holding import SHOPPER, Question, hold_in_tx
from app.checkout.errors import AskedTooOften, SessionEnded, StepNotReached
from app.checkout.facts import without_register
from app.checkout.policy import person_identifies
from app.checkout.queries import Flow
from app.checkout.queries import flow as read_flow
from app.checkout.states import SessionState
from app.checkout.steps import Progress
from app.credit import actions as credit
from app.credit.actions import Subject
from app.credit.rules import decide as decide_by_rules
from app.identity.actions import browsers, customers
from app.identity.actions.browsers import BrowserToken
from app.identity.actions.customers import KnownContact
from app.identity.ports import VerifiedIdentity
from app.kernel import db, ids
from app.merchants.queries import Merchant

How = Literal["call", "document"]


@dataclass(frozen=True, slots=True)
class Checked:
    """What somebody on the staff has made sure of: the shopper's name, how, and that income and debts were seen."""

    name: str = field(repr=False)
    how: How


# The session belongs to the browser whose phone was proved; what the shop passed was for the first one.
_WAIT_HERE: Final = """
UPDATE checkout_sessions
SET browser_id = $3, phone = $4, postcode = $5,
    typed = CASE WHEN browser_id <> $3 THEN NULL ELSE typed END,
    contact_elsewhere = contact_elsewhere OR coalesce(browser_id <> $3, false)
WHERE merchant_id = $1 AND id = $2
"""


async def ask_who(flow: Flow, browser: BrowserToken, name: str, *, lang: str) -> str:
    """Hold the session for a person who makes sure that this is `name`; answers the browser's new secret, because the
    answer will let this browser buy. Raises SessionEnded, AskedTooOften, and StepNotReached without a
    phone proved here."""
    token = ids.token()

    async def ask() -> str:
        if flow.browser_id is None or not await browsers.hold(flow.browser_id, browser):
            raise StepNotReached
        now = await read_flow(flow.public_id, browser.digest, lock=True)
        if now is None or now.state is not SessionState.OPEN:
            raise SessionEnded
        given = given_here(now)
        if not (_may_ask(now) and given.phone):
            raise StepNotReached
        if await asked_by_shopper(now.merchant.id, now.session_id) >= ASKED_BY_SHOPPER_MAX:
            raise AskedTooOften
        await browsers.rotate(flow.browser_id, token)
        await db.execute(
            _WAIT_HERE, now.merchant.id, now.session_id, flow.browser_id, given.phone, given.postcode
        )
        reach = Reach(lang, name, given.phone, now.passed.email)
        await hold_in_tx(now, Question("identity", "shopper", None, reach), actor=SHOPPER)
        return token

    async def landed() -> str | None:
        return token if await browsers.is_known(token) else None

    return await db.in_tx(ask, landed=landed)


def _may_ask(flow: Flow) -> bool:
    return (
        person_identifies(flow)
        and flow.phone_proved_here
        and flow.progress in {Progress.CHOSEN, Progress.GUEST}
    )


_BIND: Final = """
UPDATE checkout_sessions SET customer_id = $3, identified_by = 'person', identified_at = $4
WHERE merchant_id = $1 AND id = $2 RETURNING phone, postcode
"""


async def vouch(
    case: CaseView, merchant: Merchant, checked: Checked, now: datetime
) -> tuple[UUID, UUID | None]:
    """The session is this person's from now on. Answers the customer and the decision of the rules, which refers to
    whoever is answering; none where nothing is lent. In a transaction that holds the session."""
    flow = await read_flow(case.session_public_id, b"")
    assert flow is not None, "the case's session is held"
    assert flow.phone is not None, "whoever asked has proved a phone"
    assert flow.quote is not None, "whoever asked has chosen a plan"
    customer_id = await _remember(merchant, flow.phone, flow.postcode, flow.country, checked, now)
    await db.fetch_value(_BIND, merchant.id, case.session_id, customer_id, now)
    if not flow.lends:
        return customer_id, None
    facts = await without_register(flow, customer_id)
    decision_id = ids.internal_id()
    subject = Subject(merchant.id, case.session_id, customer_id, flow.quote.id)
    await credit.store(decision_id, subject, facts, decide_by_rules(facts), now)
    return customer_id, decision_id


async def _remember(
    merchant: Merchant, phone: str, postcode: str | None, country: str, checked: Checked, now: datetime
) -> UUID:
    """The same name on the same phone is the same customer, at this merchant alone; so what they owe adds up.

    The number becomes theirs only where it is nobody's: a shop's staff take it from no one.
    """
    subject = hashlib.sha256(f"{phone} {checked.name.casefold()}".encode()).hexdigest()
    identity = VerifiedIdentity(
        issuer=f"{customers.STAFF_ISSUER}{merchant.public_id}",
        subject=subject,
        name=checked.name,
        birthdate=None,
        national_number=None,
        country=country,
        acr=checked.how,
        authenticated_at=now,
    )
    free = await customers.holder_of(phone) is None
    contact = KnownContact(country, postcode, phone if free else None)
    return await customers.remember_identity(identity, contact, now)
