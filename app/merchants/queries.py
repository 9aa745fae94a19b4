"""Reads of merchants, their keys, staff and endpoints.

A merchant's row is versioned by its editors, so a process may keep it for a few seconds.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from app.kernel import clock, db, ids, keys
from app.merchants.rules import MethodTerms, Module, Role

Creditor = Literal["operator", "merchant"]

CACHE_S = 5.0

# What the secrets are sealed for; the verbs that write them use the same words.
TOTP_PURPOSE: Final = "staff.totp"
WEBHOOK_PURPOSE: Final = "webhook.secret"


@dataclass(frozen=True, slots=True)
class Merchant:
    """One shop as every room sees it. Amounts are minor units of `currency`. `company_limit_minor` is what one company
    may owe it; `methods` are its own terms of ways to pay, those that it has touched."""

    id: UUID
    public_id: str
    name: str
    country: str
    currency: str
    locale: str
    time_zone: str
    creditor: Creditor
    accent: str | None
    logo_url: str | None
    contact_email: str
    return_hosts: tuple[str, ...]
    recognise_returning: bool
    code_alone_max_minor: int | None
    credit_limit_minor: int
    passkey_counts: bool | None
    link_grace_s: int
    link_reminders_h: tuple[int, ...]
    modules: frozenset[str] = frozenset()
    company_limit_minor: int = 0
    methods: Mapping[str, MethodTerms] = field(default_factory=dict)

    def has(self, module: Module) -> bool:
        """Whether this shop has the module switched on."""
        return module in self.modules

    def local_date(self, now: datetime) -> date:
        """The calendar date of an instant in the merchant's country."""
        return now.astimezone(ZoneInfo(self.time_zone)).date()


@dataclass(frozen=True, slots=True)
class AuthenticatedKey:
    """Whose API key a secret is, and how far the business clock is moved."""

    merchant: Merchant
    offset_s: int


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as lists show it: `hint` is the secret's last four characters."""

    id: UUID
    name: str
    hint: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class SignedInStaff:
    """Who holds a session of the admin, until when (wall time), and how far the business clock is moved."""

    merchant_id: UUID
    public_id: str
    name: str
    email: str
    role: Role
    expires_at: datetime
    offset_s: int


@dataclass(frozen=True, slots=True)
class WebhookEndpoint:
    public_id: str
    url: str
    types: tuple[str, ...]
    created_at: datetime
    disabled_at: datetime | None


@dataclass(frozen=True, slots=True)
class WebhookTarget:
    """Where an event goes, with the secret that signs it."""

    public_id: str
    url: str
    secret: str = field(repr=False)


_COLUMNS = """id, public_id, name, country, currency, locale, time_zone, creditor, accent, logo_url,
    contact_email, return_hosts, recognise_returning, code_alone_max_minor, credit_limit_minor, passkey_counts,
    link_grace_s, link_reminders_h, company_limit_minor"""

_MERCHANT_FIELDS: Final = tuple(name.strip() for name in _COLUMNS.split(","))

# With its modules and terms, so that asking for one costs no statement.
_MERCHANT: Final = f"""{", ".join("m." + name for name in _MERCHANT_FIELDS)},
       ARRAY(SELECT x.module FROM merchant_modules x WHERE x.merchant_id = m.id AND x.is_on) AS modules,
       ARRAY(SELECT ROW(w.method, w.is_on, w.min_minor, w.max_minor, w.not_for) FROM merchant_methods w
             WHERE w.merchant_id = m.id) AS methods"""  # noqa: S608

_KEY_SQL: Final = f"""
SELECT {_MERCHANT},
       coalesce((SELECT offset_s FROM business_clock), 0) AS offset_s
FROM api_keys k JOIN merchants m ON m.id = k.merchant_id
WHERE k.digest = $1 AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > $2)
"""  # noqa: S608 - column names of this module alone

_kept: dict[UUID, tuple[float, Merchant]] = {}


async def merchant_by_id(merchant_id: UUID) -> Merchant | None:
    """The merchant, at most five seconds old."""
    found = _kept.get(merchant_id)
    if found is not None and time.monotonic() - found[0] < CACHE_S:
        return found[1]
    row = await db.fetch_one(f"SELECT {_MERCHANT} FROM merchants m WHERE id = $1", merchant_id)  # noqa: S608
    if row is None:
        return None
    merchant = _merchant(row)
    _kept[merchant_id] = (time.monotonic(), merchant)
    return merchant


def forget_kept_merchants() -> None:
    """Drop what this process keeps; editors call it, and tests between databases."""
    _kept.clear()


async def merchant_by_public_id(public_id: str) -> Merchant | None:
    """For commands that name a shop; not kept."""
    row = await db.fetch_one(f"SELECT {_MERCHANT} FROM merchants m WHERE public_id = $1", public_id)  # noqa: S608
    return _merchant(row) if row is not None else None


async def merchants_of_customer(customer_id: UUID) -> tuple[Merchant, ...]:
    """The shops that somebody has bought from, by name. One statement."""
    rows = await db.fetch_all(
        f"""SELECT {_MERCHANT} FROM merchants m
            WHERE m.id IN (SELECT p.merchant_id FROM profiles p WHERE p.customer_id = $1)
            ORDER BY lower(m.name), m.id""",  # noqa: S608 - column names of this module alone
        customer_id,
    )
    return tuple(_merchant(row) for row in rows)


