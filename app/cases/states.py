"""A case's life: it waits for an answer, and ends by one, by the shopper going on without it, or by the clock.

One about money that came in and pays no order ends when somebody has sent it back, or kept it for an order.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from app.kernel.states import Machine


class CaseState(StrEnum):
    OPEN = "open"
    APPROVED = "approved"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"
    RETURNED = "returned"
    KEPT = "kept"


_S = CaseState

EDGES: Final[dict[tuple[str, str], str]] = {
    (_S.OPEN, _S.APPROVED): "case.approved",
    (_S.OPEN, _S.DECLINED): "case.declined",
    (_S.OPEN, _S.WITHDRAWN): "case.withdrawn",
    (_S.OPEN, _S.LAPSED): "case.lapsed",
    (_S.OPEN, _S.RETURNED): "case.returned",
    (_S.OPEN, _S.KEPT): "case.kept",
}

MACHINE: Final = Machine("case", table="cases", history_table="case_history", edges=EDGES)
