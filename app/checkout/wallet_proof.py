"""What must hold of money that the wallet pays purchases with (I22), as SQL that finds what does not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# Where CHECKED stands, what belongs to orders is read: to all of them, or to those that something happened to.
PROOF: Final[Mapping[str, str]] = {
    "I22 what the wallet paid, what a provider took and what was lent make up a paid order's price": """
        SELECT o.public_id FROM orders o
        JOIN quotes q ON q.merchant_id = o.merchant_id AND q.id = o.quote_id
        LEFT JOIN transfers t ON t.merchant_id = o.merchant_id AND t.key = 'wallet:' || o.public_id
        LEFT JOIN postings p ON p.merchant_id = t.merchant_id AND p.transfer_id = t.id AND p.amount_minor > 0
        WHERE CHECKED AND o.state IN ('paid', 'partly_refunded', 'refunded')
        GROUP BY o.merchant_id, o.id, q.content
        HAVING coalesce(sum(p.amount_minor), 0) <> coalesce((q.content->>'wallet_minor')::bigint, 0)
            OR coalesce(sum(p.amount_minor), 0) + (q.content->>'amount_minor')::bigint
                + coalesce((q.content->>'paid_minor')::bigint, 0) <> o.total_minor""",
    "I22 nothing is set aside for a session that has ended": """
        SELECT s.public_id FROM checkout_sessions s
        JOIN orders o ON o.merchant_id = s.merchant_id AND o.id = s.order_id
        JOIN holds h ON h.merchant_id = s.merchant_id AND h.id = s.hold_id
        WHERE CHECKED AND h.state = 'pending' AND s.state NOT IN ('open', 'processing', 'held')""",
    "I22 what a purchase took was set aside for it, and nothing else was taken": """
        SELECT s.public_id FROM checkout_sessions s
        JOIN orders o ON o.merchant_id = s.merchant_id AND o.id = s.order_id
        LEFT JOIN holds h ON h.merchant_id = s.merchant_id AND h.id = s.hold_id AND h.state = 'captured'
        LEFT JOIN quotes q ON q.merchant_id = s.merchant_id AND q.id = s.quote_id
        WHERE CHECKED AND coalesce(h.captured_minor, 0)
            <> CASE s.state WHEN 'confirmed' THEN coalesce((q.content->>'wallet_minor')::bigint, 0) ELSE 0 END""",
    "I22 what is set aside has a session or a payout that waits for it": """
        SELECT h.key FROM holds h
        WHERE h.state = 'pending'
          AND NOT EXISTS (SELECT FROM checkout_sessions s WHERE s.merchant_id = h.merchant_id AND s.hold_id = h.id)
          AND NOT EXISTS (SELECT FROM wallet_payouts o WHERE o.merchant_id = h.merchant_id AND o.hold_id = h.id)""",
}
