"""What shoppers say at the end of a purchase, and what they are told that became of it."""

from app.kernel.migration import SqlMigration

ID = "2026-11-21T09:10:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Feedback at the end of a purchase, and news of what changed because of it"

SQL = """
-- ease: how easy it was, from 1 (hard) to 5. words: what could be better, forgotten after a year.
CREATE TABLE feedback (
    merchant_id uuid NOT NULL REFERENCES merchants (id) ON DELETE RESTRICT,
    id          uuid NOT NULL,
    session_id  uuid NOT NULL,
    outcome     text NOT NULL CHECK (outcome IN ('confirmed', 'declined', 'cancelled', 'expired')),
    ease        smallint NOT NULL CHECK (ease BETWEEN 1 AND 5),
    words       text CHECK (length(words) BETWEEN 1 AND 1000),
    lang        text NOT NULL CHECK (lang IN ('fi', 'sv', 'en', 'da', 'bg')),
    at          timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, id),
    UNIQUE (merchant_id, session_id),
    FOREIGN KEY (merchant_id, session_id) REFERENCES checkout_sessions (merchant_id, id) ON DELETE RESTRICT
);
CREATE INDEX feedback_at ON feedback (merchant_id, at, id);
CREATE INDEX feedback_with_words ON feedback (merchant_id, at, id) WHERE words IS NOT NULL;
CREATE INDEX feedback_to_forget ON feedback (at) WHERE words IS NOT NULL;

-- What a shop changed because shoppers said so, told to the next ones in the language that it is written in.
CREATE TABLE feedback_news (
    merchant_id uuid NOT NULL REFERENCES merchants (id) ON DELETE RESTRICT,
    id          uuid NOT NULL,
    lang        text NOT NULL CHECK (lang IN ('fi', 'sv', 'en', 'da', 'bg')),
    words       text NOT NULL CHECK (length(words) BETWEEN 1 AND 300),
    at          timestamptz NOT NULL,
    ended_at    timestamptz,
    PRIMARY KEY (merchant_id, id)
);
CREATE UNIQUE INDEX feedback_news_told ON feedback_news (merchant_id, lang) WHERE ended_at IS NULL;
"""

forwards = SqlMigration(ID, DESCRIPTION, SQL)
