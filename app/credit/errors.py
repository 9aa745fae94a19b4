"""What credit refuses."""

from __future__ import annotations

from typing import ClassVar

from app.kernel.errors import Refusal


class LimitUsedUp(Refusal):
    """Another purchase has used the room that the decision saw."""

    code: ClassVar[str] = "limit_used_up"
