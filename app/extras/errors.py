"""Named refusals about what a shop may let its shoppers choose."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from app.kernel.errors import Refusal

FeeReason = Literal[
    "card_surcharge", "credit_cost", "credit_discount", "wallet_is_free", "not_for_buyer", "out_of_range"
]
AreaReason = Literal["malformed", "backwards"]


class AreaRefused(Refusal):
    """The text is no postcode of the country and no range of two."""

    code: ClassVar[str] = "area_refused"

    def __init__(self, reason: AreaReason) -> None:
        super().__init__(reason)
        self.reason: AreaReason = reason


class FeeRefused(Refusal):
    """A way to pay may not cost (or save) this; `source` names the rule where a law says so."""

    code: ClassVar[str] = "fee_refused"

    def __init__(self, buyer: str, method: str, reason: FeeReason, source: str | None = None) -> None:
        super().__init__(f"{method} of a {buyer}: {reason}")
        self.buyer = buyer
        self.method = method
        self.reason: FeeReason = reason
        self.source = source


class OfferRefused(Refusal):
    """An insurance cannot be offered like this: a reason for each field that is wrong."""

    code: ClassVar[str] = "offer_refused"

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__(", ".join(f"{name}: {reason}" for name, reason in errors.items()))
        self.errors = dict(errors)


class InsuranceUnknown(Refusal):
    """This shop has sold no such insurance."""

    code: ClassVar[str] = "insurance_unknown"


class InsuranceEnded(Refusal):
    """It was cancelled already, its money went back with the goods, or the days to cancel it are over."""

    code: ClassVar[str] = "insurance_ended"
