"""What the templates of a return are given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from app.kernel.money import Money
    from app.returns.rules import Destination, Reason


@dataclass(frozen=True, slots=True)
class LineChoice:
    """A line of which ``left`` pieces may come back, ``chosen`` of them are picked. ``is_kept`` goods come back only
    when something is wrong with them."""

    position: int
    name: str
    price: Money
    left: int
    chosen: int
    is_kept: bool


@dataclass(frozen=True, slots=True)
class OfferView:
    """What the chosen goods come to, each way. ``wallet`` is None where the shop has no wallet; ``difference`` is how
    much more the wallet gives, None where it gives the same."""

    value: Money
    fee: Money
    original: Money
    wallet: Money | None
    difference: Money | None
    owed_before: Money
    pieces: Sequence[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class ReturnFormView:
    """``offer`` is None until something is chosen. ``seen`` is how many returns of this order there were."""

    url: str
    shop: str
    reference: str
    lines: Sequence[LineChoice]
    reason: Reason
    statement: str
    last_day: date
    is_in_time: bool
    fee: Money
    waived_to_wallet: bool
    offer: OfferView | None
    to: Destination
    seen: int
    problem: str | None
    hidden: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ReturnPageView:
    """A return that was announced. ``number`` stands on the parcel."""

    url: str
    purchase_url: str
    shop: str
    shop_email: str
    reference: str
    number: str
    state: str
    reason: Reason
    to: Destination
    refund: Money
    fee: Money
    announced_on: date
    lines: Sequence[tuple[str, int]]
    refusal: str | None
    is_new: bool
