"""Step 2: who is paying, by a code on a known phone or by a bank."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from app.checkout.errors import SessionEnded, StepNotReached
from app.checkout.queries import Challenge, Flow
from app.checkout.states import SessionState
from app.identity.actions import browsers, codes, customers
from app.identity.actions.browsers import BrowserToken
from app.identity.actions.codes import Issued
from app.identity.actions.customers import KnownContact
from app.identity.ports import VerifiedIdentity
from app.identity.rules import CODE_LIFE, CODE_TRIES
from app.kernel import db

Outcome = Literal["identified", "needs_bank", "wrong", "spent", "expired"]


@dataclass(frozen=True, slots=True)
class Identification:
    """How a try to identify ended. `token` is the browser's new secret once its rights have grown."""

    outcome: Outcome
    tries_left: int = 0
    token: str | None = None

    def __repr__(self) -> str:
        return f"Identification({self.outcome})"


_ASK: Final = """
UPDATE checkout_sessions SET phone = $3, postcode = $4, phone_proved_at = NULL, browser_id = coalesce(browser_id, $5)
WHERE merchant_id = $1 AND id = $2 AND state = $6 AND expires_at > $7 RETURNING id
"""


async def request_code(
    flow: Flow, phone: str, postcode: str, browser: BrowserToken, *, address: str, wall: datetime
) -> tuple[Issued, Flow]:
    """Make a code for a phone (E.164) and bind it to this browser, this session and what is approved.

    Answers the code, which the caller sends now, and the flow as it is now. Known and unknown phones take the same
    path. Raises LimitReached, SessionEnded.
    """

    async def ask() -> tuple[Issued, Flow]:
        browser_id = await _browser(browser, wall)
        open_ = await db.fetch_value(
            _ASK,
            flow.merchant.id,
            flow.session_id,
            phone,
            postcode,
            browser_id,
            SessionState.OPEN.value,
            flow.now,
        )
        if open_ is None:
            raise SessionEnded
        issued = await codes.issue(
            flow.approval,
            browser_id=browser_id,
            phone=phone,
            country=flow.merchant.country,
            postcode=postcode,
            address=address,
            now=flow.now,
            wall=wall,
        )
        return issued, _asked(flow, phone, postcode, browser_id)

    return await db.in_tx(ask)


def _asked(flow: Flow, phone: str, postcode: str, browser_id: UUID) -> Flow:
    challenge = Challenge(
        phone=phone,
        state=codes.ChallengeState.SENDING,
        tries_left=CODE_TRIES,
        created_at=flow.now,
        expires_at=flow.now + CODE_LIFE,
    )
    return replace(
        flow,
        phone=phone,
        postcode=postcode,
        phone_proved_at=None,
        browser_id=browser_id,
        bound_browser_id=flow.bound_browser_id or browser_id,
        challenge=challenge,
    )


async def identify_by_code(flow: Flow, typed: str, *, code_is_enough: bool, wall: datetime) -> Identification:
    """Try a code. A right one on the phone of a customer with a verified identity and a matching postcode
    identifies, where a code is enough for this sum and merchant; otherwise the bank is needed once.

    The count of tries stands whatever comes of it. Raises SessionEnded.
    """
    return await db.in_tx(lambda: _identify_by_code(flow, typed, code_is_enough=code_is_enough, wall=wall))


async def _identify_by_code(
    flow: Flow, typed: str, *, code_is_enough: bool, wall: datetime
) -> Identification:
    tried = await codes.try_code(typed, flow.approval, browser_id=flow.browser_id, now=flow.now, wall=wall)
    if tried.outcome == "wrong":
        return Identification("wrong", tried.tries_left)
    if tried.outcome != "right":
        return Identification("expired" if tried.outcome == "expired" else "spent")
    known = await customers.recognise(tried.phone, tried.postcode) if code_is_enough else None
    if known is None or flow.browser_id is None:
        await db.execute(
            "UPDATE checkout_sessions SET phone_proved_at = $3 WHERE merchant_id = $1 AND id = $2",
            flow.merchant.id,
            flow.session_id,
            flow.now,
        )
        return Identification("needs_bank")
    token = await _identified(flow, known, flow.browser_id, "code")
    return Identification("identified", token=token)


async def identify_by_bank(
    flow: Flow, identity: VerifiedIdentity, browser: BrowserToken, wall: datetime
) -> Identification:
    """A provider vouches for who this is. A phone that a code has proved in this session becomes theirs; one that was
    only typed or passed by the shop is kept as claimed. Raises SessionEnded."""

    async def identify() -> Identification:
        browser_id = await _browser(browser, wall)
        proved = flow.phone_proved_at is not None and flow.ours
        phone = flow.phone if flow.ours else None
        contact = KnownContact(
            country=flow.merchant.country,
            postcode=(flow.postcode if flow.ours else None) or flow.contact.postcode,
            proved_phone=phone if proved else None,
            claimed_phone=phone or flow.contact.phone,
        )
        customer_id = await customers.remember_identity(identity, contact, flow.now)
        token = await _identified(flow, customer_id, browser_id, "bank")
        return Identification("identified", token=token)

    return await db.in_tx(identify)


_IDENTIFIED: Final = """
UPDATE checkout_sessions
SET customer_id = $3, identified_by = $4, identified_at = $5, browser_id = $6,
    decision_id = CASE WHEN customer_id IS DISTINCT FROM $3 THEN NULL ELSE decision_id END
WHERE merchant_id = $1 AND id = $2 AND state = $7 AND expires_at > $5 RETURNING id
"""


async def _identified(flow: Flow, customer_id: UUID, browser_id: UUID, by: Literal["code", "bank"]) -> str:
    """Bind the session to a person and to this browser, and give the browser a new secret."""
    bound = await db.fetch_value(
        _IDENTIFIED,
        flow.merchant.id,
        flow.session_id,
        customer_id,
        by,
        flow.now,
        browser_id,
        SessionState.OPEN.value,
    )
    if bound is None:
        raise SessionEnded
    return await browsers.rotate(browser_id)


async def _browser(browser: BrowserToken, wall: datetime) -> UUID:
    browser_id = await browsers.remember(browser, wall=wall)
    if browser_id is None:
        raise StepNotReached
    return browser_id
