"""Each test has a migrated database of its own."""

from __future__ import annotations

import asyncpg
import pytest

from app.kernel.db import fetch_value


async def read_offset_s() -> object:
    return await fetch_value("SELECT offset_s FROM business_clock")


async def write_offset(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute("UPDATE business_clock SET offset_s = offset_s + 1")
    finally:
        await connection.close()


@pytest.mark.parametrize("round_", [1, 2])
async def test_what_one_test_commits_no_other_test_sees(db: str, round_: int) -> None:
    assert await read_offset_s() == 0, round_
    await write_offset(db)
    assert await read_offset_s() == 1
