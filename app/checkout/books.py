"""The proof of the books: invariants that hold after every crash, as SQL over everything, or over what is new.

Numbers as in the reliability notes: I1-I4, I17 and I18 the ledger (ledger/proof.py), I6 at most one purchase an order,
I7 histories, I8 events and their outbox rows, I11-I13 invoices, I14 agreements, I15 credit notes, I16 cases, I20 points
(loyalty/proof.py), I21 money that staff recorded (recorded_proof.py), I22 what wallets pay (wallet_proof.py), I23 what
goes through providers (payments/proof.py), I31-I33 refunds (returns/proof.py), I34 subscriptions
(subscriptions/proof.py), I35 what shops pay (prices/proof.py). I10 (what was acknowledged is there) needs the caller's
own list of what it was told.

Where a query says CHECKED it looks at every order, or at those alone that something happened to since the last proof:
so the proof of what is new is of the same sentences, but for those that sum up or number all there is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from uuid import UUID

from app.cases.states import MACHINE as CASES
from app.checkout.recorded_proof import PROOF as RECORDED
from app.checkout.states import MACHINE as SESSIONS
from app.checkout.wallet_proof import PROOF as PAID_BY_WALLET
from app.invoices.states import MACHINE as INVOICES
from app.kernel import db
from app.kernel.states import Machine
from app.ledger import proof as ledger
from app.ledger.proof import Violation, look
from app.ledger.states import MACHINE as HOLDS
from app.links.bulk.states import MACHINE as IMPORTS
from app.links.reusable.states import MACHINE as REUSABLE
from app.links.states import MACHINE as LINKS
from app.loyalty.proof import PROOF as POINTS
from app.orders.states import MACHINE as ORDERS
from app.payments.proof import PROOF as PROVIDERS
from app.payments.states import DISPUTES, REFUNDING
from app.payments.states import MACHINE as PAYMENTS
from app.prices.proof import PROOF as PRICES
from app.returns.proof import PROOF as REFUNDED
from app.returns.states import REFUNDS, RETURNS
from app.subscriptions.proof import PROOF as SUBSCRIBED
from app.subscriptions.states import EXCHANGES
from app.subscriptions.states import MACHINE as SUBSCRIPTIONS
from app.subscriptions.states import PLANS as SUBSCRIPTION_PLANS
from app.wallet.proof import PROOF as WALLETS
from app.wallet.states import ADJUSTMENTS
from app.wallet.states import MACHINE as PAYOUTS

_EXPOSED: Final = "I3 exposure is what the receivable says"
_EXPOSURE: Final = """
SELECT e.customer_id::text FROM credit_exposures e
JOIN customers c ON c.id = e.customer_id
LEFT JOIN ledger_accounts a ON a.merchant_id = e.merchant_id AND a.currency = e.currency
    AND a.address = 'customer:' || c.public_id || ':receivable'
