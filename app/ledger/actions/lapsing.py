"""What nobody used in time leaves its account: to the merchant as money, to nobody as points."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from typing import Final
from uuid import UUID

import structlog

from app.kernel import db
from app.kernel.money import amount_of
from app.ledger.actions.purses import Move, Use, find_purse, move
from app.ledger.errors import MoneyFrozen
from app.ledger.rules import BREAKAGE, POINTS_ISSUED, Account, AccountKind, Entry

_log = structlog.get_logger("ledger")

CAUSE: Final = "lapse"

Told = Callable[[UUID, Account, str, datetime], Awaitable[object]]
"""Called in the transaction of each lot that lapsed, with the shop, the account and the key of the transfer."""

# Each look begins behind the last lot of the one before: a lot that fails does not come up again in the same call.
_DUE: Final = """
SELECT l.merchant_id, l.id, l.expires_at, a.address, a.kind, a.currency FROM lots l
JOIN ledger_accounts a ON a.merchant_id = l.merchant_id AND a.id = l.account_id
WHERE l.expires_at <= $1 AND l.left_minor > l.held_minor AND (l.expires_at, l.id) > ($2, $3)
ORDER BY l.expires_at, l.id LIMIT $4
"""
_BEFORE_ALL: Final = (datetime.min.replace(tzinfo=UTC), UUID(int=0))


async def expire_lots(now: datetime, limit: int, told: Told | None = None) -> int:
    """Take what is free of lots that lapsed, each in a transaction of its own; answers how many.

    `told` is how whoever keeps the account tells of it, in the same transaction. What a hold has set aside stays until
    the hold ends. A lot that fails is logged and left for the next call, and another one takes its place among the
    `limit` of this one. While money is frozen nothing lapses.
    """
    lapsed, to_try, behind = 0, limit, _BEFORE_ALL
    while to_try:
        due = await db.fetch_all(_DUE, now, *behind, to_try)
        failed = 0
        for row in due:
            behind = (row["expires_at"], row["id"])
            try:
                lapsed += await db.in_tx(partial(_lapse_due, row, now, told))
            except MoneyFrozen:
                return lapsed
            except Exception as fault:  # noqa: BLE001 - whatever is wrong with one, the others' turn comes
                failed += 1
                _log.error(
                    "lot_not_lapsed",
                    merchant=str(row["merchant_id"]),
                    lot=str(row["id"]),
                    fault=type(fault).__name__,
                )
        to_try = failed
    return lapsed


async def _lapse_due(row: db.Record, now: datetime, told: Told | None) -> int:
    account = Account(row["address"], AccountKind(row["kind"]))
    return await _lapse(row["merchant_id"], account, row["currency"], row["id"], now, told)


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
