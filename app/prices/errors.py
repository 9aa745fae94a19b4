"""What a price plan is refused for."""

from __future__ import annotations

from typing import ClassVar

from app.kernel.errors import Refusal


class PlanRefused(Refusal):
    """The plan breaks a rule of its field: `field` is "percent" or "monthly", `reason` "out_of_range"."""

    code: ClassVar[str] = "price_plan_refused"

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(field, reason)
        self.field = field
        self.reason = reason
