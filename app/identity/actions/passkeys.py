"""Passkeys: asked for, saved, used, removed. The verbs run inside their caller's transaction.

A challenge is a row that is answered once, whatever the answer is worth. So the verbs do not raise for a bad answer:
that would give the challenge back. They return the reason, and the caller raises it after its commit.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from app.identity import passkeys as ceremony
from app.identity.actions import account
from app.identity.actions.codes import Approval
from app.identity.errors import PasskeyRefused, PasskeyUnknown
from app.identity.passkeys import (
    CHALLENGE_LIFE,
    CHALLENGES_PER_SESSION_AN_HOUR,
    NONCE_BYTES,
    PER_CUSTOMER_MAX,
    USER_HANDLE_BYTES,
    Options,
    Person,
    RelyingParty,
    SavedPasskey,
    SavingAnswer,
    UseAnswer,
)
from app.identity.rules import HOUR_S
from app.kernel import audit, db, ids
from app.kernel.limits import Limit, take

EndedBy = Literal["customer", "staff", "copy"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a ceremony happens: one browser in one session."""

    browser_id: UUID
    session: str


@dataclass(frozen=True, slots=True)
class Used:
    """What an answer came to: the customer, or the reason why nobody is identified by it."""

    customer_id: UUID | None
    reason: str = ""


_ASK: Final = """
INSERT INTO passkey_challenges (id, purpose, browser_id, subject, customer_id, user_handle, nonce, challenge,
                                created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""


async def ask_use(place: Place, approval: Approval, party: RelyingParty, *, wall: datetime) -> Options:
    """A challenge for whichever passkey the device holds, over what is approved. Raises LimitReached."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    challenge = ceremony.challenge_of(nonce, *approval.parts())
    await _ask("use", place, nonce, challenge, wall=wall)
    return ceremony.use_options(party, challenge)


async def ask_save(
    place: Place, customer_id: UUID, name: str, party: RelyingParty, *, wall: datetime
) -> Options:
    """A challenge for a new passkey of this customer. Raises LimitReached, PasskeyRefused("too_many")."""
    rows = await db.fetch_all(
        """SELECT credential_id, user_handle FROM passkeys WHERE customer_id = $1 AND ended_at IS NULL ORDER BY id
           LIMIT $2""",
        customer_id,
        PER_CUSTOMER_MAX,
    )
    if len(rows) >= PER_CUSTOMER_MAX:
        raise PasskeyRefused("too_many")
    handle = rows[0]["user_handle"] if rows else secrets.token_bytes(USER_HANDLE_BYTES)
    nonce = secrets.token_bytes(NONCE_BYTES)
    challenge = ceremony.challenge_of(nonce, place.session, str(customer_id))
    await _ask("save", place, nonce, challenge, customer_id=customer_id, user_handle=handle, wall=wall)
    existing = [row["credential_id"] for row in rows]
    return ceremony.saving_options(party, Person(handle, name), challenge, existing)


async def _ask(
    purpose: Literal["save", "use"],
    place: Place,
    nonce: bytes,
    challenge: bytes,
    *,
    wall: datetime,
    customer_id: UUID | None = None,
    user_handle: bytes | None = None,
) -> None:
    limit = Limit("passkey.session", place.session, CHALLENGES_PER_SESSION_AN_HOUR, HOUR_S)
    await take([limit], now=wall)
    await db.execute(
        _ASK,
        ids.internal_id(),
        purpose,
        place.browser_id,
        place.session,
        customer_id,
        user_handle,
        nonce,
        challenge,
        wall,
        wall + CHALLENGE_LIFE,
    )


# Answered from here on, whatever comes of it. An answer from another browser or session leaves it as it is.
_ANSWER: Final = """
UPDATE passkey_challenges SET answered_at = $5
WHERE challenge = $1 AND purpose = $2 AND browser_id = $3 AND subject = $4 AND answered_at IS NULL AND expires_at > $5
RETURNING nonce, customer_id, user_handle
"""


async def _answered(
    challenge: bytes, purpose: Literal["save", "use"], place: Place, wall: datetime
) -> db.Record | None:
    return await db.fetch_one(_ANSWER, challenge, purpose, place.browser_id, place.session, wall)


_FIND: Final = """
SELECT p.id, p.public_id, p.customer_id, p.public_key, p.user_handle, p.sign_count, c.public_id AS customer
FROM passkeys p JOIN customers c ON c.id = p.customer_id
WHERE p.credential_id = $1 AND p.ended_at IS NULL AND c.state = 'active'
FOR UPDATE OF p
"""


