"""Above a sum that a shop chose two people say yes: one rule for refunds, and for money of a wallet that staff move.

The limit is set with the conditions of returns (`returns`), because refunds had it first. It is read here, below all of
those whom it holds, so that one figure holds them all.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from app.kernel import db
from app.merchants.errors import SamePerson

_LIMIT: Final = "SELECT approval_above_minor FROM return_conditions WHERE merchant_id = $1"


async def limit_of(merchant_id: UUID) -> int | None:
    """Up to which sum one person of this shop is enough, in minor units of its currency; None: always."""
    limit: int | None = await db.fetch_value(_LIMIT, merchant_id)
    return limit


def is_above(limit_minor: int | None, *, alone_minor: int, amount_minor: int) -> bool:
    """Whether a second person is asked. `alone_minor` is what one person did without asking before, and counts.

    Small pieces count together where the caller sums them: of a wallet all that one person changed and paid out in 30
    days, of an order all that one person gave back. Pieces of many wallets or orders, of a wallet and an order, and of
    two people are each counted for themselves.
    """
    return limit_minor is not None and alone_minor + amount_minor > limit_minor


def check_second(asked_by: str, actor: str) -> None:
    """Raises SamePerson: whoever asked is not the second person."""
    if actor == asked_by:
        raise SamePerson
