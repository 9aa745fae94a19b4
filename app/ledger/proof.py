"""What must hold of the ledger, as SQL that finds what does not: over everything, or over what was sealed since.

Each query answers with one column that says where. Numbers as in the reliability notes: I1-I4; I17 lots and holds,
I18 seals. All of it holds at every instant: a query never sees half of a transaction.

Since a posting says which one of its account it is and what it left there, the ones before it need no look: if they
were proven, they still stand, because each seal's digest covers them and the seal before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from app.kernel import db

SHOWN_MAX: Final = 20


@dataclass(frozen=True, slots=True)
class Violation:
    """An invariant that does not hold, and where."""

    invariant: str
    where: str


@dataclass(frozen=True, slots=True)
class Span:
    """Seals of one merchant: those after `after`, up to `through`, with so many transfers."""

    merchant_id: UUID
    after: int
    through: int
    transfers: int


# What a transfer's own digest covers: all that was written of it, in a form that no setting changes. What a seal covers
# is called `covered` by whoever asks: (merchant_id, seal_number, position, transfer_id).
_CHAIN: Final = """
posted AS (
    SELECT merchant_id, seal_number, position, transfer_id, count(*) AS postings,
           string_agg(uuid_send(account_id) || int8send(account_seq) || convert_to(currency, 'UTF8')
               || int8send(amount_minor) || int8send(balance_after_minor), ''::bytea ORDER BY account_id) AS written
    FROM {postings} GROUP BY position, transfer_id, seal_number, merchant_id
), leaf AS (
    SELECT p.merchant_id, p.seal_number, p.position, p.postings,
           sha256(uuid_send(t.id)
               || int4send(octet_length(t.key)) || convert_to(t.key, 'UTF8')
               || int4send(octet_length(t.cause)) || convert_to(t.cause, 'UTF8')
               || int4send(octet_length(t.about)) || convert_to(t.about, 'UTF8')
               || timestamptz_send(t.posted_at)
               || coalesce(uuid_send(t.reverses_id), '\\x00') || coalesce(uuid_send(t.restores_id), '\\x00')
               || p.written) AS digest
    FROM posted p JOIN {transfers} t ON t.merchant_id = p.merchant_id AND t.id = p.transfer_id
), content AS (
    SELECT merchant_id, seal_number, count(*) AS transfers, sum(postings) AS postings,
           string_agg(digest, ''::bytea ORDER BY position) AS digests
    FROM leaf GROUP BY merchant_id, seal_number
)
"""
CHAIN: Final = _CHAIN.format(
    postings="covered JOIN postings USING (merchant_id, transfer_id)", transfers="transfers"
)
# Of a seal: whose and which one it is, the one before it, and its transfers in their order.
DIGEST: Final = """
sha256(convert_to({merchant_id} || ':' || {number}, 'UTF8') || coalesce({previous}, ''::bytea) || content.digests)
"""

_SEAL_DIGEST: Final = DIGEST.format(
    merchant_id="s.merchant_id", number="s.number", previous="s.previous_digest"
)

_SEALS_STAND: Final = f"""
SELECT s.merchant_id || ' seal ' || s.number FROM seal s
LEFT JOIN content ON content.merchant_id = s.merchant_id AND content.seal_number = s.number
WHERE content.transfers IS DISTINCT FROM s.transfer_count OR content.postings IS DISTINCT FROM s.posting_count
   OR {_SEAL_DIGEST} <> s.digest
