"""Very many transfers in a few statements: as the verbs of the ledger would have written them, one after the other.

Nine of ten are a purchase of one of the customers, the tenth gives them points. Only for databases that are
thrown away: references are not checked meanwhile, no trigger runs. A proof over all of it finds nothing wrong.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from app.kernel import ids

CUSTOMERS: Final = 10_000

# $1: how many, $2: when the last one was posted, $3: how many customers, $4: how many stand already.
_MOVED: Final = """
CREATE TEMPORARY TABLE moved AS
SELECT n, at, n % 10 = 0 AS gives, n * 7919 % $3 AS customer, 100 + n * 31 % 9900 AS amount,
       ids.id AS transfer_id
FROM (SELECT n, $2::timestamptz - ($4 + $1 - n) * interval '1 second' AS at
      FROM generate_series($4::bigint + 1, $4::bigint + $1::bigint) AS n) AS born,
     LATERAL (SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0')
                      || '70008' || lpad(to_hex(n), 15, '0'))::uuid AS id) AS ids
"""

_SIDES: Final = """
CREATE TEMPORARY TABLE sides AS
SELECT n, at, transfer_id, amount, 'customer:' || customer || CASE WHEN gives THEN ':points' ELSE ':receivable' END
           AS address, CASE WHEN gives THEN 'points' ELSE 'receivable' END AS kind,
       CASE WHEN gives THEN 'credit' ELSE 'debit' END AS normal_side, CASE WHEN gives THEN 'PTS' ELSE 'EUR' END AS unit,
       CASE WHEN gives THEN -amount ELSE amount END AS signed
FROM moved
UNION ALL
SELECT n, at, transfer_id, amount, CASE WHEN gives THEN 'merchant:points_issued' ELSE 'operator:payable:merchant' END,
       CASE WHEN gives THEN 'points_issued' ELSE 'merchant_payable' END,
       CASE WHEN gives THEN 'debit' ELSE 'credit' END, CASE WHEN gives THEN 'PTS' ELSE 'EUR' END,
       CASE WHEN gives THEN amount ELSE -amount END
FROM moved
"""

_ACCOUNTS: Final = """
INSERT INTO ledger_accounts (merchant_id, id, address, kind, normal_side, currency, balance_minor)
SELECT $1, gen_random_uuid(), address, kind, normal_side, unit, 0
FROM (SELECT DISTINCT address, kind, normal_side, unit FROM sides) AS opened
ON CONFLICT DO NOTHING
"""

_TRANSFERS: Final = """
INSERT INTO transfers (merchant_id, id, key, cause, about, posted_at)
SELECT $1, transfer_id, 'seed:' || n, CASE WHEN gives THEN 'gift' ELSE 'purchase' END, 'ord_' || n, at
FROM moved ORDER BY n
"""

_POSTINGS: Final = """
INSERT INTO postings (merchant_id, id, transfer_id, account_id, currency, amount_minor, account_seq,
                      balance_after_minor, posted_at)
SELECT $1, gen_random_uuid(), s.transfer_id, a.id, s.unit, s.signed,
       a.last_seq + row_number() OVER w, a.balance_minor + sum(s.signed) OVER w, s.at
FROM sides s JOIN ledger_accounts a ON a.merchant_id = $1 AND a.address = s.address
WINDOW w AS (PARTITION BY a.id ORDER BY s.n) ORDER BY s.n
"""

_BALANCES: Final = """
UPDATE ledger_accounts a SET balance_minor = a.balance_minor + s.signed, last_seq = a.last_seq + s.count
FROM (SELECT address, sum(signed) AS signed, count(*) AS count FROM sides GROUP BY address) AS s
WHERE a.merchant_id = $1 AND a.address = s.address
"""

_LOTS: Final = """
WITH lot AS (
    INSERT INTO lots (merchant_id, id, account_id, transfer_id, cause, about, amount_minor, left_minor, held_minor,
                      created_at)
    SELECT $1, gen_random_uuid(), a.id, s.transfer_id, 'gift', 'ord_' || s.n, s.amount, s.amount, 0, s.at
    FROM sides s JOIN ledger_accounts a ON a.merchant_id = $1 AND a.address = s.address WHERE s.kind = 'points'
    RETURNING id, transfer_id, amount_minor, created_at
)
INSERT INTO lot_uses (merchant_id, id, lot_id, transfer_id, amount_minor, at)
SELECT $1, gen_random_uuid(), id, transfer_id, amount_minor, created_at FROM lot
"""

_UNSEALED: Final = "INSERT INTO ledger_unsealed (merchant_id, transfer_id) SELECT $1, transfer_id FROM moved"

# $2: the account, $3: how many, $4: when the last one came.
_STATEMENT: Final = """
WITH moved AS (
    SELECT n, gen_random_uuid() AS transfer_id, $4::timestamptz - ($3 - n) * interval '1 minute' AS at
    FROM generate_series(1, $3::bigint) AS n
), transfer AS (
    INSERT INTO transfers (merchant_id, id, key, cause, about, posted_at)
    SELECT $1, transfer_id, $2::uuid || ':' || n, 'gift', 'ord_' || n, at FROM moved
)
INSERT INTO postings (merchant_id, id, transfer_id, account_id, currency, amount_minor, account_seq,
                      balance_after_minor, posted_at)
SELECT $1, gen_random_uuid(), transfer_id, $2, 'EUR', -1, n, -n, at FROM moved
"""


async def _open(dsn: str) -> asyncpg.Connection:
    connection = await asyncpg.connect(dsn)
    await connection.execute(
        "SET session_replication_role = replica; SET synchronous_commit = off; SET work_mem = '256MB'; SET jit = off"
    )
    return connection


async def seed(dsn: str, merchant_id: UUID, transfers: int, newest: datetime, already: int = 0) -> None:
    """Post so many transfers, of two postings each, that wait for their seal. The role must be a superuser's."""
    connection = await _open(dsn)
    try:
        await connection.execute(_MOVED, transfers, newest, CUSTOMERS, already)
        await connection.execute("CREATE INDEX ON moved (n); ANALYZE moved")
        await connection.execute(_SIDES)
        await connection.execute("ANALYZE sides")
        for statement in (_ACCOUNTS, _TRANSFERS, _POSTINGS, _BALANCES, _LOTS, _UNSEALED):
            await connection.execute(statement, merchant_id)
        await settle(connection)
    finally:
        await connection.close()


async def settle(connection: asyncpg.Connection) -> None:
    """As a database in use is by itself within a minute; what is measured next shall not share the disk with this."""
    for table in (
        "ledger_accounts",
        "transfers",
        "postings",
        "lots",
        "lot_uses",
        "ledger_sealed",
        "ledger_unsealed",
    ):
        await connection.execute(f"VACUUM (ANALYZE) {table}")
    await connection.execute("CHECKPOINT")


async def seed_statement(dsn: str, merchant_id: UUID, address: str, movements: int, newest: datetime) -> None:
    """A wallet with so many movements, for its statement alone: it has no other side."""
    connection = await _open(dsn)
    try:
        account_id = ids.internal_id()
        await connection.execute(
            """INSERT INTO ledger_accounts
                   (merchant_id, id, address, kind, normal_side, currency, balance_minor, last_seq)
               VALUES ($1, $2, $3, 'wallet', 'credit', 'EUR', -$4::bigint, $4)""",
            merchant_id,
            account_id,
            address,
            movements,
        )
        await connection.execute(_STATEMENT, merchant_id, account_id, movements, newest)
        await settle(connection)
    finally:
        await connection.close()
