"""Reads for customers who look at what is theirs: who is signed in, on which devices, which code may be typed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from app.identity.actions.account import Way
from app.identity.actions.customers import STAFF_ISSUER
from app.kernel import db, ids


@dataclass(frozen=True, slots=True)
class SignedInCustomer:
    """Who holds a session, until when at the latest (wall time), and what the business clock shows. `vouched_by` names
    the shops (public ids) whose staff said who this is; empty for everybody whom a bank has named."""

    session_id: UUID
    customer_id: UUID
    public_id: str
    name: str | None = field(repr=False)
    phone: str | None = field(repr=False)
    email: str | None = field(repr=False)
    country: str
    way: Way
    signed_in_at: datetime
    expires_at: datetime
    offset_s: int
    vouched_by: Sequence[str]


# Whoever signed in by a phone that is somebody else's now is out.
_HOLDER: Final = """
SELECT s.id AS session_id, s.customer_id, c.public_id, c.name, c.phone, c.email, c.country, s.way,
       s.created_at AS signed_in_at, s.expires_at, coalesce((SELECT offset_s FROM business_clock), 0) AS offset_s,
       ARRAY(SELECT substr(v.issuer, length($3) + 1) FROM verified_identities v
             WHERE v.customer_id = c.id AND starts_with(v.issuer, $3)) AS vouched_by
FROM customer_sessions s JOIN customers c ON c.id = s.customer_id
WHERE s.token_digest = $1 AND s.expires_at > $2 AND c.state = 'active' AND (s.way <> 'code' OR c.phone IS NOT NULL)
"""


async def customer_of_session(token: str, wall: datetime) -> SignedInCustomer | None:
    """In one query; None when the session is over."""
    row = await db.fetch_one(_HOLDER, ids.digest(token), wall, STAFF_ISSUER)
    return None if row is None else SignedInCustomer(**dict(row.items()))


@dataclass(frozen=True, slots=True)
class PendingCode:
    """The newest code that a browser asked for to sign in."""

    phone: str = field(repr=False)
    postcode: str = field(repr=False)
    country: str
    state: str
    tries_left: int
    created_at: datetime
    expires_at: datetime


_PENDING: Final = """
SELECT c.phone, c.postcode, c.country, c.state, c.tries_left, c.created_at, c.expires_at
FROM browsers b JOIN code_challenges c ON c.subject = 'account:' || b.id AND c.browser_id = b.id
WHERE b.token_digest = $1 ORDER BY c.id DESC LIMIT 1
"""


async def pending_code(browser_digest: bytes) -> PendingCode | None:
    row = await db.fetch_one(_PENDING, browser_digest)
    return None if row is None else PendingCode(**dict(row.items()))


@dataclass(frozen=True, slots=True)
class OpenSession:
    """One place where somebody is signed in. `device` is a word of `identity.passkeys.device_of`."""

    id: UUID
    device: str
    way: Way
    created_at: datetime


async def open_sessions_of(customer_id: UUID, wall: datetime) -> tuple[OpenSession, ...]:
    """The newest first."""
    rows = await db.fetch_all(
        """SELECT id, device, way, created_at FROM customer_sessions
           WHERE customer_id = $1 AND expires_at > $2 ORDER BY created_at DESC, id DESC""",
        customer_id,
        wall,
    )
    return tuple(OpenSession(**dict(row.items())) for row in rows)
