"""Plans, subscriptions, their periods and agreements. The database has composite keys: see migrations/."""

from piccolo.columns import JSONB, UUID, BigInt, Boolean, Date, Integer, Numeric, Text, Timestamptz
from piccolo.table import Table


class SubscriptionPlan(Table, tablename="subscription_plans"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    public_id = Text(default=None)
    state = Text(default=None)
    version = Integer(default=None)
    form_key = UUID(default=None)
    created_at = Timestamptz(default=None)
    created_by = Text(default=None)


class SubscriptionPlanHistory(Table, tablename="subscription_plan_history"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    subject_id = UUID(default=None)
    from_state = Text(null=True, default=None)
    to_state = Text(default=None)
    event = Text(default=None)
    actor = Text(default=None)
    at = Timestamptz(default=None)
    detail = JSONB(default=None)


class SubscriptionPlanVersion(Table, tablename="subscription_plan_versions"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    plan_id = UUID(default=None)
    version = Integer(default=None)
    names = JSONB(default=None)
    locale = Text(default=None)
    currency = Text(default=None)
    amount_minor = BigInt(default=None)
    vat_percent = Numeric(digits=(5, 2), default=None)
    unit = Text(default=None)
    every = Integer(default=None)
    trial_days = Integer(default=None)
    trial_minor = BigInt(default=None)
    notice_days = Integer(default=None)
    minimum_periods = Integer(default=None)
    created_at = Timestamptz(default=None)
    created_by = Text(default=None)


class SubscriptionOffer(Table, tablename="subscription_offers"):
    merchant_id = UUID(default=None)
    order_id = UUID(primary_key=True, default=None)
    version_id = UUID(default=None)


class Subscription(Table, tablename="subscriptions"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    public_id = Text(default=None)
    state = Text(default=None)
    customer_id = UUID(default=None)
    order_id = UUID(default=None)
    version_id = UUID(default=None)
    method = Text(default=None)
    delivery = Text(default=None)
    saved_method_id = UUID(null=True, default=None)
    lang = Text(default=None)
    anchor_on = Date(default=None)
    number = Integer(default=None)
    starts_on = Date(default=None)
    ends_on = Date(default=None)
    is_trial = Boolean(default=None)
    bound_until = Date(default=None)
    renewals = Integer(default=0)
    refusals = Integer(default=0)
    due_at = Timestamptz(null=True, default=None)
    remind_at = Timestamptz(null=True, default=None)
    cancel_on = Date(null=True, default=None)
    resume_on = Date(null=True, default=None)
    paused_days = Integer(null=True, default=None)
    next_version_id = UUID(null=True, default=None)
    next_from = Date(null=True, default=None)
    asked_version_id = UUID(null=True, default=None)
    asked_from = Date(null=True, default=None)
    ended_on = Date(null=True, default=None)
    end_reason = Text(null=True, default=None)
    created_at = Timestamptz(default=None)


class SubscriptionHistory(Table, tablename="subscription_history"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    subject_id = UUID(default=None)
    from_state = Text(null=True, default=None)
    to_state = Text(default=None)
    event = Text(default=None)
    actor = Text(default=None)
    at = Timestamptz(default=None)
    detail = JSONB(default=None)


class SubscriptionPeriod(Table, tablename="subscription_periods"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    subscription_id = UUID(default=None)
    kind = Text(default=None)
    starts_on = Date(default=None)
    ends_on = Date(default=None)
    version_id = UUID(default=None)
    amount_minor = BigInt(default=None)
    order_id = UUID(default=None)
    paid_at = Timestamptz(null=True, default=None)
    lapsed_at = Timestamptz(null=True, default=None)


class SubscriptionAgreement(Table, tablename="subscription_agreements"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    subscription_id = UUID(default=None)
    kind = Text(default=None)
    version_id = UUID(default=None)
    lang = Text(default=None)
    body = Text(default=None)
    hash = Text(default=None)
    accepted_at = Timestamptz(default=None)
    accepted_by = Text(default=None)


class SubscriptionDecline(Table, tablename="subscription_declines"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    subscription_id = UUID(default=None)
    version_id = UUID(default=None)
    declined_at = Timestamptz(default=None)
    declined_by = Text(default=None)


class SubscriptionExchange(Table, tablename="subscription_exchanges"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    public_id = Text(default=None)
    subscription_id = UUID(default=None)
    method = Text(default=None)
    state = Text(default=None)
    description = Text(default=None)
    currency = Text(default=None)
    country = Text(default=None)
    lang = Text(default=None)
    is_by_link = Boolean(default=False)
    provider_ref = Text(null=True, default=None)
    url = Text(null=True, default=None)
    failure = Text(null=True, default=None)
    saved_method_id = UUID(null=True, default=None)
    replaced_id = UUID(null=True, default=None)
    created_at = Timestamptz(default=None)
    expires_at = Timestamptz(default=None)
    ended_at = Timestamptz(null=True, default=None)
    checks = Integer(default=0)
    next_check_at = Timestamptz(null=True, default=None)
    leased_until = Timestamptz(null=True, default=None)


class SubscriptionExchangeHistory(Table, tablename="subscription_exchange_history"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    subject_id = UUID(default=None)
    from_state = Text(null=True, default=None)
    to_state = Text(default=None)
    event = Text(default=None)
    actor = Text(default=None)
    at = Timestamptz(default=None)
    detail = JSONB(default=None)
