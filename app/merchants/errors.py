"""What merchants and their staff are refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from app.kernel.errors import Refusal


class FieldRefused(Refusal):
    """A value breaks a rule of its field. `reason` is stable: "empty", "malformed", "unknown", ..."""

    code: ClassVar[str] = "field_refused"

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(field, reason)
        self.field = field
        self.reason = reason


class PayingRulesRefused(Refusal):
    """What a shop may not say about who pays how: `errors` names each field with "malformed" or "above_law"."""

    code: ClassVar[str] = "paying_rules_refused"

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__(dict(errors))
        self.errors = errors


class StaffEmailTaken(Refusal):
    """Somebody on the staff of a merchant here signs in with this address already."""

    code: ClassVar[str] = "staff_email_taken"


class SignInRefused(Refusal):
    """The address, the password or the code is wrong. Which one is told to nobody."""

    code: ClassVar[str] = "sign_in_refused"


class ApiKeyUnknown(Refusal):
    """The merchant has no live key of this id."""

    code: ClassVar[str] = "api_key_unknown"


class EndpointUnknown(Refusal):
    """The merchant has no webhook endpoint of this id."""

    code: ClassVar[str] = "webhook_endpoint_unknown"


class TooManyEndpoints(Refusal):
    code: ClassVar[str] = "too_many_webhook_endpoints"

    def __init__(self, at_most: int) -> None:
        super().__init__(at_most)
        self.at_most = at_most
