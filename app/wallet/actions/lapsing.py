"""What lapses of wallets and of points, by the clock; a wallet's loss is told like every other change of it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from app.ledger import actions as ledger
from app.ledger.rules import Account, AccountKind
from app.wallet.actions.telling import tell


async def lapse_due(now: datetime, limit: int) -> int:
    """Take what is free of lots that lapsed, each in a transaction of its own; answers how many.

    Points go the same way, and nobody is told: they are no money.
    """
    return await ledger.expire_lots(now, limit, _told)


async def _told(merchant_id: UUID, account: Account, key: str, now: datetime) -> None:
    if account.kind is AccountKind.WALLET:
        await tell(merchant_id, key, now)
