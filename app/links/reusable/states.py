"""A reusable link's life: it takes payments until the shop stops it, and again when the shop says so."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from app.kernel.states import Machine


class ReusableState(StrEnum):
    ACTIVE = "active"
    STOPPED = "stopped"


_S = ReusableState

EDGES: Final[dict[tuple[str, str], str]] = {
    (_S.ACTIVE, _S.STOPPED): "reusable_link.stopped",
    (_S.STOPPED, _S.ACTIVE): "reusable_link.resumed",
}

MACHINE: Final = Machine(
    "reusable_link", table="reusable_links", history_table="reusable_link_history", edges=EDGES
)
