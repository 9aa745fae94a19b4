"""The documents of `/api/v1/subscription-plans` and `/api/v1/subscriptions`."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from app.orders.rules import UNIT_PRICE_MAX_MINOR
from app.subscriptions.plan_checks import NAME_MAX, NOTICE_DAYS_MAX, TRIAL_DAYS_MAX
from app.web.api.schemas import Currency, Input, Locale, Percent

PlanName = Annotated[str, Meta(min_length=1, max_length=NAME_MAX)]
PriceMinor = Annotated[int, Meta(ge=1, le=UNIT_PRICE_MAX_MINOR)]
State = Literal["trialing", "active", "past_due", "paused", "cancelling", "ended"]


class NewSubscriptionPlan(Input, frozen=True, forbid_unknown_fields=True):
    """What a plan asks for: a price with VAT for each period of so many (`every`) weeks or months.

    `names` are by language, the shop's own among them. A trial lasts `trial_days` and costs `trial_minor`, one minor
    unit at least. Whoever ends says so `notice_days` before, and stays for `minimum_periods` at least.
    """

    names: dict[Locale, PlanName]
    currency: Currency
    amount_minor: PriceMinor
    vat_percent: Percent
    unit: Literal["week", "month"]
    every: Annotated[int, Meta(ge=1, le=52)] = 1
    trial_days: Annotated[int, Meta(ge=0, le=TRIAL_DAYS_MAX)] = 0
    trial_minor: Annotated[int, Meta(ge=0, le=UNIT_PRICE_MAX_MINOR)] = 0
    notice_days: Annotated[int, Meta(ge=0, le=NOTICE_DAYS_MAX)] = 0
    minimum_periods: Annotated[int, Meta(ge=0, le=104)] = 0


class SubscriptionPlan(msgspec.Struct, frozen=True):
    """A plan as it stands. `version` counts its changes; `subscribers` have it now."""

    id: str
    state: Literal["active", "ended"]
    version: int
    names: dict[str, str]
    currency: str
    amount_minor: int
    vat_percent: str
    unit: Literal["week", "month"]
    every: int
    trial_days: int
    trial_minor: int
    notice_days: int
    minimum_periods: int
    subscribers: int
    created_at: datetime


class SubscriptionPlanList(msgspec.Struct, frozen=True):
    data: tuple[SubscriptionPlan, ...]
    next_cursor: str | None


class Subscription(msgspec.Struct, frozen=True):
    """A subscription as it stands. Days are of the shop's country. `next_charge_on` is None where nothing more is
    charged. `order_id` is the order that began it; each renewal is an order of its own."""

    id: str
    state: State
    plan_id: str
    order_id: str
    customer_id: str
    reference: str
    amount_minor: int
    currency: str
    method: Literal["card", "mobilepay", "invoice"]
    period_starts_on: date
    period_ends_on: date
    next_charge_on: date | None
    ends_on: date | None
    end_reason: Literal["cancelled", "unpaid", "by_shop"] | None
    created_at: datetime


class SubscriptionList(msgspec.Struct, frozen=True):
    data: tuple[Subscription, ...]
    next_cursor: str | None
