"""What must hold of points, as SQL: each statement finds what breaks its sentence.

The ledger proves its own part for points as for money: a stored balance is the sum of its postings, and what is left
in lots less the debt. Here stands what ties the ledger to the reasons that loyalty keeps.
"""

from collections.abc import Mapping
from typing import Final

# Where CHECKED stands, what belongs to orders is read: to all of them, or to those that something happened to.
PROOF: Final[Mapping[str, str]] = {
    "I20 the points of a customer are their lots less their debt": """
        SELECT a.address FROM ledger_accounts a
        LEFT JOIN lots l ON l.merchant_id = a.merchant_id AND l.account_id = a.id
        WHERE a.kind = 'points'
        GROUP BY a.merchant_id, a.id
        HAVING -a.balance_minor <> coalesce(sum(l.left_minor), 0) - a.debt_minor""",
    "I20 an order's points stand in the ledger once, and only what loyalty says": """
        SELECT coalesce(o.public_id, t.about) FROM loyalty_earnings e
        JOIN orders o ON o.merchant_id = e.merchant_id AND o.id = e.order_id
        FULL JOIN (SELECT t.merchant_id, t.about, count(*) AS times, sum(p.amount_minor) AS points FROM transfers t
                   JOIN postings p ON p.merchant_id = t.merchant_id AND p.transfer_id = t.id AND p.amount_minor > 0
                   WHERE t.cause = 'points_earned' GROUP BY t.merchant_id, t.about) t
            ON t.merchant_id = e.merchant_id AND t.about = o.public_id
        WHERE coalesce(e.points, 0) <> coalesce(t.points, 0) OR t.times > 1""",
    "I20 only a paid order earns": """
        SELECT o.public_id FROM loyalty_earnings e
        JOIN orders o ON o.merchant_id = e.merchant_id AND o.id = e.order_id
        WHERE CHECKED AND (o.state NOT IN ('paid', 'partly_refunded', 'refunded') OR o.customer_id <> e.customer_id)""",
    "I20 refunds take back no more points than the order earned": """
        SELECT e.id::text FROM loyalty_earnings e
        JOIN orders o ON o.merchant_id = e.merchant_id AND o.id = e.order_id
        JOIN loyalty_claw_backs c ON c.merchant_id = e.merchant_id AND c.earning_id = e.id
        WHERE CHECKED GROUP BY e.merchant_id, e.id HAVING sum(c.points) > e.points""",
    "I20 what a refund took back stands in the ledger": """
        SELECT c.refund FROM loyalty_claw_backs c
        JOIN loyalty_earnings e ON e.merchant_id = c.merchant_id AND e.id = c.earning_id
        JOIN orders o ON o.merchant_id = e.merchant_id AND o.id = e.order_id
        LEFT JOIN transfers t ON t.merchant_id = c.merchant_id AND t.key = 'claw_back:' || c.refund
        LEFT JOIN postings p ON p.merchant_id = t.merchant_id AND p.transfer_id = t.id AND p.amount_minor > 0
        WHERE CHECKED AND c.points <> coalesce(p.amount_minor, 0)""",
    "I20 points that were turned became the money they were worth": """
        SELECT n.id::text FROM loyalty_turns n
        LEFT JOIN transfers took ON took.merchant_id = n.merchant_id AND took.key = 'turn:' || n.id
        LEFT JOIN postings p ON p.merchant_id = took.merchant_id AND p.transfer_id = took.id AND p.amount_minor > 0
        LEFT JOIN transfers gave ON gave.merchant_id = n.merchant_id AND gave.key = 'points:' || n.id
        LEFT JOIN postings m ON m.merchant_id = gave.merchant_id AND m.transfer_id = gave.id AND m.amount_minor > 0
        WHERE n.points <> coalesce(p.amount_minor, 0) OR n.amount_minor <> coalesce(m.amount_minor, 0)
           OR n.currency IS DISTINCT FROM m.currency""",
    "I20 what staff gave or took stands in the ledger": """
        SELECT j.id::text FROM loyalty_adjustments j
        LEFT JOIN transfers t ON t.merchant_id = j.merchant_id AND t.key = 'adjust_points:' || j.id
        LEFT JOIN postings p ON p.merchant_id = t.merchant_id AND p.transfer_id = t.id
            AND (p.amount_minor > 0) = (j.points < 0)
            AND p.account_id IN (SELECT id FROM ledger_accounts a WHERE a.merchant_id = t.merchant_id
                                 AND a.kind = 'points')
        WHERE j.points IS DISTINCT FROM -p.amount_minor""",
}
