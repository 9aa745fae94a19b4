"""What must hold of money that goes through providers (I23), as SQL that finds what does not: `checkout.books`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# Where CHECKED stands, what belongs to orders is read: to all of them, or to those that something happened to.
PROOF: Final[Mapping[str, str]] = {
    "I23 what a provider was to take of a paid order, one payment took, and of another order none": """
        SELECT o.public_id FROM orders o
        LEFT JOIN quotes q ON q.merchant_id = o.merchant_id AND q.id = o.quote_id
        LEFT JOIN payments p ON p.merchant_id = o.merchant_id AND p.order_id = o.id
            AND p.is_taking AND p.state = 'captured'
        WHERE CHECKED GROUP BY o.merchant_id, o.id, q.content
        HAVING coalesce(sum(p.amount_minor), 0) <> CASE
            WHEN o.state IN ('paid', 'partly_refunded', 'refunded')
            THEN coalesce((q.content->>'paid_minor')::bigint, 0) ELSE 0 END""",
    "I23 clearing holds what payments took and no refund gives back": """
        SELECT m.public_id || ' ' || each.currency FROM merchants m
        CROSS JOIN (VALUES ('EUR'), ('SEK'), ('DKK')) AS each (currency)
        WHERE coalesce((SELECT sum(a.balance_minor) FROM ledger_accounts a WHERE a.merchant_id = m.id
                        AND a.kind = 'psp_clearing' AND a.currency = each.currency), 0)
           <> coalesce((SELECT sum(p.captured_minor - p.refunded_minor) FROM payments p
                        LEFT JOIN cases c ON c.merchant_id = p.merchant_id AND c.provider_payment_id = p.id
                        WHERE p.merchant_id = m.id AND p.state = 'captured'
                        AND coalesce(c.currency, p.currency) = each.currency), 0)
            - coalesce((SELECT sum(r.amount_minor) FROM payment_refunds r WHERE r.merchant_id = m.id
                        AND r.currency = each.currency AND r.state <> 'refused'), 0)
            - coalesce((SELECT sum(d.amount_minor) FROM payment_disputes d WHERE d.merchant_id = m.id
                        AND d.currency = each.currency AND d.state IN ('withdrawn', 'lost')), 0)""",
    "I23 what nobody has decided about stands as disputed": """
        SELECT m.public_id || ' ' || each.currency FROM merchants m
        CROSS JOIN (VALUES ('EUR'), ('SEK'), ('DKK')) AS each (currency)
        WHERE coalesce((SELECT sum(a.balance_minor) FROM ledger_accounts a WHERE a.merchant_id = m.id
                        AND a.kind = 'disputed' AND a.currency = each.currency), 0)
           <> coalesce((SELECT sum(d.amount_minor) FROM payment_disputes d WHERE d.merchant_id = m.id
                        AND d.currency = each.currency AND d.state = 'withdrawn'), 0)""",
    "I23 what a dispute has taken has left clearing, and nothing else has": """
        SELECT d.public_id FROM payment_disputes d
        JOIN payments p ON p.merchant_id = d.merchant_id AND p.id = d.payment_id
        JOIN orders o ON o.merchant_id = p.merchant_id AND o.id = p.order_id
        LEFT JOIN transfers t ON t.merchant_id = o.merchant_id AND t.about = o.public_id AND t.cause = 'disputed'
            AND t.key LIKE 'disputed:' || d.public_id || ':%'
        LEFT JOIN (postings g JOIN ledger_accounts a ON a.merchant_id = g.merchant_id AND a.id = g.account_id
                   AND a.kind = 'psp_clearing') ON g.merchant_id = t.merchant_id AND g.transfer_id = t.id
        WHERE CHECKED GROUP BY d.merchant_id, d.id
        HAVING coalesce(sum(g.amount_minor), 0)
            <> CASE WHEN d.state IN ('withdrawn', 'lost') THEN -d.amount_minor ELSE 0 END""",
    "I23 no more of a payment is disputed than was taken": """
        SELECT p.public_id FROM payments p
        JOIN orders o ON o.merchant_id = p.merchant_id AND o.id = p.order_id
        JOIN payment_disputes d ON d.merchant_id = p.merchant_id AND d.payment_id = p.id
            AND d.state IN ('withdrawn', 'lost')
        WHERE CHECKED GROUP BY p.merchant_id, p.id HAVING sum(d.amount_minor) > p.captured_minor""",
    "I23 a dispute waits in a case while it goes on": """
        SELECT d.public_id FROM payment_disputes d
        JOIN payments p ON p.merchant_id = d.merchant_id AND p.id = d.payment_id
        JOIN orders o ON o.merchant_id = p.merchant_id AND o.id = p.order_id
        LEFT JOIN cases c ON c.merchant_id = d.merchant_id AND c.dispute_id = d.id AND c.state = 'open'
        WHERE CHECKED AND (d.state IN ('asked', 'withdrawn')) <> (c.id IS NOT NULL)""",
    "I23 captured money paid its order, or has a case": """
        SELECT p.public_id FROM payments p
        JOIN orders o ON o.merchant_id = p.merchant_id AND o.id = p.order_id
        LEFT JOIN cases c ON c.merchant_id = p.merchant_id AND c.provider_payment_id = p.id
        WHERE CHECKED AND (p.state = 'captured' AND NOT p.is_taking) <> (c.id IS NOT NULL)""",
    "I23 captured money is in the books": """
        SELECT p.public_id FROM payments p
        JOIN orders o ON o.merchant_id = p.merchant_id AND o.id = p.order_id
        LEFT JOIN transfers t ON t.merchant_id = p.merchant_id
            AND t.key = CASE WHEN p.is_taking THEN 'purchase:' || o.public_id ELSE 'received:' || p.public_id END
        LEFT JOIN (postings g JOIN ledger_accounts a ON a.merchant_id = g.merchant_id AND a.id = g.account_id
                   AND a.kind = 'psp_clearing') ON g.merchant_id = t.merchant_id AND g.transfer_id = t.id
        WHERE CHECKED AND p.state = 'captured'
          AND g.amount_minor IS DISTINCT FROM p.captured_minor - p.refunded_minor""",
    "I23 a session in processing waits for one payment, and a payment that goes on has such a session": """
        SELECT s.public_id FROM checkout_sessions s
        JOIN orders o ON o.merchant_id = s.merchant_id AND o.id = s.order_id
        LEFT JOIN payments p ON p.merchant_id = s.merchant_id AND p.session_id = s.id AND p.ended_at IS NULL
        WHERE CHECKED GROUP BY s.merchant_id, s.id
        HAVING count(p.id) <> 1 AND s.state = 'processing' OR count(p.id) <> 0 AND s.state IN ('open', 'confirmed')
            OR count(p.id) > 1 OR bool_or(p.is_taking AND s.state = 'held')""",
    "I23 what a session that has ended was paid with is being let go": """
        SELECT p.public_id FROM payments p
        JOIN orders o ON o.merchant_id = p.merchant_id AND o.id = p.order_id
        JOIN checkout_sessions s ON s.merchant_id = p.merchant_id AND s.id = p.session_id
        WHERE CHECKED AND p.ended_at IS NULL AND s.state IN ('declined', 'cancelled', 'expired')
          AND (p.is_taking OR p.state NOT IN ('authorised', 'cancelling'))""",
    "I23 what goes on is asked after, and what has ended forgets who paid": """
        SELECT p.public_id FROM payments p
        JOIN orders o ON o.merchant_id = p.merchant_id AND o.id = p.order_id
        WHERE CHECKED AND (
            (p.state IN ('captured', 'cancelled', 'failed', 'expired')) <> (p.ended_at IS NOT NULL)
            OR (p.ended_at IS NULL) <> (p.next_check_at IS NOT NULL)
            OR (p.ended_at IS NOT NULL AND num_nonnulls(p.contact, p.url, p.qr_url) > 0)
            OR (p.is_taking AND p.state IN ('cancelled', 'failed', 'expired')))""",
    "I23 a refund gives back through the provider what the provider took": """
        SELECT r.public_id FROM refunds r
        JOIN orders o ON o.merchant_id = r.merchant_id AND o.id = r.order_id
        JOIN payments p ON p.merchant_id = r.merchant_id AND p.order_id = r.order_id
            AND p.is_taking AND p.state = 'captured'
        LEFT JOIN payment_refunds b ON b.merchant_id = r.merchant_id AND b.refund_id = r.id
        WHERE CHECKED AND (r.back_minor <> coalesce(b.amount_minor, 0) OR b.payment_id <> p.id)""",
    "I23 no more goes back through a provider than it took": """
        SELECT p.public_id FROM payments p
        JOIN orders o ON o.merchant_id = p.merchant_id AND o.id = p.order_id
        JOIN payment_refunds r ON r.merchant_id = p.merchant_id AND r.payment_id = p.id AND r.state <> 'refused'
        WHERE CHECKED GROUP BY p.merchant_id, p.id HAVING sum(r.amount_minor) > p.captured_minor - p.refunded_minor""",
    "I23 a refund that its provider refused has a case": """
        SELECT r.public_id FROM payment_refunds r
        JOIN payments p ON p.merchant_id = r.merchant_id AND p.id = r.payment_id
        JOIN orders o ON o.merchant_id = p.merchant_id AND o.id = p.order_id
        LEFT JOIN cases c ON c.merchant_id = r.merchant_id AND c.payment_refund_id = r.id
        WHERE CHECKED AND (r.state = 'refused') <> (c.id IS NOT NULL)""",
}
