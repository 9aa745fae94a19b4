"""A session's life: one shopper's way through the flow, from open to one of its ends."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from app.kernel.states import Machine


class SessionState(StrEnum):
    OPEN = "open"
    PROCESSING = "processing"
    HELD = "held"
    CONFIRMED = "confirmed"
    DECLINED = "declined"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


_S = SessionState

EDGES: Final[dict[tuple[str, str], str]] = {
    (_S.OPEN, _S.PROCESSING): "session.processing",
    (_S.OPEN, _S.HELD): "session.held",
    (_S.OPEN, _S.CONFIRMED): "session.confirmed",
    (_S.OPEN, _S.DECLINED): "session.declined",
    (_S.OPEN, _S.CANCELLED): "session.cancelled",
    (_S.OPEN, _S.EXPIRED): "session.expired",
    (_S.PROCESSING, _S.OPEN): "session.reopened",
    (_S.PROCESSING, _S.HELD): "session.held",
    (_S.PROCESSING, _S.CONFIRMED): "session.confirmed",
    (_S.PROCESSING, _S.DECLINED): "session.declined",
    (_S.PROCESSING, _S.EXPIRED): "session.expired",
    (_S.HELD, _S.OPEN): "session.reopened",
    (_S.HELD, _S.PROCESSING): "session.processing",
    (_S.HELD, _S.CONFIRMED): "session.confirmed",
    (_S.HELD, _S.DECLINED): "session.declined",
    (_S.HELD, _S.CANCELLED): "session.cancelled",
    (_S.HELD, _S.EXPIRED): "session.expired",
}

MACHINE: Final = Machine("session", table="checkout_sessions", history_table="session_history", edges=EDGES)
