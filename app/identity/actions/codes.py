"""One-time codes: made, bound to what they approve, tried, spent. The verbs run inside their caller's transaction."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from app.identity import rules
from app.kernel import db, ids, keys
from app.kernel.limits import Limit, give_back, take

_PURPOSE: Final = "code"


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
    """What a code approves. The code's digest covers all of it, so any change burns the code."""

    session: str
    total_minor: int
    currency: str
    payee: str
    basket: str

    def parts(self) -> tuple[str, ...]:
        return (self.session, str(self.total_minor), self.currency, self.payee, self.basket)


@dataclass(frozen=True, slots=True)
class Issued:
    """A code on its way. It leaves this process through the SMS door alone."""

    challenge_id: UUID
    code: str

    def __repr__(self) -> str:
        return f"Issued(challenge_id={self.challenge_id})"


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who asked for a code, and the phone (E.164) it goes to. `address` is the network address of the browser."""

    browser_id: UUID
    address: str = field(repr=False)
    phone: str = field(repr=False)
    country: str
    postcode: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Tried:
    """What a try came to: `outcome` right, wrong, spent or expired; phone and postcode as it was sent for."""

    outcome: str
    tries_left: int
    phone: str = field(repr=False)
    postcode: str = field(repr=False)


_VOID_OLDER: Final = """
WITH voided AS (
    UPDATE code_challenges SET state = 'void'
    WHERE subject = $3 AND state IN ('sending', 'sent', 'unknown')
)
INSERT INTO code_challenges (id, browser_id, subject, country, phone, postcode, code_digest, tries_left, state,
                             created_at, expires_at, wall_created_at, wall_expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'sending', $9, $10, $11, $12)
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
) -> None:
    """Write a new code for a phone, voiding the session's older ones. Raises LimitReached.

    Nothing here asks whether the phone is known.
    """
    await take(_sending_limits(to.phone, approval.session, to.address), now=now)
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


async def mark(challenge_id: UUID, state: ChallengeState) -> None:
    """How the sending went, unless the code was used, voided or burnt meanwhile. A transaction of its own."""

    async def write() -> None:
        await db.execute(
            "UPDATE code_challenges SET state = $2 WHERE id = $1 AND state = 'sending'",
            challenge_id,
            state.value,
        )

    await db.in_tx(write)


async def never_left(issued: Issued, *, phone: str, asked_at: datetime) -> None:
    """The gateway refused the message: the code is worth nothing, and the phone's count of the day is as before, so
    that a gateway that is down for minutes costs nobody a day. The minute between two codes stands. One transaction."""

    async def write() -> None:
        await db.execute(
            "UPDATE code_challenges SET state = 'failed' WHERE id = $1 AND state = 'sending'",
            issued.challenge_id,
        )
        await give_back("code.phone.day", phone, taken_at=asked_at)

    await db.in_tx(write)


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


_LOCK: Final = """
SELECT id, browser_id, phone, postcode, code_digest, tries_left, state, expires_at, wall_expires_at
FROM code_challenges WHERE subject = $1 ORDER BY id DESC LIMIT 1 FOR UPDATE
"""


async def try_code(
    typed: str, approval: Approval, *, browser_id: UUID | None, now: datetime, wall: datetime
) -> Tried:
    """Count a try against the session's newest code and compare. The count stands even when the code is wrong.

    The row is locked first, so that fifty parallel guesses count fifty. A code asked for in one browser is refused in
    another, and a code for another total is refused everywhere.
    """
    row = await db.fetch_one(_LOCK, approval.session)
    if row is None or row["browser_id"] != browser_id or row["state"] not in LIVE or row["tries_left"] == 0:
        return Tried("spent", 0, "", "")
    if now >= row["expires_at"] or wall >= row["wall_expires_at"]:
        return Tried("expired", 0, row["phone"], row["postcode"])
    tries_left = row["tries_left"] - 1
    right = hmac.compare_digest(_digest(row["id"], typed, approval), row["code_digest"])
    state = ChallengeState.USED if right else ChallengeState.BURNT if tries_left == 0 else row["state"]
    await db.execute(
        "UPDATE code_challenges SET tries_left = $2, state = $3 WHERE id = $1",
        row["id"],
        tries_left,
        str(state),
    )
    outcome = "right" if right else "wrong" if tries_left else "spent"
    return Tried(outcome, tries_left, row["phone"], row["postcode"])


def _digest(challenge_id: UUID, code: str, approval: Approval) -> bytes:
    return keys.process_keyring().mac(_PURPOSE, challenge_id.bytes, code, *approval.parts())
