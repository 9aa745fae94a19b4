"""A customer's loyalty points, as the API tells them beside the wallet."""

from __future__ import annotations

import msgspec

from app.loyalty.queries import PointsStanding


class WalletPoints(msgspec.Struct, frozen=True):
    """Loyalty points: `usable` now, `pending` until goods can no longer be returned; `owed` is what later points settle
    first, and makes `total` negative when it is more than there is. `turnable` of them are worth `worth_minor` now.
    """

    total: int
    usable: int
    pending: int
    owed: int
    turnable: int
    worth_minor: int


def points_of(standing: PointsStanding) -> WalletPoints:
    return WalletPoints(
        total=standing.total,
        usable=standing.usable,
        pending=standing.pending_points,
        owed=standing.debt,
        turnable=standing.turnable,
        worth_minor=standing.worth.amount_minor,
    )
