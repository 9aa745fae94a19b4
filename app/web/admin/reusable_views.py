"""What the templates of reusable links are given."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from app.kernel.money import Money

if TYPE_CHECKING:
    from app.links.reusable.queries import ReusableView, UseView

Standing = Literal["active", "stopped", "lapsed", "used_up"]


@dataclass(frozen=True, slots=True)
class ReusableRow:
    """One line of the list; `amount` is None where whoever pays types the sum."""

    public_id: str
    title: str
    standing: Standing
    amount: Money | None
    paid: int
    uses_max: int | None
    paid_sum: Money


@dataclass(frozen=True, slots=True)
class ReusableFace:
    """One link with everything that staff ask of it. `on_the_way` are payments that have begun."""

    public_id: str
    title: str
    url: str
    standing: Standing
    is_stopped: bool
    amount: Money | None
    least: Money | None
    most: Money | None
    vat_percent: Decimal
    buyer: str
    reference: str | None
    reference_hint: str | None
    uses_max: int | None
    until: datetime | None
    paid: int
    on_the_way: int
    paid_sum: Money
    created_at: datetime


@dataclass(frozen=True, slots=True)
class UseRow:
    order_public_id: str
    reference: str
    state: str
    total: Money
    used_at: datetime


def row_of(link: ReusableView, now: datetime) -> ReusableRow:
    return ReusableRow(
        public_id=link.public_id,
        title=link.title,
        standing=link.closed(now) or "active",
        amount=_money(link.amount_minor, link.currency),
        paid=link.paid,
        uses_max=link.uses_max,
        paid_sum=Money(link.paid_minor, link.currency),
    )


def face_of(link: ReusableView, base_url: str, now: datetime) -> ReusableFace:
    return ReusableFace(
        public_id=link.public_id,
        title=link.title,
        url=link.url(base_url),
        standing=link.closed(now) or "active",
        is_stopped=link.state == "stopped",
        amount=_money(link.amount_minor, link.currency),
        least=_money(link.min_minor, link.currency),
        most=_money(link.max_minor, link.currency),
        vat_percent=link.vat_percent,
        buyer=link.buyer,
        reference=link.reference,
        reference_hint=link.reference_hint,
        uses_max=link.uses_max,
        until=link.expires_at,
        paid=link.paid,
        on_the_way=link.uses - link.paid,
        paid_sum=Money(link.paid_minor, link.currency),
        created_at=link.created_at,
    )


def use_of(use: UseView, currency: str) -> UseRow:
    return UseRow(
        order_public_id=use.order_public_id,
        reference=use.reference,
        state=use.state.value,
        total=Money(use.total_minor, currency),
        used_at=use.used_at,
    )


def _money(minor: int | None, currency: str) -> Money | None:
    return None if minor is None else Money(minor, currency)
