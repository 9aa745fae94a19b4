"""Whoever moves what a customer owes holds no account of the ledger while they wait for the customer's credit line: a
purchase takes the line first and the accounts after it, so the other way round the two would wait for each other."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextvars import Context

import pytest

from app.checkout.books import check_books
from app.invoices.actions import NewPayment
from app.invoices.actions.settling import settle_early
from app.invoices.queries import invoices_of_order, settlement_on
from app.kernel import db
from app.kernel.money import Money
from app.merchants.queries import Merchant, forget_kept_merchants
from tests.factories.checkout import a_merchant
from tests.factories.invoices import a_purchase, chores_done, days_later, drawn, paid
from tests.factories.payments import a_paid_order, a_payment_in_session, asked
from tests.factories.returns import paid_from_the_wallet, refunded
from tests.factories.wallets import switched
from tests.factories.wallets_in_flow import aino_identified, money_of_aino
from tests.support.providers import FakeProvider
from tests.support.waiting import until

WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


@pytest.fixture
async def merchant(db: str) -> Merchant:
    forget_kept_merchants()
    return await switched(await a_merchant())


async def waits_with_empty_hands(
    work: Coroutine[object, object, object], for_: str = "credit_exposures"
) -> None:
    """`work` comes to the credit line, which somebody buys on, and that purchase finds every account free."""
    async with db.tx() as buying:
        assert await db.fetch_all(f"SELECT FROM {for_} FOR UPDATE")
        other = asyncio.create_task(work, context=Context())

        async def it_waits() -> bool:
            return bool(await buying.fetchval(WAITING))

        await until(it_waits, 30)
        await db.fetch_all("SELECT id FROM ledger_accounts FOR UPDATE NOWAIT")
    await other
    assert await check_books() == []


async def test_a_payment_waits_for_the_credit_line_with_empty_hands(merchant: Merchant) -> None:
    [invoice] = await drawn(merchant, await a_purchase(merchant))
    await waits_with_empty_hands(paid(merchant, invoice, 5_000))


async def test_interest_that_falls_due_waits_for_it_with_empty_hands(merchant: Merchant) -> None:
    await drawn(merchant, await a_purchase(merchant, months=3))
    await days_later(40)
    await waits_with_empty_hands(chores_done())


async def test_an_early_repayment_waits_for_the_account_of_interest_before_it_takes_that_of_the_bank(
    merchant: Merchant,
) -> None:
    """As a payment does that brings its interest along; of two shoppers who pay at once neither waits for the other."""
    order = await a_purchase(merchant, months=3)
    await drawn(merchant, order)
    now = await days_later(40)
    await chores_done()
    first = next(each for each in await invoices_of_order(merchant.id, order) if each.kind == "notice")
    await paid(merchant, first, 100)
    today = merchant.local_date(now)
    settled = settlement_on(await invoices_of_order(merchant.id, order), today)
    assert settled is not None
    payment = NewPayment(Money(settled.figure_minor, "EUR"), today, "api", "api", "early")
    account = "SELECT id FROM ledger_accounts WHERE kind = '{}' FOR UPDATE{}"
    async with db.tx() as paying:
        assert await db.fetch_all(account.format("interest_income", ""))
        work = db.in_tx(lambda: settle_early(merchant, order, payment, now))
        other = asyncio.create_task(work, context=Context())

        async def it_waits() -> bool:
            return bool(await paying.fetchval(WAITING))

        await until(it_waits, 30)
        assert await db.fetch_all(account.format("bank", " NOWAIT"))
    await other
    assert await check_books() == []


async def test_a_refund_waits_for_it_with_empty_hands(merchant: Merchant) -> None:
    order = await a_purchase(merchant)
    await drawn(merchant, order)
    await waits_with_empty_hands(refunded(merchant, order, 5_000))


async def test_a_refund_that_fills_the_wallet_again_waits_for_it_with_empty_hands(merchant: Merchant) -> None:
    order, _ = await paid_from_the_wallet(merchant, 2_900)
    await drawn(merchant, order)
    await waits_with_empty_hands(refunded(merchant, order, 5_000))


async def test_it_waits_for_the_number_of_its_credit_note_with_empty_hands_too(merchant: Merchant) -> None:
    """As every other refund of the same customer takes its number before the accounts."""
    order, _ = await paid_from_the_wallet(merchant, 2_900)
    await drawn(merchant, order)
    await waits_with_empty_hands(refunded(merchant, order, 5_000), for_="invoice_series")


async def test_a_payment_waits_for_the_order_before_it_takes_the_document(merchant: Merchant) -> None:
    """As a refund does, which holds the order and then takes every document of it."""
    [invoice] = await drawn(merchant, await a_purchase(merchant))
    async with db.tx() as refunding:
        await db.fetch_all("SELECT FROM orders FOR UPDATE")
        other = asyncio.create_task(paid(merchant, invoice, 5_000), context=Context())

        async def it_waits() -> bool:
            return bool(await refunding.fetchval(WAITING))

        await until(it_waits, 30)
        await db.fetch_all("SELECT FROM invoices FOR UPDATE NOWAIT")
    await other
    assert await check_books() == []


async def test_money_that_came_too_late_waits_for_the_wallet_before_it_takes_the_account_of_the_provider(
    merchant: Merchant,
) -> None:
    """As a purchase does that the wallet pays a part of."""
    provider = FakeProvider("card")
    await a_paid_order(merchant, provider)
    await money_of_aino(merchant, 2_900)
    payment = await a_payment_in_session(await aino_identified(merchant), provider, 2_900)
    provider.approve(payment.provider_ref)
    provider.captured(payment.provider_ref, 100)
    account = "SELECT id FROM ledger_accounts WHERE kind = '{}' FOR UPDATE{}"
    async with db.tx() as buying:
        assert await db.fetch_all(account.format("wallet", ""))
        other = asyncio.create_task(asked(payment, provider), context=Context())

        async def it_waits() -> bool:
            return bool(await buying.fetchval(WAITING))

        await until(it_waits, 30)
        assert await db.fetch_all(account.format("psp_clearing", " NOWAIT"))
    assert (await other).failure == "mismatch"
    assert await check_books() == []
