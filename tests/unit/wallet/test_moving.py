"""Money into a wallet, out of it into a purchase and back: exact, told, and only in the shop that issued it."""

from __future__ import annotations

import asyncio
from contextvars import Context
from datetime import timedelta
from uuid import UUID

import pytest

from app.checkout.books import check_books
from app.kernel import clock, db, ids
from app.kernel.money import Money
from app.ledger.errors import HoldEnded, InsufficientFunds, MoneyFrozen, NotPositive
from app.merchants.errors import ModuleOff
from app.merchants.modules import terms_of
from app.merchants.queries import Creditor, Merchant
from app.wallet import actions, queries
from app.wallet.errors import MayNotLapse, NoSuchWallet, WalletCurrencyMismatch
from app.wallet.rules import WalletCause
from tests.factories.checkout import a_merchant
from tests.factories.wallets import ONE_YEAR, a_customer, given, switched
from tests.support.waiting import until

ORDER = ids.public_id("ord")


async def events() -> list[dict[str, object]]:
    rows = await db.fetch_all("SELECT data FROM events WHERE type = 'wallet.changed' ORDER BY id")
    return [row["data"] for row in rows]


async def total(merchant: Merchant, customer: str) -> int:
    return (await queries.wallet(merchant, customer, clock.wall())).balance_minor


async def hold(merchant: Merchant, customer: str, amount_minor: int, key: str = "one") -> UUID:
    now = clock.wall()
    held = await db.in_tx(
        lambda: actions.hold(
            merchant,
            customer,
            Money(amount_minor, merchant.currency),
            about=ORDER,
            key=key,
            expires_at=now + timedelta(minutes=30),
            now=now,
        )
    )
    return held.id


async def test_money_that_comes_is_a_lot_and_is_told_in_the_same_transaction(
    merchant: Merchant, customer: str
) -> None:
    assert await given(merchant, customer, 45_00, about=ORDER)

    wallet = await queries.wallet(merchant, customer, clock.wall())
    assert (wallet.balance_minor, wallet.available_minor, wallet.held_minor) == (45_00, 45_00, 0)
    assert [(lot.cause, lot.about, lot.left_minor) for lot in wallet.lots] == [("refund", ORDER, 45_00)]
    assert await events() == [
        {
            "customer_id": customer,
            "currency": "EUR",
            "number": 1,
            "balance_minor": 45_00,
            "available_minor": 45_00,
            "change_minor": 45_00,
            "cause": "refund",
            "about": ORDER,
        }
    ]
    assert await check_books() == []


async def test_the_same_key_again_adds_and_tells_nothing(merchant: Merchant, customer: str) -> None:
    assert await given(merchant, customer, 45_00, key="refund:1")
    assert not await given(merchant, customer, 45_00, key="refund:1")
    assert await total(merchant, customer) == 45_00
    assert len(await events()) == 1


@pytest.mark.parametrize(
    ("creditor", "cause", "against"),
    [
        ("operator", WalletCause.REFUND, "operator:payable:merchant"),
        ("operator", WalletCause.GIFT, "operator:payable:merchant"),
        ("merchant", WalletCause.REFUND, "merchant:sales"),
        ("merchant", WalletCause.POINTS, "merchant:loyalty"),
        ("merchant", WalletCause.APOLOGY, "merchant:goodwill"),
    ],
)
@pytest.mark.usefixtures("db")
async def test_the_shop_pays_for_what_comes_into_its_wallets(
    creditor: Creditor, cause: WalletCause, against: str
) -> None:
    merchant = await switched(await a_merchant(creditor=creditor))
    await given(merchant, await a_customer(merchant), 10_00, cause=cause)

    other = await db.fetch_value("SELECT balance_minor FROM ledger_accounts WHERE address = $1", against)
    assert other == 10_00


@pytest.mark.parametrize("amount_minor", [0, -1])
async def test_nothing_and_less_are_refused(merchant: Merchant, customer: str, amount_minor: int) -> None:
    with pytest.raises(NotPositive):
        await given(merchant, customer, amount_minor)
    assert await events() == []


async def test_a_float_never_becomes_money(merchant: Merchant, customer: str) -> None:
    with pytest.raises(TypeError):
        await given(merchant, customer, 10.5)  # type: ignore[arg-type]


async def test_another_currency_is_refused(merchant: Merchant, customer: str) -> None:
    async def add() -> bool:
        return await actions.add(
            merchant,
            customer,
            Money(1_00, "SEK"),
            cause=WalletCause.REFUND,
            about=ORDER,
            key="k",
            now=clock.wall(),
        )

    with pytest.raises(WalletCurrencyMismatch) as refused:
        await db.in_tx(add)
    assert (refused.value.expected, refused.value.given) == ("EUR", "SEK")


