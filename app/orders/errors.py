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


class OrderUnknown(Refusal):
    """This merchant has no such order."""

    code: ClassVar[str] = "not_found"


class OrderRemoved(Refusal):
    """Expiry took the order's contents away."""

    code: ClassVar[str] = "order_removed"


class OrderLocked(Refusal):
    """The order is in a state in which this cannot be done to it any more, or not now."""

    code: ClassVar[str] = "order_locked"

    def __init__(self, state: str) -> None:
        super().__init__(f"the order is {state}")
        self.state = state


class VersionConflict(Refusal):
    """The edit was made to another version than the present one, `version`."""

    code: ClassVar[str] = "version_conflict"

    def __init__(self, version: int) -> None:
        super().__init__(f"the order is at version {version}")
        self.version = version
