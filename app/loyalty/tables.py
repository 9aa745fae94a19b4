"""What stands behind points: programmes, earnings, claw-backs. The database has composite keys: see migrations/."""

from piccolo.columns import JSONB, UUID, BigInt, Integer, Text, Timestamptz
from piccolo.table import Table


class LoyaltyProgramme(Table, tablename="loyalty_programmes"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    version = Integer(default=None)
    content = JSONB(default=None)
    actor = Text(default=None)
    from_at = Timestamptz(default=None)


class LoyaltyEarning(Table, tablename="loyalty_earnings"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    order_id = UUID(default=None)
    customer_id = UUID(default=None)
    version = Integer(default=None)
    points = BigInt(default=None)
    total_minor = BigInt(default=None)
    content = JSONB(default=None)
    paid_at = Timestamptz(default=None)
    usable_from = Timestamptz(null=True, default=None)
    expires_at = Timestamptz(null=True, default=None)


class LoyaltyClawBack(Table, tablename="loyalty_claw_backs"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    earning_id = UUID(default=None)
    refund = Text(default=None)
    refunded_minor = BigInt(default=None)
    points = BigInt(default=None)
    debt_points = BigInt(default=None)
    at = Timestamptz(default=None)


class LoyaltyAdjustment(Table, tablename="loyalty_adjustments"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    customer_id = UUID(default=None)
    points = BigInt(default=None)
    reason = Text(default=None)
    actor = Text(default=None)
    at = Timestamptz(default=None)


class LoyaltyTurn(Table, tablename="loyalty_turns"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    customer_id = UUID(default=None)
    key = Text(default=None)
    version = Integer(default=None)
    points = BigInt(default=None)
    amount_minor = BigInt(default=None)
    currency = Text(default=None)
    at = Timestamptz(default=None)
