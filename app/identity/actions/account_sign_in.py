"""Signing in outside of a purchase, to see what is one's own: by a code with the postcode, by a passkey, by a bank.

A code proves a phone and no person. It opens what belongs to a customer only where it would recognise one in a purchase
as well: their identity was verified strongly once, and the postcode is theirs. Whom a shop's staff made sure of, where
no electronic identity exists, it shows what they have at that shop (`customers.owner_of`). Each verb is one
transaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from app.identity.actions import account, browsers, codes, customers, passkeys
from app.identity.actions.account import Way
from app.identity.actions.browsers import BrowserToken
from app.identity.actions.codes import Approval, Issued, Recipient
from app.identity.actions.passkeys import Place
from app.identity.errors import PasskeyRefused, SignInLost
from app.identity.passkeys import Options, RelyingParty, device_of, read_use
from app.identity.ports import VerifiedIdentity
from app.identity.rules import SmsBudget
from app.kernel import db, ids

# Whom codes of this kind are counted for, beside the shops.
PAYEE: Final = "account"

Outcome = Literal["signed_in", "stranger", "wrong", "spent", "expired"]


@dataclass(frozen=True, slots=True)
class Arriving:
    """A browser that wants in. `before` is the token of the session that it brought, which ends when a new one begins;
    `address` is its network address, `user_agent` what it says it is."""

    browser: BrowserToken
    before: str | None
    address: str
    user_agent: str
    now: datetime
    wall: datetime

    def __repr__(self) -> str:
        return f"Arriving({self.browser!r})"


@dataclass(frozen=True, slots=True)
class SignIn:
    """What a try came to. `token` is that of the new session, for the browser alone; `stranger` says that a phone is
    proved and nobody was recognised by it."""

    outcome: Outcome
    tries_left: int = 0
    token: str | None = None

    def __repr__(self) -> str:
        return f"SignIn({self.outcome})"


def approval_of(browser_id: UUID) -> Approval:
    """What a code to sign in approves: no sum, and this browser alone."""
    return Approval(f"{PAYEE}:{browser_id}", 0, "", PAYEE, "")


async def ask_code(
    who: Arriving, phone: str, postcode: str, country: str, budget: SmsBudget
) -> tuple[Issued, Recipient]:
    """A code to sign in, for a phone in E.164, which the caller sends now. Known and unknown phones take the same
    statements. Raises LimitReached, SignInLost."""
    issued = codes.new()

    async def ask() -> Recipient:
        browser_id = await _this_browser(who)
        to = Recipient(browser_id, who.address, phone, country, postcode)
        await codes.issue(issued, approval_of(browser_id), to, now=who.now, wall=who.wall, budget=budget)
        return to

    async def landed() -> Recipient | None:
        browser_id = await codes.browser_of(issued)
        return Recipient(browser_id, who.address, phone, country, postcode) if browser_id else None

    return issued, await db.in_tx(ask, landed=landed)


async def code_never_left(issued: Issued, to: Recipient, *, asked_at: datetime) -> None:
    """The gateway refused the message: nothing was sent, and nothing counts."""
    await codes.never_left(issued, approval_of(to.browser_id), to, asked_at=asked_at)


async def sign_in_by_code(who: Arriving, typed: str) -> SignIn:
    """Try the code that was sent from this browser. The count of tries stands whatever comes of it. Raises
    LimitReached."""
    token = ids.token()

    async def sign_in() -> SignIn:
        browser_id = await _known_browser(who)
        if browser_id is None:
            return SignIn("spent")
        tried = await codes.try_code(
            typed,
            approval_of(browser_id),
            browser_id=browser_id,
            address=who.address,
            now=who.now,
            wall=who.wall,
        )
        if tried.outcome == "wrong":
            return SignIn("wrong", tried.tries_left)
        if tried.outcome != "right":
            return SignIn("expired" if tried.outcome == "expired" else "spent")
        customer_id = await customers.owner_of(tried.phone, tried.postcode)
        return await _opened(customer_id, "code", token, who)

    return await db.in_tx(sign_in, landed=lambda: _landed(token))


async def ask_passkey(who: Arriving, party: RelyingParty) -> Options:
    """What the browser asks its device for. Raises LimitReached, SignInLost."""

    async def ask() -> Options:
        browser_id = await _this_browser(who)
        approval = approval_of(browser_id)
        return await passkeys.ask_use(Place(browser_id, approval.session), approval, party, wall=who.wall)

    return await db.in_tx(ask)


async def sign_in_by_passkey(who: Arriving, answer_text: str, party: RelyingParty) -> SignIn:
    """The device says who this is. Whatever the answer is worth, its challenge is spent. Raises PasskeyRefused."""
    answer, token = read_use(answer_text), ids.token()

    async def sign_in() -> SignIn | str:
        browser_id = await _known_browser(who)
        if browser_id is None:
            return "stale"
        approval = approval_of(browser_id)
        place = Place(browser_id, approval.session)
        used = await passkeys.use(answer, place, approval, party, now=who.now, wall=who.wall)
        if used.customer_id is None:
            return used.reason
        return await _opened(used.customer_id, "passkey", token, who)

    ended = await db.in_tx(sign_in, landed=lambda: _landed(token))
    if isinstance(ended, str):
        raise PasskeyRefused(ended)
    return ended


_BY_IDENTITY: Final = """
SELECT c.id FROM verified_identities v JOIN customers c ON c.id = v.customer_id
WHERE v.issuer = $1 AND v.subject = $2 AND c.state = 'active'
"""


async def sign_in_by_bank(who: Arriving, identity: VerifiedIdentity) -> SignIn:
    """A provider vouches for who this is. Somebody who never bought anything leaves no trace here: a `stranger`."""
    token = ids.token()

    async def sign_in() -> SignIn:
        customer_id = await db.fetch_value(_BY_IDENTITY, identity.issuer, identity.subject)
        assert customer_id is None or isinstance(customer_id, UUID)
        return await _opened(customer_id, "bank", token, who)

    return await db.in_tx(sign_in, landed=lambda: _landed(token))


async def _opened(customer_id: UUID | None, way: Way, token: str, who: Arriving) -> SignIn:
    device = device_of(who.user_agent, apart=False)
    if customer_id is None or not await account.open_session(
        customer_id, way, token, device=device, before=who.before, wall=who.wall
    ):
        return SignIn("stranger")
    return SignIn("signed_in", token=token)


async def _landed(token: str) -> SignIn | None:
    return SignIn("signed_in", token=token) if await account.is_open(token) else None


async def _this_browser(who: Arriving) -> UUID:
    browser_id = await browsers.remember(who.browser, wall=who.wall)
    if browser_id is None:
        raise SignInLost
    return browser_id


async def _known_browser(who: Arriving) -> UUID | None:
    """The row of this browser, held: two tries of one browser come one after the other."""
    found = await db.fetch_value(
        "SELECT id FROM browsers WHERE token_digest = $1 AND expires_at > $2 FOR UPDATE",
        who.browser.digest,
        who.wall,
    )
    assert found is None or isinstance(found, UUID)
    return found
