"""A case's life: it waits for an answer, and ends by one, by the shopper going on without it, or by the clock.

An answer takes effect when the time to take it back is over: until then the case is `decided`. It is open again when
whoever answered took it back, when a second person is asked, or when what was decided could not be carried out.

One about money that came in and pays no order ends when somebody has sent it back, or kept it for an order.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from app.kernel.states import Machine


class CaseState(StrEnum):
    OPEN = "open"
    DECIDED = "decided"
    APPROVED = "approved"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"
    RETURNED = "returned"
    KEPT = "kept"


_S = CaseState

EDGES: Final[dict[tuple[str, str], str]] = {
    (_S.OPEN, _S.DECIDED): "case.decided",
    # Why stands in the history's detail: `undone`, `second` (another person is asked), `refused`.
    (_S.DECIDED, _S.OPEN): "case.reopened",
    (_S.OPEN, _S.APPROVED): "case.approved",
    (_S.OPEN, _S.DECLINED): "case.declined",
    (_S.OPEN, _S.WITHDRAWN): "case.withdrawn",
    (_S.OPEN, _S.LAPSED): "case.lapsed",
    (_S.DECIDED, _S.APPROVED): "case.approved",
    (_S.DECIDED, _S.DECLINED): "case.declined",
    (_S.DECIDED, _S.WITHDRAWN): "case.withdrawn",
    (_S.DECIDED, _S.LAPSED): "case.lapsed",
    (_S.OPEN, _S.RETURNED): "case.returned",
    (_S.OPEN, _S.KEPT): "case.kept",
}

MACHINE: Final = Machine("case", table="cases", history_table="case_history", edges=EDGES)

# Somebody still waits for its answer.
WAITING: Final = frozenset({CaseState.OPEN, CaseState.DECIDED})
