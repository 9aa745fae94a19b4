"""The verbs of merchants: shops, their API keys, staff, sign-in and webhook endpoints.

Every id is made before its transaction, so that one that is run again after a lost connection finds its own
row and adds nothing. Secrets leave here once; the database keeps a digest, or the sealed text where we must
read it again.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from app.kernel import audit, db, ids, keys, limits
from app.merchants import passwords, rules, second_factor
from app.merchants.errors import (
    ApiKeyUnknown,
    EndpointUnknown,
    FieldRefused,
    SignInRefused,
    StaffEmailTaken,
    TooManyEndpoints,
)
from app.merchants.queries import (
    TOTP_PURPOSE,
    WEBHOOK_PURPOSE,
    Creditor,
    Merchant,
    forget_kept_merchants,
    merchant_by_id,
)

Mode = Literal["test", "live"]

OPERATOR: Final = "operator"
STAFF_SESSION_S: Final = 12 * 3600

# A code has three right answers in a million at any moment, so the ways to guess one are few and far between.
_PER_EMAIL: Final = ("staff.sign_in.email", 10, 15 * 60)
_PER_ADDRESS: Final = ("staff.sign_in.address", 60, 15 * 60)


@dataclass(frozen=True, slots=True)
class NewMerchant:
    """A shop to be. What is None is taken from the country: currency, language and time zone.

    `return_hosts` are the hosts that live mode sends shoppers back to. Amounts are minor units. Above
    `code_alone_max_minor` a passkey or the bank is needed; None takes the law file's figure. `passkey_counts` says
    whether a passkey is as good as the bank; None: where the country lets a code identify.
    """

    name: str
    country: str
    contact_email: str
    credit_limit_minor: int
    currency: str | None = None
    locale: str | None = None
    time_zone: str | None = None
    creditor: Creditor = "operator"
    accent: str | None = None
    logo_url: str | None = None
    return_hosts: Sequence[str] = ()
    recognise_returning: bool = True
    code_alone_max_minor: int | None = None
    passkey_counts: bool | None = None


@dataclass(frozen=True, slots=True)
class NewStaff:
    """`totp_secret` (base32) and `enrolment_uri` are for the person's authenticator app, shown once."""

    public_id: str
    totp_secret: str
    enrolment_uri: str


@dataclass(frozen=True, slots=True)
class SignedIn:
    """`token` is the browser's secret of the new session; only its digest is stored."""

    token: str
    expires_at: datetime


# --- merchants and keys -------------------------------------------------------------------------------------


async def _written(closure: Callable[[], Awaitable[None]]) -> None:
    """In the caller's transaction where there is one (an idempotent request), else in one of its own."""
    if db.in_transaction():
        await closure()
    else:
        await db.in_tx(closure)


async def create_merchant(new: NewMerchant, *, now: datetime) -> Merchant:
    """A shop without plans, staff or keys. Raises FieldRefused."""
    values = _checked(new)
    merchant_id, public_id = ids.internal_id(), ids.public_id("m")

    async def write() -> None:
        inserted = await db.fetch_value(
            """INSERT INTO merchants (id, public_id, name, country, currency, locale, time_zone, creditor,
                   accent, logo_url, contact_email, return_hosts, recognise_returning, code_alone_max_minor,
                   credit_limit_minor, passkey_counts, company_limit_minor, created_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
               ON CONFLICT (id) DO NOTHING RETURNING true""",
            merchant_id,
            public_id,
            *values,
            now,
        )
        if inserted:
            await audit.record(OPERATOR, "merchant.created", public_id, merchant_id=merchant_id, at=now)

    await _written(write)
    forget_kept_merchants()
    merchant = await merchant_by_id(merchant_id)
    assert merchant is not None, "it was written a moment ago, and merchants are never deleted"
    return merchant


