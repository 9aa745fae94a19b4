"""Orders, their lines, contacts and history. The database has composite keys: see migrations/."""

from piccolo.columns import JSONB, UUID, Array, BigInt, Boolean, Integer, Numeric, Text, Timestamptz
from piccolo.table import Table


class Order(Table, tablename="orders"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    public_id = Text(default=None)
    state = Text(default=None)
    version = Integer(default=None)
    reference = Text(default=None)
    country = Text(default=None)
    currency = Text(default=None)
    buyer = Text(default=None)
    total_minor = BigInt(default=None)
    refundable_minor = BigInt(default=None)
    customer_id = UUID(null=True, default=None)
    quote_id = Text(null=True, default=None)
    created_at = Timestamptz(default=None)
    accepted_at = Timestamptz(null=True, default=None)
    paid_at = Timestamptz(null=True, default=None)
    watched = Boolean(default=False)
    shown_version = Integer(default=1)
    recorded_payment_id = UUID(null=True, default=None)
    current_quote_id = Text(null=True, default=None)
    shipping_options = JSONB(null=True, default=None)
    extras_by = UUID(null=True, default=None)


class OrderLine(Table, tablename="order_lines"):
    merchant_id = UUID(default=None)
    order_id = UUID(default=None)
    version = Integer(default=None)
    position = Integer(primary_key=True, default=None)
    type = Text(default=None)
    sku = Text(null=True, default=None)
    name = Text(default=None)
    category = Text(null=True, default=None)
    quantity = Integer(default=None)
    unit_price_minor = BigInt(default=None)
    vat_percent = Numeric(digits=(5, 2), default=None)
    total_minor = BigInt(default=None)
    origin = Text(default="shop")


class OrderContact(Table, tablename="order_contacts"):
    merchant_id = UUID(default=None)
    order_id = UUID(primary_key=True, default=None)
    name = Text(null=True, default=None)
    email = Text(null=True, default=None)
    phone = Text(null=True, default=None)
    postcode = Text(null=True, default=None)
    street = Text(null=True, default=None)
    city = Text(null=True, default=None)
    note = Text(null=True, default=None)
    forget_at = Timestamptz(null=True, default=None)
    company_country = Text(null=True, default=None)
    company_number = Text(null=True, default=None)
    company_name = Text(null=True, default=None)
    purchase_order = Text(null=True, default=None)


class OrderVersion(Table, tablename="order_versions"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    order_id = UUID(default=None)
    version = Integer(default=None)
    total_minor = BigInt(default=None)
    changes = Array(base_column=Text(), default=None)
    actor = Text(default=None)
    at = Timestamptz(default=None)


class OrderHistory(Table, tablename="order_history"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    subject_id = UUID(default=None)
    from_state = Text(null=True, default=None)
    to_state = Text(default=None)
    event = Text(default=None)
    actor = Text(default=None)
    at = Timestamptz(default=None)
    detail = JSONB(default=None)


class OrderWord(Table, tablename="order_words"):
    merchant_id = UUID(default=None)
    order_id = UUID(primary_key=True, default=None)
    word = Text(default=None)
    newest_first = BigInt(default=None)


class OrderViewed(Table, tablename="order_views"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    order_id = UUID(default=None)
    session_id = UUID(default=None)
    version = Integer(default=None)
    at = Timestamptz(default=None)