WHERE e.exposure_minor <> coalesce(a.balance_minor, 0)
"""

_WHOLE_SQL: Final[Mapping[str, str]] = {
    _EXPOSED: _EXPOSURE,
    "I6 an idempotency key has its answer": """
        SELECT scope FROM idempotency_keys WHERE status IS NULL""",
    "I8 an event has exactly one outbox row": """
        SELECT e.public_id FROM events e
        LEFT JOIN outbox b ON b.merchant_id = e.merchant_id AND b.key = e.public_id AND b.kind = 'event'
        GROUP BY e.merchant_id, e.id HAVING count(b.id) <> 1""",
}

_ORDERS_SQL: Final[Mapping[str, str]] = {
    "I6 a paid order has exactly one purchase, an unpaid one none": """
        SELECT o.public_id FROM orders o
        LEFT JOIN transfers t ON t.merchant_id = o.merchant_id AND t.about = o.public_id AND t.cause = 'purchase'
        WHERE CHECKED GROUP BY o.merchant_id, o.id
        HAVING count(t.id) <> CASE WHEN o.state IN ('paid', 'partly_refunded', 'refunded') THEN 1 ELSE 0 END""",
    "I6 a purchase is worth its order": """
        SELECT o.public_id FROM orders o
        JOIN transfers t ON t.merchant_id = o.merchant_id AND t.about = o.public_id AND t.cause = 'purchase'
        JOIN postings p ON p.merchant_id = t.merchant_id AND p.transfer_id = t.id AND p.amount_minor > 0
        WHERE CHECKED GROUP BY o.merchant_id, o.id HAVING sum(p.amount_minor) <> o.total_minor""",
    "I6 a confirmed session has a paid order": """
        SELECT s.public_id FROM checkout_sessions s
        JOIN orders o ON o.merchant_id = s.merchant_id AND o.id = s.order_id
        WHERE CHECKED AND (s.state = 'confirmed') <> (o.state IN ('paid', 'partly_refunded', 'refunded'))
          AND NOT EXISTS (SELECT FROM checkout_sessions other WHERE other.merchant_id = s.merchant_id
                          AND other.order_id = s.order_id AND other.state = 'confirmed' AND other.id <> s.id)
          AND (s.state = 'confirmed' OR o.recorded_payment_id IS NULL)""",
    "I6 an order is paid once: by one confirmed session, by money that staff recorded, or as a period": """
        SELECT o.public_id FROM orders o
        LEFT JOIN checkout_sessions s ON s.merchant_id = o.merchant_id AND s.order_id = o.id AND s.state = 'confirmed'
        WHERE CHECKED AND o.state IN ('paid', 'partly_refunded', 'refunded')
        GROUP BY o.merchant_id, o.id
        HAVING count(s.id) + CASE WHEN o.recorded_payment_id IS NULL THEN 0 ELSE 1 END + (
            SELECT count(*) FROM subscription_periods d WHERE d.merchant_id = o.merchant_id AND d.order_id = o.id
                AND d.kind <> 'first' AND d.lapsed_at IS NULL) <> 1""",
    "I8 a paid order told so": """
        SELECT o.public_id FROM orders o
        LEFT JOIN outbox b ON b.merchant_id = o.merchant_id AND b.about = o.public_id AND b.kind = 'event'
            AND b.payload->>'type' = 'order.paid'
        WHERE CHECKED AND o.state IN ('paid', 'partly_refunded', 'refunded')
        GROUP BY o.merchant_id, o.id HAVING count(b.id) <> 1""",
}

_INVOICES_SQL: Final[Mapping[str, str]] = {
    "I11 a series of invoice numbers has no gap": """
        SELECT s.year::text FROM invoice_series s
        LEFT JOIN invoices i ON i.merchant_id = s.merchant_id AND i.series_year = s.year
        GROUP BY s.merchant_id, s.year HAVING count(i.id) <> s.last_number OR max(i.series_number) <> s.last_number""",
    "I12 what is paid of an invoice is the sum of its payments": """
        SELECT i.number FROM invoices i
        JOIN orders o ON o.merchant_id = i.merchant_id AND o.id = i.order_id
        LEFT JOIN invoice_payments p ON p.merchant_id = i.merchant_id AND p.invoice_id = i.id
        WHERE CHECKED GROUP BY i.merchant_id, i.id
        HAVING i.paid_minor <> coalesce(sum(p.applied_minor), 0)
            OR (i.state = 'paid') <> (i.state <> 'credited' AND i.amount_minor
                = i.paid_minor + i.credited_minor + i.dropped_interest_minor + i.dropped_fee_minor)""",
    "I12 a payment has its transfer": """
        SELECT p.public_id FROM invoice_payments p
        JOIN invoices i ON i.merchant_id = p.merchant_id AND i.id = p.invoice_id
        JOIN orders o ON o.merchant_id = i.merchant_id AND o.id = i.order_id
        WHERE CHECKED AND NOT EXISTS (
            SELECT FROM transfers t WHERE t.merchant_id = p.merchant_id
              AND t.key = CASE WHEN p.source = 'wallet' THEN 'wallet:' || o.public_id
                               WHEN p.source IN ('card', 'mobilepay') THEN 'purchase:' || o.public_id
                               ELSE 'payment:' || p.public_id END)""",
    "I13 the documents of an order ask for its quote's total": """
        SELECT o.public_id FROM invoices i
        JOIN orders o ON o.merchant_id = i.merchant_id AND o.id = i.order_id
        JOIN quotes q ON q.merchant_id = o.merchant_id AND q.id = o.quote_id
        WHERE CHECKED AND i.kind IN ('invoice', 'notice')
        GROUP BY o.merchant_id, o.id, q.content
        HAVING sum(i.amount_minor) <> (q.content->>'total_payable_minor')::bigint
            + CASE min(i.kind) WHEN 'invoice' THEN coalesce((q.content->>'wallet_minor')::bigint, 0) ELSE 0 END""",
    "I15 credit notes take back no more than was sold, and all of it when nothing is left": """
        SELECT s.number FROM invoices s
        JOIN orders o ON o.merchant_id = s.merchant_id AND o.id = s.order_id
        JOIN invoices n ON n.merchant_id = s.merchant_id AND n.opposes_id = s.id
        WHERE CHECKED GROUP BY s.merchant_id, s.id
        HAVING sum(n.amount_minor) > s.principal_minor
            OR (s.state = 'credited') <> (sum(n.amount_minor) = s.principal_minor AND sum(n.put_minor) = 0)""",
    "I15 what documents ask for less was credited": """
        SELECT o.public_id FROM invoices i
        JOIN orders o ON o.merchant_id = i.merchant_id AND o.id = i.order_id
        WHERE CHECKED GROUP BY o.merchant_id, o.id
        HAVING sum(i.credited_minor) > coalesce(sum(i.amount_minor) FILTER (WHERE i.kind = 'credit_note'), 0)""",
}

_AGREEMENTS_SQL: Final[Mapping[str, str]] = {
    "I14 an agreement is of its order's quote": """
        SELECT a.public_id FROM agreements a
        JOIN orders o ON o.merchant_id = a.merchant_id AND o.id = a.order_id
        LEFT JOIN quotes q ON q.merchant_id = o.merchant_id AND q.id = o.quote_id
        WHERE CHECKED AND (a.quote_id IS DISTINCT FROM o.quote_id OR a.quote_hash IS DISTINCT FROM q.content->>'hash'
                           OR a.content->'quote'->>'hash' IS DISTINCT FROM a.quote_hash
                           OR o.state NOT IN ('paid', 'partly_refunded', 'refunded'))""",
    "I14 an order has at most one agreement": """
        SELECT o.public_id FROM agreements a
        JOIN orders o ON o.merchant_id = a.merchant_id AND o.id = a.order_id
        WHERE CHECKED GROUP BY o.merchant_id, o.id HAVING count(*) > 1""",
}

_CASES_SQL: Final[Mapping[str, str]] = {
    "I16 a held session waits for one open case, and an open case holds its session": """
        SELECT s.public_id FROM checkout_sessions s
        JOIN orders o ON o.merchant_id = s.merchant_id AND o.id = s.order_id
        LEFT JOIN cases c ON c.merchant_id = s.merchant_id AND c.session_id = s.id
                           AND c.state IN ('open', 'decided') AND NOT c.is_blind
        WHERE CHECKED AND ((s.state = 'held') <> (c.id IS NOT NULL)
                           OR (s.state = 'held') <> (s.held_until IS NOT NULL))""",
    "I16 a held session holds its order": """
        SELECT s.public_id FROM checkout_sessions s
        JOIN orders o ON o.merchant_id = s.merchant_id AND o.id = s.order_id
        WHERE CHECKED AND s.state = 'held' AND o.state <> 'held'""",
}


_ROOMS: Final = (
    ledger.FULL,
    _WHOLE_SQL,
    _ORDERS_SQL,
    _INVOICES_SQL,
    _AGREEMENTS_SQL,
    _CASES_SQL,
    WALLETS,
    POINTS,
    REFUNDED,
    RECORDED,
    PAID_BY_WALLET,
    PROVIDERS,
    SUBSCRIBED,
    PRICES,
)

# Those that are proven of what is new as well.
_OF_ORDERS: Final = {name: sql for room in _ROOMS for name, sql in room.items() if "CHECKED" in sql}

_HISTORIES: Final = (
    (ORDERS, "orders", "order_history"),
    (SESSIONS, "checkout_sessions", "session_history"),
    (INVOICES, "invoices", "invoice_history"),
    (CASES, "cases", "case_history"),
    (LINKS, "payment_links", "link_history"),
    (IMPORTS, "order_imports", "order_import_history"),
    (REUSABLE, "reusable_links", "reusable_link_history"),
    (ADJUSTMENTS, "wallet_adjustments", "wallet_adjustment_history"),
    (PAYOUTS, "wallet_payouts", "wallet_payout_history"),
    (HOLDS, "holds", "hold_history"),
    (REFUNDS, "refunds", "refund_history"),
    (RETURNS, "returns", "return_history"),
    (PAYMENTS, "payments", "payment_history"),
    (REFUNDING, "payment_refunds", "payment_refund_history"),
    (DISPUTES, "payment_disputes", "payment_dispute_history"),
    (SUBSCRIPTIONS, "subscriptions", "subscription_history"),
    (EXCHANGES, "subscription_exchanges", "subscription_exchange_history"),
    (SUBSCRIPTION_PLANS, "subscription_plans", "subscription_plan_history"),
)

_STEPS: Final = """
SELECT h.subject_id::text AS subject, h.from_state, h.to_state,
       lag(h.to_state) OVER w AS before, lead(h.id) OVER w IS NULL AS last, t.state
