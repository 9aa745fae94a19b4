"""What recording a payment refuses, and how a call to a payment provider fails."""

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


class ProviderRefused(Refusal):
    """The provider said no, and nothing has happened there. `reason` is a stable word for logs and staff."""

    code: ClassVar[str] = "provider_refused"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ProviderUnreachable(Refusal):
    """No answer, or none that can be read: the call may have had its effect. `reason` as above."""

    code: ClassVar[str] = "provider_unreachable"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ProviderNotReached(ProviderUnreachable):
    """No answer, and for certain no effect either: this call never came through. One before it may have."""


class PaymentDisputed(Refusal):
    """So much cannot be given back: a dispute has taken it back already. `left_minor` is what is left."""

    code: ClassVar[str] = "payment_disputed"

    def __init__(self, left_minor: int) -> None:
        super().__init__(f"{left_minor} minor units are left of a disputed payment")
        self.left_minor = left_minor


class CallbackForged(Refusal):
    """A call that does not come from the provider, or is too old. It is answered without a word on why."""

    code: ClassVar[str] = "callback_forged"
