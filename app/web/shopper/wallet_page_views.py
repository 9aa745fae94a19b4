"""What the templates of a customer's wallet are given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from app.kernel.money import Money


@dataclass(frozen=True, slots=True)
class Origin:
    """The purchase that a movement came from or went to: its page, and the shop's number of it."""

    url: str
    reference: str


@dataclass(frozen=True, slots=True)
class ShopWallet:
    """One of several wallets to choose from."""

    url: str
    name: str
    balance: Money


@dataclass(frozen=True, slots=True)
class WalletsView:
    shops: Sequence[ShopWallet]
    closed: int


@dataclass(frozen=True, slots=True)
class LotRow:
    """Money that came at once: from where, since when, how much of it is left, and when it lapses."""

    cause: str
    origin: Origin | None
    came: Money
    left: Money
    came_on: date
    lapses_on: date | None


@dataclass(frozen=True, slots=True)
class HeldRow:
    """Money that is set aside, for a purchase or a payout."""

    origin: Origin | None
    is_payout: bool
    amount: Money
    until: datetime


@dataclass(frozen=True, slots=True)
class MovementRow:
    """``points`` is how many became this money; None where it came otherwise."""

    at: datetime
    cause: str
    origin: Origin | None
    amount: Money
    balance_after: Money
    points: int | None = None


@dataclass(frozen=True, slots=True)
class PastView:
    """What was in the wallet at the end of a day. ``day`` is what was typed, ``on`` the day where it is one."""

    day: str
    on: date | None
    balance: Money | None


@dataclass(frozen=True, slots=True)
class PointsRow:
    """``money`` is what these points became; None where they were not turned."""

    at: datetime
    cause: str
    origin: Origin | None
    points: int
    after: int
    money: Money | None = None


@dataclass(frozen=True, slots=True)
class PendingRow:
    points: int
    origin: Origin | None
    usable_on: date


@dataclass(frozen=True, slots=True)
class LapsingRow:
    points: int
    lapses_on: date


@dataclass(frozen=True, slots=True)
class TierView:
    """The tier that the next purchase is in, and how far the one above is. Without a name: none yet."""

    name: str | None
    next_name: str | None
    missing: int


@dataclass(frozen=True, slots=True)
class TurnView:
    """A turn that the button would do, with its figures. ``key`` lets it happen once; ``most`` is the largest that is
    possible now, in steps of ``step`` from ``least``."""

    key: str
    points: int
    worth: Money
    points_after: int
    balance_after: Money
    least: int
    step: int
    most: int


@dataclass(frozen=True, slots=True)
class PointsView:
    """``rate`` is how many points are worth one whole unit of money; None without a programme."""

    total: int
    usable: int
    debt: int
    pending: Sequence[PendingRow]
    lapsing: Sequence[LapsingRow]
    tier: TierView | None
    turn: TurnView | None
    one: Money | None
    rate: int
    least: int
    rows: Sequence[PointsRow]
    older_url: str | None


PayoutState = Literal["pending_approval", "requested", "paid", "cancelled"]


@dataclass(frozen=True, slots=True)
class PayoutRow:
    amount: Money
    state: PayoutState
    hint: str
    at: datetime


@dataclass(frozen=True, slots=True)
class WalletView:
    """One wallet. ``is_on`` is False where the shop has switched its wallet off: the money stays the customer's."""

    url: str
    shop: str
    shop_id: str
    shop_email: str
    several: bool
    zone: str
    today: date
    is_on: bool
    balance: Money
    available: Money
    held: Sequence[HeldRow]
    lots: Sequence[LotRow]
    next_lapse: tuple[date, Money] | None
    movements: Sequence[MovementRow]
    older_url: str | None
    is_first: bool
    past: PastView
    points: PointsView | None
    payouts: Sequence[PayoutRow]
    closed: int = 0


@dataclass(frozen=True, slots=True)
class PayoutView:
    """Money on its way out of a wallet that was switched off. While ``code_to`` is a phone (masked) a code is asked
    for; ``sealed`` holds what was typed before. ``amount`` is what can be paid out: what is in the wallet less
    ``owed``, where anything is owed to this shop."""

    url: str
    shop: str
    shop_id: str
    amount: Money
    code_to: str | None = None
    resend_in_s: int = 0
    hint: str = ""
    sealed: str = ""
    needs_identity: bool = False
    owed: Money | None = None
