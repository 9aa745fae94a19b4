"""What reusable links refuse."""

from __future__ import annotations

from typing import ClassVar, Literal

from app.kernel.errors import Refusal

Closed = Literal["stopped", "lapsed", "used_up"]


class ReusableUnknown(Refusal):
    """This merchant has no such link."""

    code: ClassVar[str] = "not_found"


class ReusableClosed(Refusal):
    """Nothing can be paid by the link now: `why` says whether the shop stopped it, its time is over, or all its uses
    are taken."""

    code: ClassVar[str] = "link_ended"

    def __init__(self, why: Closed) -> None:
        super().__init__(why)
        self.why: Closed = why


class FieldWrong(Refusal):
    """What was typed into `field` will not do; `reason` says why, `data` holds figures that the words need. The text
    itself is not kept: it may be the number of a card."""

    code: ClassVar[str] = "field_wrong"

    def __init__(self, field: str, reason: str, **data: int) -> None:
        super().__init__(field, reason)
        self.field = field
        self.reason = reason
        self.data = data
