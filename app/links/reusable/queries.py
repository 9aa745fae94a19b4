"""Reads of reusable links and their uses."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from app.kernel import db
from app.kernel.cursors import Position
from app.links.queries import is_token
from app.links.reusable.errors import Closed
from app.links.reusable.rules import Buyer, why_closed
from app.links.reusable.states import ReusableState
from app.orders.states import OrderState

LIST_LIMIT_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class ReusableView:
    """One reusable link, as `rules.Terms` words it. `uses` are payments made or on their way, `paid` those that were
    made, `paid_minor` their sum; all sums are minor units of `currency`. `token` is the secret of the address."""

    merchant_id: UUID
    id: UUID
    public_id: str
    token: str = field(repr=False)
    state: ReusableState
    title: str
    country: str
    currency: str
    buyer: Buyer
    amount_minor: int | None
    min_minor: int | None
    max_minor: int | None
    vat_percent: Decimal
    reference: str | None
    reference_hint: str | None
    uses_max: int | None
    expires_at: datetime | None
    created_at: datetime
    created_by: str
    uses: int
    paid: int
    paid_minor: int

    def closed(self, now: datetime) -> Closed | None:
        """Why nothing can be paid by it now; None where it can."""
        return why_closed(self.state, self.expires_at, self.uses, self.uses_max, now)

    def url(self, base_url: str) -> str:
        """The address to print or to send."""
        return f"{base_url}/link/{self.token}"


@dataclass(frozen=True, slots=True)
class UseView:
    """One use: the order that it made."""

    order_public_id: str
    reference: str
    state: OrderState
    total_minor: int
    used_at: datetime


@dataclass(frozen=True, slots=True)
class ReusablePage:
    """One page of a list, newest first. `next_cursor` leads to the next one; None on the last."""

    links: tuple[ReusableView, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class UsesPage:
    """As `ReusablePage`."""

    uses: tuple[UseView, ...]
    next_cursor: str | None


# What came to nothing has given its place back.
_SELECT: Final = """
SELECT l.merchant_id, l.id, l.public_id, l.token, l.state, l.title, l.country, l.currency, l.buyer, l.amount_minor,
       l.min_minor, l.max_minor, l.vat_percent, l.reference, l.reference_hint, l.uses_max, l.expires_at, l.created_at,
       l.created_by, used.uses, used.paid, used.paid_minor
FROM reusable_links l CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE o.state NOT IN ('cancelled', 'expired')) AS uses,
           count(*) FILTER (WHERE o.paid_at IS NOT NULL) AS paid,
           coalesce(sum(o.total_minor) FILTER (WHERE o.paid_at IS NOT NULL), 0)::bigint AS paid_minor
    FROM reusable_uses u JOIN orders o ON o.merchant_id = u.merchant_id AND o.id = u.order_id
    WHERE u.merchant_id = l.merchant_id AND u.link_id = l.id
) AS used
"""

_USES: Final = """
SELECT o.public_id AS order_public_id, o.reference, o.state, o.total_minor, u.used_at, u.id
FROM reusable_uses u JOIN orders o ON o.merchant_id = u.merchant_id AND o.id = u.order_id
WHERE u.merchant_id = $1 AND u.link_id = $2 AND ($3::timestamptz IS NULL OR (u.used_at, u.id) < ($3, $4))
ORDER BY u.used_at DESC, u.id DESC LIMIT $5
"""


async def reusable_by_token(token: str) -> ReusableView | None:
    """The link of an address, whoever's it is; None for every text that is none."""
    if not is_token(token):
        return None
    row = await db.fetch_one(f"{_SELECT} WHERE l.token = $1", token)
    return None if row is None else _view(row)


async def reusable_of(merchant_id: UUID, public_id: str) -> ReusableView | None:
    row = await db.fetch_one(
        f"{_SELECT} WHERE l.merchant_id = $1 AND l.public_id = $2", merchant_id, public_id
    )
    return None if row is None else _view(row)


async def reusable_page(merchant_id: UUID, *, cursor: str | None = None, limit: int = 25) -> ReusablePage:
    """The shop's reusable links, newest first. Raises CursorRefused."""
    assert 1 <= limit <= LIST_LIMIT_MAX, "the caller checks the limit"
    position = None if cursor is None else Position.parse(cursor)
    rows = await db.fetch_all(
        f"{_SELECT} WHERE l.merchant_id = $1"
        " AND ($2::timestamptz IS NULL OR (l.created_at, l.id) < ($2, $3))"
        " ORDER BY l.created_at DESC, l.id DESC LIMIT $4",
        merchant_id,
        position.at if position else None,
        position.id if position else None,
        limit + 1,
    )
    shown = rows[:limit]
    last = Position(shown[-1]["created_at"], shown[-1]["id"]).text() if len(rows) > limit else None
    return ReusablePage(tuple(_view(row) for row in shown), last)


async def uses_of(link: ReusableView, *, cursor: str | None = None, limit: int = 25) -> UsesPage:
    """The uses of a link, newest first. Raises CursorRefused."""
    assert 1 <= limit <= LIST_LIMIT_MAX, "the caller checks the limit"
    position = None if cursor is None else Position.parse(cursor)
    rows = await db.fetch_all(
        _USES,
        link.merchant_id,
        link.id,
        position.at if position else None,
        position.id if position else None,
        limit + 1,
    )
    shown = rows[:limit]
    last = Position(shown[-1]["used_at"], shown[-1]["id"]).text() if len(rows) > limit else None
    uses = tuple(
        UseView(
            row["order_public_id"],
            row["reference"],
            OrderState(row["state"]),
            row["total_minor"],
            row["used_at"],
        )
        for row in shown
    )
    return UsesPage(uses, last)


async def replaced_by(link: ReusableView, form_key: UUID, digest: bytes) -> tuple[str, ...]:
    """The orders that the same form has made with other contents, and nobody has paid: whoever goes back to correct
    something wants one of them and not both."""
    rows = await db.fetch_all(
        "SELECT o.public_id FROM reusable_uses u"
        " JOIN orders o ON o.merchant_id = u.merchant_id AND o.id = u.order_id"
        " WHERE u.merchant_id = $1 AND u.link_id = $2 AND u.form_key = $3 AND u.digest <> $4"
        " AND o.state IN ('open', 'in_payment')",
        link.merchant_id,
        link.id,
        form_key,
        digest,
    )
    return tuple(row["public_id"] for row in rows)


def _view(row: db.Record) -> ReusableView:
    return ReusableView(**{**dict(row.items()), "state": ReusableState(row["state"])})
