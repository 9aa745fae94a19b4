"""A payment link's life: it leads to its order until the order is paid, the shop takes it back, or its time is over."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final

from app.kernel.states import Machine


class LinkState(StrEnum):
    ACTIVE = "active"
    PAUSED = "paused"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"
    USED = "used"


_S = LinkState

# Whose time may be changed, and which may still come to be paid.
LIVE: Final = frozenset({_S.ACTIVE, _S.PAUSED})

EDGES: Final[dict[tuple[str, str], str]] = {
    (_S.ACTIVE, _S.ACTIVE): "link.extended",
    (_S.PAUSED, _S.PAUSED): "link.extended",
    (_S.ACTIVE, _S.PAUSED): "link.paused",
    (_S.PAUSED, _S.ACTIVE): "link.resumed",
    (_S.ACTIVE, _S.WITHDRAWN): "link.withdrawn",
    (_S.PAUSED, _S.WITHDRAWN): "link.withdrawn",
    (_S.ACTIVE, _S.LAPSED): "link.lapsed",
    (_S.PAUSED, _S.LAPSED): "link.lapsed",
    (_S.ACTIVE, _S.USED): "link.used",
    (_S.PAUSED, _S.USED): "link.used",
}

MACHINE: Final = Machine("link", table="payment_links", history_table="link_history", edges=EDGES)


def state_at(stored: LinkState, expires_at: datetime | None, now: datetime) -> LinkState:
    """The state with time taken into account: a link past its end has lapsed, whether or not that is written down."""
    if stored in LIVE and expires_at is not None and now >= expires_at:
        return LinkState.LAPSED
    return stored
