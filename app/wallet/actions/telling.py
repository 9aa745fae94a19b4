"""Every change of a wallet is told as `wallet.changed`, in the transaction of the change."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from app.kernel import db, outbox

EVENT: Final = "wallet.changed"

_MOVED: Final = """
SELECT split_part(a.address, ':', 2) AS customer_id, p.currency, p.account_seq AS number,
       -p.balance_after_minor AS balance_minor, -p.amount_minor AS change_minor, t.cause, t.about,
       (SELECT coalesce(sum(l.left_minor - l.held_minor), 0)::bigint FROM lots l
        WHERE l.merchant_id = a.merchant_id AND l.account_id = a.id AND l.left_minor > 0
          AND (l.usable_from IS NULL OR l.usable_from <= $3) AND (l.expires_at IS NULL OR l.expires_at > $3)
       ) AS available_minor
FROM transfers t
JOIN postings p ON p.merchant_id = t.merchant_id AND p.transfer_id = t.id
JOIN ledger_accounts a ON a.merchant_id = p.merchant_id AND a.id = p.account_id AND a.kind = 'wallet'
WHERE t.merchant_id = $1 AND t.key = $2
"""


async def tell(merchant_id: UUID, key: str, now: datetime) -> int:
    """Tell of the wallet that the transfer of this key moved, right after it. Answers what is in the wallet now.

    `number` counts the movements of one wallet, so that a shop can tell an old message from a new one.
    """
    row = await db.fetch_one(_MOVED, merchant_id, key, now)
    assert row is not None, "the verb moved a wallet a moment ago"
    balance_minor: int = row["balance_minor"]
    data = dict(row.items())
    await outbox.emit(merchant_id, EVENT, data, now=now, about=row["customer_id"])
    return balance_minor
