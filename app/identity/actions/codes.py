"""One-time codes: made, bound to what they approve, tried, spent. The verbs run inside their caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from app.identity import rules
from app.identity.rules import SmsBudget
from app.kernel import db, ids, keys, limits
from app.kernel.limits import Budget, Limit, give_back, note, take
from app.kernel.phone import route_of

_PURPOSE: Final = "code"
_APPROVAL: Final = "code-approval"


class ChallengeState(StrEnum):
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"
    VOID = "void"
    BURNT = "burnt"
    USED = "used"


LIVE: Final = frozenset({ChallengeState.SENDING, ChallengeState.SENT, ChallengeState.UNKNOWN})


@dataclass(frozen=True, slots=True)
class Approval:
    """What a code approves. A code is worth nothing once any of it has changed."""

    session: str
    total_minor: int
    currency: str
    payee: str
    basket: str

    def parts(self) -> tuple[str, ...]:
        return (self.session, str(self.total_minor), self.currency, self.payee, self.basket)

    def digest(self) -> bytes:
        return keys.process_keyring().mac(_APPROVAL, *self.parts())


@dataclass(frozen=True, slots=True)
class Issued:
    """A code on its way. It leaves this process through the SMS door alone."""

    challenge_id: UUID
    code: str

    def __repr__(self) -> str:
        return f"Issued(challenge_id={self.challenge_id})"


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who asked for a code, and the phone (E.164) it goes to. `address` is the network address of the browser;
    `remember` says that the shopper wants this browser to be known next time."""

    browser_id: UUID
    address: str = field(repr=False)
    phone: str = field(repr=False)
    country: str
    postcode: str = field(repr=False)
    remember: bool = False


@dataclass(frozen=True, slots=True)
class Tried:
    """What a try came to: `outcome` right, wrong, spent, changed or expired; phone and postcode as it was sent for."""

    outcome: str
    tries_left: int = 0
    phone: str = field(default="", repr=False)
    postcode: str = field(default="", repr=False)
    remember: bool = False


_VOID_OLDER: Final = """
WITH voided AS (
    UPDATE code_challenges SET state = 'void'
    WHERE subject = $3 AND state IN ('sending', 'sent', 'unknown')
)
INSERT INTO code_challenges (id, browser_id, subject, country, phone, postcode, code_digest, tries_left, state,
                             created_at, expires_at, wall_created_at, wall_expires_at, approval_digest, remember)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'sending', $9, $10, $11, $12, $13, $14)
"""


def new() -> Issued:
    """A code that is not written yet, made before its transaction so that one that is run again knows it."""
    return Issued(ids.internal_id(), rules.new_code())


async def issue(
    issued: Issued,
    approval: Approval,
    to: Recipient,
    *,
    now: datetime,
    wall: datetime,
    budget: SmsBudget,
) -> None:
    """Write a new code for a phone, voiding the session's older ones. Raises LimitReached.

    Nothing here asks whether the phone is known.
    """
    sending = (*_sending_limits(to.phone, approval.session, to.address), *_unanswered(approval, to))
    await take(sending, _budgets(approval.payee, budget), now=now)
    await db.execute(
        _VOID_OLDER,
        issued.challenge_id,
        to.browser_id,
        approval.session,
        to.country,
        to.phone,
        to.postcode,
        _digest(issued.challenge_id, issued.code, approval),
        rules.CODE_TRIES,
        now,
        now + rules.CODE_LIFE,
        wall,
        wall + rules.CODE_LIFE_WALL,
        approval.digest(),
        to.remember,
    )


async def browser_of(issued: Issued) -> UUID | None:
    """The browser that a written code is bound to; None when it was never written."""
    found = await db.fetch_value("SELECT browser_id FROM code_challenges WHERE id = $1", issued.challenge_id)
    assert found is None or isinstance(found, UUID)
    return found


