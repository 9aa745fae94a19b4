"""What the sandbox twins remember: messages, shoppers, one-time values. Empty in live mode."""

from app.kernel.migration import SqlMigration

ID = "2026-11-21T01:10:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "What the sandbox twins remember"

SQL = """
CREATE TABLE sandbox_messages (
    id          uuid PRIMARY KEY,
    merchant_id uuid,
    channel     text NOT NULL CHECK (channel IN ('sms', 'email', 'letter', 'webhook')),
    recipient   text NOT NULL,
    subject     text NOT NULL,
    body        text NOT NULL,
    html        text,
    code        text,
    links       text[] NOT NULL,
    at          timestamptz NOT NULL
);
CREATE INDEX sandbox_messages_recipient ON sandbox_messages (recipient, id);
CREATE INDEX sandbox_messages_channel ON sandbox_messages (channel, id);
CREATE INDEX sandbox_messages_merchant ON sandbox_messages (merchant_id, id);

CREATE FUNCTION sandbox_message_wakes_a_reader() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('sandbox_messages', '');
    RETURN NULL;
END $$;
CREATE TRIGGER sandbox_messages_notify AFTER INSERT ON sandbox_messages
    FOR EACH STATEMENT EXECUTE FUNCTION sandbox_message_wakes_a_reader();

CREATE TABLE sandbox_shoppers (
    id              uuid PRIMARY KEY,
    kind            text NOT NULL,
    name            text NOT NULL,
    phone           text,
    postcode        text NOT NULL,
    email           text NOT NULL,
    street          text NOT NULL,
    city            text NOT NULL,
    country         text NOT NULL,
    subject         text NOT NULL UNIQUE,
    national_number text NOT NULL,
    birthdate       date NOT NULL,
    register        jsonb NOT NULL,
    created_at      timestamptz NOT NULL
);
CREATE INDEX sandbox_shoppers_number ON sandbox_shoppers (national_number);

CREATE TABLE sandbox_memory (
    key        text PRIMARY KEY,
    value      jsonb NOT NULL,
    expires_at timestamptz NOT NULL
);
"""

forwards = SqlMigration(ID, DESCRIPTION, SQL)
