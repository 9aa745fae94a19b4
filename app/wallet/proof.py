"""What holds of every wallet, as SQL over everything that names what does not. `checkout/books.py` joins it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

PROOF: Final[Mapping[str, str]] = {
    "I4 a wallet holds what its lots hold, and never less than nothing": """
        SELECT a.address FROM ledger_accounts a
        LEFT JOIN lots l ON l.merchant_id = a.merchant_id AND l.account_id = a.id
        WHERE a.kind = 'wallet'
        GROUP BY a.merchant_id, a.id
        HAVING a.balance_minor > 0 OR -a.balance_minor <> coalesce(sum(l.left_minor), 0)
            OR a.held_minor <> coalesce(sum(l.held_minor), 0)""",
    "I4 a wallet is that of a customer of its shop": """
        SELECT a.address FROM ledger_accounts a
        WHERE a.kind = 'wallet' AND NOT EXISTS (
            SELECT FROM customers c JOIN profiles p ON p.customer_id = c.id
            WHERE p.merchant_id = a.merchant_id AND c.public_id = split_part(a.address, ':', 2))""",
    "I8 every change of a wallet was told once": """
        SELECT customer || ' ' || number FROM (
            SELECT a.merchant_id, split_part(a.address, ':', 2) AS customer, p.account_seq AS number,
                   -p.amount_minor AS change_minor, 1 AS moved, 0 AS told
            FROM ledger_accounts a JOIN postings p ON p.merchant_id = a.merchant_id AND p.account_id = a.id
            WHERE a.kind = 'wallet'
            UNION ALL
            SELECT merchant_id, data->>'customer_id', (data->>'number')::bigint, (data->>'change_minor')::bigint, 0, 1
            FROM events WHERE type = 'wallet.changed') AS both_sides
        GROUP BY merchant_id, customer, number
        HAVING sum(moved) <> 1 OR sum(told) <> 1 OR min(change_minor) <> max(change_minor)""",
    "I19 what a wallet paid went to its own customer's purchase": """
        SELECT t.key FROM transfers t
        JOIN postings w ON w.merchant_id = t.merchant_id AND w.transfer_id = t.id
        JOIN ledger_accounts a ON a.merchant_id = w.merchant_id AND a.id = w.account_id AND a.kind = 'wallet'
        WHERE t.cause = 'wallet_payment' AND NOT EXISTS (
            SELECT FROM postings p JOIN ledger_accounts r ON r.merchant_id = p.merchant_id AND r.id = p.account_id
            WHERE p.merchant_id = t.merchant_id AND p.transfer_id = t.id AND p.amount_minor = -w.amount_minor
              AND r.address = 'customer:' || split_part(a.address, ':', 2) || ':receivable')""",
    "I19 a change by staff moved its wallet by just that much": """
        SELECT j.public_id FROM wallet_adjustments j
        JOIN customers c ON c.id = j.customer_id
        LEFT JOIN transfers t ON t.merchant_id = j.merchant_id AND t.key = 'adjustment:' || j.public_id
        LEFT JOIN ledger_accounts a ON a.merchant_id = j.merchant_id AND a.currency = j.currency
            AND a.address = 'customer:' || c.public_id || ':wallet'
        LEFT JOIN postings p ON p.merchant_id = t.merchant_id AND p.transfer_id = t.id AND p.account_id = a.id
        WHERE p.amount_minor IS DISTINCT FROM CASE j.state WHEN 'done' THEN -j.amount_minor END""",
    "I19 nobody was their own second person": """
        SELECT j.public_id FROM wallet_adjustments j
        JOIN wallet_adjustment_history h ON h.merchant_id = j.merchant_id AND h.subject_id = j.id
        WHERE h.event = 'adjustment.approved' AND h.actor = j.adjusted_by
        UNION ALL
        SELECT o.public_id FROM wallet_payouts o
        JOIN wallet_payout_history h ON h.merchant_id = o.merchant_id AND h.subject_id = o.id
        WHERE h.event = 'payout.approved' AND h.actor = o.requested_by""",
    "I19 a payout that waits has its hold, one that was paid its transfer": """
        SELECT o.public_id FROM wallet_payouts o
        JOIN holds h ON h.merchant_id = o.merchant_id AND h.id = o.hold_id
        LEFT JOIN transfers t ON t.merchant_id = o.merchant_id AND t.key = 'payout:' || o.public_id
        WHERE h.amount_minor <> o.amount_minor
           OR h.state <> CASE o.state WHEN 'paid' THEN 'captured' WHEN 'cancelled' THEN 'released' ELSE 'pending' END
           OR (o.state = 'paid') <> (t.id IS NOT NULL)""",
}
