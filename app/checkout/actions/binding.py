"""The end of every way to identify: the session is a person's and a browser's from here on."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from app.checkout.errors import SessionEnded, StepNotReached
from app.checkout.flow_parts import customer_of
from app.checkout.queries import Flow
from app.checkout.states import SessionState
from app.identity.actions import browsers
from app.identity.actions.browsers import BrowserToken
from app.kernel import db
from app.orders.actions import Contact

# A company is bound by its contact person, who has proved a phone by a code.
Way = Literal["code", "bank", "passkey", "person", "company"]


@dataclass(frozen=True, slots=True)
class Given:
    """Phone and postcode as the identified person gave them."""

    phone: str | None = field(repr=False)
    postcode: str | None = field(repr=False)


def given_here(flow: Flow) -> Given:
    """What was typed in this browser, or else passed by the shop to it. Somebody else may have proved a phone of theirs
    in this session, in another browser: it is not this person's."""
    typed = flow.challenge or flow.passed
    return Given(typed.phone, typed.postcode)


# The browser before the session, as every verb of the flow takes them: a session's row is reached through the browser's
# that was changed. What the shop passed, and what was typed, was for the first browser: whoever identifies in another
# one never sees it.
_BIND: Final = f"""
WITH browser AS ({browsers.ROTATE_SQL})
UPDATE checkout_sessions s
SET customer_id = $7, identified_by = $8, identified_at = $9, browser_id = browser.id, phone = $11, postcode = $12,
    contact_elsewhere = s.contact_elsewhere OR coalesce(s.browser_id <> browser.id, false),
    typed = CASE WHEN s.browser_id <> browser.id THEN NULL ELSE s.typed END,
    decision_id = CASE WHEN s.customer_id IS DISTINCT FROM $7 THEN NULL ELSE s.decision_id END
FROM browser, customers k
WHERE s.merchant_id = $5 AND s.id = $6 AND s.state = $10 AND s.expires_at > $9 AND k.id = $7
RETURNING s.contact_elsewhere, s.typed, s.decision_id, k.id AS customer_id, k.public_id AS customer_public_id,
          k.name AS customer_name, k.email AS customer_email, k.phone AS customer_phone,
          k.postcode AS customer_postcode, k.street AS customer_street, k.city AS customer_city,
          k.created_at AS customer_since,
          (SELECT count(*) FROM passkeys p WHERE p.customer_id = k.id AND p.ended_at IS NULL) AS passkeys,
          (SELECT -w.balance_minor FROM ledger_accounts w WHERE w.merchant_id = s.merchant_id AND w.currency = $13
           AND w.address = 'customer:' || k.public_id || ':wallet') AS wallet_minor
"""  # noqa: S608 - a constant of the room below


async def bind(flow: Flow, customer_id: UUID, browser_id: UUID, by: Way, given: Given, token: str) -> Flow:
    """Bind the session to a person and to this browser, and give the browser a new secret. Answers the flow as it is
    now. In a transaction. Raises SessionEnded, and StepNotReached where a company shall owe what is bought and this is
    a person, or the other way round."""
    if flow.owed_by_company != (by == "company"):
        raise StepNotReached
    bound = await db.fetch_one(
        _BIND,
        *browsers.asked_to_rotate(browser_id, token),
        flow.merchant.id,
        flow.session_id,
        customer_id,
        by,
        flow.now,
        SessionState.OPEN.value,
        given.phone,
        given.postcode,
        flow.currency,
    )
    if bound is None:
        raise SessionEnded
    decision = flow.decision
    return replace(
        flow,
        browser_id=browser_id,
        bound_browser_id=browser_id,
        phone=given.phone,
        postcode=given.postcode,
        contact_elsewhere=bound["contact_elsewhere"],
        typed=Contact(**(bound["typed"] or {})),
        identified_by=by,
        identified_at=flow.now,
        decision=decision if decision is not None and decision.id == bound["decision_id"] else None,
        customer=customer_of(bound),
        challenge=None,
        passkeys=bound["passkeys"],
        wallet_minor=bound["wallet_minor"] or 0,
        handed_over=None,
    )


async def this_browser(browser: BrowserToken, wall: datetime) -> UUID:
    """The row of this browser, born here if need be. In a transaction. Raises StepNotReached when its life is over."""
    browser_id = await browsers.remember(browser, wall=wall)
    if browser_id is None:
        raise StepNotReached
    return browser_id
