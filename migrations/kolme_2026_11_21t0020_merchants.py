"""Merchants and what belongs to them: plans, staff, keys, webhook endpoints."""

from app.kernel.migration import SqlMigration

ID = "2026-11-21T00:20:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Merchants, plans, API keys, staff, webhook endpoints"

SQL = """
CREATE TABLE merchants (
    id                   uuid PRIMARY KEY,
    public_id            text NOT NULL UNIQUE,
    name                 text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    country              text NOT NULL CHECK (country IN ('FI', 'SE', 'DK', 'BG')),
    currency             text NOT NULL CHECK (currency IN ('EUR', 'SEK', 'DKK')),
    locale               text NOT NULL CHECK (locale IN ('fi', 'sv', 'en', 'da', 'bg')),
    time_zone            text NOT NULL,
    creditor             text NOT NULL CHECK (creditor IN ('operator', 'merchant')),
    accent               text CHECK (accent ~ '^#[0-9a-f]{6}$'),
    logo_url             text,
    contact_email        text NOT NULL,
    return_hosts         text[] NOT NULL,
    recognise_returning  boolean NOT NULL,
    code_alone_max_minor bigint CHECK (code_alone_max_minor BETWEEN 0 AND 1000000000000),
    credit_limit_minor   bigint NOT NULL CHECK (credit_limit_minor BETWEEN 0 AND 1000000000000),
    created_at           timestamptz NOT NULL
);

CREATE TABLE plans (
    merchant_id           uuid NOT NULL REFERENCES merchants (id) ON DELETE RESTRICT,
    id                    uuid NOT NULL,
    key                   text NOT NULL,
    kind                  text NOT NULL CHECK (kind IN ('invoice', 'instalments')),
    currency              text NOT NULL CHECK (currency IN ('EUR', 'SEK', 'DKK')),
    style                 text NOT NULL CHECK (style IN ('annuity', 'equal_principal')),
    nominal_rate          numeric(7, 4) NOT NULL CHECK (nominal_rate BETWEEN 0 AND 100),
    due_days              integer NOT NULL CHECK (due_days BETWEEN 0 AND 365),
    min_months            integer NOT NULL CHECK (min_months BETWEEN 0 AND 120),
    max_months            integer NOT NULL CHECK (max_months BETWEEN min_months AND 120),
    interest_free_months  integer NOT NULL CHECK (interest_free_months BETWEEN 0 AND 120),
    fee_minor             bigint NOT NULL CHECK (fee_minor BETWEEN 0 AND 1000000000000),
    arrangement_fee_minor bigint NOT NULL CHECK (arrangement_fee_minor BETWEEN 0 AND 1000000000000),
    paper_fee_minor       bigint NOT NULL CHECK (paper_fee_minor BETWEEN 0 AND 1000000000000),
    min_instalment_minor  bigint NOT NULL CHECK (min_instalment_minor BETWEEN 0 AND 1000000000000),
    min_amount_minor      bigint NOT NULL CHECK (min_amount_minor BETWEEN 1 AND 1000000000000),
    max_amount_minor      bigint NOT NULL CHECK (max_amount_minor BETWEEN min_amount_minor AND 1000000000000),
    active                boolean NOT NULL,
    position              integer NOT NULL,
    PRIMARY KEY (merchant_id, id),
    UNIQUE (merchant_id, key)
);

CREATE TABLE api_keys (
    merchant_id uuid NOT NULL REFERENCES merchants (id) ON DELETE RESTRICT,
    id          uuid NOT NULL,
    name        text NOT NULL,
    hint        text NOT NULL,
    digest      bytea NOT NULL UNIQUE,
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz,
    revoked_at  timestamptz,
    PRIMARY KEY (merchant_id, id)
);

CREATE TABLE staff (
    merchant_id    uuid NOT NULL REFERENCES merchants (id) ON DELETE RESTRICT,
    id             uuid NOT NULL,
    public_id      text NOT NULL,
    email          text NOT NULL,
    name           text NOT NULL,
    password_hash  text NOT NULL,
    totp_secret    bytea NOT NULL,
    totp_last_step bigint NOT NULL DEFAULT 0,
    role           text NOT NULL CHECK (role IN ('owner', 'cashier', 'reviewer', 'support')),
    created_at     timestamptz NOT NULL,
    disabled_at    timestamptz,
    PRIMARY KEY (merchant_id, id)
);
CREATE UNIQUE INDEX staff_email ON staff (lower(email));

CREATE TABLE staff_sessions (
    id           uuid PRIMARY KEY,
    token_digest bytea NOT NULL UNIQUE,
    merchant_id  uuid NOT NULL,
    staff_id     uuid NOT NULL,
    created_at   timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    FOREIGN KEY (merchant_id, staff_id) REFERENCES staff (merchant_id, id) ON DELETE RESTRICT
);
CREATE INDEX staff_sessions_owner ON staff_sessions (merchant_id, staff_id);
CREATE INDEX staff_sessions_end ON staff_sessions (expires_at);

CREATE TABLE webhook_endpoints (
    merchant_id uuid NOT NULL REFERENCES merchants (id) ON DELETE RESTRICT,
    id          uuid NOT NULL,
    public_id   text NOT NULL,
    url         text NOT NULL CHECK (length(url) BETWEEN 8 AND 2048),
    secret      bytea NOT NULL,
    types       text[] NOT NULL,
    created_at  timestamptz NOT NULL,
    disabled_at timestamptz,
    deleted_at  timestamptz,
    PRIMARY KEY (merchant_id, id)
);
CREATE INDEX webhook_endpoints_public ON webhook_endpoints (merchant_id, public_id);
"""

forwards = SqlMigration(ID, DESCRIPTION, SQL)
