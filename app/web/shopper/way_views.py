"""What the template of another way to pay for a subscription is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from app.kernel.money import Money
from app.subscriptions.states import ExchangeState
from app.subscriptions.states import SubscriptionState as S

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from app.merchants.queries import Merchant
    from app.subscriptions.exchange_queries import ExchangeView
    from app.subscriptions.queries import SubscriptionView
    from app.subscriptions.rules import Method, Unit

# How long the page waits before it asks again, in seconds.
_PAUSES_S: Final = (1, 2, 3, 5, 8, 13, 20, 30)


@dataclass(frozen=True, slots=True)
class WayPage:
    """``kind``: somebody may choose; is at the provider, or nobody knows yet; it is done. ``failed`` says that the last
    try came to nothing. ``url`` is where its forms go. ``owed`` is charged at once; else the next charge is on
    ``next_on``, None for one that has ended. ``label`` and ``method`` are how it is paid now, and are told to its owner
    alone: both are None for whoever came by a link. ``chosen`` is the way of the last try."""

    kind: Literal["choose", "pending", "checking", "done"]
    failed: bool
    url: str
    own_url: str | None
    plan: str
    shop: str
    shop_email: str
    price: Money
    unit: Unit
    every: int
    owed: Money | None
    next_on: date | None
    method: Method | None
    label: str | None
    ways: Sequence[Method]
    chosen: Method | None
    go_url: str | None
    asked: int
    pause_s: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where the page stands: its address, and that of the subscription's own page, None for whoever came by a link."""

    url: str
    own_url: str | None
    lang: str


def way_page(
    sub: SubscriptionView,
    shop: Merchant,
    ways: Sequence[Method],
    last: ExchangeView | None,
    place: Place,
    *,
    asked: int = 0,
    done: bool = False,
) -> WayPage:
    """`last` is the newest try, `done` that it is what somebody has just come back from."""
    is_open = last is not None and not last.has_ended
    goes_there = is_open and last is not None and last.url is not None
    is_owner = place.own_url is not None
    owed = sub.state is S.PAST_DUE
    return WayPage(
        kind="pending" if goes_there else "checking" if is_open else "done" if done else "choose",
        failed=last is not None and last.state is ExchangeState.FAILED,
        url=place.url,
        own_url=place.own_url,
        plan=sub.terms.name(place.lang),
        shop=shop.name,
        shop_email=shop.contact_email,
        price=sub.price,
        unit=sub.terms.unit,
        every=sub.terms.every,
        owed=Money(sub.following.amount_minor, sub.following.currency) if owed else None,
        next_on=None if sub.state is S.ENDED else sub.course.ends_on,
        method=sub.method if is_owner else None,
        label=sub.label if is_owner else None,
        ways=ways,
        chosen=None if last is None else last.method,
        go_url=f"{place.url}/go" if goes_there else None,
        asked=asked,
        pause_s=_PAUSES_S[min(asked, len(_PAUSES_S) - 1)],
    )