"""

_SEALS_FOLLOW: Final = """
SELECT s.merchant_id || ' seal ' || s.number FROM seal s
LEFT JOIN ledger_seals b ON b.merchant_id = s.merchant_id AND b.number = s.number - 1
WHERE s.number > 1 AND b.digest IS DISTINCT FROM s.previous_digest
"""

_PURSES: Final = "a.kind IN ('wallet', 'points')"

FULL: Final[Mapping[str, str]] = {
    "I1 a transfer's postings sum to zero": """
        SELECT transfer_id::text FROM postings GROUP BY merchant_id, transfer_id, currency
        HAVING sum(amount_minor) <> 0""",
    "I1 a transfer has postings": """
        SELECT t.id::text FROM transfers t WHERE NOT EXISTS (
            SELECT FROM postings p WHERE p.merchant_id = t.merchant_id AND p.transfer_id = t.id)""",
    "I2 all accounts sum to zero": """
        SELECT merchant_id::text FROM ledger_accounts GROUP BY merchant_id, currency HAVING sum(balance_minor) <> 0""",
    "I3 each posting follows the one before it": """
        SELECT account_id::text FROM (
            SELECT account_id, account_seq, amount_minor, balance_after_minor,
                   lag(account_seq, 1, 0::bigint) OVER w AS seq_before,
                   lag(balance_after_minor, 1, 0::bigint) OVER w AS balance_before
            FROM postings WINDOW w AS (PARTITION BY merchant_id, account_id ORDER BY account_seq)) p
        WHERE account_seq <> seq_before + 1 OR balance_after_minor <> balance_before + amount_minor""",
    "I3 an account stands where its last posting left it": """
        SELECT a.id::text FROM ledger_accounts a
        LEFT JOIN LATERAL (
            SELECT account_seq, balance_after_minor, currency FROM postings p
            WHERE p.merchant_id = a.merchant_id AND p.account_id = a.id ORDER BY account_seq DESC LIMIT 1) p ON true
        WHERE a.last_seq <> coalesce(p.account_seq, 0) OR a.balance_minor <> coalesce(p.balance_after_minor, 0)
           OR p.currency <> a.currency""",
    "I4 nobody spent or set aside what was not there": """
        SELECT id::text FROM ledger_accounts
        WHERE kind IN ('wallet', 'points') AND balance_minor + held_minor > debt_minor
           OR kind = 'wallet' AND balance_minor > 0""",
    "I17 lots less debt are what the balance says": f"""
        SELECT a.id::text FROM ledger_accounts a
        LEFT JOIN lots l ON l.merchant_id = a.merchant_id AND l.account_id = a.id
        WHERE {_PURSES} GROUP BY a.merchant_id, a.id
        HAVING coalesce(sum(l.left_minor), 0) - a.debt_minor <> -a.balance_minor
            OR coalesce(sum(l.held_minor), 0) <> a.held_minor""",
    "I17 a lot is what its uses made of it": """
        SELECT l.id::text FROM lots l
        LEFT JOIN lot_uses u ON u.merchant_id = l.merchant_id AND u.lot_id = l.id
        GROUP BY l.merchant_id, l.id
        HAVING coalesce(sum(u.amount_minor) FILTER (WHERE u.transfer_id IS NOT NULL), 0) <> l.left_minor
            OR coalesce(sum(u.amount_minor) FILTER (WHERE u.hold_id IS NOT NULL), 0) <> l.held_minor""",
    "I17 a pending hold holds its amount, an ended one nothing": """
        SELECT h.id::text FROM holds h
        LEFT JOIN lot_uses u ON u.merchant_id = h.merchant_id AND u.hold_id = h.id
        GROUP BY h.merchant_id, h.id
        HAVING coalesce(sum(u.amount_minor), 0) <> CASE h.state WHEN 'pending' THEN h.amount_minor ELSE 0 END
            OR (h.state = 'captured') <> (h.captured_minor > 0)""",
    "I17 what is held of an account is in pending holds": """
        SELECT a.id::text FROM ledger_accounts a
        LEFT JOIN holds h ON h.merchant_id = a.merchant_id AND h.account_id = a.id AND h.state = 'pending'
        WHERE a.kind IN ('wallet', 'points') GROUP BY a.merchant_id, a.id
        HAVING a.held_minor <> coalesce(sum(h.amount_minor), 0)""",
    "I17 what a transfer does to a lot it does to the account of that lot": """
        SELECT u.id::text FROM lot_uses u
        JOIN lots l ON l.merchant_id = u.merchant_id AND l.id = u.lot_id
        LEFT JOIN postings p ON p.merchant_id = u.merchant_id AND p.transfer_id = u.transfer_id
            AND p.account_id = l.account_id
        WHERE u.transfer_id IS NOT NULL AND p.id IS NULL""",
    "I18 a transfer is sealed, or waits for it": """
        SELECT t.id::text FROM transfers t
        LEFT JOIN ledger_sealed s ON s.merchant_id = t.merchant_id AND s.transfer_id = t.id
        LEFT JOIN ledger_unsealed u ON u.merchant_id = t.merchant_id AND u.transfer_id = t.id
        WHERE (s.transfer_id IS NULL) = (u.transfer_id IS NULL)""",
    "I18 seals follow each other": f"WITH seal AS (SELECT * FROM ledger_seals) {_SEALS_FOLLOW}",
    "I18 a seal's digest is that of its transfers": f"""
        WITH seal AS (SELECT * FROM ledger_seals), covered AS (SELECT * FROM ledger_sealed), {CHAIN}
        {_SEALS_STAND}""",
}

# $1, $2, $3: the spans, column by column. What all queries about them read is read once. OFFSET 0 makes PostgreSQL look
# up each row along its index: what is new is little beside all that stands, which it would read from end to end.
_SPANS: Final = f"""
WITH span AS (
    SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[]) AS s (merchant_id, after, through)
), seal AS (
    SELECT s.* FROM span JOIN ledger_seals s ON s.merchant_id = span.merchant_id AND s.number > span.after
        AND s.number <= span.through
), covered AS MATERIALIZED (
    SELECT c.* FROM span
    JOIN ledger_sealed c ON c.merchant_id = span.merchant_id AND c.seal_number > span.after
        AND c.seal_number <= span.through
), transfer AS (
    SELECT t.* FROM covered c CROSS JOIN LATERAL (
        SELECT * FROM transfers t WHERE t.merchant_id = c.merchant_id AND t.id = c.transfer_id OFFSET 0) t
), posting AS MATERIALIZED (
    SELECT c.*, p.id, p.account_id, p.currency, p.amount_minor, p.account_seq, p.balance_after_minor
    FROM covered c LEFT JOIN LATERAL (
        SELECT * FROM postings p WHERE p.merchant_id = c.merchant_id AND p.transfer_id = c.transfer_id
        OFFSET 0) p ON true
), step AS MATERIALIZED (
    SELECT merchant_id, account_id, account_seq, amount_minor, balance_after_minor,
           lag(balance_after_minor) OVER w AS balance_before,
           coalesce(lag(account_seq) OVER w = account_seq - 1, false) AS has_before
    FROM posting WINDOW w AS (PARTITION BY account_id, merchant_id ORDER BY account_seq)
), touched AS MATERIALIZED (
    SELECT a.* FROM (SELECT DISTINCT account_id, merchant_id FROM posting) t
    JOIN ledger_accounts a ON a.merchant_id = t.merchant_id AND a.id = t.account_id
), purse AS MATERIALIZED (
    SELECT a.* FROM touched a WHERE {_PURSES}
), moved AS MATERIALIZED (
    SELECT p.merchant_id, p.transfer_id FROM purse a
    JOIN posting p ON p.merchant_id = a.merchant_id AND p.account_id = a.id
), {_CHAIN.format(postings="posting WHERE id IS NOT NULL", transfers="transfer")}
"""

_NEW: Final[Mapping[str, str]] = {
    "I1 a transfer's postings sum to zero": """
        SELECT transfer_id::text FROM posting GROUP BY transfer_id, currency
        HAVING sum(amount_minor) IS DISTINCT FROM 0""",
    # The one before is most often among the new ones; where it is not, it is looked up.
    "I3 each posting follows the one before it": """
        SELECT account_id::text FROM step WHERE has_before AND balance_after_minor <> balance_before + amount_minor
        UNION ALL
        SELECT s.account_id::text FROM step s
        LEFT JOIN LATERAL (
            SELECT id, balance_after_minor FROM postings p
            WHERE p.merchant_id = s.merchant_id AND p.account_id = s.account_id AND p.account_seq = s.account_seq - 1
            OFFSET 0) b ON true
        WHERE NOT s.has_before AND (s.balance_after_minor <> coalesce(b.balance_after_minor, 0) + s.amount_minor
            OR (b.id IS NULL) <> (s.account_seq = 1))""",
    "I3 an account stands where its last posting left it": """
        SELECT a.id::text FROM touched a
        LEFT JOIN LATERAL (
            SELECT account_seq, balance_after_minor, currency FROM postings p
            WHERE p.merchant_id = a.merchant_id AND p.account_id = a.id ORDER BY account_seq DESC LIMIT 1) p ON true
        WHERE (a.last_seq, a.balance_minor, a.currency)
            IS DISTINCT FROM (p.account_seq, p.balance_after_minor, p.currency)""",
    "I4 nobody spent or set aside what was not there": """
        SELECT id::text FROM purse WHERE balance_minor + held_minor > debt_minor
            OR kind = 'wallet' AND balance_minor > 0""",
    "I17 lots less debt are what the balance says": """
        SELECT a.id::text FROM purse a
        LEFT JOIN lots l ON l.merchant_id = a.merchant_id AND l.account_id = a.id AND l.left_minor > 0
        GROUP BY a.merchant_id, a.id, a.debt_minor, a.balance_minor, a.held_minor
        HAVING coalesce(sum(l.left_minor), 0) - a.debt_minor <> -a.balance_minor
            OR coalesce(sum(l.held_minor), 0) <> a.held_minor""",
    "I17 a lot is what its uses made of it": """
        SELECT l.id::text FROM (
            SELECT u.merchant_id, u.lot_id FROM moved m
            JOIN lot_uses u ON u.merchant_id = m.merchant_id AND u.transfer_id = m.transfer_id
            UNION
            SELECT l.merchant_id, l.id FROM moved m
            JOIN lots l ON l.merchant_id = m.merchant_id AND l.transfer_id = m.transfer_id) used
        JOIN lots l ON l.merchant_id = used.merchant_id AND l.id = used.lot_id
        LEFT JOIN lot_uses u ON u.merchant_id = l.merchant_id AND u.lot_id = l.id
        GROUP BY l.merchant_id, l.id
        HAVING coalesce(sum(u.amount_minor) FILTER (WHERE u.transfer_id IS NOT NULL), 0) <> l.left_minor
            OR coalesce(sum(u.amount_minor) FILTER (WHERE u.hold_id IS NOT NULL), 0) <> l.held_minor""",
    # Holds move no money, so no seal tells of them; those that are pending are few.
    "I17 a pending hold holds its amount": """
        SELECT h.id::text FROM holds h
        LEFT JOIN lot_uses u ON u.merchant_id = h.merchant_id AND u.hold_id = h.id
        WHERE h.state = 'pending'
        GROUP BY h.merchant_id, h.id HAVING coalesce(sum(u.amount_minor), 0) <> h.amount_minor""",
    "I17 what is held of an account is in pending holds": """
        SELECT a.id::text FROM (
            SELECT merchant_id, id FROM purse
            UNION SELECT merchant_id, account_id FROM holds WHERE state = 'pending') t
        JOIN ledger_accounts a ON a.merchant_id = t.merchant_id AND a.id = t.id
        LEFT JOIN holds h ON h.merchant_id = a.merchant_id AND h.account_id = a.id AND h.state = 'pending'
        GROUP BY a.merchant_id, a.id HAVING a.held_minor <> coalesce(sum(h.amount_minor), 0)""",
    "I18 seals follow each other": _SEALS_FOLLOW,
    "I18 a seal's digest is that of its transfers": _SEALS_STAND,
}


def _all_at_once() -> str:
    """One statement: everything is looked at in the same instant, and what is common is read once."""
    quoted = ((name.replace("'", "''"), sql) for name, sql in _NEW.items())
    looks = (f"SELECT '{name}' AS invariant, place FROM ({sql}) AS found (place)" for name, sql in quoted)
    return f"{_SPANS} {' UNION ALL '.join(looks)} LIMIT {SHOWN_MAX}"


_NEW_SQL: Final = _all_at_once()

_TO_PROVE: Final = """
SELECT m.id AS merchant_id, coalesce(k.seal_number, 0) AS after, s.number, s.transfer_count
FROM merchants m
LEFT JOIN book_proof_marks k ON k.merchant_id = m.id
CROSS JOIN LATERAL (
    SELECT number, transfer_count FROM ledger_seals WHERE merchant_id = m.id AND number > coalesce(k.seal_number, 0)
    ORDER BY number LIMIT 1000) s
