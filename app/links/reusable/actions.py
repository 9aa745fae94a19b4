"""The verbs of reusable links. Each use makes an order of its own, with a payment link of its own: from there on it is
paid like any other."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from app.kernel import db, ids, limits
from app.kernel.limits import Limit
from app.links import actions as links
from app.links.queries import LinkView, link_of_order
from app.links.reusable.errors import ReusableClosed, ReusableUnknown
from app.links.reusable.queries import ReusableView, reusable_of
from app.links.reusable.rules import Terms
from app.links.reusable.states import MACHINE, ReusableState
from app.links.rules import end_of_day
from app.merchants.queries import Merchant
from app.orders import actions as orders
from app.orders.actions import Contact, NewOrder
from app.orders.rules import Line
from app.orders.states import OrderState

# How long an order that nobody has begun to pay keeps its place among the uses.
USE_LASTS: Final = timedelta(hours=2)
_PER_LINK_AN_HOUR: Final = 300
_PER_ADDRESS_AN_HOUR: Final = 30

_MAKE: Final = """
INSERT INTO reusable_links (merchant_id, id, public_id, token, state, title, country, currency, buyer, amount_minor,
                            min_minor, max_minor, vat_percent, reference, reference_hint, uses_max, expires_at,
                            form_key, created_at, created_by)
VALUES ($1, $2, $3, $4, 'active', $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
ON CONFLICT (merchant_id, form_key) DO NOTHING RETURNING public_id
"""


async def make(merchant: Merchant, terms: Terms, *, form_key: UUID, actor: str, now: datetime) -> str:
    """A new reusable link; answers its public id. The same form sent twice makes one."""
    last_day = terms.valid_until

    async def write() -> str:
        link_id = ids.internal_id()
        made = await db.fetch_value(
            _MAKE,
            merchant.id,
            link_id,
            ids.public_id("rl"),
            ids.token(),
            terms.title,
            merchant.country,
            merchant.currency,
            terms.buyer,
            terms.amount_minor,
            terms.min_minor,
            terms.max_minor,
            terms.vat_percent,
            terms.reference,
            terms.reference_hint,
            terms.uses_max,
            None if last_day is None else end_of_day(last_day, merchant.time_zone),
            form_key,
            now,
            actor,
        )
        if made is None:
            first = await db.fetch_value(
                "SELECT public_id FROM reusable_links WHERE merchant_id = $1 AND form_key = $2",
                merchant.id,
                form_key,
            )
            return str(first)
        await MACHINE.begin(
            merchant.id,
            link_id,
            state=ReusableState.ACTIVE,
            event="reusable_link.created",
            actor=actor,
            at=now,
        )
        return str(made)

    return await db.in_tx(write)


async def stop(merchant_id: UUID, public_id: str, *, actor: str, now: datetime) -> None:
    """Take no more payments by it; those that have begun may finish. Stopping twice is stopping once. Raises
    ReusableUnknown."""
    await _to(merchant_id, public_id, ReusableState.STOPPED, actor=actor, now=now)


async def resume(merchant_id: UUID, public_id: str, *, actor: str, now: datetime) -> None:
    """Take payments by it again. Raises ReusableUnknown."""
    await _to(merchant_id, public_id, ReusableState.ACTIVE, actor=actor, now=now)


async def _to(merchant_id: UUID, public_id: str, to: ReusableState, *, actor: str, now: datetime) -> None:
    async def move() -> None:
        link = await _lock(merchant_id, public_id)
        if link.state is not to:
            await MACHINE.move(merchant_id, link.id, expected=link.state, to=to, actor=actor, at=now)

    await db.in_tx(move)


@dataclass(frozen=True, slots=True)
class Press:
    """Somebody wants to pay: the sum and the reference that they, or the link, have said. `form_key` tells one sending
    of the page's form from another; `wall` and `address` are counted, so that nobody makes orders without end."""

    form_key: UUID
    amount_minor: int
    reference: str = field(repr=False)
    address: str
    wall: datetime

    @property
    def digest(self) -> bytes:
        """What was typed, 32 bytes: the same form with other contents is another use."""
        return hashlib.sha256(f"{self.amount_minor}\0{self.reference}".encode()).digest()


_USE: Final = """
INSERT INTO reusable_uses (merchant_id, id, link_id, order_id, form_key, digest, used_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
"""


async def use(link: ReusableView, press: Press, *, now: datetime) -> LinkView:
    """The payment link of an order made for this press; pressed twice it is the same order. Raises ReusableUnknown,
    ReusableClosed, LimitReached."""

    async def make_order() -> LinkView:
        # Held from here on: of two that want the last place one waits, and is told.
        held = await _lock(link.merchant_id, link.public_id)
        found = await _used(held, press)
        if found is not None:
            return found
        why = held.closed(now)
        if why is not None:
            raise ReusableClosed(why)
        await limits.take(
            (
                Limit("reusable.used", held.public_id, _PER_LINK_AN_HOUR, 3600),
                Limit("reusable.used.address", press.address, _PER_ADDRESS_AN_HOUR, 3600),
            ),
            now=press.wall,
        )
        made = await orders.create(
            held.merchant_id, _order(held, press), state=OrderState.OPEN, actor=links.SHOPPER, now=now
        )
        own = await links.make_in_tx(
            held.merchant_id, made.public_id, expires_at=now + USE_LASTS, actor=links.SHOPPER, now=now
        )
        await db.execute(
            _USE,
            held.merchant_id,
            ids.internal_id(),
            held.id,
            made.id,
            press.form_key,
            press.digest,
            now,
        )
        return own

    return await db.in_tx(make_order)


def _order(link: ReusableView, press: Press) -> NewOrder:
    line = Line("item", link.title, 1, press.amount_minor, Decimal(link.vat_percent))
    return NewOrder(press.reference, link.country, link.currency, link.buyer, (line,), Contact())


async def _used(link: ReusableView, press: Press) -> LinkView | None:
    order_id = await db.fetch_value(
        "SELECT order_id FROM reusable_uses"
        " WHERE merchant_id = $1 AND link_id = $2 AND form_key = $3 AND digest = $4",
        link.merchant_id,
        link.id,
        press.form_key,
        press.digest,
    )
    return None if order_id is None else await link_of_order(link.merchant_id, order_id)


async def _lock(merchant_id: UUID, public_id: str) -> ReusableView:
    db.require_transaction("reusable links: changing one")
    held = await db.fetch_value(
        "SELECT id FROM reusable_links WHERE merchant_id = $1 AND public_id = $2 FOR UPDATE",
        merchant_id,
        public_id,
    )
    # Read after the lock: a statement that waited for it would still count the uses of before.
    link = None if held is None else await reusable_of(merchant_id, public_id)
    if link is None:
        raise ReusableUnknown
    return link
