"""The words a shop sends its payment links with, and which reminders of a link went out."""

from app.kernel.migration import SqlMigration

ID = "2026-11-21T04:15:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "A shop's words for payment links, reminders of links"

SQL = """
-- One row for each language and occasion a shop has words of its own for; without one the product's words are used.
CREATE TABLE link_words (
    merchant_id uuid NOT NULL REFERENCES merchants (id) ON DELETE RESTRICT,
    lang        text NOT NULL CHECK (lang IN ('fi', 'sv', 'en', 'da', 'bg')),
    occasion    text NOT NULL CHECK (occasion IN ('link', 'reminder')),
    subject     text NOT NULL CHECK (length(subject) BETWEEN 1 AND 150),
    message     text NOT NULL CHECK (length(message) BETWEEN 1 AND 2000),
    sms         text NOT NULL CHECK (length(sms) BETWEEN 1 AND 300),
    saved_at    timestamptz NOT NULL,
    saved_by    text NOT NULL CHECK (saved_by <> ''),
    PRIMARY KEY (merchant_id, lang, occasion)
);

-- A reminder is decided once for each end that a link ever had: who extends a link is reminded of the new end.
CREATE TABLE link_reminders (
    merchant_id uuid NOT NULL,
    link_id     uuid NOT NULL,
    expires_at  timestamptz NOT NULL,
    hours       integer NOT NULL CHECK (hours > 0),
    decided_at  timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, link_id, expires_at, hours),
    FOREIGN KEY (merchant_id, link_id) REFERENCES payment_links (merchant_id, id) ON DELETE RESTRICT
);
CREATE TRIGGER link_reminders_only_grow BEFORE UPDATE OR DELETE ON link_reminders
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- What was sent is forgotten some time after its link has ended.
CREATE INDEX link_sends_to_forget ON link_sends (created_at) WHERE recipient IS NOT NULL;
"""

forwards = SqlMigration(ID, DESCRIPTION, SQL)