ORDER BY m.id, s.number
"""

_ALL: Final = """
SELECT merchant_id, max(number) AS through, sum(transfer_count)::bigint AS transfers
FROM ledger_seals GROUP BY merchant_id
"""


async def look(invariant: str, sql: str, *args: object) -> list[Violation]:
    """Where the invariant does not hold, the first few places."""
    rows = await db.fetch_all(f"{sql} LIMIT {SHOWN_MAX}", *args)
    return [Violation(invariant, str(row[0])) for row in rows]


async def check_ledger() -> list[Violation]:
    """Everything of the ledger that does not hold; an empty list is the proof."""
    found = []
    for invariant, sql in FULL.items():
        found += await look(invariant, sql)
    return found


async def spans_to_prove(transfers_max: int) -> list[Span]:
    """Seals that no proof has covered yet, one after the other, up to about so many transfers."""
    spans: dict[UUID, Span] = {}
    transfers = 0
    for row in await db.fetch_all(_TO_PROVE):
        merchant_id, count = row["merchant_id"], row["transfer_count"]
        if transfers and transfers + count > transfers_max:
            break
        transfers += count
        so_far = spans[merchant_id].transfers if merchant_id in spans else 0
        spans[merchant_id] = Span(merchant_id, row["after"], row["number"], so_far + count)
    return list(spans.values())


async def all_seals() -> list[Span]:
    """Every seal there is."""
    return [Span(row["merchant_id"], 0, row["through"], row["transfers"]) for row in await db.fetch_all(_ALL)]


async def last_proof_id() -> UUID | None:
    """The id of the last proof that found nothing wrong; it tells when that began."""
    found = await db.fetch_value("SELECT id FROM book_proofs WHERE violations = 0 ORDER BY id DESC LIMIT 1")
    return found if isinstance(found, UUID) else None


async def check_new(spans: Sequence[Span]) -> list[Violation]:
    """The same of what these seals cover."""
    return [Violation(*row.values()) for row in await db.fetch_all(_NEW_SQL, *columns(spans))]


def columns(spans: Sequence[Span]) -> tuple[list[UUID], list[int], list[int]]:
    """Spans as parameters of a query."""
    return (
        [span.merchant_id for span in spans],
        [span.after for span in spans],
        [span.through for span in spans],
    )
