"""A hold's life: it sets money aside until it is captured, released or runs out.

What ended stays ended, whatever the clock says later.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from app.kernel.states import Machine


class HoldState(StrEnum):
    PENDING = "pending"
    CAPTURED = "captured"
    RELEASED = "released"
    EXPIRED = "expired"


_S = HoldState

EDGES: Final[dict[tuple[str, str], str]] = {
    (_S.PENDING, _S.CAPTURED): "hold.captured",
    (_S.PENDING, _S.RELEASED): "hold.released",
    (_S.PENDING, _S.EXPIRED): "hold.expired",
}

MACHINE: Final = Machine("hold", table="holds", history_table="hold_history", edges=EDGES)
