"""A way to pay whose provider has trouble is offered with a warning, and one whose provider is gone not at all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest

from app.kernel import clock
from app.payments import actions
from app.payments.health import DOWN_AFTER, DOWN_AT, SHAKY_AT, forget_kept_health
from app.payments.ports import ProviderMethod
from tests.factories.checkout import a_merchant, a_session

WARNING = "There are problems with this way to pay right now."


@pytest.fixture(autouse=True)
async def nothing_kept() -> AsyncIterator[None]:
    forget_kept_health()
    yield
    forget_kept_health()


async def failures(method: ProviderMethod, times: int, every: timedelta = timedelta(0)) -> None:
    for number in range(times):
        await actions.note_failure(method, "timeout", clock.wall() + number * every)


async def test_a_shaky_way_is_offered_with_a_warning(client: httpx.AsyncClient) -> None:
    session = await a_session(await a_merchant())
    assert WARNING not in (await client.get(f"/pay/{session}")).text
    await failures("mobilepay", SHAKY_AT)
    page = (await client.get(f"/pay/{session}")).text

    assert 'id="m-mobilepay"' in page
    assert 'id="m-mobilepay-shaky"' in page
    assert page.count(WARNING) == 1


async def test_a_way_that_is_down_is_not_offered_and_comes_back(client: httpx.AsyncClient) -> None:
    session = await a_session(await a_merchant())
    await failures("mobilepay", DOWN_AT, DOWN_AFTER)
    hidden = (await client.get(f"/pay/{session}")).text
    for _ in range(DOWN_AT):
        await actions.note_success("mobilepay", clock.wall())
    back = (await client.get(f"/pay/{session}")).text

    assert 'id="m-mobilepay"' not in hidden
    assert 'id="m-card"' in hidden
    assert 'id="m-mobilepay"' in back


async def test_choosing_a_way_that_has_just_gone_down_shows_what_is_left(client: httpx.AsyncClient) -> None:
    session = await a_session(await a_merchant())
    await client.get(f"/pay/{session}")
    await failures("mobilepay", DOWN_AT, DOWN_AFTER)
    answer = await client.post(f"/pay/{session}", data={"method": "mobilepay"})

    assert answer.status_code == 422
    assert 'id="m-mobilepay"' not in answer.text
    assert 'id="m-invoice"' in answer.text
