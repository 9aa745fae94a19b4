"""A subscription that is paid in another way from now on: another card, another agreement, or invoices."""

from app.kernel.migration import SqlMigration

ID = "2026-11-21T08:20:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Subscriptions: another way to pay"

SQL = """
-- One try to put another way to pay in place of the one that a subscription renews by. What is before stays until the
-- provider has said that the new one is there. is_by_link: chosen by the address in a mail, without signing in.
-- expires_at, next_check_at and leased_until are the wall's time.
CREATE TABLE subscription_exchanges (
    merchant_id       uuid NOT NULL,
    id                uuid NOT NULL,
    public_id         text NOT NULL,
    subscription_id   uuid NOT NULL,
    method            text NOT NULL CHECK (method IN ('card', 'mobilepay', 'invoice')),
    state             text NOT NULL CHECK (state IN ('started', 'pending', 'unknown', 'done', 'failed')),
    description       text NOT NULL,
    currency          text NOT NULL CHECK (currency IN ('EUR', 'SEK', 'DKK')),
    country           text NOT NULL CHECK (country IN ('FI', 'SE', 'DK', 'BG')),
    lang              text NOT NULL CHECK (lang IN ('fi', 'sv', 'en', 'da', 'bg')),
    is_by_link        boolean NOT NULL DEFAULT false,
    provider_ref      text,
    url               text,
    failure           text,
    saved_method_id   uuid,
    replaced_id       uuid,
    created_at        timestamptz NOT NULL,
    expires_at        timestamptz NOT NULL,
    ended_at          timestamptz,
    checks            integer NOT NULL DEFAULT 0 CHECK (checks >= 0),
    next_check_at     timestamptz,
    leased_until      timestamptz,
    PRIMARY KEY (merchant_id, id),
    FOREIGN KEY (merchant_id, subscription_id) REFERENCES subscriptions (merchant_id, id) ON DELETE RESTRICT,
    FOREIGN KEY (merchant_id, saved_method_id) REFERENCES saved_methods (merchant_id, id) ON DELETE RESTRICT,
    FOREIGN KEY (merchant_id, replaced_id) REFERENCES saved_methods (merchant_id, id) ON DELETE RESTRICT,
    CHECK ((state IN ('done', 'failed')) = (ended_at IS NOT NULL)),
    CHECK ((ended_at IS NULL) = (next_check_at IS NOT NULL)),
    CHECK (ended_at IS NULL OR url IS NULL),
    CHECK ((saved_method_id IS NOT NULL) = (state = 'done' AND method <> 'invoice')),
    CHECK (replaced_id IS NULL OR state = 'done')
);
CREATE UNIQUE INDEX subscription_exchanges_public ON subscription_exchanges (public_id);
-- A tap that comes twice opens one page.
CREATE UNIQUE INDEX subscription_exchanges_one ON subscription_exchanges (merchant_id, subscription_id, method)
    WHERE ended_at IS NULL;
CREATE INDEX subscription_exchanges_of ON subscription_exchanges (merchant_id, subscription_id, id);
CREATE INDEX subscription_exchanges_saved ON subscription_exchanges (merchant_id, saved_method_id)
    WHERE saved_method_id IS NOT NULL;
CREATE INDEX subscription_exchanges_replaced ON subscription_exchanges (merchant_id, replaced_id)
    WHERE replaced_id IS NOT NULL;
CREATE INDEX subscription_exchanges_due ON subscription_exchanges (next_check_at) WHERE next_check_at IS NOT NULL;

CREATE FUNCTION refuse_edit_of_exchange() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.ended_at IS NOT NULL
       OR (NEW.public_id, NEW.subscription_id, NEW.method) IS DISTINCT FROM
          (OLD.public_id, OLD.subscription_id, OLD.method)
       OR (OLD.provider_ref IS NOT NULL AND NEW.provider_ref IS DISTINCT FROM OLD.provider_ref) THEN
        RAISE EXCEPTION 'what exchange % is of, and how it ended, never changes', OLD.public_id
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER subscription_exchanges_stay_what_they_are BEFORE UPDATE OR DELETE ON subscription_exchanges
    FOR EACH ROW EXECUTE FUNCTION refuse_edit_of_exchange();

CREATE TABLE subscription_exchange_history (
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
    FOREIGN KEY (merchant_id, subject_id) REFERENCES subscription_exchanges (merchant_id, id) ON DELETE RESTRICT
);
CREATE INDEX subscription_exchange_history_subject ON subscription_exchange_history (merchant_id, subject_id, id);
CREATE TRIGGER subscription_exchange_history_only_grows BEFORE UPDATE OR DELETE ON subscription_exchange_history
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""

forwards = SqlMigration(ID, DESCRIPTION, SQL)
