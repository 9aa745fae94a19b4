"""What a wallet's pages read: statements along an index, lists along an index, what is owed by age."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.kernel import clock, db
from app.kernel.cursors import CursorRefused
from app.kernel.money import Money
from app.merchants.queries import Merchant
from app.wallet import queries
from app.wallet.liability import count_liability, liability
from app.wallet.lists import customer_card, wallets
from app.wallet.rules import WalletCause
from tests.factories.checkout import a_merchant
from tests.factories.wallets import ONE_YEAR, a_customer, given, switched


async def test_a_statement_is_read_page_by_page_each_line_with_what_was_left(
    merchant: Merchant, customer: str
) -> None:
    for number in range(1, 8):
        await given(merchant, customer, number * 100)
    first = await queries.statement(merchant, customer, limit=3)
    assert [each.number for each in first.movements] == [7, 6, 5]
    assert [each.balance_after_minor for each in first.movements] == [28_00, 21_00, 15_00]
    second = await queries.statement(merchant, customer, cursor=first.next_cursor, limit=3)
    last = await queries.statement(merchant, customer, cursor=second.next_cursor, limit=3)
    assert [each.number for each in last.movements] == [1]
    assert last.next_cursor is None
    assert [each.number async for each in queries.each_movement(merchant, customer)] == [7, 6, 5, 4, 3, 2, 1]


async def test_a_page_of_a_statement_costs_one_statement_and_a_wallet_one(
    merchant: Merchant, customer: str
) -> None:
    await given(merchant, customer, 1_00)
    with db.counting() as counts:
        await queries.statement(merchant, customer)
    assert counts.queries == 1
    with db.counting() as counts:
        await queries.wallet(merchant, customer, clock.wall())
    assert counts.queries == 1


async def test_the_balance_of_any_past_moment_is_known(merchant: Merchant, customer: str) -> None:
    now = clock.wall()
    await given(merchant, customer, 10_00, now=now - timedelta(days=10))
    await given(merchant, customer, 5_00, now=now - timedelta(days=5))
    ages = [(11, 0), (10, 10_00), (6, 10_00), (5, 15_00), (0, 15_00)]
    for days, minor in ages:
        at = now - timedelta(days=days)
        assert await queries.balance_at(merchant, customer, at) == Money(minor, "EUR")


@pytest.mark.parametrize("cursor", ["x", "-1", "9" * 30, "\u0661", ""])
async def test_a_cursor_that_is_none_of_ours_is_refused(
    merchant: Merchant, customer: str, cursor: str
) -> None:
    with pytest.raises(CursorRefused):
        await queries.statement(merchant, customer, cursor=cursor)


async def test_the_fullest_wallets_come_first_and_empty_ones_not_at_all(merchant: Merchant) -> None:
    sums = {"Aino Virta": 5_00, "Bo Ek": 50_00, "Cia Grön": 5_00, "Dan Hav": 0}
    people = {name: await a_customer(merchant, name, f"+35848000020{at}") for at, name in enumerate(sums)}
    for name, minor in sums.items():
        if minor:
            await given(merchant, people[name], minor)

    first = await wallets(merchant, limit=2)
    rest = await wallets(merchant, cursor=first.next_cursor, limit=2)
    assert [row.balance_minor for row in (*first.rows, *rest.rows)] == [50_00, 5_00, 5_00]
    assert {row.name for row in (*first.rows, *rest.rows)} == {"Aino Virta", "Bo Ek", "Cia Grön"}
    assert rest.next_cursor is None


@pytest.mark.parametrize("words", ["cia", "GRÖN", "gron c", "cia@", "0480000", "+358 48 000", "35848"])
async def test_a_customer_is_found_by_name_mail_or_phone_with_an_empty_wallet_too(
    merchant: Merchant, words: str
) -> None:
    cia = await a_customer(merchant, "Cia Grön", "+358480000203", email="cia@gron.example")
    await a_customer(merchant, "Dan Hav", "+358490000204")
    found = await wallets(merchant, words=words)
    assert [(row.customer_id, row.balance_minor) for row in found.rows] == [(cia, 0)]


async def test_a_search_goes_on_page_by_page_and_shows_nobody_twice(merchant: Merchant) -> None:
    for at in range(5):
        await a_customer(merchant, f"Virta Virta{at}", f"+35848000030{at}")
    seen, cursor = [], None
    while True:
        page = await wallets(merchant, words="virta", cursor=cursor, limit=2)
        seen += [row.name for row in page.rows]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert sorted(str(name) for name in seen) == [f"Virta Virta{at}" for at in range(5)]


@pytest.mark.parametrize("words", ["", " ", "...", "zzz", "\U0010ffff"])
async def test_words_that_mean_nothing_find_nobody(merchant: Merchant, customer: str, words: str) -> None:
    assert (await wallets(merchant, words=words)).rows == []


@pytest.mark.parametrize("cursor", ["x", "eA==", "LTEgAA==", "OTk5OTk5OTk5OTk5OTk5OTk5OTkgYQ=="])
async def test_a_place_in_the_list_that_is_none_is_refused(merchant: Merchant, cursor: str) -> None:
    with pytest.raises(CursorRefused):
        await wallets(merchant, cursor=cursor)
    with pytest.raises(CursorRefused):
        await wallets(merchant, words="a", cursor=cursor)


async def test_the_customers_of_another_shop_are_nobodys_business(merchant: Merchant, customer: str) -> None:
    await given(merchant, customer, 5_00)
    other = await switched(await a_merchant("Toinen"))
    assert (await wallets(other)).rows == []
    assert (await wallets(other, words="aino")).rows == []
    assert await customer_card(other.id, customer) is None


async def test_who_is_erased_is_not_found_by_name_any_more(merchant: Merchant, customer: str) -> None:
    assert (await wallets(merchant, words="aino")).rows
    await db.execute_alone("UPDATE customers SET state = 'erased', name = NULL, phone = NULL, email = NULL")
    assert (await wallets(merchant, words="aino")).rows == []
    assert await db.fetch_value("SELECT count(*) FROM profile_words") == 0


async def test_what_is_owed_is_counted_by_age_and_again_after_ten_minutes(
    merchant: Merchant, customer: str
) -> None:
    now = clock.wall()
    for days, minor in ((400, 1), (200, 10), (100, 100), (40, 1_000), (1, 10_000)):
        await given(merchant, customer, minor, now=now - timedelta(days=days))
    gift_at = now - ONE_YEAR + timedelta(days=10)
    await given(merchant, customer, 7, cause=WalletCause.GIFT, now=gift_at, expires_at=gift_at + ONE_YEAR)
    assert await liability(merchant.id, "EUR") is None

    await count_liability(now, 100)
    counted = await liability(merchant.id, "EUR")
    assert counted is not None
    assert [minor for _, minor in counted.ages] == [10_000, 1_000, 100, 17, 1]
    assert (counted.total_minor, counted.lapsing_minor, counted.wallet_count) == (11_118, 7, 1)

    await given(merchant, customer, 5)
    await count_liability(now + timedelta(minutes=9), 100)
    assert await liability(merchant.id, "EUR") == counted
    await count_liability(now + timedelta(minutes=10), 100)
    again = await liability(merchant.id, "EUR")
    assert again is not None
    assert again.total_minor == 11_123


async def test_a_count_from_before_the_clock_was_set_back_is_made_again(
    merchant: Merchant, customer: str
) -> None:
    now = clock.wall()
    await given(merchant, customer, 5_00)
    await count_liability(now + timedelta(days=300), 100)
    await count_liability(now, 100)
    counted = await liability(merchant.id, "EUR")
    assert counted is not None
    assert (counted.counted_at, counted.days_30_minor) == (now, 5_00)


async def test_a_count_in_many_steps_counts_each_lot_once(
    merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    for at in range(4):
        someone = await a_customer(merchant, f"Asiakas {at}", f"+35848000040{at}")
        for _ in range(3):
            await given(merchant, someone, 1_00)
    monkeypatch.setattr("app.wallet.liability.STEP", 2)
    await count_liability(clock.wall(), 100)
    counted = await liability(merchant.id, "EUR")
    assert counted is not None
    assert (counted.total_minor, counted.wallet_count) == (12_00, 4)