async def test_a_wallet_is_of_the_shop_that_issued_it(merchant: Merchant, customer: str) -> None:
    other = await switched(await a_merchant("Toinen"))
    await given(merchant, customer, 45_00)

    with pytest.raises(NoSuchWallet):
        await given(other, customer, 1_00)
    with pytest.raises(InsufficientFunds):
        await hold(other, customer, 1_00)
    assert await total(other, customer) == 0
    assert not await queries.is_customer(other.id, customer)
    assert await queries.is_customer(merchant.id, customer)


async def test_a_customers_own_money_never_lapses(merchant: Merchant, customer: str) -> None:
    now = clock.wall()
    for cause in (WalletCause.REFUND, WalletCause.PRICE, WalletCause.MISTAKE):
        with pytest.raises(MayNotLapse) as refused:
            await given(merchant, customer, 1_00, cause=cause, now=now, expires_at=now + 20 * ONE_YEAR)
        assert refused.value.not_before is None


async def test_a_gift_may_lapse_after_the_term_of_the_law_file_alone(
    merchant: Merchant, customer: str
) -> None:
    now = clock.wall()
    with pytest.raises(MayNotLapse) as refused:
        await given(
            merchant, customer, 1_00, cause=WalletCause.GIFT, now=now, expires_at=now + timedelta(days=364)
        )
    assert refused.value.not_before is not None
    assert await given(
        merchant, customer, 1_00, cause=WalletCause.GIFT, now=now, expires_at=now + timedelta(days=365)
    )


async def test_what_lapses_goes_first_and_its_loss_is_told(merchant: Merchant, customer: str) -> None:
    now = clock.wall()
    ends = now + ONE_YEAR
    await given(merchant, customer, 10_00)
    await given(merchant, customer, 5_00, cause=WalletCause.GIFT, now=now, expires_at=ends)
    wallet = await queries.wallet(merchant, customer, now)
    assert [lot.cause for lot in wallet.lots] == ["gift", "refund"]
    assert wallet.next_lapse == (ends, Money(5_00, "EUR"))
    assert dict(wallet.by_cause) == {"refund": Money(10_00, "EUR"), "gift": Money(5_00, "EUR")}

    # Over, though the chore has not come yet: it cannot be paid with.
    over = await queries.wallet(merchant, customer, ends)
    assert (over.balance_minor, over.available_minor) == (15_00, 10_00)
    assert await actions.lapse_due(ends, 100) == 1
    assert await actions.lapse_due(ends, 100) == 0
    assert await total(merchant, customer) == 10_00
    assert [(each["cause"], each["change_minor"], each["balance_minor"]) for each in await events()][-1] == (
        "lapse",
        -5_00,
        10_00,
    )
    assert await check_books() == []


async def test_a_clock_that_was_set_back_revives_nothing_that_lapsed(
    merchant: Merchant, customer: str
) -> None:
    now = clock.wall()
    ends = now + ONE_YEAR
    await given(merchant, customer, 5_00, cause=WalletCause.GIFT, now=now, expires_at=ends)
    await actions.lapse_due(ends, 100)

    back = now - timedelta(days=3)
    assert (await queries.wallet(merchant, customer, back)).balance_minor == 0
    assert await given(merchant, customer, 3_00, now=back)
    page = await queries.statement(merchant, customer)
    assert [each.balance_after_minor for each in page.movements] == [3_00, 0, 5_00]
    assert await check_books() == []


async def test_what_is_set_aside_is_paid_with_and_the_rest_comes_free(
    merchant: Merchant, customer: str
) -> None:
    await given(merchant, customer, 50_00)
    held = await hold(merchant, customer, 30_00)
    wallet = await queries.wallet(merchant, customer, clock.wall())
    assert (wallet.balance_minor, wallet.available_minor, wallet.held_minor) == (50_00, 20_00, 30_00)
    assert held == await hold(merchant, customer, 30_00)

    async def capture() -> bool:
        return await actions.capture(
            merchant,
            customer,
            held,
            about=ORDER,
            key=f"wallet:{ORDER}",
            amount=Money(25_00, "EUR"),
            now=clock.wall(),
        )

    assert await db.in_tx(capture)
    assert not await db.in_tx(capture)
    wallet = await queries.wallet(merchant, customer, clock.wall())
    assert (wallet.balance_minor, wallet.available_minor, wallet.held_minor) == (25_00, 25_00, 0)
    owed = await db.fetch_value(
        "SELECT balance_minor FROM ledger_accounts WHERE address = $1", f"customer:{customer}:receivable"
    )
    assert owed == -25_00
    assert [each["cause"] for each in await events()] == ["refund", "wallet_payment"]

    async def back() -> bool:
        return await actions.give_back(
            merchant,
            Money(10_00, "EUR"),
            of_key=f"wallet:{ORDER}",
            about=ORDER,
            key="back:1",
            now=clock.wall(),
        )

    await switched(merchant, on=False)
    assert await db.in_tx(back)
    assert await total(merchant, customer) == 35_00
    assert (await events())[-1]["cause"] == "wallet_given_back"


