"""What recording a payment refuses."""

from __future__ import annotations

from typing import ClassVar

from app.kernel.errors import Refusal


class RecordRefused(Refusal):
    """A field of what was typed: `field` is `amount`, `received_on` or `note`."""

    code: ClassVar[str] = "record_refused"

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(field, reason)
        self.field = field
        self.reason = reason


class RecordKeyReused(Refusal):
    """The key names another payment already."""

    code: ClassVar[str] = "record_key_reused"