async def use(
    answer: UseAnswer, place: Place, approval: Approval, party: RelyingParty, *, now: datetime, wall: datetime
) -> Used:
    """Whose passkey answered the challenge, over what is approved now. A passkey whose counter went back has a twin
    somewhere: it ends here."""
    row = await _answered(answer.challenge, "use", place, wall)
    if row is None:
        return Used(None, "stale")
    challenge = ceremony.challenge_of(row["nonce"], *approval.parts())
    if not hmac.compare_digest(challenge, answer.challenge):
        return Used(None, "stale")
    found = await db.fetch_one(_FIND, answer.credential_id)
    if found is None:
        return Used(None, "unknown")
    saved = SavedPasskey(found["public_key"], found["user_handle"], found["sign_count"])
    try:
        sign_count = ceremony.check_use(answer, saved, party, challenge)
    except PasskeyRefused as refusal:
        return Used(None, refusal.reason)
    if ceremony.looks_copied(saved, sign_count):
        await _end(found["id"], "copy", now)
        await audit.record(found["customer"], "passkey.copied", found["public_id"], merchant_id=None, at=now)
        return Used(None, "copied")
    await db.execute(
        "UPDATE passkeys SET sign_count = $2, last_used_at = $3 WHERE id = $1", found["id"], sign_count, now
    )
    return Used(found["customer_id"])


# Two devices at once may both find room for the last one: ten is for tidiness, not for safety.
_SAVE: Final = """
INSERT INTO passkeys (id, public_id, customer_id, credential_id, public_key, user_handle, sign_count, device, synced,
                      created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (credential_id) DO NOTHING RETURNING public_id
"""


async def keep(
    answer: SavingAnswer,
    place: Place,
    customer_id: UUID,
    party: RelyingParty,
    *,
    user_agent: str,
    now: datetime,
    wall: datetime,
) -> str | None:
    """Keep a passkey that answered its challenge. Answers None, or the reason why it is not kept."""
    row = await _answered(answer.challenge, "save", place, wall)
    if row is None or row["customer_id"] != customer_id:
        return "stale"
    challenge = ceremony.challenge_of(row["nonce"], place.session, str(customer_id))
    try:
        new = ceremony.check_saving(answer, party, challenge)
    except PasskeyRefused as refusal:
        return refusal.reason
    public_id = await db.fetch_value(
        _SAVE,
        ids.internal_id(),
        ids.public_id("pk"),
        customer_id,
        new.credential_id,
        new.public_key,
        row["user_handle"],
        new.sign_count,
        ceremony.device_of(user_agent, apart=new.apart),
        new.synced,
        now,
    )
    if public_id is None:
        return "saved_before"
    await _note(customer_id, "passkey.saved", public_id, now)
    return None


async def is_saved(credential_id: bytes, customer_id: UUID) -> bool:
    """Whether this customer holds this passkey: for a commit whose answer was lost."""
    found = await db.fetch_value(
        "SELECT true FROM passkeys WHERE credential_id = $1 AND customer_id = $2 AND ended_at IS NULL",
        credential_id,
        customer_id,
    )
    return found is True


async def remove(
    public_id: str, customer_id: UUID, by: Literal["customer", "staff"], *, now: datetime
) -> None:
    """The passkey identifies nobody from here on. Removing one again changes nothing. Raises PasskeyUnknown, for
    another customer's as well."""
    row = await db.fetch_one(
        "SELECT id, ended_at FROM passkeys WHERE public_id = $1 AND customer_id = $2 FOR UPDATE",
        public_id,
        customer_id,
    )
    if row is None:
        raise PasskeyUnknown
    if row["ended_at"] is None:
        await _end(row["id"], by, now)
        await account.end_by(customer_id, "passkey")
        await _note(customer_id, "passkey.removed", public_id, now)


async def _end(passkey_id: UUID, by: EndedBy, now: datetime) -> None:
    await db.execute(
        "UPDATE passkeys SET ended_at = $2, ended_by = $3 WHERE id = $1 AND ended_at IS NULL",
        passkey_id,
        now,
        by,
    )


async def _note(customer_id: UUID, action: str, public_id: str, now: datetime) -> None:
    actor = await db.fetch_value("SELECT public_id FROM customers WHERE id = $1", customer_id)
    await audit.record(str(actor), action, public_id, merchant_id=None, at=now)


async def forget_challenges(oldest: datetime, limit: int) -> int:
    """Delete up to `limit` challenges made before `oldest` (wall time); for the retention job. In a transaction."""
    status = await db.execute(
        """DELETE FROM passkey_challenges WHERE id IN (
               SELECT id FROM passkey_challenges WHERE created_at < $1 ORDER BY created_at LIMIT $2)""",
        oldest,
        limit,
    )
    return int(status.split()[-1])


async def forget_passkeys(ended_before: datetime, limit: int) -> int:
    """Delete up to `limit` passkeys that ended before then (business time), and those of erased customers; for the
    retention job. In a transaction."""
    status = await db.execute(
        """DELETE FROM passkeys WHERE id IN (
               (SELECT id FROM passkeys WHERE ended_at < $1 ORDER BY ended_at LIMIT $2)
               UNION ALL
               (SELECT p.id FROM customers c JOIN passkeys p ON p.customer_id = c.id
                WHERE c.state = 'erased' LIMIT $2))""",
        ended_before,
        limit,
    )
    return int(status.split()[-1])
