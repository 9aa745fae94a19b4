"""The proof of wallets has teeth: each of its sentences finds the fault that it is there for, and nothing else."""

from __future__ import annotations

import pytest

from app.kernel import clock, db
from app.kernel.money import Money
from app.merchants.queries import Merchant
from app.wallet import actions
from app.wallet.actions import Adjustment, NewPayout, Staff
from app.wallet.proof import PROOF
from app.wallet.rules import WalletCause
from tests.factories.wallets import given

# What is broken past the guards of its tables, and the words of the sentence that must find it.
BREAKS = (
    ("UPDATE lots SET left_minor = left_minor - 1 WHERE cause = 'refund'", "holds what its lots hold"),
    ("UPDATE lots SET held_minor = 0 WHERE held_minor > 0", "holds what its lots hold"),
    (
        "DELETE FROM profile_words; DELETE FROM wallet_adjustments; DELETE FROM wallet_payouts; DELETE FROM profiles",
        "a customer of its shop",
    ),
    ("DELETE FROM events WHERE data->>'cause' = 'refund'", "was told once"),
    (
        "UPDATE events SET data = data || '{\"change_minor\": 1}' WHERE data->>'cause' = 'gift'",
        "was told once",
    ),
    (
        "UPDATE ledger_accounts SET address = 'customer:x:receivable' WHERE kind = 'receivable'",
        "own customer",
    ),
    ("UPDATE wallet_adjustments SET amount_minor = amount_minor + 1", "by just that much"),
    ("UPDATE wallet_payouts SET amount_minor = amount_minor + 1", "a payout that waits"),
    ("UPDATE holds SET state = 'released' WHERE about LIKE 'wpo%'", "a payout that waits"),
    ("UPDATE wallet_adjustments SET state = 'pending_approval'", "by just that much"),
    ("UPDATE wallet_adjustment_history SET event = 'adjustment.approved'", "their own second person"),
    ("UPDATE wallet_payout_history SET event = 'payout.approved'", "their own second person"),
)


@pytest.fixture
async def used(merchant: Merchant, customer: str) -> Merchant:
    """A wallet that everything has happened to."""
    now = clock.wall()
    await given(merchant, customer, 50_00)
    gift = Adjustment(Money(5_00, "EUR"), WalletCause.GIFT, "Tenth purchase")
    by = Staff("st_1", "owner")
    await actions.adjust(merchant, customer, gift, by=by, seen_minor=50_00, key="k", now=now)

    async def pay() -> None:
        held = await actions.hold(
            merchant,
            customer,
            Money(10_00, "EUR"),
            about="ord_1",
            key="h",
            expires_at=now.replace(year=2099),
            now=now,
        )
        await actions.capture(merchant, customer, held.id, about="ord_1", key="wallet:ord_1", now=now)

    await db.in_tx(pay)
    new = NewPayout(Money(7_00, "EUR"), "FI2112345600000785", "Aino Virta")
    await actions.request_payout(merchant, customer, new, actor="staff:st_1", key="p", now=now)
    return merchant


async def found() -> set[str]:
    return {sentence for sentence, sql in PROOF.items() if await db.fetch_all(sql)}


@pytest.mark.usefixtures("used")
async def test_what_holds_is_found_to_hold() -> None:
    assert await found() == set()


@pytest.mark.usefixtures("used")
@pytest.mark.parametrize(("sql", "words"), BREAKS)
async def test_a_fault_is_found_by_its_own_sentence(sql: str, words: str, database_url: str) -> None:
    connection = await db.connect(database_url)
    await connection.execute(f"SET session_replication_role = replica; {sql}")
    await connection.close()
    assert any(words in sentence for sentence in await found())
