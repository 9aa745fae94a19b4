"""Where loyalty meets orders and the wallet: they stand side by side and do not know each other, so it happens here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from app.kernel import db
from app.loyalty import actions as loyalty
from app.loyalty.actions import Bought, Refunded, Turned
from app.loyalty.rules import Earned, SaleLine
from app.merchants.modules import require_module
from app.merchants.queries import Merchant
from app.orders import actions as orders
from app.orders.queries import OrderView
from app.wallet import actions as wallet
from app.wallet.rules import TURNED_KEY, WalletCause

# What was paid from the wallet at the purchase, whatever a refund made of the order since.
_BUYER: Final = """
SELECT o.customer_id, c.public_id AS customer_public_id,
       coalesce((SELECT max(p.amount_minor) FROM transfers t
                 JOIN postings p ON p.merchant_id = t.merchant_id AND p.transfer_id = t.id
                 WHERE t.merchant_id = o.merchant_id AND t.key = 'wallet:' || o.public_id), 0)::bigint AS wallet_minor
FROM orders o JOIN customers c ON c.id = o.customer_id
WHERE o.merchant_id = $1 AND o.id = $2
"""

# A refund that waits for a second person has taken nothing back yet.
_REFUNDS: Final = """
SELECT public_id, amount_minor + fee_minor AS value_minor FROM refunds
WHERE merchant_id = $1 AND order_id = $2 AND state = 'done' ORDER BY id
"""


@dataclass(frozen=True, slots=True)
class Refund:
    """One refund of an order, by public ids.

    `value_minor` is the price of what it took back, with what the shop keeps of it as a fee: fees earn nothing.
    """

    order_id: str
    refund_id: str
    value_minor: int


async def earn(merchant: Merchant, order_id: str, *, now: datetime) -> Earned | None:
    """Give the buyer of a paid order its points, by its public id. Inside the caller's transaction.

    The order is held meanwhile: what was refunded before is taken back at once, what is refunded later tells by its own
    event. None when the shop has no programme, or no wallet to show points in, when the order has earned before, and
    when nobody was identified to pay it: there is nobody to give points to.
    Raises OrderUnknown, OrderRemoved.
    """
    if not merchant.has("wallet"):
        return None
    order = await orders.lock(merchant.id, order_id)
    if order.customer_public_id is None:
        return None
    earned = await loyalty.earn_for(merchant, await _bought(merchant.id, order), now=now)
    if earned is not None:
        done = await db.fetch_all(_REFUNDS, merchant.id, order.id)
        await db.race_point("refunds read to earn")
        for row in done:
            value = row["value_minor"] - await _insured(merchant.id, row["public_id"])
            before = Refunded(order.id, row["public_id"], value)
            await loyalty.claw_back_for(merchant.id, before, now=now)
    return earned


_INSURED: Final = """
SELECT coalesce(sum(l.total_minor), 0)::bigint
FROM refunds r
JOIN refund_lines l ON l.merchant_id = r.merchant_id AND l.refund_id = r.id AND l.kind = 'goods'
JOIN orders o ON o.merchant_id = r.merchant_id AND o.id = r.order_id
JOIN order_lines g ON g.merchant_id = o.merchant_id AND g.order_id = o.id AND g.version = o.version
    AND g.position = l.position + 1 AND g.origin = 'insurance'
WHERE r.merchant_id = $1 AND r.public_id = $2
"""


async def _insured(merchant_id: UUID, refund_public_id: str) -> int:
    """What a refund gave back of an insurance, in minor units."""
    given_minor: int = await db.fetch_value(_INSURED, merchant_id, refund_public_id)
    return given_minor


async def _bought(merchant_id: UUID, order: OrderView) -> Bought:
    buyer = await db.fetch_one(_BUYER, merchant_id, order.id)
    assert buyer is not None, "a paid order has a buyer"
    assert order.paid_at is not None, "a paid order was paid"
    return Bought(
        order_id=order.id,
        order_public_id=order.public_id,
        customer_id=buyer["customer_id"],
        customer_public_id=buyer["customer_public_id"],
        # An insurance is the insurer's sale and no part of this one: it earns nothing, and its refund takes nothing.
        lines=tuple(
            SaleLine(each.type, each.name, each.category, each.total_minor)
            for each in order.lines
            if each.origin != "insurance"
        ),
        wallet_minor=buyer["wallet_minor"],
        paid_at=order.paid_at,
    )


async def take_back(merchant_id: UUID, refund: Refund, *, now: datetime) -> int:
    """Take back the points that the refunded part of an order had earned; answers how many. Inside the caller's
    transaction; a refund that was seen before changes nothing. Raises OrderUnknown, OrderRemoved.
    """
    order = await orders.lock(merchant_id, refund.order_id)
    value = refund.value_minor - await _insured(merchant_id, refund.refund_id)
    refunded = Refunded(order.id, refund.refund_id, value)
    return await loyalty.claw_back_for(merchant_id, refunded, now=now)


async def turn_into_money(
    merchant: Merchant, customer_public_id: str, points: int, *, key: str, now: datetime
) -> Turned:
    """Turn so many of a customer's points into money in the wallet, at once or not at all. One transaction.

    `key` tells this turn from any other: pressed twice it happens once, and answers the same. Raises ModuleOff,
    ProgrammeOff, BelowMinimum, NotAStep, NotEnoughPoints, TurnedOtherwise, TurnKeyRefused, NoSuchCustomer, MoneyFrozen.
    """

    async def turn() -> Turned:
        await require_module(merchant.id, "wallet")
        turned = await loyalty.take_points(merchant, customer_public_id, points, key=key, now=now)
        if not turned.again:
            await wallet.add(
                merchant,
                customer_public_id,
                turned.amount,
                cause=WalletCause.POINTS,
                about=customer_public_id,
                key=f"{TURNED_KEY}{turned.id}",
                now=now,
            )
        return turned

    return await db.in_tx(turn)
