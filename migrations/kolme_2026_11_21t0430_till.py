"""The till: a short price list, the shop's address book, tills with their codes, and the receipt in the making."""

from app.kernel.migration import SqlMigration

ID = "2026-11-21T04:30:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Products, customers of a shop, tills and receipts"

SQL = """
-- Prices include VAT and are minor units of the merchant's currency. What is no longer sold is retired, never deleted:
-- a receipt may still hold it.
CREATE TABLE products (
    merchant_id uuid NOT NULL REFERENCES merchants (id) ON DELETE RESTRICT,
    id          uuid NOT NULL,
    public_id   text NOT NULL UNIQUE,
    name        text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    category    text CHECK (length(category) BETWEEN 1 AND 60),
    sku         text CHECK (length(sku) BETWEEN 1 AND 100),
    price_minor bigint NOT NULL CHECK (price_minor BETWEEN 0 AND 10000000000),
    vat_percent numeric(5, 2) NOT NULL CHECK (vat_percent BETWEEN 0 AND 100),
    created_at  timestamptz NOT NULL,
    retired_at  timestamptz,
    PRIMARY KEY (merchant_id, id)
);
CREATE INDEX products_offered ON products (merchant_id, category, name) WHERE retired_at IS NULL;
CREATE UNIQUE INDEX products_sku ON products (merchant_id, sku) WHERE retired_at IS NULL;

-- The address book of a shop's tills. It proves nothing about who somebody is.
CREATE TABLE shop_customers (
    merchant_id uuid NOT NULL REFERENCES merchants (id) ON DELETE RESTRICT,
    id          uuid NOT NULL,
    public_id   text NOT NULL UNIQUE,
    buyer       text NOT NULL CHECK (buyer IN ('consumer', 'business')),
    name        text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    email       text NOT NULL CHECK (length(email) BETWEEN 3 AND 254),
    phone       text,
    street      text,
    postcode    text,
    city        text,
    created_at  timestamptz NOT NULL,
    used_at     timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, id)
);
CREATE UNIQUE INDEX shop_customers_email ON shop_customers (merchant_id, lower(email) text_pattern_ops);
CREATE INDEX shop_customers_phone ON shop_customers (merchant_id, phone text_pattern_ops);
CREATE INDEX shop_customers_words ON shop_customers USING gin (to_tsvector('simple'::regconfig, name));
CREATE INDEX shop_customers_latest ON shop_customers (merchant_id, used_at DESC, id);
CREATE INDEX shop_customers_to_forget ON shop_customers (used_at);

-- code: the till's fixed address, on its sticker. code_order_id: what the cashier put on it, at code_since.
CREATE TABLE tills (
    merchant_id   uuid NOT NULL REFERENCES merchants (id) ON DELETE RESTRICT,
    id            uuid NOT NULL,
    public_id     text NOT NULL UNIQUE,
    name          text NOT NULL CHECK (length(name) BETWEEN 1 AND 60),
    sign          text NOT NULL CHECK (sign ~ '^[A-Z0-9]{1,8}$'),
    code          text NOT NULL UNIQUE CHECK (length(code) >= 26),
    last_number   integer NOT NULL DEFAULT 0 CHECK (last_number >= 0),
    code_order_id uuid,
    code_since    timestamptz,
    created_at    timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, id),
    UNIQUE (merchant_id, sign),
    FOREIGN KEY (merchant_id, code_order_id) REFERENCES orders (merchant_id, id) ON DELETE RESTRICT,
    CHECK ((code_order_id IS NULL) = (code_since IS NULL))
);
CREATE INDEX tills_code_order ON tills (merchant_id, code_order_id);

-- One receipt a till and member of staff. With an order it is open: the order holds what is owed, and the receipt
-- stays as it was typed until the next customer. press: the last change, so that one whose answer was lost is known.
CREATE TABLE till_receipts (
    merchant_id      uuid NOT NULL,
    id               uuid NOT NULL,
    till_id          uuid NOT NULL,
    staff_id         uuid NOT NULL,
    customer_id      uuid,
    order_id         uuid,
    discount_percent numeric(5, 2) CHECK (discount_percent > 0 AND discount_percent <= 100),
    discount_minor   bigint CHECK (discount_minor BETWEEN 1 AND 10000000000),
    press            uuid NOT NULL,
    changed_at       timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, id),
    UNIQUE (merchant_id, till_id, staff_id),
    FOREIGN KEY (merchant_id, till_id) REFERENCES tills (merchant_id, id) ON DELETE RESTRICT,
    FOREIGN KEY (merchant_id, staff_id) REFERENCES staff (merchant_id, id) ON DELETE RESTRICT,
    FOREIGN KEY (merchant_id, customer_id) REFERENCES shop_customers (merchant_id, id) ON DELETE RESTRICT,
    FOREIGN KEY (merchant_id, order_id) REFERENCES orders (merchant_id, id) ON DELETE RESTRICT,
    CHECK (discount_percent IS NULL OR discount_minor IS NULL)
);
CREATE INDEX till_receipts_staff ON till_receipts (merchant_id, staff_id);
CREATE INDEX till_receipts_customer ON till_receipts (merchant_id, customer_id);
CREATE INDEX till_receipts_order ON till_receipts (merchant_id, order_id);
CREATE INDEX till_receipts_left ON till_receipts (changed_at);

CREATE TABLE till_receipt_lines (
    merchant_id      uuid NOT NULL,
    id               uuid NOT NULL,
    receipt_id       uuid NOT NULL,
    product_id       uuid,
    name             text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    category         text,
    sku              text,
    quantity         integer NOT NULL CHECK (quantity BETWEEN 1 AND 9999),
    unit_price_minor bigint NOT NULL CHECK (unit_price_minor BETWEEN 0 AND 10000000000),
    vat_percent      numeric(5, 2) NOT NULL CHECK (vat_percent BETWEEN 0 AND 100),
    PRIMARY KEY (merchant_id, id),
    FOREIGN KEY (merchant_id, receipt_id) REFERENCES till_receipts (merchant_id, id) ON DELETE RESTRICT,
    FOREIGN KEY (merchant_id, product_id) REFERENCES products (merchant_id, id) ON DELETE RESTRICT
);
CREATE INDEX till_receipt_lines_receipt ON till_receipt_lines (merchant_id, receipt_id, id);
CREATE INDEX till_receipt_lines_product ON till_receipt_lines (merchant_id, product_id);
"""

forwards = SqlMigration(ID, DESCRIPTION, SQL)
