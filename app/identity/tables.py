"""Customers, their identities, browsers, codes and passkeys. The database has composite keys: see migrations/."""

from piccolo.columns import UUID, BigInt, Boolean, Bytea, Date, SmallInt, Text, Timestamptz
from piccolo.table import Table


class Customer(Table, tablename="customers"):
    id = UUID(primary_key=True, default=None)
    public_id = Text(default=None)
    phone = Text(null=True, default=None)
    claimed_phone = Text(null=True, default=None)
    postcode = Text(null=True, default=None)
    country = Text(default=None)
    name = Text(null=True, default=None)
    email = Text(null=True, default=None)
    street = Text(null=True, default=None)
    city = Text(null=True, default=None)
    state = Text(default=None)
    created_at = Timestamptz(default=None)


class VerifiedIdentityRow(Table, tablename="verified_identities"):
    id = UUID(primary_key=True, default=None)
    customer_id = UUID(default=None)
    issuer = Text(default=None)
    subject = Text(default=None)
    name = Text(default=None)
    birthdate = Date(null=True, default=None)
    country = Text(default=None)
    acr = Text(default=None)
    national_number = Bytea(null=True, default=None)
    verified_at = Timestamptz(default=None)


class Browser(Table, tablename="browsers"):
    id = UUID(primary_key=True, default=None)
    token_digest = Bytea(default=None)
    created_at = Timestamptz(default=None)
    expires_at = Timestamptz(default=None)
    device = Bytea(null=True, default=None)
    previous_digest = Bytea(null=True, default=None)
    previous_until = Timestamptz(null=True, default=None)
    handover = Bytea(null=True, default=None)


class CustomerSession(Table, tablename="customer_sessions"):
    id = UUID(primary_key=True, default=None)
    customer_id = UUID(default=None)
    token_digest = Bytea(default=None)
    way = Text(default=None)
    device = Text(default=None)
    created_at = Timestamptz(default=None)
    expires_at = Timestamptz(default=None)


class RememberedBrowser(Table, tablename="remembered_browsers"):
    id = UUID(primary_key=True, default=None)
    customer_id = UUID(default=None)
    token_digest = Bytea(default=None)
    previous_digest = Bytea(null=True, default=None)
    previous_until = Timestamptz(null=True, default=None)
    created_at = Timestamptz(default=None)
    expires_at = Timestamptz(default=None)
    ended_at = Timestamptz(null=True, default=None)


class CodeChallengeRow(Table, tablename="code_challenges"):
    id = UUID(primary_key=True, default=None)
    browser_id = UUID(default=None)
    subject = Text(default=None)
    country = Text(default=None)
    phone = Text(default=None)
    postcode = Text(default=None)
    code_digest = Bytea(default=None)
    tries_left = SmallInt(default=None)
    state = Text(default=None)
    created_at = Timestamptz(default=None)
    expires_at = Timestamptz(default=None)
    wall_created_at = Timestamptz(default=None)
    wall_expires_at = Timestamptz(default=None)
    approval_digest = Bytea(default=None)
    remember = Boolean(default=None)


class Profile(Table, tablename="profiles"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    customer_id = UUID(default=None)
    created_at = Timestamptz(default=None)


class Company(Table, tablename="companies"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    country = Text(default=None)
    number = Text(default=None)
    customer_id = UUID(default=None)
    created_at = Timestamptz(default=None)


class Passkey(Table, tablename="passkeys"):
    id = UUID(primary_key=True, default=None)
    public_id = Text(default=None)
    customer_id = UUID(default=None)
    credential_id = Bytea(default=None)
    public_key = Bytea(default=None)
    user_handle = Bytea(default=None)
    sign_count = BigInt(default=None)
    device = Text(default=None)
    synced = Boolean(default=None)
    created_at = Timestamptz(default=None)
    last_used_at = Timestamptz(null=True, default=None)
    ended_at = Timestamptz(null=True, default=None)
    ended_by = Text(null=True, default=None)


class PasskeyChallenge(Table, tablename="passkey_challenges"):
    id = UUID(primary_key=True, default=None)
    purpose = Text(default=None)
    browser_id = UUID(default=None)
    subject = Text(default=None)
    customer_id = UUID(null=True, default=None)
    user_handle = Bytea(null=True, default=None)
    nonce = Bytea(default=None)
    challenge = Bytea(default=None)
    created_at = Timestamptz(default=None)
    expires_at = Timestamptz(default=None)
    answered_at = Timestamptz(null=True, default=None)
