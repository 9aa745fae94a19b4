"""Money leaves a wallet for the customer's own account: set aside at once, paid once, or free again."""

from __future__ import annotations

import asyncio
from contextvars import Context

import pytest

from app.checkout.books import check_books
from app.kernel import clock, db
from app.kernel.money import Money
from app.ledger.errors import InsufficientFunds
from app.merchants.queries import Merchant
from app.wallet import actions, queries
from app.wallet.actions import NewPayout
from app.wallet.errors import (
    KeyOfAnother,
    NoSuchPayout,
    NoSuchWallet,
    OwesTheShop,
    PayoutEnded,
    PayoutRefused,
    StaysInTheShop,
    WalletCurrencyMismatch,
)
from app.wallet.payouts import ended_payouts, payouts_of, waiting_payouts
from tests.factories.checkout import a_merchant
from tests.factories.wallets import given, owes, switched

IBAN = "FI21 1234 5600 0007 85"


@pytest.fixture
async def off(merchant: Merchant, customer: str) -> Merchant:
    """Fifty euros in the wallet of a shop that has switched it off."""
    await given(merchant, customer, 50_00)
    return await switched(merchant, on=False)


async def ask(
    merchant: Merchant,
    customer: str,
    amount_minor: int = 50_00,
    *,
    iban: str = IBAN,
    holder: str = "Aino Virta",
    actor: str = "shopper",
    key: str = "k",
    currency: str = "EUR",
) -> str:
    new = NewPayout(Money(amount_minor, currency), iban, holder)
    return await actions.request_payout(merchant, customer, new, actor=actor, key=key, now=clock.wall())


async def test_what_is_still_owed_to_the_shop_is_not_paid_out(off: Merchant, customer: str) -> None:
    await owes(off, customer, 30_00)
    with pytest.raises(OwesTheShop) as refused:
        await ask(off, customer, 20_01)
    assert (refused.value.owed_minor, refused.value.payable_minor) == (30_00, 20_00)
    with pytest.raises(OwesTheShop):
        await ask(off, customer, 50_00, actor="staff:st_1")
    assert (await queries.wallet(off, customer, clock.wall())).held_minor == 0
    public_id = await ask(off, customer, 20_00)
    await actions.mark_paid(off, public_id, actor="staff:st_1", now=clock.wall())
    assert (await queries.wallet(off, customer, clock.wall())).balance_minor == 30_00


async def test_two_payouts_at_the_same_time_leave_what_is_owed_in_the_wallet(
    off: Merchant, customer: str
) -> None:
    await owes(off, customer, 30_00)

    async def asked(key: str) -> bool:
        try:
            await ask(off, customer, 20_00, key=key)
        except OwesTheShop:
            return False
        return True

    done = await asyncio.gather(
        *(asyncio.create_task(asked(key), context=Context()) for key in ("one", "two", "three"))
    )
    assert sum(done) == 1
    assert (await queries.wallet(off, customer, clock.wall())).held_minor == 20_00


async def test_a_debt_that_came_after_the_request_stops_the_payout_until_it_is_paid_or_cancelled(
    off: Merchant, customer: str
) -> None:
    public_id = await ask(off, customer, 40_00)
    await owes(off, customer, 25_00)
    with pytest.raises(OwesTheShop) as refused:
        await actions.mark_paid(off, public_id, actor="staff:st_1", now=clock.wall())
    assert (refused.value.owed_minor, refused.value.payable_minor) == (25_00, 25_00)
    [waiting] = await waiting_payouts(off.id)
    assert waiting.public_id == public_id
    assert (await queries.wallet(off, customer, clock.wall())).balance_minor == 50_00
    await actions.cancel_payout(off, public_id, actor="staff:st_1", now=clock.wall())
    assert (await queries.wallet(off, customer, clock.wall())).available_minor == 50_00


async def test_what_is_asked_for_is_set_aside_and_leaves_when_it_is_paid(
    off: Merchant, customer: str
) -> None:
    public_id = await ask(off, customer)
    wallet = await queries.wallet(off, customer, clock.wall())
    assert (wallet.balance_minor, wallet.available_minor, wallet.held_minor) == (50_00, 0, 50_00)
    [waiting] = await waiting_payouts(off.id)
    assert (waiting.public_id, waiting.iban, waiting.holder) == (
        public_id,
        "FI2112345600000785",
        "Aino Virta",
    )
    assert await check_books() == []

    await actions.mark_paid(off, public_id, actor="staff:st_1", now=clock.wall())
    await actions.mark_paid(off, public_id, actor="staff:st_1", now=clock.wall())

    assert await waiting_payouts(off.id) == []
    [paid] = await ended_payouts(off.id)
    assert (paid.state, paid.iban, paid.holder, paid.hint) == ("paid", None, None, "0785")
    assert (await queries.wallet(off, customer, clock.wall())).balance_minor == 0
    bank = await db.fetch_value("SELECT balance_minor FROM ledger_accounts WHERE address = 'operator:bank'")
    assert bank == -50_00
    last = await db.fetch_value("SELECT data FROM events ORDER BY id DESC LIMIT 1")
    assert (last["cause"], last["change_minor"], last["about"]) == ("payout", -50_00, public_id)
    with pytest.raises(PayoutEnded):
        await actions.cancel_payout(off, public_id, actor="staff:st_1", now=clock.wall())
    assert await check_books() == []


