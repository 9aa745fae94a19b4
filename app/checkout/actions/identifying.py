"""Step 2: who is paying, by a code on a known phone or by a bank."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from app.checkout.errors import SessionEnded, StepNotReached
from app.checkout.queries import Challenge, Flow
from app.checkout.states import SessionState
from app.identity.actions import browsers, codes, customers
from app.identity.actions.browsers import BrowserToken
from app.identity.actions.codes import Issued, Recipient
from app.identity.actions.customers import KnownContact
from app.identity.ports import VerifiedIdentity
from app.identity.rules import CODE_LIFE, CODE_TRIES
from app.kernel import db, ids

Outcome = Literal["identified", "needs_bank", "wrong", "spent", "expired"]


@dataclass(frozen=True, slots=True)
class Identification:
    """How a try to identify ended. `token` is the browser's new secret once its rights have grown."""

    outcome: Outcome
    tries_left: int = 0
    token: str | None = None

    def __repr__(self) -> str:
        return f"Identification({self.outcome})"


# What an identified person gave stays theirs, whoever asks for a code in another browser afterwards.
_ASK: Final = """
UPDATE checkout_sessions
SET phone = CASE WHEN customer_id IS NULL THEN $3 ELSE phone END,
    postcode = CASE WHEN customer_id IS NULL THEN $4 ELSE postcode END,
    phone_proved_at = NULL, browser_id = coalesce(browser_id, $5)
WHERE merchant_id = $1 AND id = $2 AND state = $6 AND expires_at > $7 RETURNING browser_id
"""


async def request_code(
    flow: Flow, phone: str, postcode: str, browser: BrowserToken, *, address: str, wall: datetime
) -> tuple[Issued, Flow]:
    """Make a code for a phone (E.164) and bind it to this browser, this session and what is approved.

    Answers the code, which the caller sends now, and the flow as it is now. Known and unknown phones take the same
    path. Raises LimitReached, SessionEnded.
    """

    issued = codes.new()

    async def ask() -> Flow:
        browser_id = await _browser(browser, wall)
        bound_id = await db.fetch_value(
            _ASK,
            flow.merchant.id,
            flow.session_id,
            phone,
            postcode,
            browser_id,
            SessionState.OPEN.value,
            flow.now,
        )
        if bound_id is None:
            raise SessionEnded
        await codes.issue(
            issued,
            flow.approval,
            Recipient(browser_id, address, phone, flow.country, postcode),
            now=flow.now,
            wall=wall,
        )
        return _asked(flow, phone, postcode, browser_id, bound_id)

    async def landed() -> Flow | None:
        # Without this a second run would meet the limit that the first one took, and the code would never be sent.
        browser_id = await codes.browser_of(issued)
        return (
            _asked(flow, phone, postcode, browser_id, flow.bound_browser_id or browser_id)
            if browser_id
            else None
        )

    return issued, await db.in_tx(ask, landed=landed)


def _asked(flow: Flow, phone: str, postcode: str, browser_id: UUID, bound_id: UUID) -> Flow:
    challenge = Challenge(
        phone=phone,
        postcode=postcode,
        state=codes.ChallengeState.SENDING,
        tries_left=CODE_TRIES,
        created_at=flow.now,
        expires_at=flow.now + CODE_LIFE,
    )
    return replace(
        flow, phone_proved_at=None, browser_id=browser_id, bound_browser_id=bound_id, challenge=challenge
    )


async def identify_by_code(flow: Flow, typed: str, *, code_is_enough: bool, wall: datetime) -> Identification:
    """Try a code. A right one on the phone of a customer with a verified identity and a matching postcode
    identifies, where a code is enough for this sum and merchant; otherwise the bank is needed once.

    The count of tries stands whatever comes of it; one whose COMMIT was lost may count twice. Raises SessionEnded.
    """
    token = ids.token()

    async def identify() -> Identification:
        return await _identify_by_code(flow, typed, token, code_is_enough=code_is_enough, wall=wall)

    return await db.in_tx(identify, landed=lambda: _landed(flow, token))


_LANDED: Final = """
SELECT EXISTS (SELECT FROM browsers WHERE token_digest = $3) AS identified, s.phone_proved_at = $4 AS proved
FROM checkout_sessions s WHERE s.merchant_id = $1 AND s.id = $2
"""


async def _landed(flow: Flow, token: str) -> Identification | None:
    """What a try came to whose COMMIT landed though its answer was lost: the code is spent, so it cannot run again."""
    row = await db.fetch_one(_LANDED, flow.merchant.id, flow.session_id, ids.digest(token), flow.now)
    if row is not None and row["identified"]:
        return Identification("identified", token=token)
    return Identification("needs_bank") if row is not None and row["proved"] else None


async def _identify_by_code(
    flow: Flow, typed: str, token: str, *, code_is_enough: bool, wall: datetime
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
    given = _Given(tried.phone, tried.postcode)
    await _identified(flow, known, flow.browser_id, "code", given, token)
    return Identification("identified", token=token)


async def identify_by_bank(
    flow: Flow, identity: VerifiedIdentity, browser: BrowserToken, wall: datetime
) -> Identification:
    """A provider vouches for who this is. A phone that a code has proved in this browser becomes theirs; one that was
    only typed here, or passed by the shop to this browser, is theirs to confirm with the purchase.

    Raises SessionEnded.
    """

    async def identify() -> Identification:
        browser_id, token = await _browser(browser, wall), ids.token()
        # Somebody else may have proved a phone of theirs in this session, in another browser: it is not this person's.
        typed, passed = flow.challenge, flow.passed
        given = (
            _Given(passed.phone, passed.postcode) if typed is None else _Given(typed.phone, typed.postcode)
        )
        contact = KnownContact(flow.country)
        if flow.phone_proved_here:
            contact = KnownContact(flow.country, given.postcode, given.phone)
        customer_id = await customers.remember_identity(identity, contact, flow.now)
        await _identified(flow, customer_id, browser_id, "bank", given, token)
        return Identification("identified", token=token)

    return await db.in_tx(identify)


@dataclass(frozen=True, slots=True)
class _Given:
    """Phone and postcode as the identified person gave them."""

    phone: str | None = field(repr=False)
    postcode: str | None = field(repr=False)


# What the shop passed was for the first browser: whoever identifies in another one never sees it.
_IDENTIFIED: Final = """
UPDATE checkout_sessions
SET customer_id = $3, identified_by = $4, identified_at = $5, browser_id = $6, phone = $8, postcode = $9,
    contact_elsewhere = contact_elsewhere OR coalesce(browser_id <> $6, false),
    decision_id = CASE WHEN customer_id IS DISTINCT FROM $3 THEN NULL ELSE decision_id END
WHERE merchant_id = $1 AND id = $2 AND state = $7 AND expires_at > $5 RETURNING id
"""


async def _identified(
    flow: Flow, customer_id: UUID, browser_id: UUID, by: Literal["code", "bank"], given: _Given, token: str
) -> None:
    """Bind the session to a person and to this browser, and give the browser a new secret."""
    # The browser before the session, as every verb of the flow takes them.
    await browsers.rotate(browser_id, token)
    bound = await db.fetch_value(
        _IDENTIFIED,
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


async def _browser(browser: BrowserToken, wall: datetime) -> UUID:
    browser_id = await browsers.remember(browser, wall=wall)
    if browser_id is None:
        raise StepNotReached
    return browser_id
