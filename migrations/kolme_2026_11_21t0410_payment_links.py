"""Payment links: one an order, what happened to each, what was sent; sessions that a link made."""

from app.kernel.migration import SqlMigration

ID = "2026-11-21T04:10:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Payment links, their history and sendings, sessions made by a link"

SQL = """
-- token: the address that a shopper opens, 256 random bits. Kept as it is: whoever reads this table reads the orders
-- beside it, and the shop copies the address again whenever it likes.
-- expires_at: business time; without one the link holds until its order is paid. opened_at: the first press.
CREATE TABLE payment_links (
    merchant_id uuid NOT NULL REFERENCES merchants (id) ON DELETE RESTRICT,
    id          uuid NOT NULL,
    public_id   text NOT NULL,
    token       text NOT NULL CHECK (length(token) = 43),
    order_id    uuid NOT NULL,
    state       text NOT NULL CHECK (state IN ('active', 'paused', 'withdrawn', 'lapsed', 'used')),
    expires_at  timestamptz CHECK (expires_at > created_at),
    created_at  timestamptz NOT NULL,
    created_by  text NOT NULL CHECK (created_by <> ''),
    opened_at   timestamptz,
    PRIMARY KEY (merchant_id, id),
    FOREIGN KEY (merchant_id, order_id) REFERENCES orders (merchant_id, id) ON DELETE RESTRICT
);
CREATE UNIQUE INDEX payment_links_public ON payment_links (public_id);
CREATE UNIQUE INDEX payment_links_token ON payment_links (token);
-- An order has one link for its whole life.
CREATE UNIQUE INDEX payment_links_order ON payment_links (merchant_id, order_id);
CREATE INDEX payment_links_newest ON payment_links (merchant_id, created_at DESC, id DESC);
CREATE INDEX payment_links_lapsing ON payment_links (merchant_id, expires_at) WHERE state IN ('active', 'paused');
CREATE INDEX payment_links_due ON payment_links (expires_at) WHERE state IN ('active', 'paused');

-- The address never becomes another one, nor leads to another order.
CREATE FUNCTION refuse_another_link() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.public_id, NEW.token, NEW.order_id, NEW.created_at, NEW.created_by)
       IS DISTINCT FROM (OLD.public_id, OLD.token, OLD.order_id, OLD.created_at, OLD.created_by) THEN
        RAISE EXCEPTION 'link % never changes', OLD.public_id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER payment_links_never_change BEFORE UPDATE ON payment_links
    FOR EACH ROW EXECUTE FUNCTION refuse_another_link();

CREATE TABLE link_history (
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
    FOREIGN KEY (merchant_id, subject_id) REFERENCES payment_links (merchant_id, id) ON DELETE RESTRICT
);
CREATE INDEX link_history_subject ON link_history (merchant_id, subject_id, id);
CREATE TRIGGER link_history_only_grows BEFORE UPDATE OR DELETE ON link_history
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- One row a message with the link in it. recipient, subject and body are blanked when the order is removed.
CREATE TABLE link_sends (
    merchant_id uuid NOT NULL,
    id          uuid NOT NULL,
    link_id     uuid NOT NULL,
    channel     text NOT NULL CHECK (channel IN ('email', 'sms')),
    recipient   text CHECK (length(recipient) BETWEEN 1 AND 254),
    lang        text NOT NULL CHECK (lang IN ('fi', 'sv', 'en', 'da', 'bg')),
    subject     text CHECK (length(subject) BETWEEN 1 AND 200),
    body        text CHECK (length(body) BETWEEN 1 AND 4000),
    state       text NOT NULL CHECK (state IN ('queued', 'sent', 'delivered', 'bounced', 'failed')),
    reason      text CHECK (length(reason) BETWEEN 1 AND 2000),
    reminder    boolean NOT NULL,
    created_at  timestamptz NOT NULL,
    sent_at     timestamptz,
    settled_at  timestamptz,
    actor       text NOT NULL CHECK (actor <> ''),
    PRIMARY KEY (merchant_id, id),
    FOREIGN KEY (merchant_id, link_id) REFERENCES payment_links (merchant_id, id) ON DELETE RESTRICT
);
CREATE INDEX link_sends_link ON link_sends (merchant_id, link_id, id);

ALTER TABLE checkout_sessions
    ADD COLUMN link_id uuid,
    ADD FOREIGN KEY (merchant_id, link_id) REFERENCES payment_links (merchant_id, id) ON DELETE RESTRICT;
CREATE INDEX checkout_sessions_link ON checkout_sessions (merchant_id, link_id) WHERE link_id IS NOT NULL;

-- Two people may open one link and begin; one of them pays. A shop's own session stays alone on its order, and a
-- person looks at one session of an order at a time.
DROP INDEX checkout_sessions_payable;
CREATE UNIQUE INDEX checkout_sessions_payable ON checkout_sessions (merchant_id, order_id)
    WHERE state IN ('open', 'processing', 'held') AND link_id IS NULL;
CREATE UNIQUE INDEX checkout_sessions_at_work ON checkout_sessions (merchant_id, order_id)
    WHERE state IN ('processing', 'held');

-- Somebody (a link, a till) wants to hear of changes to this order at once.
ALTER TABLE orders ADD COLUMN watched boolean NOT NULL DEFAULT false;

-- link_grace_s: how long a payment begun in time may go on after the link has lapsed. link_reminders_h: how many hours
-- before it lapses a shop reminds of it; none unless it says so.
ALTER TABLE merchants
    ADD COLUMN link_grace_s integer NOT NULL DEFAULT 1800 CHECK (link_grace_s BETWEEN 0 AND 86400),
    ADD COLUMN link_reminders_h integer[] NOT NULL DEFAULT '{}'
        CHECK (cardinality(link_reminders_h) <= 5 AND 0 < ALL (link_reminders_h) AND 720 >= ALL (link_reminders_h));
"""

forwards = SqlMigration(ID, DESCRIPTION, SQL)