FROM {history} h JOIN {table} t ON t.merchant_id = h.merchant_id AND t.id = h.subject_id
WHERE {which} WINDOW w AS (PARTITION BY h.merchant_id, h.subject_id ORDER BY h.id)
"""
# $1: rows of this id and later ones are new. Each history is read from its birth.
_MOVED: Final = (
    "(h.merchant_id, h.subject_id) IN (SELECT merchant_id, subject_id FROM {history} WHERE id >= $1)"
)
_UNBORN: Final = """
SELECT t.id::text AS id FROM {table} t
WHERE NOT EXISTS (SELECT FROM {history} h WHERE h.merchant_id = t.merchant_id AND h.subject_id = t.id)
"""

# Orders that were moved since, or what belongs to them was.
_CHANGED: Final = """
SELECT merchant_id, subject_id AS id FROM order_history WHERE id >= $1
UNION
SELECT s.merchant_id, s.order_id FROM session_history h
JOIN checkout_sessions s ON s.merchant_id = h.merchant_id AND s.id = h.subject_id WHERE h.id >= $1
UNION
SELECT i.merchant_id, i.order_id FROM invoice_history h
JOIN invoices i ON i.merchant_id = h.merchant_id AND i.id = h.subject_id WHERE h.id >= $1
UNION
SELECT r.merchant_id, r.order_id FROM refund_history h
JOIN refunds r ON r.merchant_id = h.merchant_id AND r.id = h.subject_id WHERE h.id >= $1
UNION
SELECT r.merchant_id, r.order_id FROM return_history h
JOIN returns r ON r.merchant_id = h.merchant_id AND r.id = h.subject_id WHERE h.id >= $1
UNION
SELECT p.merchant_id, p.order_id FROM payment_history h
JOIN payments p ON p.merchant_id = h.merchant_id AND p.id = h.subject_id WHERE h.id >= $1
UNION
SELECT p.merchant_id, p.order_id FROM payment_refund_history h
JOIN payment_refunds b ON b.merchant_id = h.merchant_id AND b.id = h.subject_id
JOIN payments p ON p.merchant_id = b.merchant_id AND p.id = b.payment_id WHERE h.id >= $1
UNION
SELECT p.merchant_id, p.order_id FROM payment_dispute_history h
JOIN payment_disputes d ON d.merchant_id = h.merchant_id AND d.id = h.subject_id
JOIN payments p ON p.merchant_id = d.merchant_id AND p.id = d.payment_id WHERE h.id >= $1
"""
# Orders that newly sealed transfers are about.
_SEALED: Final = """
SELECT DISTINCT o.merchant_id, o.id
FROM unnest($1::uuid[], $2::bigint[], $3::bigint[]) AS s (merchant_id, after, through)
JOIN ledger_sealed c ON c.merchant_id = s.merchant_id AND c.seal_number > s.after AND c.seal_number <= s.through
JOIN transfers t ON t.merchant_id = c.merchant_id AND t.id = c.transfer_id
JOIN orders o ON o.merchant_id = t.merchant_id AND o.public_id = t.about
"""
_CHANGED_ALONE: Final = "(o.merchant_id, o.id) IN (SELECT * FROM unnest($1::uuid[], $2::uuid[]))"
_CHANGED_EXPOSURE: Final = f"""{_EXPOSURE} AND (e.merchant_id, e.customer_id) IN (
    SELECT o.merchant_id, o.customer_id FROM orders o WHERE {_CHANGED_ALONE})
