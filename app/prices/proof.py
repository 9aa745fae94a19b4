"""What must hold of what shops pay (I35), as SQL that finds what does not: `checkout.books`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.prices.actions.counting import COUNTED

_RECOUNT: Final = f"""
SELECT m.public_id FROM (
    SELECT c.merchant_id, c.percent_bps, c.amount_minor FROM ({COUNTED}
        JOIN price_marks k ON k.merchant_id = p.merchant_id AND k.account_id = p.account_id
            AND p.account_seq <= k.through_seq) c
    UNION ALL
    SELECT merchant_id, percent_bps, bought_minor - refunded_minor FROM price_sales) b
JOIN merchants m ON m.id = b.merchant_id
GROUP BY m.id, b.percent_bps HAVING sum(b.amount_minor) <> 0
"""  # noqa: S608 - a constant of the counting

PROOF: Final[Mapping[str, str]] = {
    "I35 the lines of a month sum to its total": """
        SELECT s.month::text FROM price_statements s
        LEFT JOIN price_lines l ON l.merchant_id = s.merchant_id AND l.month = s.month
        GROUP BY s.merchant_id, s.month HAVING s.total_minor <> coalesce(sum(l.amount_minor), 0)""",
    "I35 the total of a month is what was posted for it, once": """
        SELECT coalesce(t.key, s.month::text) FROM (
            SELECT q.merchant_id, x.key, -q.amount_minor AS earned_minor
            FROM ledger_accounts a
            JOIN postings q ON q.merchant_id = a.merchant_id AND q.account_id = a.id
            JOIN transfers x ON x.merchant_id = q.merchant_id AND x.id = q.transfer_id
            WHERE a.kind = 'price_income') t
        FULL JOIN price_statements s
            ON s.merchant_id = t.merchant_id AND t.key = 'prices:' || to_char(s.month, 'YYYY-MM')
        WHERE s.month IS NULL OR coalesce(t.earned_minor, 0) <> s.total_minor""",
    "I35 a percent is of what was counted of its month, half up, and no month that is closed lacks one": """
        SELECT coalesce(s.month, l.month)::text FROM (
            SELECT s.* FROM price_sales s JOIN price_counts c ON c.merchant_id = s.merchant_id
            WHERE s.month < c.next_month) s
        FULL JOIN (SELECT * FROM price_lines WHERE kind = 'percent') l
            ON l.merchant_id = s.merchant_id AND l.month = s.month AND l.percent_bps = s.percent_bps
        WHERE (l.bought_minor, l.refunded_minor) IS DISTINCT FROM (s.bought_minor, s.refunded_minor)
           OR l.amount_minor <> round((l.bought_minor - l.refunded_minor)::numeric * l.percent_bps / 10000)""",
    "I35 every purchase and every refund was counted once, under its own percentage": _RECOUNT,
    "I35 months are closed one after another": """
        SELECT max(s.month)::text FROM price_statements s JOIN price_counts c ON c.merchant_id = s.merchant_id
        GROUP BY c.merchant_id
        HAVING max(s.month) + interval '1 month' <> c.next_month
            OR count(*) <> 1 + (extract(year FROM max(s.month)) - extract(year FROM min(s.month))) * 12
                             + extract(month FROM max(s.month)) - extract(month FROM min(s.month))""",
}
