"""What must hold of subscriptions (I34), as SQL that finds what does not: `checkout.books`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# Where CHECKED stands, what belongs to orders is read: to all of them, or to those that something happened to.
PROOF: Final[Mapping[str, str]] = {
    "I34 a period that is paid has an order that was bought, and one that lapsed has none": """
        SELECT o.public_id FROM subscription_periods d
        JOIN orders o ON o.merchant_id = d.merchant_id AND o.id = d.order_id
        WHERE CHECKED AND ((d.paid_at IS NOT NULL AND o.paid_at IS NULL)
                           OR (d.lapsed_at IS NOT NULL AND o.paid_at IS NOT NULL))""",
    "I34 a subscription was begun by an order that offered it, with words that were agreed on": """
        SELECT s.public_id FROM subscriptions s
        LEFT JOIN subscription_offers f ON f.merchant_id = s.merchant_id AND f.order_id = s.order_id
        LEFT JOIN subscription_periods d ON d.merchant_id = s.merchant_id AND d.subscription_id = s.id
            AND d.kind = 'first' AND d.order_id = s.order_id
        LEFT JOIN subscription_agreements a ON a.merchant_id = s.merchant_id AND a.subscription_id = s.id
            AND a.kind = 'begin'
        WHERE f.order_id IS NULL OR d.id IS NULL OR a.id IS NULL""",
    "I34 nobody pays by a version of a plan that they have not agreed to, unless it asks for less": """
        SELECT s.public_id FROM subscriptions s
        JOIN subscription_plan_versions v ON v.merchant_id = s.merchant_id AND v.id = s.version_id
        WHERE NOT EXISTS (
            SELECT FROM subscription_agreements a
            JOIN subscription_plan_versions w ON w.merchant_id = a.merchant_id AND w.id = a.version_id
            WHERE a.merchant_id = s.merchant_id AND a.subscription_id = s.id AND w.amount_minor >= v.amount_minor)""",
    "I34 what a provider charges is saved with that provider, and an invoice with none": """
        SELECT s.public_id FROM subscriptions s
        LEFT JOIN saved_methods m ON m.merchant_id = s.merchant_id AND m.id = s.saved_method_id
        WHERE s.saved_method_id IS NOT NULL AND m.method <> s.method""",
    "I34 the words that were agreed on are those of their hash": """
        SELECT s.public_id FROM subscription_agreements a
        JOIN subscriptions s ON s.merchant_id = a.merchant_id AND s.id = a.subscription_id
        WHERE encode(sha256(convert_to(a.body, 'UTF8')), 'hex') <> a.hash""",
    "I34 what goes on is looked at, and what has ended is not, but for a new beginning": """
        SELECT s.public_id FROM subscriptions s
        WHERE (s.state <> 'ended' AND s.due_at IS NULL)
           OR (s.state = 'ended' AND s.due_at IS NOT NULL AND NOT EXISTS (
                   SELECT FROM subscription_periods d WHERE d.merchant_id = s.merchant_id
                       AND d.subscription_id = s.id AND d.kind = 'revival' AND d.paid_at IS NULL
                       AND d.lapsed_at IS NULL))""",
}
