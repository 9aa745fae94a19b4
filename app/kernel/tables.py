"""The kernel's tables. The database has composite keys: see migrations/."""

from piccolo.columns import JSONB, UUID, Array, BigInt, Bytea, Integer, SmallInt, Text, Timestamptz
from piccolo.table import Table


class BusinessClock(Table, tablename="business_clock"):
    id = SmallInt(primary_key=True, default=None)
    offset_s = BigInt(default=None)


class Event(Table, tablename="events"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    public_id = Text(default=None)
    type = Text(default=None)
    data = JSONB(default=None)
    created_at = Timestamptz(default=None)


class OutboxJob(Table, tablename="outbox"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    kind = Text(default=None)
    payload = JSONB(default=None)
    about = Text(null=True, default=None)
    key = Text(null=True, default=None)
    run_at = Timestamptz(default=None)
    leased_until = Timestamptz(null=True, default=None)
    attempts = Integer(default=0)
    created_at = Timestamptz(default=None)
    done_at = Timestamptz(null=True, default=None)
    failed_at = Timestamptz(null=True, default=None)


class OutboxTry(Table, tablename="outbox_tries"):
    merchant_id = UUID(default=None)
    outbox_id = UUID(default=None)
    attempt = Integer(primary_key=True, default=None)
    started_at = Timestamptz(default=None)
    ended_at = Timestamptz(default=None)
    outcome = Text(default=None)
    detail = Text(default=None)


class IdempotencyKey(Table, tablename="idempotency_keys"):
    merchant_id = UUID(default=None)
    scope = Text(default=None)
    key = Text(primary_key=True, default=None)
    request_digest = Bytea(default=None)
    status = Integer(null=True, default=None)
    body = Bytea(null=True, default=None)
    content_type = Text(null=True, default=None)
    created_at = Timestamptz(default=None)


class LimitCounter(Table, tablename="limits"):
    scope = Text(default=None)
    subject = Bytea(primary_key=True, default=None)
    hits = Array(base_column=Timestamptz(), default=None)


class BudgetCounter(Table, tablename="budgets"):
    scope = Text(default=None)
    subject = Bytea(default=None)
    starts_at = Timestamptz(primary_key=True, default=None)
    used = BigInt(default=None)


class Breaker(Table, tablename="breakers"):
    door = Text(primary_key=True, default=None)
    failures = Integer(default=None)
    failed_at = Timestamptz(default=None)
    open_until = Timestamptz(null=True, default=None)


class AuditEntry(Table, tablename="audit_log"):
    id = UUID(primary_key=True, default=None)
    merchant_id = UUID(null=True, default=None)
    actor = Text(default=None)
    action = Text(default=None)
    subject = Text(default=None)
    at = Timestamptz(default=None)
    detail = JSONB(default=None)
