"""The audit log: written with the deed, never changed."""

from __future__ import annotations

import uuid
from datetime import datetime

import pytest
from asyncpg import exceptions as pg

from app.kernel import audit, db
from app.kernel.db import fetch_all, fetch_value, tx


async def test_a_line_says_who_did_what_to_what_and_when(db: str, now: datetime) -> None:
    async with tx():
        await audit.record(
            "stf_1", "key.created", "key_1", merchant_id=uuid.UUID(int=1), at=now, detail={"n": 1}
        )
        await audit.record("operator", "migrated", "-", merchant_id=None, at=now)
    rows = await fetch_all("SELECT * FROM audit_log ORDER BY id")
    assert [(row["actor"], row["action"], row["subject"], row["at"]) for row in rows] == [
        ("stf_1", "key.created", "key_1", now),
        ("operator", "migrated", "-", now),
    ]
    assert [(row["merchant_id"], row["detail"]) for row in rows] == [(uuid.UUID(int=1), {"n": 1}), (None, {})]


async def test_a_line_falls_with_the_deed_and_is_never_changed(db: str, now: datetime) -> None:
    with pytest.raises(ZeroDivisionError):
        async with tx():
            await audit.record("a", "b", "c", merchant_id=None, at=now)
            raise ZeroDivisionError
    assert await fetch_value("SELECT count(*) FROM audit_log") == 0
    async with tx():
        await audit.record("a", "b", "c", merchant_id=None, at=now)
    for change in ("UPDATE audit_log SET actor = 'x'", "DELETE FROM audit_log"):
        with pytest.raises(pg.RestrictViolationError):
            await change_log(change)


async def test_outside_a_transaction_nothing_is_recorded(now: datetime) -> None:
    with pytest.raises(db.NotInTransaction):
        await audit.record("a", "b", "c", merchant_id=None, at=now)


async def change_log(sql: str) -> None:
    async with tx():
        await db.execute(sql)
