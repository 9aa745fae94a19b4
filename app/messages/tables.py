"""What the sandbox twins remember. The database has composite keys: see migrations/."""

from piccolo.columns import JSONB, UUID, Array, Bytea, Date, Integer, Text, Timestamptz
from piccolo.table import Table


class SandboxMessage(Table, tablename="sandbox_messages"):
    id = UUID(primary_key=True, default=None)
    merchant_id = UUID(null=True, default=None)
    channel = Text(default=None)
    recipient = Text(default=None)
    subject = Text(default=None)
    body = Text(default=None)
    html = Text(null=True, default=None)
    code = Text(null=True, default=None)
    links = Array(base_column=Text(), default=None)
    at = Timestamptz(default=None)


class SandboxAttachment(Table, tablename="sandbox_attachments"):
    message_id = UUID(default=None)
    position = Integer(primary_key=True, default=None)
    name = Text(default=None)
    content_type = Text(default=None)
    data = Bytea(default=None)


class SandboxShopper(Table, tablename="sandbox_shoppers"):
    id = UUID(primary_key=True, default=None)
    kind = Text(default=None)
    name = Text(default=None)
    phone = Text(null=True, default=None)
    postcode = Text(default=None)
    email = Text(default=None)
    street = Text(default=None)
    city = Text(default=None)
    country = Text(default=None)
    subject = Text(default=None)
    national_number = Text(default=None)
    birthdate = Date(default=None)
    register = JSONB(default=None)
    created_at = Timestamptz(default=None)


class SandboxMemory(Table, tablename="sandbox_memory"):
    key = Text(primary_key=True, default=None)
    value = JSONB(default=None)
    expires_at = Timestamptz(default=None)


class SandboxMobilePay(Table, tablename="sandbox_mobilepay"):
    kind = Text(default=None)
    id = Text(primary_key=True, default=None)
    value = JSONB(default=None)
    made_at = Timestamptz(default=None)


class SandboxStripe(Table, tablename="sandbox_stripe"):
    kind = Text(default=None)
    id = Text(primary_key=True, default=None)
    customer = Text(null=True, default=None)
    value = JSONB(default=None)
    made_at = Timestamptz(default=None)