async def test_a_cancelled_payout_frees_its_money_and_forgets_the_account(
    off: Merchant, customer: str
) -> None:
    public_id = await ask(off, customer, 20_00)
    await actions.cancel_payout(off, public_id, actor="staff:st_1", now=clock.wall())
    await actions.cancel_payout(off, public_id, actor="staff:st_1", now=clock.wall())

    wallet = await queries.wallet(off, customer, clock.wall())
    assert (wallet.balance_minor, wallet.available_minor) == (50_00, 50_00)
    assert await db.fetch_value("SELECT sealed FROM wallet_payouts") is None
    with pytest.raises(PayoutEnded):
        await actions.mark_paid(off, public_id, actor="staff:st_1", now=clock.wall())
    [shown] = await payouts_of(off.id, customer)
    assert shown.state == "cancelled"
    assert await check_books() == []


async def test_the_account_is_stored_sealed(off: Merchant, customer: str) -> None:
    await ask(off, customer)
    stored = await db.fetch_value("SELECT p::text FROM wallet_payouts p")
    assert "123456" not in stored
    assert "Aino" not in stored


async def test_the_same_key_asks_once_also_at_the_same_time(off: Merchant, customer: str) -> None:
    answers = await asyncio.gather(
        *(asyncio.create_task(ask(off, customer, 20_00), context=Context()) for _ in range(3))
    )
    assert len(set(answers)) == 1
    assert (await queries.wallet(off, customer, clock.wall())).held_minor == 20_00
    with pytest.raises(KeyOfAnother):
        await ask(off, customer, 21_00)


async def test_paid_and_cancelled_at_the_same_time_only_one_of_them_holds(
    off: Merchant, customer: str
) -> None:
    public_id = await ask(off, customer)
    now = clock.wall()

    async def pay() -> bool:
        try:
            await actions.mark_paid(off, public_id, actor="staff:st_1", now=now)
        except PayoutEnded:
            return False
        return True

    async def cancel() -> bool:
        try:
            await actions.cancel_payout(off, public_id, actor="staff:st_2", now=now)
        except PayoutEnded:
            return False
        return True

    done = await asyncio.gather(
        asyncio.create_task(pay(), context=Context()), asyncio.create_task(cancel(), context=Context())
    )
    assert sum(done) == 1
    assert (await queries.wallet(off, customer, clock.wall())).balance_minor == (0 if done[0] else 50_00)
    assert await check_books() == []


async def test_while_the_wallet_is_on_its_money_is_paid_out_by_the_shop_alone(
    merchant: Merchant, customer: str
) -> None:
    await given(merchant, customer, 50_00)
    with pytest.raises(StaysInTheShop):
        await ask(merchant, customer)
    assert await ask(merchant, customer, actor="staff:st_1")


@pytest.mark.parametrize(
    ("changes", "field", "reason"),
    [
        ({"amount_minor": 0}, "amount", "malformed"),
        ({"amount_minor": -1}, "amount", "malformed"),
        ({"iban": " "}, "iban", "empty"),
        ({"iban": "FI21 1234 5600 0007 86"}, "iban", "malformed"),
        ({"iban": "ФИ21"}, "iban", "malformed"),
        ({"iban": "x" * 4000}, "iban", "malformed"),
        ({"holder": ""}, "holder", "empty"),
        ({"holder": "x" * 101}, "holder", "too_long"),
    ],
)
async def test_what_cannot_be_paid_is_named_at_its_field(
    off: Merchant, customer: str, changes: dict[str, object], field: str, reason: str
) -> None:
    with pytest.raises(PayoutRefused) as refused:
        await ask(off, customer, **changes)  # type: ignore[arg-type]
    assert (refused.value.field, refused.value.reason) == (field, reason)
    assert await waiting_payouts(off.id) == []


async def test_more_than_there_is_another_currency_and_strangers_are_refused(
    off: Merchant, customer: str
) -> None:
    other = await a_merchant("Toinen")
    with pytest.raises(InsufficientFunds):
        await ask(off, customer, 50_01)
    with pytest.raises(WalletCurrencyMismatch):
        await ask(off, customer, currency="SEK")
    with pytest.raises(NoSuchWallet):
        await ask(other, customer)
    public_id = await ask(off, customer)
    with pytest.raises(NoSuchPayout):
        await actions.mark_paid(other, public_id, actor="staff:st_9", now=clock.wall())
