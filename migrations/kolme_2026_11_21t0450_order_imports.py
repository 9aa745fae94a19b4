"""Orders out of a file: the import, each of its rows, and which rows have made their order."""

from app.kernel.migration import SqlMigration

ID = "2026-11-21T04:50:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Imports of orders out of a file"

SQL = """
-- content: the file as it came, until its rows are taken out of it. forget_at: when the rows lose what they say.
CREATE TABLE order_imports (
    merchant_id    uuid NOT NULL REFERENCES merchants (id) ON DELETE RESTRICT,
    id             uuid NOT NULL,
    public_id      text NOT NULL,
    state          text NOT NULL CHECK (state IN ('checking', 'refused', 'checked', 'dropped', 'making', 'stopped',
                       'done')),
    upload_key     uuid NOT NULL,
    digest         bytea NOT NULL CHECK (length(digest) = 32),
    file_name      text CHECK (length(file_name) BETWEEN 1 AND 100),
    content        text,
    columns        text[],
    unused_columns text[] NOT NULL DEFAULT '{}',
    rows_total     integer CHECK (rows_total BETWEEN 1 AND 10000),
    refusal        text,
    refusal_detail text,
    valid_days     integer CHECK (valid_days BETWEEN 1 AND 365),
    created_at     timestamptz NOT NULL,
    created_by     text NOT NULL CHECK (created_by <> ''),
    forget_at      timestamptz,
    PRIMARY KEY (merchant_id, id),
    CHECK (state <> 'refused' OR refusal IS NOT NULL),
    CHECK (state <> 'checking' OR content IS NOT NULL)
);
CREATE UNIQUE INDEX order_imports_public ON order_imports (merchant_id, public_id);
-- The same form sent twice is one import.
CREATE UNIQUE INDEX order_imports_once ON order_imports (merchant_id, upload_key, digest);
CREATE INDEX order_imports_newest ON order_imports (merchant_id, created_at DESC, id DESC);
CREATE INDEX order_imports_to_forget ON order_imports (forget_at) WHERE forget_at IS NOT NULL;

CREATE TABLE order_import_history (
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
    FOREIGN KEY (merchant_id, subject_id) REFERENCES order_imports (merchant_id, id) ON DELETE RESTRICT
);
CREATE INDEX order_import_history_subject ON order_import_history (merchant_id, subject_id, id);
CREATE TRIGGER order_import_history_only_grows BEFORE UPDATE OR DELETE ON order_import_history
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TABLE order_import_rows (
    merchant_id    uuid NOT NULL,
    import_id      uuid NOT NULL,
    position       integer NOT NULL CHECK (position > 0),
    line           integer NOT NULL CHECK (line > 0),
    state          text NOT NULL CHECK (state IN ('ready', 'faulty', 'known', 'made', 'failed')),
    cells          jsonb,
    faults         jsonb NOT NULL,
    reference      text,
    reference_used boolean NOT NULL,
    row_key        bytea CHECK (length(row_key) = 32),
    total_minor    bigint CHECK (total_minor BETWEEN 1 AND 1000000000000),
    order_id       uuid,
    PRIMARY KEY (merchant_id, import_id, position),
    FOREIGN KEY (merchant_id, import_id) REFERENCES order_imports (merchant_id, id) ON DELETE RESTRICT,
    FOREIGN KEY (merchant_id, order_id) REFERENCES orders (merchant_id, id) ON DELETE RESTRICT,
    CHECK (state <> 'made' OR order_id IS NOT NULL)
);
CREATE INDEX order_import_rows_by_state ON order_import_rows (merchant_id, import_id, state, position);
CREATE INDEX order_import_rows_same ON order_import_rows (merchant_id, import_id, row_key) WHERE row_key IS NOT NULL;
CREATE INDEX order_import_rows_order ON order_import_rows (merchant_id, order_id) WHERE order_id IS NOT NULL;

-- A row of a file makes one order, however often the file is sent. row_key: digest of everything that the row says.
CREATE TABLE order_import_keys (
    merchant_id uuid NOT NULL,
    row_key     bytea NOT NULL CHECK (length(row_key) = 32),
    order_id    uuid NOT NULL,
    made_at     timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, row_key),
    FOREIGN KEY (merchant_id, order_id) REFERENCES orders (merchant_id, id) ON DELETE RESTRICT
);
CREATE INDEX order_import_keys_order ON order_import_keys (merchant_id, order_id);
CREATE INDEX order_import_keys_oldest ON order_import_keys (made_at);
"""

forwards = SqlMigration(ID, DESCRIPTION, SQL)
