"""The end of every way to identify: the session is a person's and a browser's from here on."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from app.checkout.errors import SessionEnded, StepNotReached
from app.checkout.queries import Flow
from app.checkout.states import SessionState
from app.identity.actions import browsers
from app.identity.actions.browsers import BrowserToken
from app.kernel import db

Way = Literal["code", "bank", "passkey", "person"]


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


# What the shop passed was for the first browser: whoever identifies in another one never sees it.
_BIND: Final = """
UPDATE checkout_sessions
SET customer_id = $3, identified_by = $4, identified_at = $5, browser_id = $6, phone = $8, postcode = $9,
    contact_elsewhere = contact_elsewhere OR coalesce(browser_id <> $6, false),
    decision_id = CASE WHEN customer_id IS DISTINCT FROM $3 THEN NULL ELSE decision_id END
WHERE merchant_id = $1 AND id = $2 AND state = $7 AND expires_at > $5 RETURNING id
"""


async def bind(flow: Flow, customer_id: UUID, browser_id: UUID, by: Way, given: Given, token: str) -> None:
    """Bind the session to a person and to this browser, and give the browser a new secret. In a transaction. Raises
    SessionEnded."""
    # The browser before the session, as every verb of the flow takes them.
    await browsers.rotate(browser_id, token)
    bound = await db.fetch_value(
        _BIND,
        flow.merchant.id,
        flow.session_id,
        customer_id,
        by,
        flow.now,
        browser_id,
        SessionState.OPEN.value,
        given.phone,
        given.postcode,
    )
    if bound is None:
        raise SessionEnded


async def this_browser(browser: BrowserToken, wall: datetime) -> UUID:
    """The row of this browser, born here if need be. In a transaction. Raises StepNotReached when its life is over."""
    browser_id = await browsers.remember(browser, wall=wall)
    if browser_id is None:
        raise StepNotReached
    return browser_id
