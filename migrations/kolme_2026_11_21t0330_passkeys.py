"""Passkeys of customers, and the challenges they answer. The operator's, so without merchant_id."""

from app.kernel.migration import SqlMigration

ID = "2026-11-21T03:30:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Passkeys, their challenges, and whether a merchant lets one identify"

SQL = """
-- `user_handle` is random and says nothing of the person; a customer's passkeys share one, so that a device keeps one
-- entry for us. `device` is a word of a short list. A passkey that is removed, or that answered like a copy, stays a
-- while with `ended_at`.
CREATE TABLE passkeys (
    id            uuid PRIMARY KEY,
    public_id     text NOT NULL UNIQUE,
    customer_id   uuid NOT NULL REFERENCES customers (id) ON DELETE RESTRICT,
    credential_id bytea NOT NULL UNIQUE CHECK (octet_length(credential_id) BETWEEN 1 AND 1023),
    public_key    bytea NOT NULL,
    user_handle   bytea NOT NULL CHECK (octet_length(user_handle) = 32),
    sign_count    bigint NOT NULL CHECK (sign_count BETWEEN 0 AND 4294967295),
    device        text NOT NULL CHECK (device IN ('iphone', 'ipad', 'android', 'windows', 'mac', 'linux', 'chromebook',
                      'other', 'apart')),
    synced        boolean NOT NULL,
    created_at    timestamptz NOT NULL,
    last_used_at  timestamptz,
    ended_at      timestamptz,
    ended_by      text CHECK (ended_by IN ('customer', 'staff', 'copy')),
    CHECK ((ended_at IS NULL) = (ended_by IS NULL))
);
CREATE INDEX passkeys_customer ON passkeys (customer_id);
CREATE INDEX passkeys_end ON passkeys (ended_at) WHERE ended_at IS NOT NULL;

-- `challenge` is what a device signs: a hash over `nonce` and what is approved. It is answered once, or never.
CREATE TABLE passkey_challenges (
    id          uuid PRIMARY KEY,
    purpose     text NOT NULL CHECK (purpose IN ('save', 'use')),
    browser_id  uuid NOT NULL REFERENCES browsers (id) ON DELETE RESTRICT,
    subject     text NOT NULL,
    customer_id uuid REFERENCES customers (id) ON DELETE RESTRICT,
    user_handle bytea CHECK (octet_length(user_handle) = 32),
    nonce       bytea NOT NULL CHECK (octet_length(nonce) = 32),
    challenge   bytea NOT NULL UNIQUE CHECK (octet_length(challenge) = 32),
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    answered_at timestamptz,
    CHECK ((purpose = 'save') = (customer_id IS NOT NULL)),
    CHECK ((purpose = 'save') = (user_handle IS NOT NULL))
);
CREATE INDEX passkey_challenges_browser ON passkey_challenges (browser_id);
CREATE INDEX passkey_challenges_customer ON passkey_challenges (customer_id) WHERE customer_id IS NOT NULL;
CREATE INDEX passkey_challenges_age ON passkey_challenges (created_at);

-- NULL: as the country's policy for codes has it.
ALTER TABLE merchants ADD COLUMN passkey_counts boolean;
"""

forwards = SqlMigration(ID, DESCRIPTION, SQL)
