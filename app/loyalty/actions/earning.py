"""Points come with a paid order, and go with its refunds. Both run inside the caller's transaction, which holds the
order's row: so a refund is seen either here, when the order earns, or by its own event later, and never by both."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from app.kernel import db, ids
from app.kernel.money import Points
from app.ledger import actions as ledger
from app.ledger.lots import NewLot
from app.ledger.rules import POINTS_ISSUED, points_of
from app.loyalty import rules
from app.loyalty.causes import CLAWED_BACK, EARNED
from app.loyalty.queries import earned_in_a_year, lapsed_of, programme_at
from app.loyalty.rules import Earned, Sale, SaleLine
from app.merchants.queries import Merchant


@dataclass(frozen=True, slots=True)
class Bought:
    """A paid order, as far as it earns. Minor units of the merchant's currency; `paid_at` is business time."""

    order_id: UUID
    order_public_id: str
    customer_id: UUID
    customer_public_id: str
    lines: tuple[SaleLine, ...]
    wallet_minor: int
    paid_at: datetime


@dataclass(frozen=True, slots=True)
class Refunded:
    """One refund of an order, by its public id: `refunded_minor` is the price of what was taken back by it."""

    order_id: UUID
    refund: str
    refunded_minor: int


_EARN: Final = """
INSERT INTO loyalty_earnings (merchant_id, id, order_id, customer_id, version, points, total_minor, content, paid_at,
                              usable_from, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT (merchant_id, order_id) DO NOTHING RETURNING id
"""


async def earn_for(merchant: Merchant, bought: Bought, *, now: datetime) -> Earned | None:
    """Give what the order earned under the version that held when it was paid, with the record of how.

    None, and nothing written, without an active programme, and when the order has earned before. In a transaction.
    """
    held = await programme_at(merchant.id, bought.paid_at)
    if held is None or not held.programme.active:
        return None
    programme, zone = held.programme, merchant.time_zone
    year = await earned_in_a_year(merchant.id, bought.customer_id, bought.paid_at)
    sale = Sale(bought.lines, bought.paid_at.astimezone(ZoneInfo(zone)).date(), bought.wallet_minor)
    earned = rules.earn(programme, sale, programme.tier_at(year))
    lot = NewLot(
        expires_at=rules.expires_at(programme, bought.paid_at, zone),
        usable_from=rules.usable_from(programme, bought.paid_at, zone),
    )
    if lot.is_never_usable(now):
        # The worker comes so late that the points have lapsed by now: there is nothing to give.
        earned = replace(earned, points=0)
    inserted = await db.fetch_value(
        _EARN,
        merchant.id,
        ids.internal_id(),
        bought.order_id,
        bought.customer_id,
        held.version,
        earned.points,
        earned.total_minor,
        earned,
        bought.paid_at,
        lot.usable_from,
        lot.expires_at,
    )
    if inserted is None:
        return None
    if earned.points:
        await ledger.put(
            merchant.id,
            key=f"earn:{bought.order_public_id}",
            cause=EARNED,
            about=bought.order_public_id,
            account=points_of(bought.customer_public_id),
            against=POINTS_ISSUED,
            amount=Points(earned.points),
            lot=lot,
            now=now,
        )
    return earned


_EARNING: Final = """
SELECT e.id, e.points, e.total_minor, o.public_id AS order_public_id, c.public_id AS customer_public_id
FROM loyalty_earnings e
JOIN orders o ON o.merchant_id = e.merchant_id AND o.id = e.order_id
JOIN customers c ON c.id = e.customer_id
WHERE e.merchant_id = $1 AND e.order_id = $2
"""
_TAKEN: Final = """
SELECT coalesce(sum(points), 0)::bigint AS points, coalesce(sum(refunded_minor), 0)::bigint AS refunded_minor,
       coalesce(bool_or(refund = $3), false) AS this_one
FROM loyalty_claw_backs WHERE merchant_id = $1 AND earning_id = $2
"""
_CLAW_BACK: Final = """
INSERT INTO loyalty_claw_backs (merchant_id, id, earning_id, refund, refunded_minor, points, debt_points, at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""


async def claw_back_for(merchant_id: UUID, refunded: Refunded, *, now: datetime) -> int:
    """Take back what the refunded part of an order had earned; answers how many points went now.

    The order's own points go first, then others of the customer, and what is missing is owed: later points settle it.
    Points that have lapsed are not taken a second time. An order that never earned, and a refund that was seen before,
    change nothing. In a transaction that holds the order's row: two refunds of an order come one after the other.
    """
    earning = await db.fetch_one(_EARNING, merchant_id, refunded.order_id)
    if earning is None or refunded.refunded_minor <= 0:
        return 0
    taken = await db.fetch_one(_TAKEN, merchant_id, earning["id"], refunded.refund)
    assert taken is not None, "a sum has a row"
    if taken["this_one"]:
        return 0
    await db.race_point("points taken back so far are read")
    customer, order = earning["customer_public_id"], earning["order_public_id"]
    in_all = int(taken["refunded_minor"]) + refunded.refunded_minor
    target = rules.taken_back(earning["points"], earning["total_minor"], in_all)
    lapsed = await lapsed_of(merchant_id, customer, order, now) if target else 0
    points = max(min(target, int(earning["points"]) - lapsed) - int(taken["points"]), 0)
    debt = 0
    if points:
        clawed = await ledger.claw_back(
            merchant_id,
            key=f"claw_back:{refunded.refund}",
            cause=CLAWED_BACK,
            about=order,
            account=points_of(customer),
            against=POINTS_ISSUED,
            amount=Points(points),
            first_about=order,
            now=now,
        )
        debt = clawed.debt
    await db.execute(
        _CLAW_BACK,
        merchant_id,
        ids.internal_id(),
        earning["id"],
        refunded.refund,
        refunded.refunded_minor,
        points,
        debt,
        now,
    )
    return points
