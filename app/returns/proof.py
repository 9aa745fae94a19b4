"""What holds of refunds and returns after every crash, as SQL that finds what does not; `checkout.books` runs it.

I31: refunds and what is left make up the price (I5 of the reliability notes), by the order and by the piece. I32: a
refund that is done has its credit note and its transfers, worth what it says. I33: the plan of what is left is quoted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# Where CHECKED stands, what belongs to orders is read: to all of them, or to those that something happened to.
PROOF: Final[Mapping[str, str]] = {
    "I31 what was refunded, what waits and what is left make up a paid order's price": """
        SELECT o.public_id FROM orders o
        LEFT JOIN refunds r ON r.merchant_id = o.merchant_id AND r.order_id = o.id AND r.state <> 'refused'
        WHERE CHECKED GROUP BY o.merchant_id, o.id
        HAVING coalesce(sum(r.amount_minor), 0) + o.refundable_minor
            <> CASE WHEN o.state IN ('paid', 'partly_refunded', 'refunded') THEN o.total_minor ELSE 0 END""",
    "I31 an order's state says how much of it was refunded": """
        SELECT o.public_id FROM orders o
        JOIN refunds r ON r.merchant_id = o.merchant_id AND r.order_id = o.id
        WHERE CHECKED GROUP BY o.merchant_id, o.id
        HAVING o.state <> CASE coalesce(sum(r.amount_minor) FILTER (WHERE r.state = 'done'), 0)
            WHEN 0 THEN 'paid' WHEN o.total_minor THEN 'refunded' ELSE 'partly_refunded' END""",
    "I31 no piece is taken back twice": """
        SELECT o.public_id FROM refund_lines l
        JOIN refunds r ON r.merchant_id = l.merchant_id AND r.id = l.refund_id AND r.state <> 'refused'
        JOIN orders o ON o.merchant_id = r.merchant_id AND o.id = r.order_id
        LEFT JOIN order_lines g ON g.merchant_id = o.merchant_id AND g.order_id = o.id AND g.version = o.version
            AND g.position = l.position + 1
        WHERE l.kind = 'goods' AND CHECKED
        GROUP BY o.merchant_id, o.id, l.position, g.quantity
        HAVING sum(l.quantity) > coalesce(g.quantity, 0)""",
    # Early repayment drops costs without a quote: then nothing is asked for any more.
    "I33 the documents of a refunded order ask for what its newest quote says": """
        SELECT o.public_id FROM orders o
        JOIN quotes q ON q.merchant_id = o.merchant_id AND q.id = o.current_quote_id
        JOIN invoices i ON i.merchant_id = o.merchant_id AND i.order_id = o.id AND i.kind IN ('invoice', 'notice')
        LEFT JOIN LATERAL (
            SELECT sum(p.applied_minor) AS minor FROM invoice_payments p
            WHERE p.merchant_id = i.merchant_id AND p.invoice_id = i.id AND p.source = 'wallet') w ON true
        WHERE CHECKED GROUP BY o.merchant_id, o.id, q.content
        HAVING bool_or(i.state IN ('scheduled', 'issued', 'partly_paid', 'overdue'))
           AND sum(i.amount_minor - i.credited_minor - i.dropped_interest_minor - i.dropped_fee_minor
                   - coalesce(w.minor, 0)) <> (q.content->>'total_payable_minor')::bigint""",
    "I31 a refund is the sum of its lines": """
        SELECT r.public_id FROM refunds r
        JOIN orders o ON o.merchant_id = r.merchant_id AND o.id = r.order_id
        LEFT JOIN refund_lines l ON l.merchant_id = r.merchant_id AND l.refund_id = r.id
        WHERE CHECKED GROUP BY r.merchant_id, r.id
        HAVING r.amount_minor <> coalesce(sum(l.total_minor), 0)
            OR r.fee_minor <> coalesce(-sum(l.total_minor) FILTER (WHERE l.kind = 'fee'), 0)""",
    "I32 a refund is worth its credit note": """
        SELECT r.public_id FROM refunds r
        JOIN orders o ON o.merchant_id = r.merchant_id AND o.id = r.order_id
        JOIN invoices i ON i.merchant_id = r.merchant_id AND i.id = r.credit_note_id
        WHERE CHECKED AND (i.amount_minor <> r.amount_minor OR i.order_id <> r.order_id OR i.kind <> 'credit_note'
                           OR i.restored_minor <> r.restored_minor OR i.put_minor <> r.put_minor)""",
    "I32 a refund's money went where it says": """
        SELECT r.public_id FROM refunds r
        JOIN orders o ON o.merchant_id = r.merchant_id AND o.id = r.order_id
        JOIN invoices i ON i.merchant_id = r.merchant_id AND i.id = r.credit_note_id
        LEFT JOIN transfers t ON t.merchant_id = r.merchant_id
            AND t.key IN ('credit_note:' || i.public_id, 'refund_restored:' || r.public_id,
                          'refund_put:' || r.public_id)
        LEFT JOIN postings p ON p.merchant_id = t.merchant_id AND p.transfer_id = t.id
        LEFT JOIN ledger_accounts a ON a.merchant_id = p.merchant_id AND a.id = p.account_id
        WHERE CHECKED GROUP BY r.merchant_id, r.id
        HAVING r.restored_minor + r.put_minor <> coalesce(-sum(p.amount_minor) FILTER (WHERE a.kind = 'wallet'), 0)
            OR r.back_minor <> coalesce(-sum(p.amount_minor)
                                      FILTER (WHERE a.kind IN ('customer_credit', 'bank', 'cash', 'psp_clearing')), 0)
            OR r.lowered_minor <> coalesce(-sum(p.amount_minor) FILTER (WHERE a.kind = 'receivable'), 0)
            OR r.costs_minor <> coalesce(sum(p.amount_minor)
                                         FILTER (WHERE a.kind IN ('interest_income', 'fee_income')), 0)""",
    "I32 a refund that is done told so": """
        SELECT r.public_id FROM refunds r
        JOIN orders o ON o.merchant_id = r.merchant_id AND o.id = r.order_id
        LEFT JOIN outbox b ON b.merchant_id = r.merchant_id AND b.about = o.public_id AND b.kind = 'event'
            AND b.payload->>'type' = 'order.refunded' AND b.payload->'data'->>'refund_id' = r.public_id
        WHERE CHECKED GROUP BY r.merchant_id, r.id HAVING count(b.id) <> CASE r.state WHEN 'done' THEN 1 ELSE 0 END""",
    "I32 nobody approved their own refund": """
        SELECT r.public_id FROM refunds r
        JOIN orders o ON o.merchant_id = r.merchant_id AND o.id = r.order_id
        JOIN refund_history h ON h.merchant_id = r.merchant_id AND h.subject_id = r.id AND h.event = 'refund.approved'
        WHERE CHECKED AND h.actor = r.asked_by""",
    "I32 a return that was refunded has its refund": """
        SELECT t.public_id FROM returns t
        JOIN orders o ON o.merchant_id = t.merchant_id AND o.id = t.order_id
        LEFT JOIN refunds r ON r.merchant_id = t.merchant_id AND r.return_id = t.id AND r.state = 'done'
        WHERE CHECKED GROUP BY t.merchant_id, t.id
        HAVING (t.state = 'refunded') <> (count(r.id) = 1) OR count(r.id) > 1""",
}