def _checked(new: NewMerchant) -> tuple[object, ...]:
    """The columns from name to company_limit_minor, in the order of the INSERT."""
    if new.country not in rules.HOME_OF:
        raise FieldRefused("country", "unknown")
    currency, locale, time_zone = rules.HOME_OF[new.country]
    return (
        rules.name_of(new.name),
        new.country,
        new.currency or currency,
        new.locale or locale,
        rules.time_zone_of(new.time_zone or time_zone),
        new.creditor,
        rules.accent_of(new.accent),
        new.logo_url,
        rules.email_of(new.contact_email, "contact_email"),
        [rules.return_host_of(host) for host in new.return_hosts],
        new.recognise_returning,
        new.code_alone_max_minor,
        new.credit_limit_minor,
        new.passkey_counts,
        rules.COMPANY_LIMIT_MINOR[new.currency or currency],
    )


async def create_api_key(
    merchant_id: UUID, name: str, *, mode: Mode, now: datetime, actor: str = OPERATOR
) -> str:
    """A new secret, `sk_test_...` or `sk_live_...`: shown once, stored as a digest. Raises FieldRefused."""
    title = rules.name_of(name)
    secret = f"sk_{mode}_{ids.token()}"
    key_id = ids.internal_id()

    async def write() -> None:
        inserted = await db.fetch_value(
            """INSERT INTO api_keys (merchant_id, id, name, hint, digest, created_at)
               VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (merchant_id, id) DO NOTHING RETURNING true""",
            merchant_id,
            key_id,
            title,
            secret[-4:],
            ids.digest(secret),
            now,
        )
        if inserted:
            await audit.record(actor, "key.created", str(key_id), merchant_id=merchant_id, at=now)

    await _written(write)
    return secret


async def revoke_api_key(merchant_id: UUID, key_id: UUID, *, now: datetime, actor: str = OPERATOR) -> None:
    """The key opens nothing from here on. Raises ApiKeyUnknown, also for one revoked before."""

    async def write() -> None:
        revoked = await db.fetch_value(
            """UPDATE api_keys SET revoked_at = $3
               WHERE merchant_id = $1 AND id = $2 AND revoked_at IS NULL RETURNING true""",
            merchant_id,
            key_id,
            now,
        )
        if not revoked:
            raise ApiKeyUnknown
        await audit.record(actor, "key.revoked", str(key_id), merchant_id=merchant_id, at=now)

    await _written(write)


# --- staff --------------------------------------------------------------------------------------------------


async def create_staff(
    merchant_id: UUID,
    email: str,
    name: str,
    password: str,
    role: str,
    *,
    now: datetime,
    totp_secret: str | None = None,
) -> NewStaff:
    """A person who may sign in to the admin of this merchant. Raises FieldRefused, StaffEmailTaken.

    `totp_secret` is given by seeds that must know it beforehand; a person gets a fresh one.
    """
    address, full_name, kind = rules.email_of(email), rules.name_of(name), rules.role_of(role)
    password_hash = await passwords.hashed(rules.password_of(password))
    secret = totp_secret or second_factor.new_secret()
    staff_id, public_id = ids.internal_id(), ids.public_id("st")
    sealed = keys.process_keyring().seal(TOTP_PURPOSE, secret.encode())

    async def write() -> None:
        row = await db.fetch_one(
            """INSERT INTO staff
                   (merchant_id, id, public_id, email, name, password_hash, totp_secret, role, created_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
               ON CONFLICT DO NOTHING RETURNING id""",
            merchant_id,
            staff_id,
            public_id,
            address,
            full_name,
            password_hash,
            sealed,
            kind,
            now,
        )
        if row is not None:
            await audit.record(OPERATOR, "staff.created", public_id, merchant_id=merchant_id, at=now)
            return
        holder = await db.fetch_value("SELECT id FROM staff WHERE lower(email) = lower($1)", address)
        if holder != staff_id:
            raise StaffEmailTaken

    await _written(write)
    return NewStaff(public_id, secret, second_factor.enrolment_uri(secret, address))


