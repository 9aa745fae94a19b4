"""Before money leaves: whoever is signed in proves once more who they are, for exactly this sum and this receiver.

A code for that goes to the customer's own phone and says what it is for; it is worth nothing for anything else. The
session then gets a new secret. Each verb is one transaction.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Literal
from uuid import UUID

from app.identity.account_queries import SignedInCustomer
from app.identity.actions import account, browsers, codes
from app.identity.actions.account_sign_in import Arriving
from app.identity.actions.codes import Approval, Issued, Recipient
from app.identity.errors import SignInLost
from app.identity.rules import SmsBudget
from app.kernel import db, ids

# A bank or a passkey this long ago needs no code beside it.
FRESH_FOR: Final = timedelta(minutes=5)

Outcome = Literal["proved", "wrong", "spent", "expired"]


@dataclass(frozen=True, slots=True)
class Release:
    """What shall be let go: so much, from which shop (its public id), and a text that names the receiver."""

    amount_minor: int
    currency: str
    shop: str
    receiver: str = field(repr=False)

    def approval(self, session_id: UUID) -> Approval:
        return Approval(f"release:{session_id}", self.amount_minor, self.currency, self.shop, self.receiver)


@dataclass(frozen=True, slots=True)
class StepUp:
    """What a try came to. `token` is the session's new secret."""

    outcome: Outcome
    tries_left: int = 0
    token: str | None = None

    def __repr__(self) -> str:
        return f"StepUp({self.outcome})"


def is_fresh(customer: SignedInCustomer, who: Arriving) -> bool:
    """Whether the session began so lately, and by a proof of the person, that no code is needed."""
    return customer.way != "code" and who.wall - customer.signed_in_at <= FRESH_FOR


async def ask_release_code(
    who: Arriving, customer: SignedInCustomer, release: Release, budget: SmsBudget
) -> tuple[Issued, Recipient]:
    """A code for the customer's own phone, which the caller sends now. Raises LimitReached, SignInLost (also for
    somebody without a phone)."""
    if customer.phone is None:
        raise SignInLost
    phone, issued, approval = customer.phone, codes.new(), release.approval(customer.session_id)

    async def ask() -> Recipient:
        browser_id = await browsers.remember(who.browser, wall=who.wall)
        if browser_id is None:
            raise SignInLost
        to = Recipient(browser_id, who.address, phone, customer.country, "")
        await codes.issue(issued, approval, to, now=who.now, wall=who.wall, budget=budget)
        return to

    async def landed() -> Recipient | None:
        browser_id = await codes.browser_of(issued)
        return Recipient(browser_id, who.address, phone, customer.country, "") if browser_id else None

    return issued, await db.in_tx(ask, landed=landed)


async def release_code_never_left(
    issued: Issued, customer: SignedInCustomer, release: Release, to: Recipient, who: Arriving
) -> None:
    """The gateway refused the message: nothing was sent, and nothing counts."""
    await codes.never_left(issued, release.approval(customer.session_id), to, asked_at=who.now)


async def prove_release(who: Arriving, customer: SignedInCustomer, release: Release, typed: str) -> StepUp:
    """Try the code that was sent for exactly this. Raises LimitReached."""
    token = ids.token()

    async def prove() -> StepUp:
        browser_id = await db.fetch_value(
            "SELECT id FROM browsers WHERE token_digest = $1 AND expires_at > $2 FOR UPDATE",
            who.browser.digest,
            who.wall,
        )
        approval = release.approval(customer.session_id)
        tried = await codes.try_code(
            typed, approval, browser_id=browser_id, address=who.address, now=who.now, wall=who.wall
        )
        if tried.outcome == "wrong":
            return StepUp("wrong", tried.tries_left)
        if tried.outcome != "right":
            return StepUp("expired" if tried.outcome == "expired" else "spent")
        if who.before is None or not await account.exchange(customer.session_id, who.before, token):
            # Another tab was faster, or signed out: what was proved here opens nothing.
            return StepUp("spent")
        return StepUp("proved", token=token)

    async def landed() -> StepUp | None:
        return StepUp("proved", token=token) if await account.is_open(token) else None

    return await db.in_tx(prove, landed=landed)
