"""Credit notes from before there were refunds: each becomes the refund that it was, and its order moves."""

from app.kernel.migration import SqlMigration

ID = "2026-11-21T05:41:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Credit notes that were drawn before refunds become refunds"

SQL = """
-- Rows of a history are in the order of their ids, which begin with a time: these come after all that is there.
CREATE OR REPLACE FUNCTION pg_temp.id_of_now() RETURNS uuid LANGUAGE sql AS $$
    SELECT (lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0') || '7'
            || substr(md5(random()::text), 1, 3) || '8' || substr(md5(random()::text), 1, 15))::uuid
$$;

CREATE TEMP TABLE noted ON COMMIT DROP AS
SELECT n.merchant_id, n.id, n.public_id, n.order_id, n.amount_minor, n.currency, n.content, n.created_at,
       coalesce(-sum(p.amount_minor) FILTER (WHERE a.kind = 'receivable'), 0)::bigint AS lowered_minor,
       coalesce(-sum(p.amount_minor) FILTER (WHERE a.kind = 'customer_credit'), 0)::bigint AS back_minor,
       coalesce(sum(p.amount_minor) FILTER (WHERE a.kind IN ('interest_income', 'fee_income')), 0)::bigint
           AS costs_minor
FROM invoices n
LEFT JOIN transfers t ON t.merchant_id = n.merchant_id AND t.key = 'credit_note:' || n.public_id
LEFT JOIN postings p ON p.merchant_id = t.merchant_id AND p.transfer_id = t.id
LEFT JOIN ledger_accounts a ON a.merchant_id = p.merchant_id AND a.id = p.account_id
WHERE n.kind = 'credit_note'
  AND NOT EXISTS (SELECT FROM refunds r WHERE r.merchant_id = n.merchant_id AND r.credit_note_id = n.id)
GROUP BY n.merchant_id, n.id;

INSERT INTO refunds (merchant_id, id, public_id, key, order_id, state, destination, amount_minor, fee_minor, currency,
                     asked_by, asked_at, decided_by, decided_at, lowered_minor, back_minor, costs_minor, credit_note_id)
SELECT merchant_id, id, 'rf_' || substr(public_id, 5), 'credit_note:' || public_id, order_id, 'done', 'original',
       amount_minor, 0, currency, 'system', created_at, 'system', created_at, lowered_minor, back_minor, costs_minor, id
FROM noted;

-- Goods are told from sums by their names; which line of the order they were of is the first one that is like them.
INSERT INTO refund_lines (merchant_id, refund_id, place, position, kind, name, sku, quantity, unit_price_minor,
                          vat_percent, total_minor)
SELECT n.merchant_id, n.id, l.at - 1, g.position - 1,
       CASE WHEN g.position IS NOT NULL THEN 'goods'
            WHEN (l.line->>'total_minor')::bigint > 0 THEN 'discount' ELSE 'sum' END,
       l.line->>'name', l.line->>'sku', -(l.line->>'quantity')::integer, (l.line->>'unit_price_minor')::bigint,
       l.line->>'vat_percent', -(l.line->>'total_minor')::bigint
FROM noted n
CROSS JOIN LATERAL jsonb_array_elements(n.content->'lines') WITH ORDINALITY AS l (line, at)
JOIN orders o ON o.merchant_id = n.merchant_id AND o.id = n.order_id
LEFT JOIN LATERAL (
    SELECT min(g.position) AS position FROM order_lines g
    WHERE g.merchant_id = o.merchant_id AND g.order_id = o.id AND g.version = o.version
      AND g.name = l.line->>'name' AND g.unit_price_minor = (l.line->>'unit_price_minor')::bigint
      AND g.unit_price_minor > 0 AND g.quantity >= -(l.line->>'quantity')::integer
      AND -(l.line->>'quantity')::integer > 0) g ON true;

INSERT INTO refund_history (merchant_id, id, subject_id, from_state, to_state, event, actor, at, detail)
SELECT merchant_id, pg_temp.id_of_now(), id, NULL, 'done', 'refund.done', 'system', created_at, '{}' FROM noted;

CREATE TEMP TABLE given ON COMMIT DROP AS
SELECT o.merchant_id, o.id, o.public_id, o.state AS was, o.currency, o.total_minor - sum(n.amount_minor) AS left_minor,
       CASE WHEN o.total_minor = sum(n.amount_minor) THEN 'refunded' ELSE 'partly_refunded' END AS state
FROM noted n JOIN orders o ON o.merchant_id = n.merchant_id AND o.id = n.order_id
GROUP BY o.merchant_id, o.id;

UPDATE orders o SET state = g.state, refundable_minor = g.left_minor
FROM given g WHERE o.merchant_id = g.merchant_id AND o.id = g.id;

INSERT INTO order_history (merchant_id, id, subject_id, from_state, to_state, event, actor, at, detail)
SELECT merchant_id, pg_temp.id_of_now(), id, was, state, 'order.refunded', 'system', now(), '{}' FROM given;

-- What was told then were the credit notes; the refunds are told to nobody any more, and stand as told.
INSERT INTO events (merchant_id, id, public_id, type, data, created_at)
SELECT n.merchant_id, pg_temp.id_of_now(), 'evt_' || substr(n.public_id, 5), 'order.refunded',
       jsonb_build_object('order_id', g.public_id, 'refund_id', 'rf_' || substr(n.public_id, 5), 'amount_minor',
                          n.amount_minor, 'fee_minor', 0, 'currency', n.currency, 'to', 'original',
                          'refundable_minor', g.left_minor), now()
FROM noted n JOIN given g ON g.merchant_id = n.merchant_id AND g.id = n.order_id;
INSERT INTO outbox (merchant_id, id, kind, payload, about, key, run_at, created_at, done_at)
SELECT e.merchant_id, pg_temp.id_of_now(), 'event',
       jsonb_build_object('event', e.public_id, 'type', e.type, 'data', e.data), e.data->>'order_id', e.public_id,
       e.created_at, e.created_at, e.created_at
FROM events e JOIN noted n ON n.merchant_id = e.merchant_id AND e.public_id = 'evt_' || substr(n.public_id, 5);
"""

forwards = SqlMigration(ID, DESCRIPTION, SQL)
