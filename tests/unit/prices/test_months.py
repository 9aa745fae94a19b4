"""From what a shop sells to what it pays: counted once, closed once, posted once, whoever comes and whenever."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial

import asyncpg
import pytest

from app.checkout.books import check_books
from app.kernel import clock, db
from app.kernel.money import Money
from app.ledger import actions as ledger
from app.ledger import rules as ledger_rules
from app.ledger.errors import MoneyFrozen
from app.ledger.queries import balance_at
from app.ledger.rules import MERCHANT_PAYABLE, MERCHANT_SALES, PRICE_INCOME, between
from app.merchants.modules import set_module_price, switch_module
from app.merchants.queries import Merchant
from app.prices import actions, queries
from app.prices.actions import closing, counting, state
from app.prices.errors import PlanRefused
from app.prices.proof import PROOF
from app.prices.rules import Sales
from app.worker import Worker, chores
from tests.factories.checkout import a_merchant, a_shopper_at_confirm
from tests.factories.invoices import drawn
from tests.factories.returns import refunded

NOVEMBER_9 = datetime(2026, 11, 9, 12, tzinfo=UTC)
DECEMBER_2 = datetime(2026, 12, 2, 12, tzinfo=UTC)
JANUARY_2 = datetime(2027, 1, 2, 12, tzinfo=UTC)


@pytest.fixture
async def merchant(db: str) -> Merchant:
    return await a_merchant()


async def plan(
    merchant: Merchant, percent_bps: int, monthly_minor: int = 0, at: datetime = NOVEMBER_9
) -> None:
    await actions.set_plan(merchant, percent_bps, monthly_minor, actor="operator", now=at)


async def sold(merchant: Merchant, order: str, minor: int, at: datetime = NOVEMBER_9) -> None:
    entries = ledger_rules.purchase("cus_1", Money(minor, "EUR"), "operator")
    await post(merchant, f"purchase:{order}", "purchase", order, entries, at)


async def taken_back(merchant: Merchant, order: str, minor: int, at: datetime) -> None:
    entries = between(MERCHANT_PAYABLE, ledger_rules.receivable_of("cus_1"), Money(minor, "EUR"))
    await post(merchant, f"credit_note:{order}:{minor}", "credit_note", order, entries, at)


async def post(
    merchant: Merchant,
    key: str,
    cause: str,
    about: str,
    entries: tuple[ledger_rules.Entry, ...],
    at: datetime,
) -> None:
    await db.in_tx(
        lambda: ledger.post(merchant.id, key=key, cause=cause, about=about, entries=entries, now=at)
    )


async def close(at: datetime) -> int:
    return await actions.close_due(at, 100)


async def months(merchant: Merchant) -> dict[str, list[int]]:
    """The amounts of the lines of each closed month."""
    found = await queries.statements(merchant.id)
    assert all(each.total_minor == sum(line.amount_minor for line in each.lines) for each in found)
    return {f"{each.month:%Y-%m}": [line.amount_minor for line in each.lines] for each in found}


async def earned(merchant: Merchant) -> int:
    return await balance_at(merchant.id, PRICE_INCOME, "EUR", datetime(2099, 1, 1, tzinfo=UTC))


async def findings() -> list[str]:
    """Which of this room's sentences do not hold."""
    return [name for name, sql in PROOF.items() if await db.fetch_all(sql)]


async def test_purchases_and_refunds_of_a_month_an_amount_and_a_module_make_its_lines(
    merchant: Merchant,
) -> None:
    await sold(merchant, "ord_before", 500_00)
    await plan(merchant, 150, 29_00)
    await set_module_price(merchant, "wallet", 30_00, actor="operator", now=NOVEMBER_9)
    await switch_module(
        merchant,
        "wallet",
        on=True,
        seen_price_minor=30_00,
        actor="staff:st_1",
        now=NOVEMBER_9 + timedelta(days=7),
    )
    await sold(merchant, "ord_1", 100_00)
    await sold(merchant, "ord_2", 50_01)
    await taken_back(merchant, "ord_before", 500_00, NOVEMBER_9)
    await taken_back(merchant, "ord_2", 20_00, NOVEMBER_9)

    assert await close(DECEMBER_2) == 1
    # 1.5 % of 130.01; no amount before December; the wallet for 15 of 30 days.
    assert await months(merchant) == {"2026-11": [1_95, 15_00]}
    assert await earned(merchant) == 16_95
    await taken_back(merchant, "ord_1", 100_00, DECEMBER_2)
    assert await close(JANUARY_2) == 1
    assert (await months(merchant))["2026-12"] == [-1_50, 29_00, 30_00]
    assert await earned(merchant) == 16_95 + 57_50
    assert await close(JANUARY_2) == 0
    assert await findings() == []