async def renew_staff_secrets(email: str, password: str, *, now: datetime) -> NewStaff:
    """A new password and a new second factor for a person who lost both; every open session of theirs ends.

    Raises FieldRefused, also for an address that nobody on the staff has.
    """
    password_hash = await passwords.hashed(rules.password_of(password))
    secret = second_factor.new_secret()
    sealed = keys.process_keyring().seal(TOTP_PURPOSE, secret.encode())

    async def write() -> str:
        row = await db.fetch_one(
            """UPDATE staff SET password_hash = $2, totp_secret = $3, totp_last_step = 0
               WHERE lower(email) = lower($1) RETURNING merchant_id, id, public_id""",
            email,
            password_hash,
            sealed,
        )
        if row is None:
            raise FieldRefused("email", "unknown")
        await db.execute(
            "DELETE FROM staff_sessions WHERE merchant_id = $1 AND staff_id = $2",
            row["merchant_id"],
            row["id"],
        )
        who: str = row["public_id"]
        await audit.record(OPERATOR, "staff.secrets_renewed", who, merchant_id=row["merchant_id"], at=now)
        return who

    return NewStaff(await db.in_tx(write), secret, second_factor.enrolment_uri(secret, email))


async def sign_in(
    email: str, password: str, code: str, *, address: str, replaces: str | None, at: datetime
) -> SignedIn:
    """A new session for whoever knows the password and holds the second factor.

    `at` is wall time, `address` the client's network address, `replaces` the token that this browser held
    before: its session ends. Raises SignInRefused without saying what was wrong, and LimitReached.
    """
    wanted = email.strip().lower()
    await _take_attempt(wanted, address, at)
    row = await db.fetch_one(
        """SELECT merchant_id, id, public_id, password_hash, totp_secret, totp_last_step
           FROM staff WHERE lower(email) = $1 AND disabled_at IS NULL""",
        wanted,
    )
    right_password = await passwords.matches(
        rules.typed_password(password), row["password_hash"] if row is not None else None
    )
    # An unknown person's code is compared as well, with a secret made up here: the same steps, the same time.
    secret = (
        keys.process_keyring().open(TOTP_PURPOSE, row["totp_secret"]).decode()
        if row is not None
        else second_factor.new_secret()
    )
    step = second_factor.matching_step(secret, code, at)
    if row is None or not right_password or step is None:
        raise SignInRefused
    return await _begin_session(row, step, wanted, replaces=replaces, at=at)


async def _take_attempt(email: str, address: str, at: datetime) -> None:
    """Counted before anything is looked at, in a transaction of its own, so that a refusal stays counted."""
    counted = [
        limits.Limit(scope, subject, at_most, per_s)
        for (scope, at_most, per_s), subject in ((_PER_EMAIL, email), (_PER_ADDRESS, address))
    ]
    await db.in_tx(lambda: limits.take(counted, now=at))


async def _begin_session(
    person: db.Record, step: int, email: str, *, replaces: str | None, at: datetime
) -> SignedIn:
    merchant_id, staff_id = person["merchant_id"], person["id"]
    session_id, token = ids.internal_id(), ids.token()
    ends = at + timedelta(seconds=STAFF_SESSION_S)

    async def write() -> bool:
        # The step only ever rises: of two requests with one code, one wins, and a disabled person has none.
        spent = await db.fetch_value(
            """UPDATE staff SET totp_last_step = $3
               WHERE merchant_id = $1 AND id = $2 AND totp_last_step < $3 AND disabled_at IS NULL
               RETURNING true""",
            merchant_id,
            staff_id,
            step,
        )
        if not spent:
            raise SignInRefused
        await db.execute(
            "DELETE FROM staff_sessions WHERE token_digest = $1 OR (staff_id = $2 AND expires_at <= $3)",
            ids.digest(replaces or ""),
            staff_id,
            at,
        )
        await db.execute(
            """INSERT INTO staff_sessions
                   (id, token_digest, merchant_id, staff_id, created_at, last_seen_at, expires_at)
               VALUES ($1, $2, $3, $4, $5, $5, $6)""",
            session_id,
            ids.digest(token),
            merchant_id,
            staff_id,
            at,
            ends,
        )
        await limits.forget(_PER_EMAIL[0], email)
        await audit.record(
            person["public_id"], "staff.signed_in", person["public_id"], merchant_id=merchant_id, at=at
        )
        return True

    async def landed() -> bool | None:
        # A second run would find the code spent, by the first one.
        return await db.fetch_value("SELECT true FROM staff_sessions WHERE id = $1", session_id) or None

    await db.in_tx(write, landed=landed)
    return SignedIn(token, ends)


