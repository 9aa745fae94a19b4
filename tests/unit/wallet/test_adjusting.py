"""Staff change a wallet: with a reason and a role, as they saw it, once."""

from __future__ import annotations

import asyncio
from contextvars import Context
from datetime import datetime

import pytest

from app.kernel import clock, db
from app.kernel.money import Money
from app.ledger.errors import InsufficientFunds
from app.merchants.errors import ModuleOff
from app.merchants.queries import Merchant
from app.merchants.rules import Role
from app.wallet import actions, queries
from app.wallet.actions import Adjustment, Staff
from app.wallet.errors import (
    AdjustmentRefused,
    BalanceChanged,
    KeyOfAnother,
    MayNotLapse,
    NoSuchWallet,
    RoleRefused,
    WalletCurrencyMismatch,
)
from app.wallet.rules import WalletCause
from tests.factories.checkout import a_merchant
from tests.factories.wallets import ONE_YEAR, given, switched

OWNER = Staff("st_1", "owner")


async def adjust(
    merchant: Merchant,
    customer: str,
    amount_minor: int,
    *,
    cause: WalletCause = WalletCause.MISTAKE,
    note: str = "Counted twice at the till",
    seen: int = 0,
    key: str = "k",
    by: Staff = OWNER,
    currency: str = "EUR",
    expires_at: datetime | None = None,
) -> str:
    wanted = Adjustment(Money(amount_minor, currency), cause, note, expires_at)
    return await actions.adjust(merchant, customer, wanted, by=by, seen_minor=seen, key=key, now=clock.wall())


async def total(merchant: Merchant, customer: str) -> int:
    return (await queries.wallet(merchant, customer, clock.wall())).balance_minor


async def changes() -> int:
    count: int = await db.fetch_value("SELECT count(*) FROM wallet_adjustments")
    return count


async def test_a_change_has_its_reason_its_note_and_who_did_it(merchant: Merchant, customer: str) -> None:
    public_id = await adjust(merchant, customer, 5_00, cause=WalletCause.APOLOGY, note=" Came  broken ")

    row = await db.fetch_one("SELECT * FROM wallet_adjustments")
    assert row is not None
    assert (row["public_id"], row["cause"], row["note"]) == (public_id, "apology", "Came broken")
    assert (row["adjusted_by"], row["amount_minor"]) == ("staff:st_1", 5_00)
    [movement] = (await queries.statement(merchant, customer)).movements
    assert (movement.cause, movement.about, movement.amount_minor) == ("apology", public_id, 5_00)
    audit = await db.fetch_one(
        "SELECT actor, subject, detail FROM audit_log WHERE action = 'wallet.adjusted'"
    )
    assert audit is not None
    assert (audit["actor"], audit["subject"]) == ("staff:st_1", customer)
    # The note may speak of people, and the audit log outlives them.
    assert "broken" not in str(audit["detail"])


async def test_a_mistake_is_put_right_in_both_directions_and_never_below_zero(
    merchant: Merchant, customer: str
) -> None:
    await adjust(merchant, customer, 5_00)
    await adjust(merchant, customer, -2_00, seen=5_00, key="k2")
    assert await total(merchant, customer) == 3_00
    with pytest.raises(InsufficientFunds) as refused:
        await adjust(merchant, customer, -3_01, seen=3_00, key="k3")
    assert refused.value.available_minor == 3_00
    assert await total(merchant, customer) == 3_00
    assert await changes() == 2


async def test_the_same_key_twice_changes_once_also_at_the_same_time(
    merchant: Merchant, customer: str
) -> None:
    async def press() -> str:
        return await adjust(merchant, customer, 5_00)

    answers = await asyncio.gather(*(asyncio.create_task(press(), context=Context()) for _ in range(4)))
    assert len(set(answers)) == 1
    assert await total(merchant, customer) == 5_00
    with pytest.raises(KeyOfAnother):
        await adjust(merchant, customer, 6_00)


async def test_who_saw_another_balance_changes_nothing(merchant: Merchant, customer: str) -> None:
    await given(merchant, customer, 10_00)
    with pytest.raises(BalanceChanged) as refused:
        await adjust(merchant, customer, 5_00, seen=0)
    assert refused.value.balance_minor == 10_00
    assert await total(merchant, customer) == 10_00
    assert await changes() == 0


@pytest.mark.parametrize("role", ["cashier", "reviewer", "support"])
async def test_other_roles_change_nothing(merchant: Merchant, customer: str, role: Role) -> None:
    with pytest.raises(RoleRefused):
        await adjust(merchant, customer, 5_00, by=Staff("st_2", role))


@pytest.mark.parametrize(
    ("amount_minor", "cause", "note", "refusal"),
    [
        (0, WalletCause.GIFT, "why", ("amount", "malformed")),
        (-1, WalletCause.GIFT, "why", ("cause", "only_gives")),
        (1, WalletCause.REFUND, "why", ("cause", "malformed")),
        (1, WalletCause.GIFT, " ", ("note", "empty")),
        (1, WalletCause.GIFT, "x" * 501, ("note", "too_long")),
    ],
)
async def test_what_cannot_be_is_named_at_its_field(
    merchant: Merchant,
    customer: str,
    amount_minor: int,
    cause: WalletCause,
    note: str,
    refusal: tuple[str, str],
) -> None:
    with pytest.raises(AdjustmentRefused) as refused:
        await adjust(merchant, customer, amount_minor, cause=cause, note=note)
    assert (refused.value.field, refused.value.reason) == refusal


async def test_a_stranger_another_currency_and_a_term_that_is_none_are_refused(
    merchant: Merchant, customer: str
) -> None:
    other = await switched(await a_merchant("Toinen"))
    with pytest.raises(NoSuchWallet):
        await adjust(other, customer, 5_00)
    with pytest.raises(WalletCurrencyMismatch):
        await adjust(merchant, customer, 5_00, currency="SEK")
    with pytest.raises(MayNotLapse):
        await adjust(merchant, customer, 5_00, expires_at=clock.wall() + 3 * ONE_YEAR)
    assert await changes() == 0


async def test_a_switched_off_wallet_is_given_nothing_and_its_mistakes_are_put_right(
    merchant: Merchant, customer: str
) -> None:
    await adjust(merchant, customer, 5_00)
    await switched(merchant, on=False)
    with pytest.raises(ModuleOff):
        await adjust(merchant, customer, 5_00, seen=5_00, key="k2")
    await adjust(merchant, customer, -1_00, seen=5_00, key="k3")
    assert await total(merchant, customer) == 4_00


async def test_a_change_is_never_edited(merchant: Merchant, customer: str) -> None:
    await adjust(merchant, customer, 5_00)
    for sql in ("UPDATE wallet_adjustments SET note = 'other'", "DELETE FROM wallet_adjustments"):
        with pytest.raises(Exception, match="only grows"):
            await db.execute_alone(sql)
