"""Links that many people pay by: what each asks for, and every use of it."""

from app.kernel.migration import SqlMigration

ID = "2026-11-21T04:51:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Reusable payment links and their uses"

SQL = """
-- token: the secret of the address, in the same space as those of payment_links. Either the sum is fixed, or whoever
-- pays types one between two bounds. reference: the same for all; without one whoever pays types it.
CREATE TABLE reusable_links (
    merchant_id    uuid NOT NULL REFERENCES merchants (id) ON DELETE RESTRICT,
    id             uuid NOT NULL,
    public_id      text NOT NULL,
    token          text NOT NULL CHECK (length(token) >= 43),
    state          text NOT NULL CHECK (state IN ('active', 'stopped')),
    title          text NOT NULL CHECK (length(title) BETWEEN 1 AND 200),
    country        text NOT NULL CHECK (country IN ('FI', 'SE', 'DK', 'BG')),
    currency       text NOT NULL CHECK (currency IN ('EUR', 'SEK', 'DKK')),
    buyer          text NOT NULL CHECK (buyer IN ('consumer', 'business')),
    amount_minor   bigint CHECK (amount_minor BETWEEN 1 AND 10000000000),
    min_minor      bigint CHECK (min_minor BETWEEN 1 AND 10000000000),
    max_minor      bigint CHECK (max_minor BETWEEN 1 AND 10000000000),
    vat_percent    numeric(5, 2) NOT NULL CHECK (vat_percent BETWEEN 0 AND 100),
    reference      text CHECK (length(reference) BETWEEN 1 AND 100),
    reference_hint text CHECK (length(reference_hint) BETWEEN 1 AND 100),
    uses_max       integer CHECK (uses_max BETWEEN 1 AND 100000),
    expires_at     timestamptz,
    form_key       uuid NOT NULL,
    created_at     timestamptz NOT NULL,
    created_by     text NOT NULL CHECK (created_by <> ''),
    PRIMARY KEY (merchant_id, id),
    CHECK ((amount_minor IS NULL) = (min_minor IS NOT NULL AND max_minor IS NOT NULL)),
    CHECK (min_minor <= max_minor)
);
CREATE UNIQUE INDEX reusable_links_token ON reusable_links (token);
CREATE UNIQUE INDEX reusable_links_public ON reusable_links (merchant_id, public_id);
-- A form sent twice makes one link.
CREATE UNIQUE INDEX reusable_links_once ON reusable_links (merchant_id, form_key);
CREATE INDEX reusable_links_newest ON reusable_links (merchant_id, created_at DESC, id DESC);

CREATE TABLE reusable_link_history (
    merchant_id uuid NOT NULL,
    id          uuid NOT NULL,
    subject_id  uuid NOT NULL,
    from_state  text,
    to_state    text NOT NULL,
    event       text NOT NULL,
    actor       text NOT NULL,
    at          timestamptz NOT NULL,
    detail      jsonb NOT NULL,
    PRIMARY KEY (merchant_id, id),
    FOREIGN KEY (merchant_id, subject_id) REFERENCES reusable_links (merchant_id, id) ON DELETE RESTRICT
);
CREATE INDEX reusable_link_history_subject ON reusable_link_history (merchant_id, subject_id, id);
CREATE TRIGGER reusable_link_history_only_grows BEFORE UPDATE OR DELETE ON reusable_link_history
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- One use is one order. form_key and digest: the same press, with the same contents, is the same use.
CREATE TABLE reusable_uses (
    merchant_id uuid NOT NULL,
    id          uuid NOT NULL,
    link_id     uuid NOT NULL,
    order_id    uuid NOT NULL,
    form_key    uuid NOT NULL,
    digest      bytea NOT NULL CHECK (length(digest) = 32),
    used_at     timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, id),
    FOREIGN KEY (merchant_id, link_id) REFERENCES reusable_links (merchant_id, id) ON DELETE RESTRICT,
    FOREIGN KEY (merchant_id, order_id) REFERENCES orders (merchant_id, id) ON DELETE RESTRICT
);
CREATE UNIQUE INDEX reusable_uses_once ON reusable_uses (merchant_id, link_id, form_key, digest);
CREATE UNIQUE INDEX reusable_uses_order ON reusable_uses (merchant_id, order_id);
CREATE INDEX reusable_uses_newest ON reusable_uses (merchant_id, link_id, used_at DESC, id DESC);
CREATE TRIGGER reusable_uses_only_grow BEFORE UPDATE OR DELETE ON reusable_uses
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""

forwards = SqlMigration(ID, DESCRIPTION, SQL)