"""  # noqa: S608 - constants of this module
_NEW_EVENTS: Final = """
SELECT e.public_id FROM events e
LEFT JOIN outbox b ON b.merchant_id = e.merchant_id AND b.key = e.public_id AND b.kind = 'event'
WHERE e.id >= $1 GROUP BY e.merchant_id, e.id HAVING count(b.id) <> 1
"""


async def check_books(acknowledged_orders: Iterable[str] = ()) -> list[Violation]:
    """Everything that does not hold; an empty list is the proof. `acknowledged_orders` are public ids of orders that
    somebody was told are paid (I10)."""
    found: list[Violation] = []
    for room in _ROOMS:
        for invariant, sql in room.items():
            found += await look(invariant, sql.replace("CHECKED", "true"))
    for machine, table, history in _HISTORIES:
        found += await _check_history(machine, table, history)
    found += await _check_acknowledged(set(acknowledged_orders))
    return found


async def check_new(spans: Sequence[ledger.Span], since: UUID | None = None) -> list[Violation]:
    """The same of what these seals cover and of the orders that it is about; with `since`, of what was moved or told in
    rows with ids from there on as well: an id tells when it was made."""
    found = await ledger.check_new(spans)
    changed = {(row["merchant_id"], row["id"]) for row in await db.fetch_all(_SEALED, *ledger.columns(spans))}
    if since is not None:
        changed |= {(row["merchant_id"], row["id"]) for row in await db.fetch_all(_CHANGED, since)}
        found += await look("I8 an event has exactly one outbox row", _NEW_EVENTS, since)
        for machine, table, history in _HISTORIES:
            found += await _check_history(machine, table, history, since)
    return found + (await _check_orders(sorted(changed)) if changed else [])


async def _check_orders(orders: Sequence[tuple[UUID, UUID]]) -> list[Violation]:
    """Of these orders alone, each with its merchant."""
    which = [merchant_id for merchant_id, _ in orders], [order_id for _, order_id in orders]
    found = await look(_EXPOSED, _CHANGED_EXPOSURE, *which)
    for invariant, sql in _OF_ORDERS.items():
        found += await look(invariant, sql.replace("CHECKED", _CHANGED_ALONE), *which)
    return found


async def _check_history(
    machine: Machine, table: str, history: str, since: UUID | None = None
) -> list[Violation]:
    """I7: each history is a path in the graph that begins at birth and ends at the present state."""
    invariant = f"I7 {machine.name}: the history is a path in the graph"
    found = []
    which, args = ("true", ()) if since is None else (_MOVED.format(history=history), (since,))
    for row in await db.fetch_all(_STEPS.format(table=table, history=history, which=which), *args):
        edge = (row["from_state"], row["to_state"])
        legal = (
            row["before"] is None if edge[0] is None else edge in machine.edges and edge[0] == row["before"]
        )
        if not legal or (row["last"] and row["state"] != row["to_state"]):
            found.append(Violation(invariant, row["subject"]))
    if since is None:
        found += await look(invariant, _UNBORN.format(table=table, history=history))
    return found


async def _check_acknowledged(orders: set[str]) -> list[Violation]:
    paid = await db.fetch_all(
        """SELECT public_id FROM orders
           WHERE public_id = ANY($1::text[]) AND state IN ('paid', 'partly_refunded', 'refunded')""",
        sorted(orders),
    )
    lost = orders - {row["public_id"] for row in paid}
    return [Violation("I10 what was acknowledged is there", order) for order in sorted(lost)]