async def sign_out(token: str, *, at: datetime) -> None:
    """The session is gone, on the server too. An unknown token changes nothing. `at` is wall time."""

    async def write() -> None:
        ended = await db.fetch_one(
            """DELETE FROM staff_sessions s USING staff p
               WHERE s.token_digest = $1 AND p.merchant_id = s.merchant_id AND p.id = s.staff_id
               RETURNING s.merchant_id, p.public_id""",
            ids.digest(token),
        )
        if ended is not None:
            who = ended["public_id"]
            await audit.record(who, "staff.signed_out", who, merchant_id=ended["merchant_id"], at=at)

    await db.in_tx(write)


async def forget_ended_sessions(at: datetime, limit: int) -> int:
    """Delete up to `limit` sessions of staff whose absolute life is over; for the retention job. In a transaction."""
    status = await db.execute(
        """DELETE FROM staff_sessions WHERE id IN (
               SELECT id FROM staff_sessions WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)""",
        at,
        limit,
    )
    return int(status.split()[-1])


# --- webhook endpoints --------------------------------------------------------------------------------------


async def _join_or_open(write: Callable[[], Awaitable[None]]) -> None:
    await (write() if db.in_transaction() else db.in_tx(write))


async def create_webhook_endpoint(
    merchant_id: UUID,
    url: str,
    types: Sequence[str],
    now: datetime,
    *,
    https_only: bool = False,
    actor: str = OPERATOR,
    secret: str | None = None,
) -> tuple[str, str]:
    """(public id `we_...`, signing secret `whsec_...`, shown once). Live mode passes `https_only`.

    The secret is 256 bits in base64, as Standard Webhooks writes it; seeds that move a receiver to another
    address give the one it knows. Joins the caller's transaction when one is open, so that an idempotency key
    and the endpoint stand or fall together. Raises FieldRefused, TooManyEndpoints.
    """
    target, wanted = rules.webhook_url_of(url, https_only=https_only), rules.webhook_types_of(types)
    endpoint_id, public_id = ids.internal_id(), ids.public_id("we")
    secret = secret or "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    sealed = keys.process_keyring().seal(WEBHOOK_PURPOSE, secret.encode())

    async def write() -> None:
        # The merchant's row is locked, so that two requests at once cannot pass the limit together.
        await db.fetch_value("SELECT id FROM merchants WHERE id = $1 FOR NO KEY UPDATE", merchant_id)
        standing = await db.fetch_value(
            """SELECT count(*) FROM webhook_endpoints
               WHERE merchant_id = $1 AND id <> $2 AND deleted_at IS NULL""",
            merchant_id,
            endpoint_id,
        )
        if standing >= rules.ENDPOINTS_MAX:
            raise TooManyEndpoints(rules.ENDPOINTS_MAX)
        inserted = await db.fetch_value(
            """INSERT INTO webhook_endpoints (merchant_id, id, public_id, url, secret, types, created_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (merchant_id, id) DO NOTHING RETURNING true""",
            merchant_id,
            endpoint_id,
            public_id,
            target,
            sealed,
            wanted,
            now,
        )
        if inserted:
            await audit.record(actor, "webhook_endpoint.created", public_id, merchant_id=merchant_id, at=now)

    await _join_or_open(write)
    return public_id, secret


async def delete_webhook_endpoint(
    merchant_id: UUID, public_id: str, now: datetime, *, actor: str = OPERATOR
) -> None:
    """Nothing is sent there any more; the row stays for deliveries that name it. Raises EndpointUnknown.

    Joins the caller's transaction when one is open.
    """

    async def write() -> None:
        deleted = await db.fetch_value(
            """UPDATE webhook_endpoints SET deleted_at = $3
               WHERE merchant_id = $1 AND public_id = $2 AND deleted_at IS NULL RETURNING true""",
            merchant_id,
            public_id,
            now,
        )
        if not deleted:
            raise EndpointUnknown
        await audit.record(actor, "webhook_endpoint.deleted", public_id, merchant_id=merchant_id, at=now)

    await _join_or_open(write)
