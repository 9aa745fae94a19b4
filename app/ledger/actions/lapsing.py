"""What nobody used in time leaves its account: to the merchant as money, to nobody as points."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import Final
from uuid import UUID

from app.kernel import db
from app.kernel.money import amount_of
from app.ledger.actions.purses import Move, Use, find_purse, move
from app.ledger.errors import MoneyFrozen
from app.ledger.rules import BREAKAGE, POINTS_ISSUED, Account, AccountKind, Entry

CAUSE: Final = "lapse"

Told = Callable[[UUID, Account, str, datetime], Awaitable[object]]
"""Called in the transaction of each lot that lapsed, with the shop, the account and the key of the transfer."""

_DUE: Final = """
SELECT l.merchant_id, l.id, a.address, a.kind, a.currency FROM lots l
JOIN ledger_accounts a ON a.merchant_id = l.merchant_id AND a.id = l.account_id
WHERE l.expires_at <= $1 AND l.left_minor > l.held_minor ORDER BY l.expires_at LIMIT $2
"""


async def expire_lots(now: datetime, limit: int, told: Told | None = None) -> int:
    """Take what is free of lots that lapsed, each in a transaction of its own; answers how many.

    `told` is how whoever keeps the account tells of it, in the same transaction. What a hold has set aside stays until
    the hold ends. While money is frozen nothing lapses.
    """
    lapsed = 0
    for row in await db.fetch_all(_DUE, now, limit):
        account = Account(row["address"], AccountKind(row["kind"]))
        merchant_id, lot_id, unit = row["merchant_id"], row["id"], row["currency"]
        try:
            lapsed += await db.in_tx(partial(_lapse, merchant_id, account, unit, lot_id, now, told))
        except MoneyFrozen:
            break
    return lapsed


async def _lapse(
    merchant_id: UUID, account: Account, unit: str, lot_id: UUID, now: datetime, told: Told | None
) -> int:
    purse = await find_purse(merchant_id, account, unit, "")
    assert purse is not None
    found = next((lot for lot in purse.lots if lot.id == lot_id), None)
    if found is None or not found.is_over(now) or not found.free_minor:
        return 0
    free = found.free_minor
    against = POINTS_ISSUED if account.kind is AccountKind.POINTS else BREAKAGE
    # A lot may lapse in parts: what a hold let go of, or a refund gave back, lapses later.
    goes = await db.fetch_value(
        "SELECT count(*) FROM lot_uses WHERE merchant_id = $1 AND lot_id = $2", merchant_id, lot_id
    )
    change = Move(
        f"{CAUSE}:{lot_id}:{goes}",
        CAUSE,
        found.about,
        (Entry(against, "credit", amount_of(free, unit)),),
        free,
        [Use(lot_id, -free)],
    )
    moved = await move(merchant_id, purse, change, now)
    if moved and told is not None:
        await told(merchant_id, account, change.key, now)
    return int(moved)
