"""Where a page of a list ended, as text that a caller hands back to get the next one.

Lists are read newest first by (time, id): a row that is added meanwhile never moves the pages behind it. The text
tells nothing that the rows themselves do not tell, so it is neither signed nor sealed; anything that is not one of
ours is refused.
"""

from __future__ import annotations

import base64
import binascii
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Final

from app.kernel.errors import Refusal

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TIME_BYTES: Final = 8
_BYTES: Final = _TIME_BYTES + 16


class CursorRefused(Refusal):
    """The text is no cursor of ours."""

    code: ClassVar[str] = "cursor_refused"


@dataclass(frozen=True, slots=True)
class Position:
    """The last row of a page."""

    at: datetime
    id: uuid.UUID

    def text(self) -> str:
        """32 characters, safe in URLs."""
        since_epoch = (self.at - _EPOCH) // timedelta(microseconds=1)
        packed = since_epoch.to_bytes(_TIME_BYTES, "big", signed=True) + self.id.bytes
        return base64.urlsafe_b64encode(packed).decode()

    @classmethod
    def parse(cls, text: str) -> Position:
        """The reverse of `text`. Raises CursorRefused."""
        try:
            packed = base64.b64decode(text.encode("ascii"), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise CursorRefused from None
        if len(packed) != _BYTES:
            raise CursorRefused
        since_epoch = int.from_bytes(packed[:_TIME_BYTES], "big", signed=True)
        try:
            at = _EPOCH + timedelta(microseconds=since_epoch)
        except OverflowError:
            raise CursorRefused from None
        return cls(at, uuid.UUID(bytes=packed[_TIME_BYTES:]))
