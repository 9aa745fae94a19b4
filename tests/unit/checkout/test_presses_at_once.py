"""The same order from one phone many times at one moment: each press knows of the ones before it."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from app.checkout.queries import Flow
from app.checkout.states import SessionState
from app.merchants.queries import Merchant
from app.risk import actions
from app.risk.collecting import Collected, collect
from app.risk.facts import Purchase
from tests.factories.checkout import Shopper, a_known_person, a_merchant, a_session

TIMES = 5


@pytest.fixture
async def merchant(db: str) -> Merchant:
    del db
    await a_known_person()
    return await a_merchant()


async def before_the_press(merchant: Merchant) -> Shopper:
    shopper = Shopper.at(await a_session(merchant))
    await shopper.choose()
    await shopper.return_from_bank()
    await shopper.be_decided()
    return shopper


async def pressed_at_once(merchant: Merchant) -> Counter[SessionState]:
    shoppers = [await before_the_press(merchant) for _ in range(TIMES)]
    flows: list[Flow] = await asyncio.gather(*(shopper.confirm() for shopper in shoppers))
    return Counter(flow.stored_state for flow in flows)


async def test_of_many_presses_at_one_moment_three_pass_as_one_after_the_other(merchant: Merchant) -> None:
    ends = await pressed_at_once(merchant)
    assert ends == {SessionState.CONFIRMED: 3, SessionState.HELD: TIMES - 3}


async def test_without_turns_all_of_them_would_pass(
    merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = asyncio.Barrier(TIMES)

    async def none(_purchase: Purchase) -> None:
        return None

    async def when_all_are_there(purchase: Purchase) -> Collected:
        found = await collect(purchase)
        await together.wait()
        return found

    monkeypatch.setattr(actions, "_take_turn", none)
    monkeypatch.setattr(actions, "collect", when_all_are_there)
    assert await pressed_at_once(merchant) == {SessionState.CONFIRMED: TIMES}
