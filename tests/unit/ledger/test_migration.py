"""Postings of before, which said neither their place nor what they left behind, are given both, and are then sealed."""

from __future__ import annotations

import importlib.util
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from app.kernel import db as database
from app.kernel import ids
from app.kernel.migration import SqlMigration
from app.ledger import actions as ledger
from app.ledger.proof import check_ledger
from app.supervisor.postgres import EmbeddedServer
from tests.factories.ledger import NOON
from tests.support.database import ROOT

THIS = "kolme_2026_11_21t0500_lots_and_holds"
BACK_THEN = (1_000, -300, 250)


def sql_of(path: Path) -> str:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    forwards = module.forwards
    assert isinstance(forwards, SqlMigration)
    return forwards.sql


@pytest.fixture
async def before(postgres_server: EmbeddedServer) -> AsyncIterator[asyncpg.Connection]:
    """A database as it was before the migration."""
    name = f"test_migration_{ids.internal_id().hex}"
    administrator = await asyncpg.connect(postgres_server.url("postgres"))
    await administrator.execute(f"CREATE DATABASE {name}")
    connection = await asyncpg.connect(postgres_server.url(name))
    try:
        for path in files():
            if path.stem < THIS:
                await connection.execute(sql_of(path))
        yield connection
    finally:
        await connection.close()
        await administrator.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await administrator.close()


def files() -> Sequence[Path]:
    return sorted((ROOT / "migrations").glob("kolme_*.py"))


async def post_as_then(connection: asyncpg.Connection, merchant_id: UUID) -> None:
    """Three transfers between two accounts, as the ledger wrote them then."""
    left, right = ids.internal_id(), ids.internal_id()
    for account_id, address, sign in ((left, "customer:a:receivable", 1), (right, "merchant:sales", -1)):
        await connection.execute(
            """INSERT INTO ledger_accounts (merchant_id, id, address, kind, normal_side, currency, balance_minor)
               VALUES ($1, $2, $3, 'receivable', 'debit', 'EUR', $4)""",
            merchant_id,
            account_id,
            address,
            sign * sum(BACK_THEN),
        )
    for number, amount in enumerate(BACK_THEN):
        transfer_id = ids.internal_id()
        await connection.execute(
            "INSERT INTO transfers (merchant_id, id, key, cause, about, posted_at) VALUES ($1, $2, $3, 'c', 'o', $4)",
            merchant_id,
            transfer_id,
            f"key {number}",
            NOON + timedelta(minutes=number),
        )
        await connection.execute(
            """INSERT INTO postings (merchant_id, id, transfer_id, account_id, currency, amount_minor)
               VALUES ($1, $2, $4, $5, 'EUR', $7), ($1, $3, $4, $6, 'EUR', -$7::bigint)""",
            merchant_id,
            ids.internal_id(),
            ids.internal_id(),
            transfer_id,
            left,
            right,
            amount,
        )


async def test_what_was_posted_before_says_afterwards_what_it_left_behind(
    before: asyncpg.Connection, postgres_server: EmbeddedServer
) -> None:
    merchant_id = ids.internal_id()
    await before.execute("SET session_replication_role = replica")
    await post_as_then(before, merchant_id)
    await before.execute("SET session_replication_role = origin")
    for path in files():
        if path.stem >= THIS:
            await before.execute(sql_of(path))
    rows = await before.fetch(
        """SELECT p.account_seq, p.amount_minor, p.balance_after_minor, p.posted_at FROM postings p
           JOIN ledger_accounts a ON a.id = p.account_id WHERE a.address = 'customer:a:receivable' ORDER BY 1"""
    )
    assert [tuple(row) for row in rows] == [
        (1, 1_000, 1_000, NOON),
        (2, -300, 700, NOON + timedelta(minutes=1)),
        (3, 250, 950, NOON + timedelta(minutes=2)),
    ]
    with pytest.raises(asyncpg.RestrictViolationError):
        await before.execute("UPDATE postings SET posted_at = now()")
    # The merchant's row itself is of no matter here.
    await before.execute("ALTER TABLE ledger_seals DROP CONSTRAINT ledger_seals_merchant_id_fkey")
    name = await before.fetchval("SELECT current_database()")
    await database.start_pool(postgres_server.url(name))
    try:
        assert await ledger.seal(NOON, 10) == len(BACK_THEN)
        assert await check_ledger() == []
    finally:
        await database.close_pool()
