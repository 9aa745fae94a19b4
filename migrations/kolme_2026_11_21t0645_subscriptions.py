"""Plans that renew by themselves, who has one, each period of it, and what was agreed."""

from app.kernel.migration import SqlMigration

ID = "2026-11-21T06:45:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Subscriptions: plans, periods, agreements"

SQL = """
CREATE TABLE subscription_plans (
    merchant_id uuid NOT NULL REFERENCES merchants (id) ON DELETE RESTRICT,
    id          uuid NOT NULL,
    public_id   text NOT NULL,
    state       text NOT NULL CHECK (state IN ('active', 'ended')),
    version     integer NOT NULL CHECK (version > 0),
    form_key    uuid NOT NULL,
    created_at  timestamptz NOT NULL,
    created_by  text NOT NULL CHECK (created_by <> ''),
    PRIMARY KEY (merchant_id, id)
);
CREATE UNIQUE INDEX subscription_plans_public ON subscription_plans (merchant_id, public_id);
-- A form sent twice makes one plan.
CREATE UNIQUE INDEX subscription_plans_once ON subscription_plans (merchant_id, form_key);
CREATE INDEX subscription_plans_newest ON subscription_plans (merchant_id, created_at DESC, id DESC);

CREATE TABLE subscription_plan_history (
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
    FOREIGN KEY (merchant_id, subject_id) REFERENCES subscription_plans (merchant_id, id) ON DELETE RESTRICT
);
CREATE INDEX subscription_plan_history_subject ON subscription_plan_history (merchant_id, subject_id, id);
CREATE TRIGGER subscription_plan_history_only_grows BEFORE UPDATE OR DELETE ON subscription_plan_history
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- What a plan asks for. A plan that changes gets another version: whoever agreed to the one before keeps it.
CREATE TABLE subscription_plan_versions (
    merchant_id     uuid NOT NULL,
    id              uuid NOT NULL,
    plan_id         uuid NOT NULL,
    version         integer NOT NULL CHECK (version > 0),
    names           jsonb NOT NULL,
    locale          text NOT NULL CHECK (locale IN ('fi', 'sv', 'en', 'da', 'bg')),
    currency        text NOT NULL CHECK (currency IN ('EUR', 'SEK', 'DKK')),
    amount_minor    bigint NOT NULL CHECK (amount_minor BETWEEN 1 AND 10000000000),
    vat_percent     numeric(5, 2) NOT NULL CHECK (vat_percent BETWEEN 0 AND 100),
    unit            text NOT NULL CHECK (unit IN ('week', 'month')),
    every           integer NOT NULL CHECK (every BETWEEN 1 AND 52),
    trial_days      integer NOT NULL CHECK (trial_days BETWEEN 0 AND 92),
    trial_minor     bigint NOT NULL CHECK (trial_minor BETWEEN 0 AND 10000000000),
    notice_days     integer NOT NULL CHECK (notice_days BETWEEN 0 AND 31),
    minimum_periods integer NOT NULL CHECK (minimum_periods BETWEEN 0 AND 104),
    created_at      timestamptz NOT NULL,
    created_by      text NOT NULL CHECK (created_by <> ''),
    PRIMARY KEY (merchant_id, id),
    FOREIGN KEY (merchant_id, plan_id) REFERENCES subscription_plans (merchant_id, id) ON DELETE RESTRICT,
    CHECK (names ? locale),
    CHECK ((trial_days > 0) = (trial_minor > 0))
);
CREATE UNIQUE INDEX subscription_plan_versions_number
    ON subscription_plan_versions (merchant_id, plan_id, version);
CREATE TRIGGER subscription_plan_versions_only_grow BEFORE UPDATE OR DELETE ON subscription_plan_versions
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- An order that begins a subscription once it is paid.
CREATE TABLE subscription_offers (
    merchant_id uuid NOT NULL,
    order_id    uuid NOT NULL,
    version_id  uuid NOT NULL,
    PRIMARY KEY (merchant_id, order_id),
    FOREIGN KEY (merchant_id, order_id) REFERENCES orders (merchant_id, id) ON DELETE RESTRICT,
    FOREIGN KEY (merchant_id, version_id) REFERENCES subscription_plan_versions (merchant_id, id) ON DELETE RESTRICT
);
CREATE INDEX subscription_offers_version ON subscription_offers (merchant_id, version_id);
CREATE TRIGGER subscription_offers_only_grow BEFORE UPDATE OR DELETE ON subscription_offers
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Days are of the shop's country. The present period runs from `starts_on` to `ends_on`, counted from
-- `anchor_on`. `due_at`: when the clock looks at it next; none after the end.
-- `next_*`: agreed, and to hold from a day on; `asked_*`: a dearer
-- price that nobody has said yes to.
CREATE TABLE subscriptions (
    merchant_id      uuid NOT NULL REFERENCES merchants (id) ON DELETE RESTRICT,
    id               uuid NOT NULL,
    public_id        text NOT NULL,
    state            text NOT NULL CHECK (state IN ('trialing', 'active', 'past_due', 'paused', 'cancelling', 'ended')),
    customer_id      uuid NOT NULL REFERENCES customers (id) ON DELETE RESTRICT,
    order_id         uuid NOT NULL,
    version_id       uuid NOT NULL,
    method           text NOT NULL CHECK (method IN ('card', 'mobilepay', 'invoice')),
    delivery         text NOT NULL CHECK (delivery IN ('email', 'paper')),
    saved_method_id  uuid,
    lang             text NOT NULL CHECK (length(lang) = 2),
    anchor_on        date NOT NULL,
    number           integer NOT NULL CHECK (number >= 0),
    starts_on        date NOT NULL,
    ends_on          date NOT NULL,
    is_trial         boolean NOT NULL,
    bound_until      date NOT NULL,
    renewals         integer NOT NULL DEFAULT 0 CHECK (renewals >= 0),
    refusals         integer NOT NULL DEFAULT 0 CHECK (refusals >= 0),
    due_at           timestamptz,
    remind_at        timestamptz,
    cancel_on        date,
    resume_on        date,
    paused_days      integer CHECK (paused_days >= 0),
    next_version_id  uuid,
    next_from        date,
    asked_version_id uuid,
    asked_from       date,
    ended_on         date,
    end_reason       text CHECK (end_reason IN ('cancelled', 'unpaid', 'by_shop')),
    created_at       timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, id),
    FOREIGN KEY (merchant_id, order_id) REFERENCES orders (merchant_id, id) ON DELETE RESTRICT,
    FOREIGN KEY (merchant_id, version_id) REFERENCES subscription_plan_versions (merchant_id, id) ON DELETE RESTRICT,
    FOREIGN KEY (merchant_id, saved_method_id) REFERENCES saved_methods (merchant_id, id) ON DELETE RESTRICT,
    FOREIGN KEY (merchant_id, next_version_id)
        REFERENCES subscription_plan_versions (merchant_id, id) ON DELETE RESTRICT,
    FOREIGN KEY (merchant_id, asked_version_id)
        REFERENCES subscription_plan_versions (merchant_id, id) ON DELETE RESTRICT,
    CHECK (starts_on < ends_on OR (is_trial = false AND starts_on <= ends_on)),
    CHECK (state <> 'cancelling' OR cancel_on IS NOT NULL),
    CHECK (state <> 'paused' OR paused_days IS NOT NULL),
    CHECK (state <> 'ended' OR (ended_on IS NOT NULL AND end_reason IS NOT NULL)),
    CHECK ((next_version_id IS NULL) = (next_from IS NULL)),
    CHECK ((asked_version_id IS NULL) = (asked_from IS NULL))
);
CREATE UNIQUE INDEX subscriptions_public ON subscriptions (public_id);
-- An order begins one subscription.
CREATE UNIQUE INDEX subscriptions_order ON subscriptions (merchant_id, order_id);
CREATE INDEX subscriptions_newest ON subscriptions (merchant_id, created_at DESC, id DESC);
CREATE INDEX subscriptions_by_state ON subscriptions (merchant_id, state, created_at DESC, id DESC);
CREATE INDEX subscriptions_of_customer ON subscriptions (customer_id);
CREATE INDEX subscriptions_due ON subscriptions (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX subscriptions_to_remind ON subscriptions (remind_at) WHERE remind_at IS NOT NULL;
CREATE INDEX subscriptions_saved_method ON subscriptions (merchant_id, saved_method_id)
    WHERE saved_method_id IS NOT NULL;
CREATE INDEX subscriptions_version ON subscriptions (merchant_id, version_id);
CREATE INDEX subscriptions_next ON subscriptions (merchant_id, next_version_id) WHERE next_version_id IS NOT NULL;
CREATE INDEX subscriptions_asked ON subscriptions (merchant_id, asked_version_id) WHERE asked_version_id IS NOT NULL;

CREATE TABLE subscription_history (
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
    FOREIGN KEY (merchant_id, subject_id) REFERENCES subscriptions (merchant_id, id) ON DELETE RESTRICT
);
CREATE INDEX subscription_history_subject ON subscription_history (merchant_id, subject_id, id);
CREATE TRIGGER subscription_history_only_grows BEFORE UPDATE OR DELETE ON subscription_history
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- What is paid for, by an order of its own. `change` is the rest of a period on a dearer plan.
CREATE TABLE subscription_periods (
    merchant_id     uuid NOT NULL,
    id              uuid NOT NULL,
    subscription_id uuid NOT NULL,
    kind            text NOT NULL CHECK (kind IN ('first', 'renewal', 'change', 'revival')),
    starts_on       date NOT NULL,
    ends_on         date NOT NULL,
    version_id      uuid NOT NULL,
    amount_minor    bigint NOT NULL CHECK (amount_minor BETWEEN 1 AND 10000000000),
    order_id        uuid NOT NULL,
    paid_at         timestamptz,
    lapsed_at       timestamptz,
    PRIMARY KEY (merchant_id, id),
    FOREIGN KEY (merchant_id, subscription_id) REFERENCES subscriptions (merchant_id, id) ON DELETE RESTRICT,
    FOREIGN KEY (merchant_id, version_id) REFERENCES subscription_plan_versions (merchant_id, id) ON DELETE RESTRICT,
    FOREIGN KEY (merchant_id, order_id) REFERENCES orders (merchant_id, id) ON DELETE RESTRICT,
    CHECK (starts_on <= ends_on),
    CHECK (paid_at IS NULL OR lapsed_at IS NULL)
);
-- A period is renewed once, whoever wants to and however often.
CREATE UNIQUE INDEX subscription_periods_once ON subscription_periods (merchant_id, subscription_id, starts_on)
    WHERE lapsed_at IS NULL AND kind <> 'change';
-- One thing at a time is being paid for.
CREATE UNIQUE INDEX subscription_periods_open ON subscription_periods (merchant_id, subscription_id)
    WHERE paid_at IS NULL AND lapsed_at IS NULL;
CREATE UNIQUE INDEX subscription_periods_order ON subscription_periods (merchant_id, order_id);
CREATE INDEX subscription_periods_of ON subscription_periods (merchant_id, subscription_id, id);
CREATE INDEX subscription_periods_version ON subscription_periods (merchant_id, version_id);

CREATE FUNCTION refuse_edit_of_period() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    ended CONSTANT text[] := ARRAY['paid_at', 'lapsed_at'];
BEGIN
    IF TG_OP = 'DELETE' OR OLD.paid_at IS NOT NULL OR OLD.lapsed_at IS NOT NULL
       OR to_jsonb(NEW) - ended IS DISTINCT FROM to_jsonb(OLD) - ended THEN
        RAISE EXCEPTION 'period % never changes', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER subscription_periods_only_end BEFORE UPDATE OR DELETE ON subscription_periods
    FOR EACH ROW EXECUTE FUNCTION refuse_edit_of_period();

-- The words that somebody said yes to. They name no person.
CREATE TABLE subscription_agreements (
    merchant_id     uuid NOT NULL,
    id              uuid NOT NULL,
    subscription_id uuid NOT NULL,
    kind            text NOT NULL CHECK (kind IN ('begin', 'price', 'change', 'revival')),
    version_id      uuid NOT NULL,
    lang            text NOT NULL,
    body            text NOT NULL CHECK (length(body) BETWEEN 1 AND 10000),
    hash            text NOT NULL CHECK (length(hash) = 64),
    accepted_at     timestamptz NOT NULL,
    accepted_by     text NOT NULL CHECK (accepted_by <> ''),
    PRIMARY KEY (merchant_id, id),
    FOREIGN KEY (merchant_id, subscription_id) REFERENCES subscriptions (merchant_id, id) ON DELETE RESTRICT,
    FOREIGN KEY (merchant_id, version_id) REFERENCES subscription_plan_versions (merchant_id, id) ON DELETE RESTRICT
);
CREATE INDEX subscription_agreements_of ON subscription_agreements (merchant_id, subscription_id, id);
CREATE INDEX subscription_agreements_version ON subscription_agreements (merchant_id, version_id);
CREATE TRIGGER subscription_agreements_only_grow BEFORE UPDATE OR DELETE ON subscription_agreements
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""

forwards = SqlMigration(ID, DESCRIPTION, SQL)
