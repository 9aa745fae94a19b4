"""What cases refuse."""

from __future__ import annotations

from typing import ClassVar

from app.kernel.errors import Refusal


class CaseClosed(Refusal):
    """Somebody else answered first, the shopper went on without an answer, or the time ran out: `state` tells."""

    code: ClassVar[str] = "case_closed"

    def __init__(self, state: str) -> None:
        super().__init__(state)
        self.state = state


class TextRefused(Refusal):
    """A statement or a note that cannot be taken; `reason` is `empty` or `too_long`."""

    code: ClassVar[str] = "text_refused"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
