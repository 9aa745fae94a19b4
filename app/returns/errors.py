"""What refunds and returns refuse."""

from __future__ import annotations

from typing import ClassVar

from app.kernel.errors import Refusal


class NotRefundable(Refusal):
    """Nothing of the order can be given back: it is not paid, or was given back whole; `state` tells."""

    code: ClassVar[str] = "not_refundable"

    def __init__(self, state: str) -> None:
        super().__init__(f"the order is {state}")
        self.state = state


class PaymentDisputed(NotRefundable):
    """The bank has taken the payment back, or so much of it that this cannot be given back as well."""

    code: ClassVar[str] = "payment_disputed"


class NotInvoicedYet(Refusal):
    """The order is paid and its documents are not drawn: there is nothing to credit yet."""

    code: ClassVar[str] = "not_invoiced_yet"


class RefundableChanged(Refusal):
    """The caller saw another figure than what is refundable now, `refundable_minor`."""

    code: ClassVar[str] = "refundable_changed"

    def __init__(self, refundable_minor: int) -> None:
        super().__init__(f"{refundable_minor} minor units are refundable")
        self.refundable_minor = refundable_minor


class RefundRefused(Refusal):
    """One value of the request cannot be. `field` is "amount_minor", "lines", "return_fee_minor", "currency" or
    "to"; `reason` is "not_positive", "more_than_left", "not_left", "sum_differs", "too_large", "mismatch",
    "no_customer" (who paid outside the checkout has no wallet) or "other_currency" (than the shop's wallets keep)."""

    code: ClassVar[str] = "refund_refused"

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class RefundKeyReused(Refusal):
    """The key names another refund."""

    code: ClassVar[str] = "refund_key_reused"


class RefundUnknown(Refusal):
    """This merchant has no such refund."""

    code: ClassVar[str] = "not_found"


class RefundDecided(Refusal):
    """Somebody else has decided; `state` tells how."""

    code: ClassVar[str] = "refund_decided"

    def __init__(self, state: str) -> None:
        super().__init__(state)
        self.state = state


class ReturnUnknown(Refusal):
    """This merchant has no such return."""

    code: ClassVar[str] = "not_found"


class ReturnMoved(Refusal):
    """The return is in a state in which this cannot be done to it any more, or not yet."""

    code: ClassVar[str] = "return_moved"

    def __init__(self, state: str) -> None:
        super().__init__(f"the return is {state}")
        self.state = state


class ReturnRefused(Refusal):
    """A return that the conditions do not allow. `field` is "lines", "statement", "fee" or "to"; `reason` is
    "none_chosen", "not_left", "too_late", "not_taken_back", "nothing_left", "too_long", "empty", "out_of_range",
    "malformed", "no_customer" or "other_currency"; `position` is the line of the order, where it is one line's fault.
    """

    code: ClassVar[str] = "return_refused"

    def __init__(self, field: str, reason: str, position: int | None = None) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason
        self.position = position


class ConditionsRefused(Refusal):
    """Conditions that cannot be; `errors` names each field with its reason."""

    code: ClassVar[str] = "conditions_refused"

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__(", ".join(sorted(errors)))
        self.errors = errors