def _sending_limits(phone: str, session: str, address: str) -> Sequence[Limit]:
    return (
        Limit("code.phone.minute", phone, rules.SENDS_PER_PHONE_A_MINUTE, rules.MINUTE_S),
        Limit("code.phone.day", phone, rules.SENDS_PER_PHONE_A_DAY, rules.DAY_S),
        Limit("code.session", session, rules.SENDS_PER_SESSION, rules.DAY_S),
        Limit("code.address", address, rules.SENDS_PER_ADDRESS_AN_HOUR, rules.HOUR_S),
    )


def _unanswered(approval: Approval, to: Recipient) -> Sequence[Limit]:
    """Sends that no right code has followed: by browser, network block, shop and country route."""
    return (
        Limit("code.browser", str(to.browser_id), rules.UNANSWERED_PER_BROWSER_A_DAY, rules.DAY_S),
        Limit("code.block", rules.block_of(to.address), rules.UNANSWERED_PER_BLOCK_AN_HOUR, rules.HOUR_S),
        Limit("code.merchant", approval.payee, rules.UNANSWERED_PER_MERCHANT_AN_HOUR, rules.HOUR_S),
        Limit("code.route", route_of(to.phone), rules.UNANSWERED_PER_ROUTE_AN_HOUR, rules.HOUR_S),
    )


def _budgets(merchant: str, budget: SmsBudget) -> Sequence[Budget]:
    return (
        Budget("sms.all", "", budget.per_day, rules.DAY_S),
        Budget("sms.merchant", merchant, budget.per_merchant_a_day, rules.DAY_S),
    )


def _guessing_limits(address: str) -> Sequence[Limit]:
    everywhere = Limit("code.wrong", "", rules.WRONG_CODES_A_MINUTE, rules.MINUTE_S)
    return (everywhere, *_guessing_limits_here(address))


def _guessing_limits_here(address: str) -> Sequence[Limit]:
    block = rules.block_of(address)
    return (Limit("code.wrong.block", block, rules.WRONG_CODES_PER_BLOCK_AN_HOUR, rules.HOUR_S),)


async def mark(challenge_id: UUID, state: ChallengeState) -> None:
    """How the sending went, unless the code was used, voided or burnt meanwhile. A transaction of its own."""
    await db.execute_alone(
        "UPDATE code_challenges SET state = $2 WHERE id = $1 AND state = 'sending'", challenge_id, state.value
    )


async def never_left(issued: Issued, approval: Approval, to: Recipient, *, asked_at: datetime) -> None:
    """The gateway refused the message: the code is worth nothing, and the phone's count of the day is as before, so
    that a gateway that is down for minutes costs nobody a day; nor does it look like a spray. The minute between two
    codes stands. One transaction."""
    day = Limit("code.phone.day", to.phone, rules.SENDS_PER_PHONE_A_DAY, rules.DAY_S)

    async def write() -> None:
        await db.execute(
            "UPDATE code_challenges SET state = 'failed' WHERE id = $1 AND state = 'sending'",
            issued.challenge_id,
        )
        await give_back([day, *_unanswered(approval, to)], taken_at=asked_at)

    await db.in_tx(write)


def approves(digest: bytes, approval: Approval) -> bool:
    """Whether a code with this digest was sent for exactly this."""
    return keys.process_keyring().mac_matches(_APPROVAL, digest, *approval.parts())


async def forget_about(sessions: Sequence[str]) -> None:
    """Delete every code of these sessions, and the phones they went to. In a transaction."""
    await db.execute("DELETE FROM code_challenges WHERE subject = ANY($1)", sessions)


async def mark_unknown_sends(wall: datetime) -> int:
    """Sends that never said how they ended become `unknown`; they are not sent again. For the worker."""
    status = await db.execute(
        "UPDATE code_challenges SET state = 'unknown' WHERE state = 'sending' AND wall_created_at < $1",
        wall - rules.SENDING_MAY_TAKE,
    )
    return int(status.split()[-1])


