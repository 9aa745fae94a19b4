"""Credit agreements as they were signed: the figures by id and hash, the sheet in words, and the document itself."""

from app.kernel.migration import SqlMigration

ID = "2026-11-21T03:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Agreements: signed, drawn once, never changed"

SQL = """
-- One a purchase. `content` is everything that is printed, `document` the PDF as it was sent; its hash and the quote's
-- are SHA-256 as hex. Names and addresses stand in both: they are kept as long as vouchers are.
CREATE TABLE agreements (
    merchant_id   uuid NOT NULL REFERENCES merchants (id) ON DELETE RESTRICT,
    id            uuid NOT NULL,
    public_id     text NOT NULL,
    order_id      uuid NOT NULL,
    customer_id   uuid NOT NULL REFERENCES customers (id) ON DELETE RESTRICT,
    quote_id      text NOT NULL,
    quote_hash    text NOT NULL CHECK (quote_hash ~ '^[0-9a-f]{64}$'),
    lang          text NOT NULL CHECK (lang IN ('fi', 'sv', 'en', 'da', 'bg')),
    signed_at     timestamptz NOT NULL,
    content       jsonb NOT NULL,
    document      bytea NOT NULL CHECK (length(document) > 0),
    document_hash text NOT NULL CHECK (document_hash = encode(sha256(document), 'hex')),
    remind_at     timestamptz NOT NULL CHECK (remind_at > signed_at),
    created_at    timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, id),
    UNIQUE (merchant_id, order_id),
    UNIQUE (merchant_id, public_id),
    FOREIGN KEY (merchant_id, order_id) REFERENCES orders (merchant_id, id) ON DELETE RESTRICT,
    FOREIGN KEY (merchant_id, quote_id) REFERENCES quotes (merchant_id, id) ON DELETE RESTRICT
);
CREATE INDEX agreements_customer ON agreements (customer_id);
CREATE TRIGGER agreements_only_grow BEFORE UPDATE OR DELETE ON agreements
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""

forwards = SqlMigration(ID, DESCRIPTION, SQL)
