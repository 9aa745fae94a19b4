"""The till's tables. The database has composite keys: see migrations/."""

from piccolo.columns import UUID, BigInt, Integer, Numeric, Text, Timestamptz
from piccolo.table import Table


class Product(Table, tablename="products"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    public_id = Text(default=None)
    name = Text(default=None)
    category = Text(null=True, default=None)
    sku = Text(null=True, default=None)
    price_minor = BigInt(default=None)
    vat_percent = Numeric(digits=(5, 2), default=None)
    created_at = Timestamptz(default=None)
    retired_at = Timestamptz(null=True, default=None)


class ShopCustomer(Table, tablename="shop_customers"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    public_id = Text(default=None)
    buyer = Text(default=None)
    name = Text(default=None)
    email = Text(default=None)
    phone = Text(null=True, default=None)
    street = Text(null=True, default=None)
    postcode = Text(null=True, default=None)
    city = Text(null=True, default=None)
    created_at = Timestamptz(default=None)
    used_at = Timestamptz(default=None)


class Till(Table, tablename="tills"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    public_id = Text(default=None)
    name = Text(default=None)
    sign = Text(default=None)
    code = Text(default=None)
    last_number = Integer(default=None)
    code_order_id = UUID(null=True, default=None)
    code_since = Timestamptz(null=True, default=None)
    created_at = Timestamptz(default=None)


class TillReceipt(Table, tablename="till_receipts"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    till_id = UUID(default=None)
    staff_id = UUID(default=None)
    customer_id = UUID(null=True, default=None)
    order_id = UUID(null=True, default=None)
    discount_percent = Numeric(digits=(5, 2), null=True, default=None)
    discount_minor = BigInt(null=True, default=None)
    press = UUID(default=None)
    changed_at = Timestamptz(default=None)


class TillReceiptLine(Table, tablename="till_receipt_lines"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    receipt_id = UUID(default=None)
    product_id = UUID(null=True, default=None)
    name = Text(default=None)
    category = Text(null=True, default=None)
    sku = Text(null=True, default=None)
    quantity = Integer(default=None)
    unit_price_minor = BigInt(default=None)
    vat_percent = Numeric(digits=(5, 2), default=None)