async def test_a_month_of_refunds_alone_gives_the_shop_back_what_it_paid_at_the_percent_of_then(
    merchant: Merchant,
) -> None:
    await plan(merchant, 200)
    await sold(merchant, "ord_1", 100_00)
    await close(DECEMBER_2)
    await plan(merchant, 50, at=DECEMBER_2)
    await taken_back(merchant, "ord_1", 100_00, DECEMBER_2)
    await close(JANUARY_2)
    assert await months(merchant) == {"2026-11": [2_00], "2026-12": [-2_00]}
    assert await earned(merchant) == 0
    assert await findings() == []


async def test_another_percent_holds_from_the_next_purchase_on(merchant: Merchant) -> None:
    await plan(merchant, 100)
    await sold(merchant, "ord_1", 10_00)
    await plan(merchant, 300)
    await sold(merchant, "ord_2", 10_00)
    await close(DECEMBER_2)
    assert await months(merchant) == {"2026-11": [10, 30]}
    assert await findings() == []


async def test_what_is_committed_late_is_in_the_next_month_and_lost_in_none(
    merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "STEP", 2)
    await plan(merchant, 100)
    for at in range(5):
        await sold(merchant, f"ord_{at}", 1_00)
    await close(DECEMBER_2)
    await sold(merchant, "ord_late", 2_00, NOVEMBER_9)
    await sold(merchant, "ord_new", 4_00, DECEMBER_2)
    await close(JANUARY_2)
    assert await months(merchant) == {"2026-11": [5], "2026-12": [6]}
    assert await findings() == []


async def at(moment: datetime) -> datetime:
    """The business clock stands there."""
    await db.in_tx(lambda: clock.set_offset_s(round((moment - clock.wall()).total_seconds())))
    return moment


async def test_real_purchases_and_refunds_are_counted_and_the_worker_closes_their_month(
    merchant: Merchant,
) -> None:
    """Through the flow and by the worker, with the clock moved: what the books say is what was bought."""
    begin = await at(datetime(2099, 1, 10, 12, tzinfo=UTC))
    await plan(merchant, 1_000, 5_00, at=begin)
    await (await a_shopper_at_confirm(merchant)).confirm()
    order = await db.fetch_value("SELECT public_id FROM orders")
    await drawn(merchant, order)
    await refunded(merchant, order)
    await at(begin + timedelta(minutes=5))
    await (await a_shopper_at_confirm(merchant)).confirm()

    await at(begin + timedelta(days=60))
    await Worker({}, chores()).run_once()
    february, january = await queries.statements(merchant.id)
    [line] = january.lines
    assert line.sales == Sales(1_000, bought_minor=258_00, refunded_minor=129_00)
    assert (january.total_minor, february.total_minor) == (12_90, 5_00)
    assert await check_books() == []


async def test_a_module_alone_is_paid_from_its_first_month_also_where_a_plan_comes_before_the_worker(
    merchant: Merchant,
) -> None:
    other = await a_merchant("Toinen")
    for shop in (merchant, other):
        begin = NOVEMBER_9 - timedelta(days=30)
        await set_module_price(shop, "wallet", 31_00, actor="operator", now=begin)
        await switch_module(
            shop, "wallet", on=True, seen_price_minor=31_00, actor="staff:st_1", now=begin + timedelta(days=2)
        )
    await plan(merchant, 100)
    assert await close(NOVEMBER_9) == 2
    # From the 12th of October, 20 of 31 days.
    assert await months(merchant) == await months(other) == {"2026-10": [20_00]}
    assert await findings() == []


async def test_while_money_is_frozen_a_month_waits(merchant: Merchant) -> None:
    await plan(merchant, 100)
    await sold(merchant, "ord_1", 10_00)
    await db.in_tx(lambda: ledger.freeze("a test", NOVEMBER_9))
    with pytest.raises(MoneyFrozen):
        await close(DECEMBER_2)
    assert await months(merchant) == {}
    await db.in_tx(lambda: ledger.unfreeze("a test", DECEMBER_2))
    assert await close(DECEMBER_2) == 1
    assert await earned(merchant) == 10


async def test_a_shop_whose_month_fails_stops_neither_the_count_nor_the_month_of_those_behind_it(
    merchant: Merchant,
) -> None:
    other = await a_merchant("Toinen")
    for shop in (merchant, other):
        await plan(shop, 100)
        await sold(shop, "ord_1", 10_00)
    await db.execute_alone(
        f"ALTER TABLE price_sales ADD CONSTRAINT a_fault CHECK (merchant_id <> '{merchant.id}') NOT VALID"
    )
    await db.execute_alone(
        "UPDATE price_counts SET next_month = '2026-10-01' WHERE merchant_id = $1", merchant.id
    )
    assert await actions.count_due(NOVEMBER_9, 1) == 0
    so_far = await queries.so_far(other)
    assert so_far is not None
    assert so_far.total_minor == 10
    assert await actions.close_due(DECEMBER_2, 1) == 1
    assert (await months(merchant), await months(other)) == ({}, {"2026-11": [10]})
    await db.execute_alone("ALTER TABLE price_sales DROP CONSTRAINT a_fault")
    assert await close(DECEMBER_2) == 2


