"""Cases and their history. The database has composite keys: see migrations/."""

from piccolo.columns import JSONB, UUID, Array, BigInt, Boolean, Integer, Text, Timestamptz
from piccolo.table import Table


class Case(Table, tablename="cases"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    public_id = Text(default=None)
    kind = Text(default=None)
    state = Text(default=None)
    asked_by = Text(default=None)
    session_id = UUID(null=True, default=None)
    decision_id = UUID(null=True, default=None)
    amount_minor = BigInt(default=None)
    currency = Text(default=None)
    lang = Text(default=None)
    statement = Text(null=True, default=None)
    name = Text(null=True, default=None)
    phone = Text(null=True, default=None)
    email = Text(null=True, default=None)
    opened_at = Timestamptz(default=None)
    due_at = Timestamptz(default=None)
    resolved_at = Timestamptz(null=True, default=None)
    resolved_by = Text(null=True, default=None)
    note = Text(null=True, default=None)
    forgotten_at = Timestamptz(null=True, default=None)
    payment_id = UUID(null=True, default=None)
    kept_for_id = UUID(null=True, default=None)
    provider_payment_id = UUID(null=True, default=None)
    payment_refund_id = UUID(null=True, default=None)
    is_blind = Boolean(default=False)
    rank_at = Timestamptz(default=None)
    taken_by = Text(null=True, default=None)
    taken_until = Timestamptz(null=True, default=None)
    first_taken_at = Timestamptz(null=True, default=None)
    assigned_to = Text(null=True, default=None)
    snoozed_until = Timestamptz(null=True, default=None)
    answer = Text(null=True, default=None)
    reason = Text(null=True, default=None)
    tags = Array(base_column=Text(), default=list)
    decided_by = Text(null=True, default=None)
    decided_at = Timestamptz(null=True, default=None)
    effective_at = Timestamptz(null=True, default=None)
    checked_name = Text(null=True, default=None)
    checked_how = Text(null=True, default=None)
    first_by = Text(null=True, default=None)
    first_at = Timestamptz(null=True, default=None)
    refused = Text(null=True, default=None)
    dispute_id = UUID(null=True, default=None)


class CaseHistory(Table, tablename="case_history"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    subject_id = UUID(default=None)
    from_state = Text(null=True, default=None)
    to_state = Text(default=None)
    event = Text(default=None)
    actor = Text(default=None)
    at = Timestamptz(default=None)
    detail = JSONB(default=None)


class CaseQuestion(Table, tablename="case_questions"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    public_id = Text(default=None)
    case_id = UUID(default=None)
    asked_by = Text(default=None)
    asked_at = Timestamptz(default=None)
    question = Text(null=True, default=None)
    answer = Text(null=True, default=None)
    answered_at = Timestamptz(null=True, default=None)


class ReviewSettings(Table, tablename="review_settings"):
    merchant_id = UUID(primary_key=True, default=None)
    sample_ppm = Integer(default=None)
    second_above_minor = BigInt(null=True, default=None)
    changed_at = Timestamptz(default=None)
    changed_by = Text(default=None)
