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
    """A statement, a note or a reason that cannot be taken; `reason` is `empty`, `too_long`, or `reason` for one that
    is not on offer."""

    code: ClassVar[str] = "text_refused"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class CaseTaken(Refusal):
    """Somebody else on the staff works on it: `by` is their actor, like `staff:stf_...`."""

    code: ClassVar[str] = "case_taken"

    def __init__(self, by: str) -> None:
        super().__init__(by)
        self.by = by


class TooLateToUndo(Refusal):
    """The answer has taken effect already, or is another's: `state` tells how the case stands."""

    code: ClassVar[str] = "too_late_to_undo"

    def __init__(self, state: str) -> None:
        super().__init__(state)
        self.state = state


class SecondPersonNeeded(Refusal):
    """Whoever approved first cannot be the second of two."""

    code: ClassVar[str] = "second_person_needed"


class AskedEnough(Refusal):
    """A question waits for its answer already, or too many were asked."""

    code: ClassVar[str] = "asked_enough"


class NoTimeToRest(Refusal):
    """The deadline is too near for a case to rest."""

    code: ClassVar[str] = "no_time_to_rest"
