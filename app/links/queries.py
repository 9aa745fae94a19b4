"""Reads of payment links."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from app.kernel import db
from app.kernel.cursors import Position
from app.links.states import LinkState, state_at
from app.orders.states import OrderState

LIST_LIMIT_MAX: Final = 100
# As `ids.token` makes them; nothing else is asked of the database.
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


@dataclass(frozen=True, slots=True)
class LinkView:
    """One link and the order it leads to. `stored_state` is what is written down; `state_at` takes time into account.

    `token` is the secret of the address: it shows in no representation. The sum is minor units of `currency`.
    """

    merchant_id: UUID
    id: UUID
    public_id: str
    token: str = field(repr=False)
    order_id: UUID
    order_public_id: str
    order_state: OrderState
    reference: str
    total_minor: int
    currency: str
    stored_state: LinkState
    expires_at: datetime | None
    created_at: datetime
    created_by: str
    opened_at: datetime | None

    def state_at(self, now: datetime) -> LinkState:
        return state_at(self.stored_state, self.expires_at, now)

    def url(self, base_url: str) -> str:
        """The address to send to the shopper."""
        return f"{base_url}/link/{self.token}"


@dataclass(frozen=True, slots=True)
class LinksPage:
    """One page of a list, newest first. `next_cursor` leads to the next one; None on the last."""

    links: tuple[LinkView, ...]
    next_cursor: str | None


_SELECT: Final = """
SELECT l.merchant_id, l.id, l.public_id, l.token, l.order_id, o.public_id AS order_public_id, o.state AS order_state,
       o.reference, o.total_minor, o.currency, l.state AS stored_state, l.expires_at, l.created_at, l.created_by,
       l.opened_at
FROM payment_links l JOIN orders o ON o.merchant_id = l.merchant_id AND o.id = l.order_id
"""


def is_token(text: str) -> bool:
    """Whether `text` could be the secret of a link's address. Says nothing about whether it is one."""
    return _TOKEN.fullmatch(text) is not None


async def link_by_token(token: str) -> LinkView | None:
    """The link of an address, whoever's it is; None for every text that is none."""
    if not is_token(token):
        return None
    row = await db.fetch_one(f"{_SELECT} WHERE l.token = $1", token)
    return None if row is None else _view(row)


async def link_of_order(merchant_id: UUID, order_id: UUID) -> LinkView | None:
    row = await db.fetch_one(f"{_SELECT} WHERE l.merchant_id = $1 AND l.order_id = $2", merchant_id, order_id)
    return None if row is None else _view(row)


async def link_by_id(merchant_id: UUID, link_id: UUID) -> LinkView | None:
    row = await db.fetch_one(f"{_SELECT} WHERE l.merchant_id = $1 AND l.id = $2", merchant_id, link_id)
    return None if row is None else _view(row)


@dataclass(frozen=True, slots=True)
class LinksWanted:
    """Which links a list shows. What is None does not narrow it; together they narrow it all.

    `state` is the one with time taken into account; `lapsing_before` leaves those that still hold and will not at that
    time, the next to lapse first; `words` is how a reference, a name, an e-mail or a phone of the order begins.
    """

    state: LinkState | None = None
    lapsing_before: datetime | None = None
    words: str | None = field(default=None, repr=False)


# As the list of orders finds them (`orders.lists`).
_BEGINS: Final = """EXISTS (
    SELECT FROM order_words w WHERE w.merchant_id = l.merchant_id AND w.order_id = l.order_id
    AND search_word({typed}) <> ''
    AND w.word >= search_word({typed}) AND w.word < search_word({typed}) || chr(1114111))"""


async def links_page(
    merchant_id: UUID, wanted: LinksWanted, *, now: datetime, cursor: str | None = None, limit: int = 50
) -> LinksPage:
    """Links newest first, one statement. Raises CursorRefused."""
    assert 1 <= limit <= LIST_LIMIT_MAX, "the caller checks the limit"
    conditions = ["l.merchant_id = $1"]
    arguments: list[object] = [merchant_id]

    def value(argument: object) -> str:
        arguments.append(argument)
        return f"${len(arguments)}"

    if wanted.state is not None:
        conditions.append(_in_state(wanted.state, value(wanted.state.value), value(now)))
    if wanted.words is not None:
        conditions.append(_BEGINS.format(typed=value(wanted.words)))
    soonest_first = wanted.lapsing_before is not None
    if soonest_first:
        soon = f"l.expires_at > {value(now)} AND l.expires_at <= {value(wanted.lapsing_before)}"
        # A link that was made for whoever pays by a reusable one lasts for hours: there is nothing for staff to do.
        conditions.append(f"l.state IN ('active', 'paused') AND l.created_by <> 'shopper' AND {soon}")
    if cursor is not None:
        position = Position.parse(cursor)
        after = "(l.expires_at, l.id) >" if soonest_first else "(l.created_at, l.id) <"
        conditions.append(f"{after} ({value(position.at)}, {value(position.id)})")
    order = "l.expires_at, l.id" if soonest_first else "l.created_at DESC, l.id DESC"
    # Only conditions written above are joined here; every value is a parameter.
    rows = await db.fetch_all(
        f"{_SELECT} WHERE {' AND '.join(conditions)} ORDER BY {order} LIMIT {value(limit + 1)}",
        *arguments,
    )
    shown = rows[:limit]
    place = "expires_at" if soonest_first else "created_at"
    last = Position(shown[-1][place], shown[-1]["id"]).text() if len(rows) > limit else None
    return LinksPage(tuple(_view(row) for row in shown), last)


def _in_state(state: LinkState, stored: str, now: str) -> str:
    """The condition that a link is in `state` by now; as `state_at`."""
    over = f"(l.state IN ('active', 'paused') AND coalesce(l.expires_at <= {now}, false))"
    return (
        f"(l.state = {stored} OR {over})"
        if state is LinkState.LAPSED
        else f"(l.state = {stored} AND NOT {over})"
    )


def _view(row: db.Record) -> LinkView:
    states = {"order_state": OrderState(row["order_state"]), "stored_state": LinkState(row["stored_state"])}
    return LinkView(**{**dict(row.items()), **states})
