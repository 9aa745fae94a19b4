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
            SELECT FROM customers c JOIN profiles p ON p.customer_id = c.id AND p.merchant_id = a.merchant_id
            WHERE a.address = 'customer:' || c.public_id || ':wallet')""",
    "I8 every change of a wallet was told once": """
        SELECT a.address || ' ' || p.account_seq FROM ledger_accounts a
        JOIN postings p ON p.merchant_id = a.merchant_id AND p.account_id = a.id
        LEFT JOIN events e ON e.merchant_id = a.merchant_id AND e.type = 'wallet.changed'
            AND e.data->>'customer_id' = split_part(a.address, ':', 2)
            AND (e.data->>'number')::bigint = p.account_seq AND (e.data->>'change_minor')::bigint = -p.amount_minor
        WHERE a.kind = 'wallet' GROUP BY a.merchant_id, a.address, p.account_seq HAVING count(e.id) <> 1""",
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
        WHERE p.amount_minor IS DISTINCT FROM -j.amount_minor""",
    "I19 a payout that waits has its hold, one that was paid its transfer": """
        SELECT o.public_id FROM wallet_payouts o
        JOIN holds h ON h.merchant_id = o.merchant_id AND h.id = o.hold_id
        LEFT JOIN transfers t ON t.merchant_id = o.merchant_id AND t.key = 'payout:' || o.public_id
        WHERE h.amount_minor <> o.amount_minor
           OR h.state <> CASE o.state WHEN 'requested' THEN 'pending' WHEN 'paid' THEN 'captured' ELSE 'released' END
           OR (o.state = 'paid') <> (t.id IS NOT NULL)""",
}
