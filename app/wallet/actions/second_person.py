"""When a second person is asked before money of a wallet moves by hand: by the shop's own limit
(`merchants.two_people`), and by what one person did to this wallet alone of late.

Asked under the wallet's lock: two small changes of one person at once are counted one after the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from app.kernel import db
from app.merchants.rules import Role
from app.merchants.two_people import is_above, limit_of

# As with refunds: a colleague who works off what waits need not be one who may begin it.
APPROVERS: Final[frozenset[Role]] = frozenset({"owner", "reviewer"})
# Small pieces within this time count together.
COUNTED_FOR: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Staff:
    """Who does it, by public id."""

    public_id: str
    role: Role

    @property
    def actor(self) -> str:
        return f"staff:{self.public_id}"


# Changes in either direction and payouts together: whoever puts money in and pays it out moved it twice.
_MOVED_ALONE: Final = """
SELECT coalesce(sum(moved.amount_minor), 0)::bigint FROM (
    SELECT abs(amount_minor) AS amount_minor FROM wallet_adjustments
    WHERE merchant_id = $1 AND customer_id = $2 AND adjusted_by = $3 AND created_at > $4
      AND state = 'done' AND decided_by IS NULL
    UNION ALL
    SELECT amount_minor FROM wallet_payouts
    WHERE merchant_id = $1 AND customer_id = $2 AND requested_by = $3 AND requested_at > $4
      AND state IN ('requested', 'paid') AND approved_by IS NULL
) moved
"""


async def adjustment_waits(
    merchant_id: UUID, customer_id: UUID, amount_minor: int, actor: str, now: datetime
) -> bool:
    """Whether a change of so much, in either direction, is one for two people."""
    return await _waits(merchant_id, customer_id, abs(amount_minor), actor, now)


async def payout_waits(
    merchant_id: UUID, customer_id: UUID, amount_minor: int, actor: str, now: datetime
) -> bool:
    """Whether a payout of so much is one for two people. A shopper's own has them: who asks never is who pays it."""
    if not actor.startswith("staff:"):
        return False
    return await _waits(merchant_id, customer_id, amount_minor, actor, now)


async def _waits(merchant_id: UUID, customer_id: UUID, amount_minor: int, actor: str, now: datetime) -> bool:
    limit = await limit_of(merchant_id)
    if limit is None:
        return False
    alone = await db.fetch_value(_MOVED_ALONE, merchant_id, customer_id, actor, now - COUNTED_FOR)
    return is_above(limit, alone_minor=alone, amount_minor=amount_minor)