async def forget_older_than(oldest: datetime, limit: int) -> int:
    """Delete up to `limit` codes made before `oldest` (business time); for the retention job. In a transaction."""
    status = await db.execute(
        """DELETE FROM code_challenges WHERE id IN (
               SELECT id FROM code_challenges WHERE created_at < $1 ORDER BY created_at LIMIT $2)""",
        oldest,
        limit,
    )
    return int(status.split()[-1])


_LOCK: Final = f"""
WITH full_limit AS ({limits.FULL_SQL} LIMIT 1)
SELECT c.id, c.browser_id, c.phone, c.postcode, c.code_digest, c.approval_digest, c.remember, c.tries_left, c.state,
       c.created_at, c.expires_at, c.wall_expires_at, f.scope AS full_scope, f.per, f.hit
FROM code_challenges c LEFT JOIN full_limit f ON true
WHERE c.subject = $6 ORDER BY c.id DESC LIMIT 1 FOR UPDATE OF c
"""  # noqa: S608 - a constant of the kernel

_USE: Final = f"""
WITH used AS (UPDATE code_challenges SET state = 'used', tries_left = $5 WHERE id = $4)
{limits.GIVE_BACK_SQL}
"""  # noqa: S608 - a constant of the kernel


async def try_code(
    typed: str, approval: Approval, *, browser_id: UUID | None, address: str, now: datetime, wall: datetime
) -> Tried:
    """Count a try against the session's newest code and compare. The count stands even when the code is wrong.

    The row is locked first, so that fifty parallel guesses count fifty. A code asked for in one browser is refused in
    another, and one for another total or basket everywhere. Raises LimitReached, having counted and told nothing, while
    too many wrong codes come in, from this network or from all of them.
    """
    guessing = _guessing_limits(address)
    row = await db.fetch_one(_LOCK, *limits.asked_full(guessing, now), approval.session)
    if row is not None and row["full_scope"] is not None:
        raise limits.full(row["full_scope"], row["per"], row["hit"], now)
    if row is None or row["browser_id"] != browser_id or row["state"] not in LIVE or row["tries_left"] == 0:
        # Where no code lives nothing can be guessed. Counted over all of them, three machines that never had a code
        # sent would pause everybody's.
        await note(_guessing_limits_here(address), now=now)
        return Tried("spent")
    if now >= row["expires_at"] or wall >= row["wall_expires_at"]:
        return Tried("expired", 0, row["phone"], row["postcode"])
    if not approves(row["approval_digest"], approval):
        await _count(row["id"], row["tries_left"], ChallengeState.VOID)
        return Tried("changed", 0, row["phone"], row["postcode"])
    tries_left = row["tries_left"] - 1
    if not _matches(row["code_digest"], row["id"], typed, approval):
        await _count(row["id"], tries_left, ChallengeState(row["state"] if tries_left else "burnt"))
        await note(guessing, now=now)
        return Tried("wrong" if tries_left else "spent", tries_left, row["phone"], row["postcode"])
    to = Recipient(row["browser_id"], address, row["phone"], "", row["postcode"])
    answered = limits.asked_back(_unanswered(approval, to), row["created_at"])
    await db.execute(_USE, *answered, row["id"], tries_left)
    return Tried("right", tries_left, row["phone"], row["postcode"], row["remember"])


async def _count(challenge_id: UUID, tries_left: int, state: ChallengeState) -> None:
    await db.execute(
        "UPDATE code_challenges SET tries_left = $2, state = $3 WHERE id = $1",
        challenge_id,
        tries_left,
        state.value,
    )


def _digest(challenge_id: UUID, code: str, approval: Approval) -> bytes:
    return keys.process_keyring().mac(_PURPOSE, challenge_id.bytes, code, *approval.parts())


def _matches(digest: bytes, challenge_id: UUID, typed: str, approval: Approval) -> bool:
    """In constant time. A code that left under an older key of the ring is as good."""
    return keys.process_keyring().mac_matches(_PURPOSE, digest, challenge_id.bytes, typed, *approval.parts())
