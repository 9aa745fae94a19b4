"""What orders refuse."""

from __future__ import annotations

from typing import ClassVar

from app.kernel.errors import Refusal


class LineRefused(Refusal):
    """A line breaks a rule. `pointer` is the place in the caller's document, such as `/lines/0/quantity`."""

    code: ClassVar[str] = "line_refused"

    def __init__(self, pointer: str, reason: str) -> None:
        super().__init__(f"{pointer}: {reason}")
        self.pointer = pointer
        self.reason = reason


class TotalRefused(Refusal):
    """The lines sum to nothing, to less than nothing, or to more than any order may hold."""

    code: ClassVar[str] = "total_out_of_range"

    def __init__(self, total_minor: int) -> None:
        super().__init__(f"total {total_minor}")
        self.total_minor = total_minor
