"""Merchants and what belongs to them. Keys in the database are composite (merchant_id, id)."""

from piccolo.columns import UUID, Array, BigInt, Boolean, Bytea, Integer, Text, Timestamptz
from piccolo.table import Table


class Merchant(Table, tablename="merchants"):
    id = UUID(primary_key=True, default=None)
    public_id = Text(default=None)
    name = Text(default=None)
    country = Text(default=None)
    currency = Text(default=None)
    locale = Text(default=None)
    time_zone = Text(default=None)
    creditor = Text(default=None)
    accent = Text(null=True, default=None)
    logo_url = Text(null=True, default=None)
    contact_email = Text(default=None)
    return_hosts = Array(base_column=Text(), default=None)
    recognise_returning = Boolean(default=None)
    code_alone_max_minor = BigInt(null=True, default=None)
    credit_limit_minor = BigInt(default=None)
    created_at = Timestamptz(default=None)
    passkey_counts = Boolean(null=True, default=None)
    link_grace_s = Integer(default=1800)
    link_reminders_h = Array(base_column=Integer(), default=None)
    company_limit_minor = BigInt(default=500000)


class ApiKey(Table, tablename="api_keys"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    name = Text(default=None)
    hint = Text(default=None)
    digest = Bytea(default=None)
    created_at = Timestamptz(default=None)
    expires_at = Timestamptz(null=True, default=None)
    revoked_at = Timestamptz(null=True, default=None)


class StaffMember(Table, tablename="staff"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    public_id = Text(default=None)
    email = Text(default=None)
    name = Text(default=None)
    password_hash = Text(default=None)
    totp_secret = Bytea(default=None)
    totp_last_step = BigInt(default=0)
    role = Text(default=None)
    created_at = Timestamptz(default=None)
    disabled_at = Timestamptz(null=True, default=None)


class StaffSession(Table, tablename="staff_sessions"):
    id = UUID(primary_key=True, default=None)
    token_digest = Bytea(default=None)
    merchant_id = UUID(default=None)
    staff_id = UUID(default=None)
    created_at = Timestamptz(default=None)
    last_seen_at = Timestamptz(default=None)
    expires_at = Timestamptz(default=None)


class WebhookEndpoint(Table, tablename="webhook_endpoints"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    public_id = Text(default=None)
    url = Text(default=None)
    secret = Bytea(default=None)
    types = Array(base_column=Text(), default=None)
    created_at = Timestamptz(default=None)
    disabled_at = Timestamptz(null=True, default=None)
    deleted_at = Timestamptz(null=True, default=None)


class MerchantMethod(Table, tablename="merchant_methods"):
    merchant_id = UUID(primary_key=True, default=None)
    method = Text(default=None)
    is_on = Boolean(default=None)
    min_minor = BigInt(null=True, default=None)
    max_minor = BigInt(null=True, default=None)
    not_for = Array(base_column=Text(), default=None)
    changed_at = Timestamptz(default=None)
    changed_by = Text(default=None)


class MerchantModule(Table, tablename="merchant_modules"):
    merchant_id = UUID(primary_key=True, default=None)
    module = Text(default=None)
    is_on = Boolean(default=None)
    price_minor = BigInt(default=None)
    changed_at = Timestamptz(default=None)
    changed_by = Text(default=None)


class MerchantModuleChange(Table, tablename="merchant_module_changes"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    module = Text(default=None)
    is_on = Boolean(default=None)
    price_minor = BigInt(default=None)
    changed_at = Timestamptz(default=None)
    changed_by = Text(default=None)