async def countries_served() -> tuple[str, ...]:
    """Where the shops of this deployment are, the country of its first shop first."""
    rows = await db.fetch_all(
        "SELECT country FROM merchants GROUP BY country ORDER BY min(created_at), country"
    )
    return tuple(row["country"] for row in rows)


async def merchant_of_staff(email: str) -> Merchant | None:
    """The merchant on whose staff this address is; an address is on one merchant's staff only."""
    merchant_id = await db.fetch_value("SELECT merchant_id FROM staff WHERE lower(email) = lower($1)", email)
    return await merchant_by_id(merchant_id) if isinstance(merchant_id, UUID) else None


async def authenticate_key(secret: str) -> AuthenticatedKey | None:
    """Whose key this is, in one query; None for one that is unknown, revoked or over its time."""
    row = await db.fetch_one(_KEY_SQL, ids.digest(secret), clock.wall())
    if row is None:
        return None
    return AuthenticatedKey(_merchant(row), row["offset_s"])


async def list_api_keys(merchant_id: UUID) -> tuple[ApiKey, ...]:
    """Newest first."""
    rows = await db.fetch_all(
        """SELECT id, name, hint, created_at, expires_at, revoked_at FROM api_keys
           WHERE merchant_id = $1 ORDER BY id DESC""",
        merchant_id,
    )
    return tuple(ApiKey(**dict(row.items())) for row in rows)


async def staff_of_session(token: str, at: datetime) -> SignedInStaff | None:
    """Who holds this session at this wall time, in one query; None when it is over or its holder disabled."""
    row = await db.fetch_one(
        """SELECT p.merchant_id, p.public_id, p.name, p.email, p.role, s.expires_at,
                  coalesce((SELECT offset_s FROM business_clock), 0) AS offset_s
           FROM staff_sessions s JOIN staff p ON p.merchant_id = s.merchant_id AND p.id = s.staff_id
           WHERE s.token_digest = $1 AND s.expires_at > $2 AND p.disabled_at IS NULL""",
        ids.digest(token),
        at,
    )
    return SignedInStaff(**dict(row.items())) if row is not None else None


async def staff_actors(merchant_id: UUID) -> Mapping[str, str]:
    """The names of a shop's staff, those who left too, by what histories call them ("staff:st_...")."""
    rows = await db.fetch_all(
        "SELECT 'staff:' || public_id AS actor, name FROM staff WHERE merchant_id = $1", merchant_id
    )
    return {row["actor"]: row["name"] for row in rows}


async def reviewers_of(merchant_id: UUID) -> tuple[tuple[str, str], ...]:
    """Public id and name of everybody who may answer cases, by name."""
    rows = await db.fetch_all(
        """SELECT public_id, name FROM staff
           WHERE merchant_id = $1 AND role IN ('owner', 'reviewer') AND disabled_at IS NULL ORDER BY name, id""",
        merchant_id,
    )
    return tuple((row["public_id"], row["name"]) for row in rows)


async def list_webhook_endpoints(merchant_id: UUID) -> tuple[WebhookEndpoint, ...]:
    """Oldest first, without the deleted ones."""
    rows = await db.fetch_all(
        """SELECT public_id, url, types, created_at, disabled_at FROM webhook_endpoints
           WHERE merchant_id = $1 AND deleted_at IS NULL ORDER BY id""",
        merchant_id,
    )
    return tuple(WebhookEndpoint(**{**dict(row.items()), "types": tuple(row["types"])}) for row in rows)


async def webhook_targets(merchant_id: UUID, event_type: str) -> tuple[WebhookTarget, ...]:
    """Every live endpoint that listens to this type, with its opened secret."""
    rows = await db.fetch_all(
        """SELECT public_id, url, secret FROM webhook_endpoints
           WHERE merchant_id = $1 AND $2 = ANY (types) AND deleted_at IS NULL AND disabled_at IS NULL
           ORDER BY id""",
        merchant_id,
        event_type,
    )
    return tuple(_target(row) for row in rows)


async def webhook_target(merchant_id: UUID, public_id: str) -> WebhookTarget | None:
    """One endpoint by its id, or None when it is deleted or switched off."""
    row = await db.fetch_one(
        """SELECT public_id, url, secret FROM webhook_endpoints
           WHERE merchant_id = $1 AND public_id = $2 AND deleted_at IS NULL AND disabled_at IS NULL""",
        merchant_id,
        public_id,
    )
    return _target(row) if row is not None else None


def _target(row: db.Record) -> WebhookTarget:
    secret = keys.process_keyring().open(WEBHOOK_PURPOSE, row["secret"]).decode()
    return WebhookTarget(row["public_id"], row["url"], secret)


def _merchant(row: db.Record) -> Merchant:
    """From a row that holds `_MERCHANT`, whatever else it holds."""
    values = {name: row[name] for name in _MERCHANT_FIELDS}
    lists = {name: tuple(row[name]) for name in ("return_hosts", "link_reminders_h")}
    methods = {
        method: MethodTerms(is_on, min_minor, max_minor, frozenset(not_for))
        for method, is_on, min_minor, max_minor, not_for in row["methods"]
    }
    return Merchant(**{**values, **lists}, modules=frozenset(row["modules"]), methods=methods)
