"""Imports of orders, their rows, and which rows have made their order. The database has composite keys: see
migrations/."""

from piccolo.columns import JSONB, UUID, Array, BigInt, Boolean, Bytea, Integer, Text, Timestamptz
from piccolo.table import Table


class OrderImport(Table, tablename="order_imports"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    public_id = Text(default=None)
    state = Text(default=None)
    upload_key = UUID(default=None)
    digest = Bytea(default=None)
    file_name = Text(null=True, default=None)
    content = Text(null=True, default=None)
    columns = Array(base_column=Text(), null=True, default=None)
    unused_columns = Array(base_column=Text(), default=None)
    rows_total = Integer(null=True, default=None)
    refusal = Text(null=True, default=None)
    refusal_detail = Text(null=True, default=None)
    valid_days = Integer(null=True, default=None)
    created_at = Timestamptz(default=None)
    created_by = Text(default=None)
    forget_at = Timestamptz(null=True, default=None)
    sends = Boolean(default=None)


class OrderImportHistory(Table, tablename="order_import_history"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    subject_id = UUID(default=None)
    from_state = Text(null=True, default=None)
    to_state = Text(default=None)
    event = Text(default=None)
    actor = Text(default=None)
    at = Timestamptz(default=None)
    detail = JSONB(default=None)


class OrderImportRow(Table, tablename="order_import_rows"):
    merchant_id = UUID(default=None)
    import_id = UUID(default=None)
    position = Integer(primary_key=True, default=None)
    line = Integer(default=None)
    state = Text(default=None)
    cells = JSONB(null=True, default=None)
    faults = JSONB(default=None)
    reference = Text(null=True, default=None)
    reference_used = Boolean(default=None)
    row_key = Bytea(null=True, default=None)
    total_minor = BigInt(null=True, default=None)
    order_id = UUID(null=True, default=None)


class OrderImportKey(Table, tablename="order_import_keys"):
    merchant_id = UUID(default=None)
    row_key = Bytea(primary_key=True, default=None)
    order_id = UUID(default=None)
    made_at = Timestamptz(default=None)
