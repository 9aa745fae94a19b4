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


class SamePerson(Refusal):
    """Whoever asked for it does not approve it."""

    code: ClassVar[str] = "same_person"


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


class ModuleOff(Refusal):
    """The shop has this part of the product switched off."""

    code: ClassVar[str] = "module_off"

    def __init__(self, module: str) -> None:
        super().__init__(module)
        self.module = module


class ModuleTermsChanged(Refusal):
    """The module costs another sum a month by now than whoever switched it on has read."""

    code: ClassVar[str] = "module_terms_changed"

    def __init__(self, price_minor: int) -> None:
        super().__init__(price_minor)
        self.price_minor = price_minor
