"""Very many orders in a few statements: what a list of orders reads of them (no histories, no sessions, no books).

The words of all orders are filled at once instead of an order at a time; a test holds them against what the database
writes by itself. Only for databases that are thrown away: references are not checked meanwhile, no trigger runs.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

FIRST_NAMES: Final = (
    "Aino", "Eino", "Elsa", "Hilja", "Ilmari", "Jaana", "Kaarlo", "Leena", "Martti", "Noora", "Oili", "Pekka", "Raija",
    "Seppo", "Tuula", "Ulla", "Väinö", "Åsa", "Иван", "Søren",
)  # fmt: skip
LAST_NAMES: Final = (
    "Aalto", "Björk", "Eskola", "Forsman", "Hämäläinen", "Ihalainen", "Jokinen", "Koskinen", "Laine", "Mäkelä",
    "Niemi", "Ojala", "Peltonen", "Rantanen", "Salonen", "Toivonen", "Uotila", "Vainio", "Virta", "Virtanen",
    "Väisänen", "Wirén", "Ylinen", "Ångström", "Петров",
)  # fmt: skip

_NAMES: Final = """
CREATE TEMPORARY TABLE names AS
SELECT row_number() OVER () - 1 AS place, first || ' ' || last AS name,
       search_phrase(first || ' ' || last) AS word, search_phrase(last || ' ' || first) AS turned
FROM unnest($1::text[]) AS first, unnest($2::text[]) AS last
"""

# A minute lies between two orders, and everybody buys three times.
_SEEDED: Final = """
CREATE TEMPORARY TABLE seeded AS
SELECT n, at, n % ($1::bigint / 3 + 1) AS person, 500 + n * 7919 % 50000 AS total,
       (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0')
        || '70008' || lpad(to_hex(n), 15, '0'))::uuid AS id,
       coalesce((ARRAY['open', 'open', 'draft', 'cancelled', 'held'])[1 + n % 20], 'paid') AS state
FROM (SELECT n, $2::timestamptz - ($1 - n + 1) * interval '1 minute' AS at
      FROM generate_series(1, $1::bigint) AS n) AS born
"""

_ORDERS: Final = """
INSERT INTO orders (merchant_id, id, public_id, state, version, reference, country, currency, buyer, total_minor,
                    refundable_minor, created_at, paid_at)
SELECT $1, id, 'ord_' || lpad(n::text, 26, '0'), state, 1, 'SHOP-' || 1000 + n, 'FI', 'EUR',
       CASE WHEN n % 50 = 0 THEN 'business' ELSE 'consumer' END, total,
       CASE state WHEN 'paid' THEN total ELSE 0 END, at, CASE state WHEN 'paid' THEN at END
FROM seeded ORDER BY n
"""

_LINES: Final = """
INSERT INTO order_lines (merchant_id, order_id, version, position, type, name, quantity, unit_price_minor, vat_percent,
                         total_minor)
SELECT $1, id, 1, 1, 'item', 'Wool blanket', 1, total, 25.5, total FROM seeded ORDER BY n
"""

_CONTACTS: Final = """
INSERT INTO order_contacts (merchant_id, order_id, name, email, phone)
SELECT $1, id, name, 'buyer.' || person || '@example.test', '+35840' || lpad(person::text, 7, '0')
FROM seeded JOIN names ON place = person % (SELECT count(*) FROM names) ORDER BY n
"""

_WORDS: Final = """
INSERT INTO order_words (merchant_id, order_id, word, newest_first)
SELECT $1, id, words.word, -(extract(epoch FROM at) * 1000000)::bigint
FROM seeded JOIN names ON place = person % (SELECT count(*) FROM names),
LATERAL (VALUES ('shop' || 1000 + n), (names.word), (names.turned), ('buyer' || person || 'exampletest'),
                ('35840' || lpad(person::text, 7, '0')), ('040' || lpad(person::text, 7, '0'))) AS words (word)
"""

_INDEXES_OF_WORDS: Final = """
SELECT pg_get_indexdef(i.indexrelid) AS definition, i.indexrelid::regclass::text AS name,
       k.conname AS key, pg_get_constraintdef(k.oid) AS key_is
FROM pg_index i LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.contype = 'p'
WHERE i.indrelid = 'order_words'::regclass
"""


async def seed(dsn: str, merchant_id: UUID, count: int, newest: datetime) -> None:
    """Give a merchant so many orders, the youngest a minute before `newest`. The role must be a superuser's."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(
            "SET session_replication_role = replica; SET synchronous_commit = off;"
            " SET maintenance_work_mem = '256MB'; SET jit = off"
        )
        await connection.execute(_NAMES, list(FIRST_NAMES), list(LAST_NAMES))
        await connection.execute(_SEEDED, count, newest)
        for statement in (_ORDERS, _LINES, _CONTACTS):
            await connection.execute(statement, merchant_id)
        await _fill_words(connection, merchant_id)
        for table in ("orders", "order_lines", "order_contacts", "order_words"):
            await connection.execute(f"VACUUM (ANALYZE) {table}")
        # What is measured next shall not share the disk with what was written here.
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()


async def _fill_words(connection: asyncpg.Connection, merchant_id: UUID) -> None:
    """Indexes are made after their rows: millions of words in no order would each look for their place."""
    indexes = await connection.fetch(_INDEXES_OF_WORDS)
    for index in indexes:
        dropped = f"CONSTRAINT {index['key']}" if index["key"] else None
        await connection.execute(
            f"ALTER TABLE order_words DROP {dropped}" if dropped else f"DROP INDEX {index['name']}"
        )
    await connection.execute(_WORDS, merchant_id)
    for index in indexes:
        await connection.execute(
            f"ALTER TABLE order_words ADD CONSTRAINT {index['key']} {index['key_is']}"
            if index["key"]
            else index["definition"]
        )
