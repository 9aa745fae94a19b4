"""A statement is read in the order of posting, page by page; the balance of a past time is what stood then."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.kernel.cursors import CursorRefused
from app.ledger import queries
from tests.factories.ledger import NOON, Purse

pytestmark = pytest.mark.usefixtures("db")
DAY = timedelta(days=1)


async def pages(wallet: Purse, limit: int) -> list[list[tuple[int, int, int]]]:
    found, cursor = [], None
    while True:
        page = await queries.statement(wallet.merchant_id, wallet.account, "EUR", cursor, limit)
        found.append([(line.seq, line.amount_minor, line.balance_after_minor) for line in page.lines])
        cursor = page.next_cursor
        if cursor is None:
            return found


async def test_pages_join_without_a_gap_newest_first() -> None:
    wallet = await Purse.wallet()
    for minor in (100, 200, 300):
        await wallet.put(minor)
    await wallet.take(150)
    assert await pages(wallet, 2) == [[(4, -150, 450), (3, 300, 600)], [(2, 200, 300), (1, 100, 100)]]
    assert len(await pages(wallet, 4)) == 1
    assert len(await pages(wallet, 1)) == 4


async def test_the_order_is_that_of_posting_although_the_clock_was_set_back() -> None:
    wallet = await Purse.wallet()
    await wallet.put(100)
    wallet.now -= DAY
    await wallet.put(200)
    assert await pages(wallet, 10) == [[(2, 200, 300), (1, 100, 100)]]


async def test_the_balance_of_a_past_time() -> None:
    wallet = await Purse.wallet()
    await wallet.put(100)
    wallet.now += DAY
    await wallet.put(200)
    when = [NOON - DAY, NOON, NOON + DAY / 2, NOON + DAY, NOON + 9 * DAY]
    found = [await queries.balance_at(wallet.merchant_id, wallet.account, "EUR", at) for at in when]
    assert found == [0, 100, 100, 300, 300]


@pytest.mark.parametrize("cursor", ["", "x", "-1", "1.0", "9" * 30, "\uff11"])
async def test_a_cursor_that_is_none_of_ours_is_refused(cursor: str) -> None:
    wallet = await Purse.wallet()
    with pytest.raises(CursorRefused):
        await queries.statement(wallet.merchant_id, wallet.account, "EUR", cursor, 10)


async def test_a_wallet_that_was_never_used_is_empty() -> None:
    wallet = await Purse.wallet()
    assert await pages(wallet, 10) == [[]]
    assert (await wallet.balance()).total == 0
