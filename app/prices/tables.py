"""Price plans, what was counted, and closed months. Keys in the database are composite: see migrations/."""

from piccolo.columns import UUID, BigInt, Date, Integer, Text, Timestamptz
from piccolo.table import Table


class PricePlan(Table, tablename="price_plans"):
    merchant_id = UUID(primary_key=True, default=None)
    number = Integer(default=None)
    percent_bps = Integer(default=None)
    monthly_minor = BigInt(default=None)
    currency = Text(default=None)
    percent_from = Timestamptz(default=None)
    monthly_from = Date(default=None)
    set_by = Text(default=None)


class PricePlanMark(Table, tablename="price_plan_marks"):
    merchant_id = UUID(primary_key=True, default=None)
    number = Integer(default=None)
    account_id = UUID(default=None)
    from_seq = BigInt(default=None)


class PriceCount(Table, tablename="price_counts"):
    merchant_id = UUID(primary_key=True, default=None)
    next_month = Date(default=None)
    counted_at = Timestamptz(default=None, null=True)


class PriceMark(Table, tablename="price_marks"):
    merchant_id = UUID(default=None)
    account_id = UUID(primary_key=True, default=None)
    through_seq = BigInt(default=None)


class PriceSales(Table, tablename="price_sales"):
    merchant_id = UUID(primary_key=True, default=None)
    month = Date(default=None)
    percent_bps = Integer(default=None)
    bought_minor = BigInt(default=None)
    refunded_minor = BigInt(default=None)


class PriceStatement(Table, tablename="price_statements"):
    merchant_id = UUID(primary_key=True, default=None)
    month = Date(default=None)
    currency = Text(default=None)
    total_minor = BigInt(default=None)
    closed_at = Timestamptz(default=None)


class PriceLine(Table, tablename="price_lines"):
    merchant_id = UUID(primary_key=True, default=None)
    month = Date(default=None)
    number = Integer(default=None)
    kind = Text(default=None)
    amount_minor = BigInt(default=None)
    percent_bps = Integer(default=None, null=True)
    bought_minor = BigInt(default=None, null=True)
    refunded_minor = BigInt(default=None, null=True)
    module = Text(default=None, null=True)
    price_minor = BigInt(default=None, null=True)
    days = Integer(default=None, null=True)
    month_days = Integer(default=None, null=True)
