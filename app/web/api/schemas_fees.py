"""What a way to pay costs or saves, as the API takes and tells it."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from app.orders.rules import UNIT_PRICE_MAX_MINOR
from app.web.api.schemas import Buyer, Input

SignedPercent = Annotated[
    str,
    Meta(
        pattern=r"^-?(100(\.0{1,2})?|[0-9]{1,2}(\.[0-9]{1,2})?)$",
        max_length=7,
        description="Percent as text, with two decimals at most; below zero it is taken off.",
        examples=["-2"],
    ),
]


class MethodFee(Input, frozen=True, forbid_unknown_fields=True):
    """What a way to pay costs, or saves below zero: a sum in minor units, or percent of goods and delivery."""

    buyer: Buyer
    method: Literal["wallet", "card", "mobilepay", "invoice", "instalments"]
    amount_minor: Annotated[int, Meta(ge=-UNIT_PRICE_MAX_MINOR, le=UNIT_PRICE_MAX_MINOR)] | None = None
    percent: SignedPercent | None = None


class MethodFees(Input, frozen=True, forbid_unknown_fields=True):
    """Every fee and discount of the shop, one a kind of buyer and way to pay."""

    fees: Annotated[tuple[MethodFee, ...], Meta(max_length=10)]
