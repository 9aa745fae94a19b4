"""What a payment provider must be able to do: one shape for card and MobilePay, the real one and the sandbox twin.

Every call names our payment by `reference` (its public id) and carries a `key`: the same call again with the same key
has one effect. Amounts are minor units; the provider's aggregate (how much is authorised, captured, refunded,
cancelled) is the truth, whatever a callback or a browser says.

Of a call that fails, the caller must know whether it may have had its effect: `ProviderRefused` says that it had none,
`ProviderUnreachable` that nobody knows. A charge that nobody knows of is asked after, and never made a second time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, Literal, Protocol

from app.kernel.money import Money

# The two ways to pay that a provider settles, and how they stand in a quote.
ProviderMethod = Literal["card", "mobilepay"]
METHODS: Final[tuple[ProviderMethod, ...]] = ("card", "mobilepay")
# How a shopper comes to the provider: in this browser, or by a code that the phone beside it reads.
Way = Literal["redirect", "qr"]


class Standing(StrEnum):
    """How far the provider says that a payment has come. Capturing and refunding change the sums, not this."""

    PENDING = "pending"
    AUTHORISED = "authorised"
    CANCELLED = "cancelled"
    FAILED = "failed"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class NewPayment:
    """A payment to be opened: authorised by the shopper on the provider's page, captured by us later.

    `description` is what a statement may show (no personal data). `save` asks for a token for later charges, with
    which `charge` can be called. `expires_at` is wall time: the provider lets go of it then.
    """

    key: str
    reference: str
    amount: Money
    description: str
    return_url: str
    cancel_url: str
    lang: str
    country: str
    expires_at: datetime
    email: str | None = field(default=None, repr=False)
    phone: str | None = field(default=None, repr=False)
    way: Way = "redirect"
    save: bool = False


@dataclass(frozen=True, slots=True)
class Opened:
    """A payment that the provider knows. `url` is where the shopper goes; `qr_url` the address of a code to scan."""

    provider_ref: str
    url: str = field(repr=False)
    qr_url: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class SavedMethod:
    """What later charges are made with. `token` is the provider's, never a card number; `label` may be shown, such as
    "Visa 4242"; `expires_on` is "2031-07" where the provider tells."""

    token: str = field(repr=False)
    label: str
    expires_on: str | None = None


@dataclass(frozen=True, slots=True)
class Aggregate:
    """What the provider's own book says of a payment. `failure` is one of `FAILURES` once it has failed."""

    provider_ref: str
    reference: str
    standing: Standing
    currency: str
    authorised_minor: int
    captured_minor: int = 0
    refunded_minor: int = 0
    cancelled_minor: int = 0
    failure: str | None = None
    saved: SavedMethod | None = None


FAILURES: Final = (
    "declined",
    "insufficient_funds",
    "authentication_failed",
    "card_expired",
    "provider_error",
)


@dataclass(frozen=True, slots=True)
class NewCharge:
    """A later charge with a saved method, without the shopper: captured at once."""

    key: str
    reference: str
    amount: Money
    description: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class NewSetup:
    """A way to pay that is to be saved without a payment, on the provider's page. What is charged with it later is in
    `currency`; `description` is what its owner sees there. The rest as in `NewPayment`."""

    key: str
    reference: str
    description: str
    currency: str
    return_url: str
    cancel_url: str
    lang: str
    country: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class SetUp:
    """What the provider's own book says of a way to pay that is being saved: `saved` with standing AUTHORISED, and
    with no other."""

    provider_ref: str
    reference: str
    standing: Standing
    saved: SavedMethod | None = None


@dataclass(frozen=True, slots=True)
class Refunded:
    """A refund that the provider has taken; `done` says that nothing more is to be waited for."""

    provider_ref: str
    amount: Money
    done: bool = True


class DisputeStanding(StrEnum):
    """How far a dispute has come at the provider. Dropped: it ended without anybody having decided for or against."""

    OPEN = "open"
    WON = "won"
    LOST = "lost"
    DROPPED = "dropped"


# Why whoever owns the card disputes a payment.
DISPUTE_REASONS: Final = (
    "fraudulent",
    "unrecognized",
    "not_received",
    "not_as_described",
    "duplicate",
    "refund_not_given",
    "subscription_ended",
    "other",
)


@dataclass(frozen=True, slots=True)
class Dispute:
    """A payment that its owner disputes at the bank, as the provider's own book has it.

    `reference` is ours of the payment, empty for one that is not ours. `is_away` says that the provider has taken the
    money back from us, for now or for good. `answer_by` is wall time, None where nobody can answer. `reason` is one of
    DISPUTE_REASONS.
    """

    provider_ref: str
    reference: str
    amount_minor: int
    currency: str
    standing: DisputeStanding
    is_away: bool
    reason: str
    answer_by: datetime | None = None


@dataclass(frozen=True, slots=True)
class Callback:
    """What a provider's call told us, once its signature holds: a reason to ask, and nothing more. `is_dispute`: to ask
    for disputes, since a dispute does not name the payment as we know it."""

    event_id: str
    provider_ref: str | None
    reference: str | None
    is_dispute: bool = False


class PaymentProvider(Protocol):
    """One a process and a method. Every call is outside any transaction and takes at most the adapter's own seconds.

    All raise ProviderRefused and ProviderUnreachable (app/payments/errors.py).
    """

    method: ProviderMethod

    async def create(self, new: NewPayment) -> Opened:
        """Open a payment. Again with the same key: the same payment, which is how a lost answer is found."""
        ...

    async def get(self, provider_ref: str) -> Aggregate: ...

    async def capture(self, provider_ref: str, amount: Money, *, key: str) -> Aggregate:
        """Take all or a part of what is authorised."""
        ...

    async def cancel(self, provider_ref: str, *, key: str) -> Aggregate:
        """Let go of what is not captured, also of a payment that nobody has authorised yet."""
        ...

    async def refund(self, provider_ref: str, amount: Money, *, key: str) -> Refunded: ...

    async def charge(self, new: NewCharge) -> Aggregate:
        """Charge a saved method. A refusal (no money, card expired) is an Aggregate that has failed."""
        ...

    async def set_up(self, new: NewSetup) -> Opened:
        """Open the page on which a way to pay is saved; no money moves. Again with the same key: the same page."""
        ...

    async def get_setup(self, provider_ref: str) -> SetUp: ...

    async def forget(self, token: str, *, key: str) -> None:
        """A saved method is charged no more, and the provider may say so to its owner. Again: nothing."""
        ...

    async def disputes(self, since: datetime) -> tuple[Dispute, ...]:
        """Every dispute that began at `since` (wall time) or later, the newest first. Some may be of payments that are
        not ours."""
        ...

    async def probe(self) -> None:
        """Whether the provider answers at all; cheap, without effect. Raises ProviderUnreachable."""
        ...

    def read_callback(
        self, headers: Mapping[str, str], body: bytes, *, host: str, path: str, wall: datetime
    ) -> Callback:
        """Raises CallbackForged when the signature, its age or its shape does not hold. No network."""
        ...
