"""What stands beside a wallet's accounts in the ledger. The database has composite keys: see migrations/."""

from piccolo.columns import JSONB, UUID, BigInt, Bytea, Text, Timestamptz
from piccolo.table import Table


class WalletAdjustment(Table, tablename="wallet_adjustments"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    public_id = Text(default=None)
    key = Text(default=None)
    customer_id = UUID(default=None)
    cause = Text(default=None)
    currency = Text(default=None)
    amount_minor = BigInt(default=None)
    expires_at = Timestamptz(null=True, default=None)
    note = Text(default=None)
    adjusted_by = Text(default=None)
    created_at = Timestamptz(default=None)
    state = Text(default=None)
    decided_by = Text(null=True, default=None)
    decided_at = Timestamptz(null=True, default=None)


class WalletAdjustmentHistory(Table, tablename="wallet_adjustment_history"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    subject_id = UUID(default=None)
    from_state = Text(null=True, default=None)
    to_state = Text(default=None)
    event = Text(default=None)
    actor = Text(default=None)
    at = Timestamptz(default=None)
    detail = JSONB(default=None)


class WalletPayout(Table, tablename="wallet_payouts"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    public_id = Text(default=None)
    key = Text(default=None)
    customer_id = UUID(default=None)
    hold_id = UUID(default=None)
    currency = Text(default=None)
    amount_minor = BigInt(default=None)
    state = Text(default=None)
    sealed = Bytea(null=True, default=None)
    hint = Text(default=None)
    requested_at = Timestamptz(default=None)
    requested_by = Text(default=None)
    ended_at = Timestamptz(null=True, default=None)
    approved_by = Text(null=True, default=None)
    approved_at = Timestamptz(null=True, default=None)


class WalletPayoutHistory(Table, tablename="wallet_payout_history"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    subject_id = UUID(default=None)
    from_state = Text(null=True, default=None)
    to_state = Text(default=None)
    event = Text(default=None)
    actor = Text(default=None)
    at = Timestamptz(default=None)
    detail = JSONB(default=None)


class WalletLiability(Table, tablename="wallet_liability"):
    merchant_id = UUID(primary_key=True, default=None)
    currency = Text(default=None)
    days_30_minor = BigInt(default=None)
    days_90_minor = BigInt(default=None)
    days_180_minor = BigInt(default=None)
    days_365_minor = BigInt(default=None)
    older_minor = BigInt(default=None)
    lapsing_minor = BigInt(default=None)
    wallet_count = BigInt(default=None)
    counted_at = Timestamptz(default=None)


class ProfileWord(Table, tablename="profile_words"):
    merchant_id = UUID(default=None)
    customer_id = UUID(primary_key=True, default=None)
    word = Text(default=None)