async def test_what_was_released_can_be_spent_again_and_not_captured(
    merchant: Merchant, customer: str
) -> None:
    await given(merchant, customer, 50_00)
    held = await hold(merchant, customer, 50_00)
    with pytest.raises(InsufficientFunds) as refused:
        await hold(merchant, customer, 1, key="two")
    assert (refused.value.available_minor, refused.value.asked_minor) == (0, 1)
    assert await db.in_tx(lambda: actions.release(merchant, held, actor="shopper", now=clock.wall()))
    with pytest.raises(HoldEnded):
        await db.in_tx(
            lambda: actions.capture(
                merchant,
                customer,
                held,
                about=ORDER,
                key="late",
                now=clock.wall(),
            )
        )
    await hold(merchant, customer, 50_00, key="three")


async def test_of_many_tabs_only_those_pay_that_the_money_is_enough_for(
    merchant: Merchant, customer: str
) -> None:
    await given(merchant, customer, 50_00)

    async def tab(number: int) -> bool:
        try:
            await hold(merchant, customer, 15_00, key=f"tab:{number}")
        except InsufficientFunds:
            return False
        return True

    paid = await asyncio.gather(*(asyncio.create_task(tab(number), context=Context()) for number in range(8)))
    assert sum(paid) == 3
    assert (await queries.wallet(merchant, customer, clock.wall())).available_minor == 5_00


async def test_a_switched_off_wallet_takes_nothing_in_and_sets_nothing_aside(
    merchant: Merchant, customer: str
) -> None:
    await given(merchant, customer, 50_00)
    held = await hold(merchant, customer, 20_00)
    await switched(merchant, on=False)

    with pytest.raises(ModuleOff):
        await given(merchant, customer, 1_00)
    with pytest.raises(ModuleOff):
        await hold(merchant, customer, 1_00, key="two")
    # The money stays the customer's, and what the page of a purchase promised holds.
    assert await total(merchant, customer) == 50_00
    assert await db.in_tx(
        lambda: actions.capture(
            merchant,
            customer,
            held,
            about=ORDER,
            key="w",
            now=clock.wall(),
        )
    )
    assert await total(merchant, customer) == 30_00


async def test_a_switch_waits_until_money_that_is_on_its_way_has_come(
    merchant: Merchant, customer: str
) -> None:
    async with db.tx():
        await actions.add(
            merchant,
            customer,
            Money(45_00, "EUR"),
            cause=WalletCause.REFUND,
            about=ORDER,
            key="k",
            now=clock.wall(),
        )
        off = asyncio.create_task(switched(merchant, on=False), context=Context())
        await until(somebody_waits)
        assert (await terms_of(merchant.id, "wallet")).is_on
    await off
    assert await total(merchant, customer) == 45_00
    assert not (await terms_of(merchant.id, "wallet")).is_on


async def test_without_the_modules_lock_money_comes_into_a_wallet_that_is_off(
    merchant: Merchant, customer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: the same two with a plain look at the module. The money comes after the switch."""

    async def only_look(merchant_id: object, module: object) -> None:
        assert (await terms_of(merchant.id, "wallet")).is_on
        await asyncio.create_task(switched(merchant, on=False), context=Context())

    monkeypatch.setattr("app.wallet.actions.moving.require_module", only_look)
    await given(merchant, customer, 45_00)
    assert not (await terms_of(merchant.id, "wallet")).is_on
    assert await total(merchant, customer) == 45_00


async def test_while_money_is_frozen_nothing_comes_and_nothing_is_told(
    merchant: Merchant, customer: str
) -> None:
    await db.execute_alone(
        "INSERT INTO money_freezes (id, because, began_at) VALUES ($1, 'a test', $2)",
        ids.internal_id(),
        clock.wall(),
    )
    with pytest.raises(MoneyFrozen):
        await given(merchant, customer, 45_00)
    assert await events() == []


async def somebody_waits() -> bool:
    return bool(await db.fetch_value("SELECT count(*) FROM pg_locks WHERE NOT granted"))
