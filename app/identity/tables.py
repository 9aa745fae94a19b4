"""Customers, their identities, browsers and codes. The database has composite keys: see migrations/."""

from piccolo.columns import UUID, Bytea, Date, SmallInt, Text, Timestamptz
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


class Profile(Table, tablename="profiles"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    customer_id = UUID(default=None)
    created_at = Timestamptz(default=None)
