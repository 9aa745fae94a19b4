"""What a shop pays for the product: its price plan by versions, what was counted of its purchases, each month's sum."""

from app.kernel.migration import SqlMigration

ID = "2026-11-21T08:50:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Price plans and their monthly statements"

SQL = """
-- merchant_modules says how a module stands; this says since when it stood how, so that a month can be paid by days.
CREATE TABLE merchant_module_changes (
    merchant_id uuid NOT NULL REFERENCES merchants (id) ON DELETE RESTRICT,
    id          uuid NOT NULL,
    module      text NOT NULL CHECK (module IN ('wallet')),
    is_on       boolean NOT NULL,
    price_minor bigint NOT NULL CHECK (price_minor BETWEEN 0 AND 1000000000000),
    changed_at  timestamptz NOT NULL,
    changed_by  text NOT NULL CHECK (changed_by <> ''),
    PRIMARY KEY (merchant_id, id)
);
CREATE TRIGGER merchant_module_changes_only_grow BEFORE UPDATE OR DELETE ON merchant_module_changes
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
-- Nobody was told that days before this one would be asked for, so they are not. The id is less than any made since.
INSERT INTO merchant_module_changes (merchant_id, id, module, is_on, price_minor, changed_at, changed_by)
SELECT merchant_id, '00000000-0000-0000-0000-000000000001', module, is_on, price_minor,
       now() + make_interval(secs => coalesce((SELECT offset_s FROM business_clock), 0)), changed_by
FROM merchant_modules;

-- Versions by date: the percent holds for purchases behind `price_plan_marks`, the amount for months from
-- `monthly_from` on; of those that hold, the highest number.
CREATE TABLE price_plans (
    merchant_id   uuid NOT NULL REFERENCES merchants (id) ON DELETE RESTRICT,
    number        integer NOT NULL CHECK (number > 0),
    percent_bps   integer NOT NULL CHECK (percent_bps BETWEEN 0 AND 1000),
    monthly_minor bigint NOT NULL CHECK (monthly_minor BETWEEN 0 AND 10000000000),
    currency      text NOT NULL CHECK (currency IN ('EUR', 'SEK', 'DKK')),
    percent_from  timestamptz NOT NULL,
    monthly_from  date NOT NULL CHECK (extract(day FROM monthly_from) = 1),
    set_by        text NOT NULL CHECK (set_by <> ''),
    PRIMARY KEY (merchant_id, number)
);
CREATE TRIGGER price_plans_only_grow BEFORE UPDATE OR DELETE ON price_plans
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Where each account of sales stood when a version was set, by the number of its last posting: clocks may differ
-- between machines, and a sandbox's may be set back; these never are. An account without a row was not open yet.
CREATE TABLE price_plan_marks (
    merchant_id uuid NOT NULL,
    number      integer NOT NULL,
    account_id  uuid NOT NULL,
    from_seq    bigint NOT NULL CHECK (from_seq >= 0),
    PRIMARY KEY (merchant_id, number, account_id),
    FOREIGN KEY (merchant_id, number) REFERENCES price_plans (merchant_id, number) ON DELETE RESTRICT,
    FOREIGN KEY (merchant_id, account_id) REFERENCES ledger_accounts (merchant_id, id) ON DELETE RESTRICT
);
CREATE TRIGGER price_plan_marks_only_grow BEFORE UPDATE OR DELETE ON price_plan_marks
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- One row for each shop that has anything to pay, locked by whoever counts or closes. `next_month`: the first one that
-- is not closed.
CREATE TABLE price_counts (
    merchant_id uuid NOT NULL REFERENCES merchants (id) ON DELETE RESTRICT,
    next_month  date NOT NULL CHECK (extract(day FROM next_month) = 1),
    counted_at  timestamptz,
    PRIMARY KEY (merchant_id)
);

-- Up to which posting each account of sales was counted.
CREATE TABLE price_marks (
    merchant_id uuid NOT NULL,
    account_id  uuid NOT NULL,
    through_seq bigint NOT NULL CHECK (through_seq >= 0),
    PRIMARY KEY (merchant_id, account_id),
    FOREIGN KEY (merchant_id, account_id) REFERENCES ledger_accounts (merchant_id, id) ON DELETE RESTRICT
);

-- What purchases came to in a month, under each percentage.
CREATE TABLE price_sales (
    merchant_id    uuid NOT NULL REFERENCES merchants (id) ON DELETE RESTRICT,
    month          date NOT NULL CHECK (extract(day FROM month) = 1),
    percent_bps    integer NOT NULL CHECK (percent_bps BETWEEN 1 AND 1000),
    bought_minor   bigint NOT NULL CHECK (bought_minor BETWEEN 0 AND 1000000000000000),
    refunded_minor bigint NOT NULL CHECK (refunded_minor BETWEEN 0 AND 1000000000000000),
    PRIMARY KEY (merchant_id, month, percent_bps)
);

-- A month that is over. Below zero when more was refunded than bought: then the shop has that back.
CREATE TABLE price_statements (
    merchant_id uuid NOT NULL REFERENCES merchants (id) ON DELETE RESTRICT,
    month       date NOT NULL CHECK (extract(day FROM month) = 1),
    currency    text NOT NULL CHECK (currency IN ('EUR', 'SEK', 'DKK')),
    total_minor bigint NOT NULL CHECK (total_minor BETWEEN -1000000000000 AND 1000000000000),
    closed_at   timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, month)
);
CREATE TRIGGER price_statements_only_grow BEFORE UPDATE OR DELETE ON price_statements
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TABLE price_lines (
    merchant_id    uuid NOT NULL,
    month          date NOT NULL,
    number         integer NOT NULL CHECK (number > 0),
    kind           text NOT NULL CHECK (kind IN ('percent', 'monthly', 'module')),
    amount_minor   bigint NOT NULL CHECK (amount_minor BETWEEN -1000000000000 AND 1000000000000),
    percent_bps    integer CHECK (percent_bps BETWEEN 1 AND 1000),
    bought_minor   bigint CHECK (bought_minor BETWEEN 0 AND 1000000000000000),
    refunded_minor bigint CHECK (refunded_minor BETWEEN 0 AND 1000000000000000),
    module         text CHECK (module IN ('wallet')),
    price_minor    bigint CHECK (price_minor BETWEEN 1 AND 1000000000000),
    days           integer CHECK (days BETWEEN 1 AND month_days),
    month_days     integer CHECK (month_days BETWEEN 28 AND 31),
    PRIMARY KEY (merchant_id, month, number),
    FOREIGN KEY (merchant_id, month) REFERENCES price_statements (merchant_id, month) ON DELETE RESTRICT,
    CHECK ((kind = 'percent') = (percent_bps IS NOT NULL AND bought_minor IS NOT NULL AND refunded_minor IS NOT NULL)),
    CHECK ((kind = 'percent') = (price_minor IS NULL)),
    CHECK ((kind = 'module') = (module IS NOT NULL AND days IS NOT NULL AND month_days IS NOT NULL))
);
CREATE TRIGGER price_lines_only_grow BEFORE UPDATE OR DELETE ON price_lines
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""

forwards = SqlMigration(ID, DESCRIPTION, SQL)
