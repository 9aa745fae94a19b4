"""What must hold of money that staff recorded (I21), as SQL that finds what does not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# Where CHECKED stands, what belongs to orders is read: to all of them, or to those that something happened to.
PROOF: Final[Mapping[str, str]] = {
    "I21 recorded money paid its order or has a case": """
        SELECT r.public_id FROM recorded_payments r
        JOIN orders o ON o.merchant_id = r.merchant_id AND o.id = r.order_id
        LEFT JOIN orders paid ON paid.merchant_id = r.merchant_id AND paid.recorded_payment_id = r.id
        LEFT JOIN cases c ON c.merchant_id = r.merchant_id AND c.payment_id = r.id
        WHERE CHECKED AND (paid.id IS NULL) = (c.id IS NULL)
          AND (c.id IS NULL OR c.kept_for_id IS DISTINCT FROM paid.id)""",
    "I21 recorded money is in the books": """
        SELECT r.public_id FROM recorded_payments r
        JOIN orders o ON o.merchant_id = r.merchant_id AND o.id = r.order_id
        LEFT JOIN orders paid ON paid.merchant_id = r.merchant_id AND paid.recorded_payment_id = r.id
        LEFT JOIN cases c ON c.merchant_id = r.merchant_id AND c.payment_id = r.id
        WHERE CHECKED AND NOT EXISTS (SELECT FROM transfers t WHERE t.merchant_id = r.merchant_id AND t.key
            = CASE WHEN c.id IS NULL THEN 'purchase:' || paid.public_id ELSE 'received:' || r.public_id END)""",
    "I21 what nobody has assigned is what waits in cases": """
        SELECT m.public_id FROM merchants m
        CROSS JOIN (VALUES ('EUR'), ('SEK'), ('DKK')) AS each (currency)
        WHERE coalesce((SELECT -a.balance_minor FROM ledger_accounts a WHERE a.merchant_id = m.id
                        AND a.address = 'merchant:unassigned' AND a.currency = each.currency), 0)
           <> coalesce((SELECT sum(c.amount_minor) FROM cases c WHERE c.merchant_id = m.id
                        AND c.kind IN ('late_payment', 'refund_refused') AND c.state = 'open'
                        AND c.currency = each.currency), 0)""",
}
