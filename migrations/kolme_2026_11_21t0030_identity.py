"""Who is paying: customers and their identities, browsers, one-time codes. The operator's, so without merchant_id."""

from app.kernel.migration import SqlMigration

ID = "2026-11-21T00:30:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Customers, verified identities, browsers, one-time codes"

SQL = """
-- `phone` was proved by a code; `claimed_phone` was given under a strong identification and is proved by
-- the first code that reaches it.
CREATE TABLE customers (
    id            uuid PRIMARY KEY,
    public_id     text NOT NULL UNIQUE,
    phone         text,
    claimed_phone text,
    postcode      text,
    country       text NOT NULL CHECK (country IN ('FI', 'SE', 'DK', 'BG')),
    name          text,
    email         text,
    street        text,
    city          text,
    state         text NOT NULL CHECK (state IN ('active', 'erased')),
    created_at    timestamptz NOT NULL
);
CREATE UNIQUE INDEX customers_phone ON customers (phone) WHERE state = 'active' AND phone IS NOT NULL;
CREATE INDEX customers_claimed_phone ON customers (claimed_phone) WHERE state = 'active' AND claimed_phone IS NOT NULL;

CREATE TABLE verified_identities (
    id              uuid PRIMARY KEY,
    customer_id     uuid NOT NULL REFERENCES customers (id) ON DELETE RESTRICT,
    issuer          text NOT NULL,
    subject         text NOT NULL,
    name            text NOT NULL,
    birthdate       date,
    country         text NOT NULL,
    acr             text NOT NULL,
    national_number bytea,
    verified_at     timestamptz NOT NULL,
    UNIQUE (issuer, subject)
);
CREATE INDEX verified_identities_customer ON verified_identities (customer_id);

CREATE TABLE browsers (
    id           uuid PRIMARY KEY,
    token_digest bytea NOT NULL UNIQUE,
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL
);
CREATE INDEX browsers_end ON browsers (expires_at);

CREATE TABLE code_challenges (
    id              uuid PRIMARY KEY,
    browser_id      uuid NOT NULL REFERENCES browsers (id) ON DELETE RESTRICT,
    subject         text NOT NULL,
    country         text NOT NULL,
    phone           text NOT NULL,
    postcode        text NOT NULL,
    code_digest     bytea NOT NULL,
    tries_left      smallint NOT NULL CHECK (tries_left BETWEEN 0 AND 5),
    state           text NOT NULL CHECK (state IN ('sending', 'sent', 'failed', 'unknown', 'void', 'burnt', 'used')),
    created_at      timestamptz NOT NULL,
    expires_at      timestamptz NOT NULL,
    wall_created_at timestamptz NOT NULL,
    wall_expires_at timestamptz NOT NULL
);
CREATE INDEX code_challenges_subject ON code_challenges (subject, id);
CREATE INDEX code_challenges_browser ON code_challenges (browser_id);
CREATE INDEX code_challenges_sending ON code_challenges (wall_created_at) WHERE state = 'sending';
CREATE INDEX code_challenges_age ON code_challenges (created_at);

CREATE TABLE profiles (
    merchant_id uuid NOT NULL REFERENCES merchants (id) ON DELETE RESTRICT,
    id          uuid NOT NULL,
    customer_id uuid NOT NULL REFERENCES customers (id) ON DELETE RESTRICT,
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, id),
    UNIQUE (merchant_id, customer_id)
);
CREATE INDEX profiles_customer ON profiles (customer_id);
"""

forwards = SqlMigration(ID, DESCRIPTION, SQL)
