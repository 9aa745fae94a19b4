"""Reads of ways to pay that are being put in place of others."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Final
from uuid import UUID

from app.kernel import db, ids
from app.subscriptions.rules import Method
from app.subscriptions.states import ExchangeState


@dataclass(frozen=True, slots=True)
class ExchangeView:
    """One try; `is_by_link` where its owner came by the address in a mail. `url` is where its owner goes while it is
    pending; `expires_at` and `next_check_at` are wall time. `failure` is a word of how it came to nothing: "cancelled",
    "expired", "provider_error", "mismatch"."""

    merchant_id: UUID
    id: UUID
    public_id: str
    subscription_id: UUID
    subscription_public_id: str
    method: Method
    state: ExchangeState
    description: str
    currency: str
    country: str
    lang: str
    is_by_link: bool
    provider_ref: str | None
    url: str | None = field(repr=False)
    failure: str | None
    created_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    checks: int
    next_check_at: datetime | None

    @property
    def has_ended(self) -> bool:
        return self.ended_at is not None


EXCHANGE_COLUMNS: Final = """e.merchant_id, e.id, e.public_id, e.subscription_id,
    (SELECT s.public_id FROM subscriptions s WHERE s.merchant_id = e.merchant_id AND s.id = e.subscription_id)
        AS subscription_public_id,
    e.method, e.state, e.description, e.currency, e.country, e.lang, e.is_by_link, e.provider_ref, e.url, e.failure,
    e.created_at, e.expires_at, e.ended_at, e.checks, e.next_check_at"""
_FIELDS: Final = tuple(each.name for each in fields(ExchangeView))


def exchange_of(row: db.Record) -> ExchangeView:
    """From a row of EXCHANGE_COLUMNS."""
    return ExchangeView(**{**{name: row[name] for name in _FIELDS}, "state": ExchangeState(row["state"])})


async def exchange_by_public_id(public_id: str) -> ExchangeView | None:
    """By the id that the provider knows it by."""
    if not ids.is_public_id("sx", public_id):
        return None
    row = await db.fetch_one(
        f"SELECT {EXCHANGE_COLUMNS} FROM subscription_exchanges e WHERE e.public_id = $1",  # noqa: S608
        public_id,
    )
    return None if row is None else exchange_of(row)


async def newest_exchange_of(merchant_id: UUID, subscription_id: UUID) -> ExchangeView | None:
    """The last that somebody began; None for a subscription that has never been paid in another way."""
    row = await db.fetch_one(
        f"""SELECT {EXCHANGE_COLUMNS} FROM subscription_exchanges e
            WHERE e.merchant_id = $1 AND e.subscription_id = $2 ORDER BY e.id DESC LIMIT 1""",  # noqa: S608
        merchant_id,
        subscription_id,
    )
    return None if row is None else exchange_of(row)
