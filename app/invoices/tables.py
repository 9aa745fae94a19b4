"""Invoices and what follows them. The database has composite keys: see migrations/."""

from piccolo.columns import JSONB, UUID, BigInt, Date, Integer, Text, Timestamptz
from piccolo.table import Table


class InvoiceSeller(Table, tablename="invoice_sellers"):
    merchant_id = UUID(primary_key=True, default=None)
    company_id = Text(null=True, default=None)
    vat_id = Text(null=True, default=None)
    street = Text(null=True, default=None)
    postcode = Text(null=True, default=None)
    city = Text(null=True, default=None)
    iban = Text(null=True, default=None)
    name = Text(null=True, default=None)
    email = Text(null=True, default=None)
    phone = Text(null=True, default=None)
    bic = Text(null=True, default=None)
    footer = Text(null=True, default=None)


class InvoiceSeries(Table, tablename="invoice_series"):
    merchant_id = UUID(default=None)
    year = Integer(primary_key=True, default=None)
    last_number = Integer(default=None)


class Invoice(Table, tablename="invoices"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    public_id = Text(default=None)
    kind = Text(default=None)
    number = Text(default=None)
    series_year = Integer(null=True, default=None)
    series_number = Integer(null=True, default=None)
    order_id = UUID(default=None)
    customer_id = UUID(null=True, default=None)
    quote_id = Text(null=True, default=None)
    instalment = Integer(default=None)
    opposes_id = UUID(null=True, default=None)
    currency = Text(default=None)
    amount_minor = BigInt(default=None)
    principal_minor = BigInt(default=None)
    interest_minor = BigInt(default=None)
    fee_minor = BigInt(default=None)
    paid_minor = BigInt(default=None)
    issue_on = Date(default=None)
    due_on = Date(null=True, default=None)
    reference = Text(null=True, default=None)
    state = Text(default=None)
    delivery = Text(default=None)
    lang = Text(default=None)
    content = JSONB(default=None)
    created_at = Timestamptz(default=None)
    charges_posted_at = Timestamptz(null=True, default=None)
    remind_on = Date(null=True, default=None)
    credited_minor = BigInt(default=None)
    dropped_interest_minor = BigInt(default=None)
    dropped_fee_minor = BigInt(default=None)
    restored_minor = BigInt(default=None)
    put_minor = BigInt(default=None)


class InvoiceHistory(Table, tablename="invoice_history"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    subject_id = UUID(default=None)
    from_state = Text(null=True, default=None)
    to_state = Text(default=None)
    event = Text(default=None)
    actor = Text(default=None)
    at = Timestamptz(default=None)
    detail = JSONB(default=None)


class InvoicePayment(Table, tablename="invoice_payments"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    public_id = Text(default=None)
    invoice_id = UUID(default=None)
    key = Text(default=None)
    amount_minor = BigInt(default=None)
    applied_minor = BigInt(default=None)
    over_minor = BigInt(default=None)
    currency = Text(default=None)
    paid_on = Date(default=None)
    source = Text(default=None)
    actor = Text(default=None)
    recorded_at = Timestamptz(default=None)


class InvoiceReminder(Table, tablename="invoice_reminders"):
    merchant_id = UUID(default=None)
    invoice_id = UUID(default=None)
    step = Integer(primary_key=True, default=None)
    channel = Text(default=None)
    decided_at = Timestamptz(default=None)