async def test_a_plan_beyond_its_bounds_is_refused(merchant: Merchant) -> None:
    with pytest.raises(PlanRefused, match="percent"):
        await plan(merchant, 1_001)
    with pytest.raises(PlanRefused, match="monthly"):
        await plan(merchant, 0, 10_000_000_001)
    assert await queries.so_far(merchant) is None


# --- two workers, and a death --------------------------------------------------------------------------------


async def both(first: object, second: object) -> list[object]:
    """How two that meet at the next race point end."""
    meeting = asyncio.Barrier(2)

    async def meet(_name: str) -> None:
        async with asyncio.timeout(30):
            await meeting.wait()

    db.set_race_barrier(meet)
    try:
        ends = await asyncio.gather(first, second, return_exceptions=True)  # type: ignore[call-overload]
    finally:
        db.set_race_barrier(None)
    return sorted((type(end) if isinstance(end, BaseException) else end for end in ends), key=str)


async def test_two_workers_close_a_month_once(merchant: Merchant) -> None:
    await plan(merchant, 100)
    await sold(merchant, "ord_1", 10_00)
    assert sorted(await asyncio.gather(close(DECEMBER_2), close(DECEMBER_2))) == [0, 1]
    assert await earned(merchant) == 10
    assert await findings() == []


async def test_without_the_lock_a_purchase_is_counted_twice_and_the_books_say_so(
    merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: two counts that do not wait for each other."""
    await plan(merchant, 100)
    await sold(merchant, "ord_1", 10_00)
    monkeypatch.setattr(state, "_LOCK", state._LOCK.replace("FOR NO KEY UPDATE", ""))
    count = partial(counting.catch_up, merchant, NOVEMBER_9)
    await both(count(), count())
    assert [name for name in await findings() if "counted once" in name]


async def test_without_the_lock_a_second_closing_meets_the_key_and_fails(
    merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    await plan(merchant, 100)
    await sold(merchant, "ord_1", 10_00)
    await counting.catch_up(merchant, NOVEMBER_9)
    so_far = await queries.so_far(merchant)
    assert so_far is not None
    monkeypatch.setattr(state, "_LOCK", state._LOCK.replace("FOR NO KEY UPDATE", ""))
    end = partial(closing.close_month, merchant, so_far.month, DECEMBER_2)
    assert await both(db.in_tx(end), db.in_tx(end)) == [asyncpg.UniqueViolationError, True]
    assert await earned(merchant) == 10


async def test_whoever_dies_before_the_end_has_done_nothing(merchant: Merchant) -> None:
    await plan(merchant, 100)
    await sold(merchant, "ord_1", 10_00)

    class Killed(BaseException):
        pass

    async def die(_name: str) -> None:
        if _name == "month to be closed":
            raise Killed

    db.set_race_barrier(die)
    try:
        with pytest.raises(Killed):
            await close(DECEMBER_2)
    finally:
        db.set_race_barrier(None)
    assert (await months(merchant), await earned(merchant)) == ({}, 0)
    assert await close(DECEMBER_2) == 1
    assert await earned(merchant) == 10


# --- the proof -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("breaking", "words"),
    [
        ("UPDATE price_lines SET amount_minor = amount_minor + 1 WHERE kind = 'monthly'", "sum to its total"),
        ("UPDATE price_statements SET total_minor = total_minor + 1", "what was posted"),
        ("UPDATE price_lines SET amount_minor = amount_minor + 1 WHERE kind = 'percent'", "half up"),
        ("UPDATE price_sales SET bought_minor = bought_minor + 1", "counted once"),
        ("UPDATE price_sales SET bought_minor = bought_minor + 1", "half up"),
        (
            "DELETE FROM price_lines; DELETE FROM price_statements WHERE month = '2026-12-01'",
            "one after another",
        ),
    ],
)
async def test_each_sentence_of_the_proof_finds_its_fault(
    merchant: Merchant, breaking: str, words: str
) -> None:
    await plan(merchant, 100, 29_00)
    await sold(merchant, "ord_1", 10_00)
    await close(DECEMBER_2)
    await close(JANUARY_2)
    assert await findings() == []
    async with db.tx():
        await db.execute("SET LOCAL session_replication_role = replica")
        for statement in breaking.split("; "):
            await db.execute(statement)
    assert [name for name in await findings() if words in name]


async def test_sales_of_the_shop_itself_count_as_well_and_gifts_do_not(merchant: Merchant) -> None:
    await plan(merchant, 100)
    cash = between(ledger_rules.MERCHANT_CASH, MERCHANT_SALES, Money(30_00, "EUR"))
    await post(merchant, "purchase:ord_1", "purchase", "ord_1", cash, NOVEMBER_9)
    gift = between(MERCHANT_PAYABLE, ledger_rules.receivable_of("cus_1"), Money(7_00, "EUR"))
    await post(merchant, "gift:1", "gift", "wadj_1", gift, NOVEMBER_9)
    await close(DECEMBER_2)
    assert await months(merchant) == {"2026-11": [30]}
