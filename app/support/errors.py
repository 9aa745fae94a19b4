"""Refusals of this room."""

from __future__ import annotations

from typing import ClassVar

from app.kernel.errors import Refusal


class FeedbackRefused(Refusal):
    """`field` is what was typed wrong, `reason` how: `malformed`, `too_long` or `card_number`."""

    code: ClassVar[str] = "feedback_refused"

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason
