"""What the shopper's own choices add to an order: put there by whoever pays it, and gone with them.

Inside the transaction of a larger verb.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from app.kernel import db, ids
from app.orders.actions import add_lines
from app.orders.errors import OrderLocked, OrderUnknown, VersionConflict
from app.orders.queries import is_being_paid
from app.orders.rules import Line, total_minor
from app.orders.states import EDITABLE, OrderState

_SHOPPER: Final = "shopper"

_HOLD_SHOWN: Final = """
SELECT version, shown_version, state FROM orders WHERE merchant_id = $1 AND id = $2 FOR UPDATE
"""

# `shown_version` stays: nobody need be told of what they chose themselves.
_PUT_EXTRAS: Final = """
WITH chosen AS (
    UPDATE orders SET version = $3, total_minor = $4, extras_by = $5 WHERE merchant_id = $1 AND id = $2
)
INSERT INTO order_versions (merchant_id, id, order_id, version, total_minor, changes, actor, at)
VALUES ($1, $6, $2, $3, $4, '{lines}', $7, $8)
"""


async def put_extras(
    merchant_id: UUID,
    order_id: UUID,
    lines: Sequence[Line],
    *,
    shown_version: int,
    chosen_in: UUID | None,
    now: datetime,
) -> None:
    """Make the next version of an order with `lines`: what the shop sells and, after it, what the shopper chose in the
    session `chosen_in`, in place of what was chosen before; None where that is nothing. In a transaction.

    `shown_version` is what the shopper saw: after an edit by the shop since, it raises VersionConflict. Raises
    OrderLocked, LineRefused, TotalRefused.
    """
    db.require_transaction("orders: putting what was chosen")
    order = await db.fetch_one(_HOLD_SHOWN, merchant_id, order_id)
    if order is None:
        raise OrderUnknown
    if OrderState(order["state"]) not in EDITABLE:
        raise OrderLocked(order["state"])
    if await is_being_paid(merchant_id, order_id):
        raise OrderLocked("being paid")
    if order["shown_version"] != shown_version:
        raise VersionConflict(order["version"])
    version = order["version"] + 1
    await db.execute(
        _PUT_EXTRAS,
        merchant_id,
        order_id,
        version,
        total_minor(lines),
        chosen_in,
        ids.internal_id(),
        _SHOPPER,
        now,
    )
    await add_lines(merchant_id, order_id, version, lines)


_DROP_EXTRAS: Final = """
WITH gone AS (
    UPDATE orders o
    SET version = version + 1, extras_by = NULL,
        total_minor = (SELECT sum(l.total_minor) FROM order_lines l WHERE l.merchant_id = o.merchant_id
                       AND l.order_id = o.id AND l.version = o.version AND l.origin = 'shop')
    WHERE merchant_id = $1 AND id = $2 AND extras_by IS NOT NULL
    RETURNING version, total_minor
), kept AS (
    INSERT INTO order_lines (merchant_id, order_id, version, position, type, sku, name, category, quantity,
                             unit_price_minor, vat_percent, total_minor, origin)
    SELECT l.merchant_id, l.order_id, g.version, l.position, l.type, l.sku, l.name, l.category, l.quantity,
           l.unit_price_minor, l.vat_percent, l.total_minor, l.origin
    FROM gone g JOIN order_lines l ON l.merchant_id = $1 AND l.order_id = $2 AND l.version = g.version - 1
    WHERE l.origin = 'shop'
)
INSERT INTO order_versions (merchant_id, id, order_id, version, total_minor, changes, actor, at)
SELECT $1, $3, $2, version, total_minor, '{lines}', $4, $5 FROM gone
"""


async def drop_extras(merchant_id: UUID, order_id: UUID, *, now: datetime) -> None:
    """Nobody is on the way to pay an order any more: what its last shopper chose goes. In a transaction."""
    await db.execute(_DROP_EXTRAS, merchant_id, order_id, ids.internal_id(), _SHOPPER, now)
