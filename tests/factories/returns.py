"""Refunds of paid orders, and returns of their goods."""

from __future__ import annotations

from app.invoices.credits import EVERYTHING, Wanted
from app.kernel import clock, db, ids
from app.merchants.queries import Merchant
from app.orders.queries import OrderView, order_for_api
from app.orders.rules import Line
from app.plans.queries import forget_kept_plans
from app.returns import actions
from app.returns.actions import NewRefund
from app.returns.queries import RefundView
from app.returns.rules import Destination
from tests.factories.invoices import ADDRESS
from tests.factories.wallets_in_flow import (
    aino_identified,
    money_of_aino,
    pay_all_from_wallet,
    pay_part_from_wallet,
)

STAFF = "staff:st_first"
OTHER_STAFF = "staff:st_second"


async def the_order(merchant: Merchant, order: str) -> OrderView:
    """The order as it is now."""
    found = await order_for_api(merchant.id, order)
    assert found is not None
    return found


async def refunded(
    merchant: Merchant,
    order: str,
    wanted: Wanted = EVERYTHING,
    *,
    to: Destination = "original",
    fee_minor: int = 0,
    seen_minor: int | None = None,
    actor: str = STAFF,
    key: str | None = None,
) -> RefundView:
    """A refund made now, of what is refundable now unless the caller saw another figure."""
    seen = (await the_order(merchant, order)).refundable_minor if seen_minor is None else seen_minor
    new = NewRefund(wanted, seen, to, actor, key or str(ids.internal_id()), fee_minor=fee_minor)
    now = await clock.business_now()
    return await db.in_tx(lambda: actions.refund(merchant, order, new, now))


async def paid_from_the_wallet(
    merchant: Merchant, wallet_minor: int, *lines: Line, months: int = 0
) -> tuple[str, str]:
    """A confirmed order of a shop with wallets, so much of it paid from Aino's wallet and the rest by a plan. The
    order's and her public id."""
    forget_kept_plans()
    customer = await money_of_aino(merchant, wallet_minor)
    shopper = await aino_identified(merchant, *lines)
    if wallet_minor == (await shopper.flow()).total_minor:
        await pay_all_from_wallet(shopper)
    else:
        await pay_part_from_wallet(shopper, wallet_minor, "instalments" if months else "invoice", months)
        await shopper.be_decided()
    return (await shopper.confirm(ADDRESS)).order_public_id, customer
