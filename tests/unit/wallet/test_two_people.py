"""Above a shop's limit two people change a wallet by hand or pay out of it; and what would happen without the lock."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable
from contextvars import Context
from datetime import timedelta

import pytest

from app.checkout.books import check_books
from app.kernel import clock, db, ids
from app.kernel.money import Money
from app.ledger.errors import InsufficientFunds
from app.merchants.errors import SamePerson
from app.merchants.queries import Merchant
from app.returns.actions import save_conditions
from app.returns.rules import Conditions
from app.wallet import actions, queries
from app.wallet.actions import Adjustment, NewPayout, Staff, adjusting, payouts
from app.wallet.actions.second_person import COUNTED_FOR
from app.wallet.approvals import count_approvals, waiting_approvals
from app.wallet.errors import (
    AdjustmentDecided,
    BalanceChanged,
    NoSuchAdjustment,
    NoSuchPayout,
    PayoutEnded,
    PayoutWaits,
    RoleRefused,
)
from app.wallet.payouts import payouts_of, waiting_payouts
from app.wallet.rules import WalletCause
from tests.factories.checkout import a_merchant
from tests.factories.wallets import given, switched
from tests.support.database import ROOT

FIRST, SECOND = Staff("st_first", "owner"), Staff("st_second", "reviewer")
LIMIT = 50_00


@pytest.fixture
async def shop(merchant: Merchant, customer: str) -> Merchant:
    """One person moves up to 50.00; there are 100.00 in the wallet."""
    now = await clock.business_now()
    await save_conditions(merchant, Conditions(14, approval_above_minor=LIMIT), actor=FIRST.actor, now=now)
    await given(merchant, customer, 100_00)
    return merchant


async def adjust(
    shop: Merchant, customer: str, amount_minor: int, *, seen: int = 100_00, key: str = "k", by: Staff = FIRST
) -> str:
    wanted = Adjustment(Money(amount_minor, "EUR"), WalletCause.MISTAKE, "Counted twice")
    return await actions.adjust(shop, customer, wanted, by=by, seen_minor=seen, key=key, now=clock.wall())


async def pay_out(
    shop: Merchant, customer: str, amount_minor: int, *, key: str = "k", actor: str = FIRST.actor
) -> str:
    new = NewPayout(Money(amount_minor, "EUR"), "FI2112345600000785", "Aino Virta")
    return await actions.request_payout(shop, customer, new, actor=actor, key=key, now=clock.wall())


async def approve(shop: Merchant, public_id: str, by: Staff = SECOND, *, seen: int = 100_00) -> None:
    now = clock.wall()
    if public_id.startswith("adj_"):
        await actions.approve_adjustment(shop, public_id, by=by, seen_minor=seen, now=now)
    else:
        await actions.approve_payout(shop, public_id, by=by, now=now)


async def refuse(shop: Merchant, public_id: str, by: Staff = SECOND) -> None:
    verb = actions.refuse_adjustment if public_id.startswith("adj_") else actions.refuse_payout
    await verb(shop, public_id, by=by, now=clock.wall())


async def total(shop: Merchant, customer: str) -> int:
    return (await queries.wallet(shop, customer, clock.wall())).balance_minor


async def free(shop: Merchant, customer: str) -> int:
    return (await queries.wallet(shop, customer, clock.wall())).available_minor


async def waiting(shop: Merchant) -> list[str]:
    return [each.public_id for each in await waiting_approvals(shop.id)]


async def noted() -> list[tuple[str, str]]:
    rows = await db.fetch_all(
        "SELECT actor, action FROM audit_log WHERE action LIKE 'wallet.%' ORDER BY id DESC LIMIT 1"
    )
    return [(row["actor"], row["action"]) for row in rows]


async def test_up_to_the_limit_and_without_one_a_person_is_enough(
    shop: Merchant, customer: str, merchant: Merchant
) -> None:
    await adjust(shop, customer, 50_00)
    assert await total(shop, customer) == 150_00
    await pay_out(shop, customer, 50_00, actor=SECOND.actor)
    assert len(await waiting_payouts(shop.id)) == 1
    await save_conditions(merchant, Conditions(14), actor=FIRST.actor, now=clock.wall())
    await adjust(shop, customer, 1_000_00, seen=150_00, key="k2")
    assert await waiting(shop) == []


@pytest.mark.parametrize("amount_minor", [50_01, -50_01])
async def test_a_change_above_it_moves_nothing_until_a_second_person_says_yes(
    shop: Merchant, customer: str, amount_minor: int
) -> None:
    asked = await adjust(shop, customer, amount_minor)
    assert asked == await adjust(shop, customer, amount_minor)
    assert (await total(shop, customer), await free(shop, customer)) == (100_00, 100_00)
    [shown] = await waiting_approvals(shop.id)
    assert (shown.public_id, shown.amount.amount_minor, shown.asked_by) == (asked, amount_minor, FIRST.actor)
    assert await noted() == [(FIRST.actor, "wallet.adjustment_asked")]
    assert await check_books() == []
    with pytest.raises(SamePerson):
        await approve(shop, asked, FIRST)

    await approve(shop, asked)
    await approve(shop, asked)

    assert await total(shop, customer) == 100_00 + amount_minor
    assert await noted() == [(SECOND.actor, "wallet.adjusted")]
    assert await count_approvals(shop.id) == 0
    with pytest.raises(AdjustmentDecided):
        await refuse(shop, asked)
    assert await check_books() == []


async def test_a_payout_above_it_is_set_aside_and_nobody_pays_it_before_a_second_person_says_yes(
    shop: Merchant, customer: str
) -> None:
    asked = await pay_out(shop, customer, 60_00)
    assert (await total(shop, customer), await free(shop, customer)) == (100_00, 40_00)
    assert await waiting_payouts(shop.id) == []
    assert await waiting(shop) == [asked]
    with pytest.raises(PayoutWaits):
        await actions.mark_paid(shop, asked, actor=SECOND.actor, now=clock.wall())
    with pytest.raises(SamePerson):
        await approve(shop, asked, FIRST)
    assert await check_books() == []

    await approve(shop, asked)
    await approve(shop, asked)

    assert await noted() == [(SECOND.actor, "wallet.payout_approved")]
    [payable] = await waiting_payouts(shop.id)
    assert (payable.public_id, payable.holder) == (asked, "Aino Virta")
    with pytest.raises(PayoutEnded):
        await refuse(shop, asked)
    await actions.mark_paid(shop, asked, actor=FIRST.actor, now=clock.wall())
    assert await total(shop, customer) == 40_00
    assert await check_books() == []


async def test_what_is_refused_or_taken_back_leaves_everything_as_it_was(
    shop: Merchant, customer: str
) -> None:
    change, payout = await adjust(shop, customer, -60_00), await pay_out(shop, customer, 60_00)
    await refuse(shop, change, FIRST)
    await refuse(shop, payout)
    await refuse(shop, payout)
    assert (await total(shop, customer), await free(shop, customer)) == (100_00, 100_00)
    assert await db.fetch_value("SELECT sealed FROM wallet_payouts") is None
    [shown] = await payouts_of(shop.id, customer)
    assert shown.state == "cancelled"
    with pytest.raises(AdjustmentDecided):
        await approve(shop, change)
    with pytest.raises(PayoutEnded):
        await approve(shop, payout)
    assert await check_books() == []


async def test_small_pieces_of_one_person_count_together_for_a_month(shop: Merchant, customer: str) -> None:
    await adjust(shop, customer, -30_00)
    await adjust(shop, customer, 20_01, seen=70_00, key="k2")
    await pay_out(shop, customer, 20_00)
    await pay_out(shop, customer, 1, key="k2")
    assert [each.amount.amount_minor for each in await waiting_approvals(shop.id)] == [20_01, -1]
    # Another person's and the next month's are counted from nothing.
    await adjust(shop, customer, 20_01, seen=70_00, key="k3", by=Staff("st_third", "owner"))
    later = clock.wall() + COUNTED_FOR + timedelta(minutes=1)
    wanted = Adjustment(Money(20_01, "EUR"), WalletCause.MISTAKE, "Counted twice")
    await actions.adjust(shop, customer, wanted, by=FIRST, seen_minor=90_01, key="k4", now=later)
    assert await count_approvals(shop.id) == 2


async def test_a_shoppers_own_payout_has_two_people_without_asking(shop: Merchant, customer: str) -> None:
    off = await switched(shop, on=False)
    await pay_out(off, customer, 90_00, actor="shopper")
    assert len(await waiting_payouts(off.id)) == 1


async def test_a_change_is_approved_only_as_it_was_seen_and_while_there_is_enough(
    shop: Merchant, customer: str
) -> None:
    asked = await adjust(shop, customer, -80_00)
    with pytest.raises(BalanceChanged):
        await approve(shop, asked, seen=99_00)
    await adjust(shop, customer, -30_00, key="k2")
    with pytest.raises(InsufficientFunds):
        await approve(shop, asked, seen=70_00)
    assert await total(shop, customer) == 70_00
    assert await waiting(shop) == [asked]
    with pytest.raises(InsufficientFunds):
        await adjust(shop, customer, -70_01, seen=70_00, key="k3")
    with pytest.raises(BalanceChanged):
        await adjust(shop, customer, 70_01, seen=0, key="k4")
    assert await waiting(shop) == [asked]


async def test_cashiers_and_other_shops_decide_nothing(shop: Merchant, customer: str) -> None:
    other = await switched(await a_merchant("Toinen"))
    for asked in (await adjust(shop, customer, 60_00), await pay_out(shop, customer, 60_00)):
        for decide in (approve, refuse):
            with pytest.raises(RoleRefused):
                await decide(shop, asked, Staff("st_third", "cashier"))
            with pytest.raises((NoSuchAdjustment, NoSuchPayout)):
                await decide(other, asked)


async def test_the_database_itself_knows_two_people(shop: Merchant, customer: str) -> None:
    await adjust(shop, customer, 60_00)
    await pay_out(shop, customer, 60_00)
    for sql in (
        "UPDATE wallet_adjustments SET state = 'done', decided_by = adjusted_by, decided_at = created_at",
        "UPDATE wallet_payouts SET state = 'requested', approved_by = requested_by, approved_at = requested_at",
    ):
        with pytest.raises(Exception, match="two_people"):
            await db.execute_alone(sql)
    with pytest.raises(Exception, match="only grows"):
        await db.execute_alone("UPDATE wallet_adjustments SET amount_minor = 1")


async def test_changes_from_before_are_no_news_for_the_proof_of_what_is_new(
    shop: Merchant, customer: str
) -> None:
    await adjust(shop, customer, 10_00)
    [file] = (ROOT / "migrations").glob("*_wallets_by_two_people.py")
    [backfill] = re.findall(r"INSERT INTO wallet_adjustment_history.*?;", file.read_text(), re.DOTALL)

    async def as_migrated() -> None:
        await db.execute("SET LOCAL session_replication_role = replica")
        await db.execute("DELETE FROM wallet_adjustment_history")
        await db.execute(backfill)

    await db.in_tx(as_migrated)
    mark = ids.internal_id()
    rows = await db.fetch_all("SELECT id >= $1 AS is_new FROM wallet_adjustment_history", mark)
    assert [row["is_new"] for row in rows] == [False]
    assert await check_books() == []


async def at_once(*work: Awaitable[None]) -> int:
    """How many of them went through; the others were too late."""

    async def one(each: Awaitable[None]) -> bool:
        try:
            await each
        except (AdjustmentDecided, PayoutEnded):
            return False
        return True

    return sum(await asyncio.gather(*(asyncio.create_task(one(each), context=Context()) for each in work)))


async def test_of_two_who_approve_and_one_who_takes_back_at_once_one_decides(
    shop: Merchant, customer: str
) -> None:
    third = Staff("st_third", "owner")
    change = await adjust(shop, customer, 60_00)
    assert (
        await at_once(approve(shop, change), approve(shop, change, third), refuse(shop, change, FIRST)) == 1
    )
    state = await db.fetch_value("SELECT state FROM wallet_adjustments")
    assert await total(shop, customer) == (160_00 if state == "done" else 100_00)
    payout = await pay_out(shop, customer, 60_00)
    assert (
        await at_once(approve(shop, payout), approve(shop, payout, third), refuse(shop, payout, FIRST)) == 1
    )
    [shown] = await payouts_of(shop.id, customer)
    assert await free(shop, customer) == await total(shop, customer) - (
        60_00 if shown.state == "requested" else 0
    )
    assert await check_books() == []


@pytest.mark.parametrize("kind", ["adj", "wpo"])
async def test_without_the_lock_both_who_decide_at_once_believe_it_waits(
    shop: Merchant, customer: str, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """The control: without the row's lock both read that it waits, and the guard of the machine alone stops the second:
    no page has words for that."""
    asked = await (adjust if kind == "adj" else pay_out)(shop, customer, 60_00)
    module = adjusting if kind == "adj" else payouts
    monkeypatch.setattr(module, "_LOCK", module._LOCK.split(" FOR NO KEY UPDATE")[0])
    meeting = asyncio.Barrier(2)

    async def met(merchant_id: object, *rest: object) -> object:
        row = await read(merchant_id, *rest)
        async with asyncio.timeout(20):
            await meeting.wait()
        return row

    name = "_waiting" if kind == "adj" else "_locked"
    read = getattr(module, name)
    monkeypatch.setattr(module, name, met)
    done = await asyncio.gather(
        *(
            asyncio.create_task(approve(shop, asked, by), context=Context())
            for by in (SECOND, Staff("st_third", "owner"))
        ),
        return_exceptions=True,
    )
    assert sorted(type(each).__name__ for each in done) == ["LostRace", "NoneType"]
