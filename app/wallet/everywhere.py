"""What somebody has in the wallets of several shops, for the page on which they choose one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from app.kernel import db
from app.kernel.money import Money
from app.ledger.rules import wallet_of
from app.merchants.queries import Merchant


async def balances_of(shops: Sequence[Merchant], customer_public_id: str) -> Mapping[UUID, Money]:
    """What is in each of these shops' wallets, by the shop's id. One statement, however many there are."""
    rows = await db.fetch_all(
        """SELECT merchant_id, currency, -balance_minor AS balance_minor FROM ledger_accounts
           WHERE merchant_id = ANY($1::uuid[]) AND address = $2""",
        [shop.id for shop in shops],
        wallet_of(customer_public_id).address,
    )
    found = {(row["merchant_id"], row["currency"]): row["balance_minor"] for row in rows}
    return {shop.id: Money(found.get((shop.id, shop.currency), 0), shop.currency) for shop in shops}
