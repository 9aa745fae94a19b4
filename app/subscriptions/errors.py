"""What subscriptions refuse."""

from __future__ import annotations

from typing import ClassVar

from app.kernel.errors import Refusal


class SubscriptionUnknown(Refusal):
    """Whoever asks has no such subscription."""

    code: ClassVar[str] = "not_found"


class PlanUnknown(Refusal):
    """This shop has no such plan."""

    code: ClassVar[str] = "not_found"


class PlanEnded(Refusal):
    """The plan takes nobody new."""

    code: ClassVar[str] = "plan_ended"


class PlanRefused(Refusal):
    """A field of a plan: `reason` says why, `data` holds figures that the words need."""

    code: ClassVar[str] = "plan_refused"

    def __init__(self, field: str, reason: str, **data: int) -> None:
        super().__init__(field, reason)
        self.field = field
        self.reason = reason
        self.data = data


class NotNow(Refusal):
    """The subscription's state does not allow it: `state` says which one it is in, `why` what stands in the way."""

    code: ClassVar[str] = "subscription_state"

    def __init__(self, state: str, why: str = "state") -> None:
        super().__init__(state, why)
        self.state = state
        self.why = why


class OfferChanged(Refusal):
    """What was said yes to is no longer what is offered: it is shown again."""

    code: ClassVar[str] = "offer_changed"
