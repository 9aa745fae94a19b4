"""What of the product a shop has switched on, and what holds while it is switched."""

from __future__ import annotations

import asyncio
from contextvars import Context

import pytest

from app.kernel import clock, db
from app.merchants import actions, modules, queries
from app.merchants.errors import FieldRefused, ModuleOff, ModuleTermsChanged
from app.merchants.modules import ModuleTerms
from app.merchants.queries import Merchant
from tests.factories.checkout import a_merchant
from tests.support.waiting import until

ACTOR = "staff:st_1"


@pytest.fixture
async def merchant(db: str) -> Merchant:
    return await a_merchant()


async def switch(merchant: Merchant, *, on: bool, seen_price_minor: int = 0) -> bool:
    return await modules.switch_module(
        merchant, "wallet", on=on, seen_price_minor=seen_price_minor, actor=ACTOR, now=clock.wall()
    )


async def read(merchant: Merchant) -> Merchant:
    found = await queries.merchant_by_id(merchant.id)
    assert found is not None
    return found


async def test_a_new_shop_has_the_wallet_included_and_switched_off(merchant: Merchant) -> None:
    assert not merchant.has("wallet")
    assert await modules.terms_of(merchant.id, "wallet") == ModuleTerms(is_on=False, price_minor=0)
    assert not await modules.was_decided(merchant.id, "wallet")


async def test_a_switch_holds_for_this_process_at_once_and_stands_in_the_audit_log(
    merchant: Merchant,
) -> None:
    assert await switch(merchant, on=True)
    assert (await read(merchant)).has("wallet")
    assert not await switch(merchant, on=True)
    assert await switch(merchant, on=False)
    assert not (await read(merchant)).has("wallet")

    rows = await db.fetch_all(
        "SELECT actor, detail FROM audit_log WHERE action = 'merchant.module' ORDER BY id"
    )
    assert [(row["actor"], row["detail"]["is_on"]) for row in rows] == [
        (ACTOR, [False, True]),
        (ACTOR, [True, False]),
    ]


async def test_asking_for_a_module_costs_no_statement(merchant: Merchant) -> None:
    await switch(merchant, on=True)
    secret = await actions.create_api_key(merchant.id, "shop", mode="test", now=clock.wall())
    with db.counting() as counts:
        found = await queries.authenticate_key(secret)
        assert found is not None
        assert found.merchant.has("wallet")
    assert counts.queries == 1


async def test_one_shops_module_is_not_another_ones(merchant: Merchant) -> None:
    other = await a_merchant("Toinen")
    await switch(other, on=True)

    assert not (await read(merchant)).has("wallet")
    async with db.tx():
        with pytest.raises(ModuleOff):
            await modules.require_module(merchant.id, "wallet")


async def test_nobody_switches_on_at_a_price_they_have_not_read(merchant: Merchant) -> None:
    await modules.set_module_price(merchant, "wallet", 19_00, actor="operator", now=clock.wall())

    with pytest.raises(ModuleTermsChanged) as refused:
        await switch(merchant, on=True, seen_price_minor=0)
    assert refused.value.price_minor == 19_00
    assert await switch(merchant, on=True, seen_price_minor=19_00)
    assert await modules.terms_of(merchant.id, "wallet") == ModuleTerms(is_on=True, price_minor=19_00)


@pytest.mark.parametrize("price_minor", [-1, 100_000_001])
async def test_a_price_that_is_none_is_refused(merchant: Merchant, price_minor: int) -> None:
    with pytest.raises(FieldRefused):
        await modules.set_module_price(merchant, "wallet", price_minor, actor="operator", now=clock.wall())


async def test_a_new_price_leaves_the_switch_as_it_was(merchant: Merchant) -> None:
    await switch(merchant, on=True)
    await modules.set_module_price(merchant, "wallet", 5_00, actor="operator", now=clock.wall())
    assert await modules.terms_of(merchant.id, "wallet") == ModuleTerms(is_on=True, price_minor=5_00)


async def test_a_switch_waits_for_money_that_is_on_its_way(merchant: Merchant) -> None:
    await switch(merchant, on=True)
    switched = asyncio.Event()

    async def switch_off() -> None:
        await switch(merchant, on=False)
        switched.set()

    async with db.tx():
        await modules.require_module(merchant.id, "wallet")
        task = asyncio.create_task(switch_off(), context=Context())
        await until(somebody_waits)
        assert not switched.is_set()
        assert (await modules.terms_of(merchant.id, "wallet")).is_on
    await task
    assert switched.is_set()
    async with db.tx():
        with pytest.raises(ModuleOff):
            await modules.require_module(merchant.id, "wallet")


async def test_without_the_lock_the_switch_overtakes_what_was_read(merchant: Merchant) -> None:
    """The control: a plain read in the same place lets the switch through while the money is still on its way."""
    await switch(merchant, on=True)
    async with db.tx():
        assert (await modules.terms_of(merchant.id, "wallet")).is_on
        await asyncio.create_task(switch(merchant, on=False), context=Context())
        assert not (await modules.terms_of(merchant.id, "wallet")).is_on


async def somebody_waits() -> bool:
    return bool(await db.fetch_value("SELECT count(*) FROM pg_locks WHERE NOT granted"))
