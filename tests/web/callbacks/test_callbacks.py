"""What a provider's call does: it has a worker ask, and nothing else; whoever forges one is told nothing."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from app import doors
from app.kernel import db
from tests.factories.checkout import a_merchant, a_session
from tests.support.pages import browser, program, settings_in
from tests.support.providers import SIGNATURE, FakeProvider
from tests.support.whole import whole_product
from tests.web.shopper.test_flow import HTMX, hidden


@pytest.fixture
def cards(monkeypatch: pytest.MonkeyPatch) -> FakeProvider:
    card = FakeProvider("card")
    monkeypatch.setattr(doors, "providers", lambda _settings: {"card": card})
    return card


@pytest.fixture
async def caller(db: str, secrets_folder: Path, cards: FakeProvider) -> AsyncIterator[httpx.AsyncClient]:
    """A program without cookies, before an application with one provider; one purchase waits for its payment."""
    del cards  # The one provider.
    app = whole_product(settings_in(secrets_folder, db))
    async with browser(app) as shopper, program(app) as visitor:
        session = await a_session(await a_merchant())
        page = await shopper.post(f"/pay/{session}", data={"method": "card"}, headers=HTMX)
        form = {"shown": hidden(page.text, "shown"), "name": "Aino Virta"}
        await shopper.post(f"/pay/{session}/confirm", data=form, headers=HTMX)
        yield visitor


async def call(
    caller: httpx.AsyncClient, body: dict[str, object], *, signature: str = SIGNATURE, method: str = "card"
) -> httpx.Response:
    headers = {"x-signature": signature, "content-type": "application/json"}
    return await caller.post(f"/callbacks/{method}", content=json.dumps(body), headers=headers)


async def the_reference() -> str:
    return str(await db.fetch_value("SELECT public_id FROM payments"))


async def looks() -> int:
    return int(await db.fetch_value("SELECT count(*) FROM outbox WHERE kind = 'payment_check'"))


async def test_a_call_has_a_worker_ask_once_however_often_it_comes(caller: httpx.AsyncClient) -> None:
    body: dict[str, object] = {"id": "evt_1", "reference": await the_reference()}
    for _ in range(3):
        answer = await call(caller, body)
        assert (answer.status_code, answer.content) == (204, b"")
    assert await looks() == 1
    await call(caller, body | {"id": "evt_2"})
    assert await looks() == 2


async def test_the_call_itself_moves_nothing(caller: httpx.AsyncClient, cards: FakeProvider) -> None:
    asked = list(cards.asked)
    await call(caller, {"id": "evt_1", "reference": await the_reference()})
    assert await db.fetch_value("SELECT state FROM payments") == "pending"
    assert cards.asked == asked


async def test_the_providers_own_name_for_a_payment_does_as_well(
    caller: httpx.AsyncClient, cards: FakeProvider
) -> None:
    [ref] = cards.book
    await call(caller, {"id": "evt_1", "ref": ref})
    assert await looks() == 1


async def test_a_payment_that_nobody_knows_is_heard_and_forgotten(caller: httpx.AsyncClient) -> None:
    answer = await call(caller, {"id": "evt_1", "reference": "pay_0123456789abcdefghjkmnpqrs", "ref": "x"})
    assert (answer.status_code, await looks()) == (204, 0)


async def test_a_forged_call_is_refused_without_a_word(caller: httpx.AsyncClient) -> None:
    answer = await call(caller, {"id": "evt_1", "reference": await the_reference()}, signature="forged")
    assert (answer.status_code, answer.content) == (401, b"")
    assert await looks() == 0


async def test_a_method_without_a_provider_has_no_address(caller: httpx.AsyncClient) -> None:
    assert (await call(caller, {"id": "evt_1"}, method="mobilepay")).status_code == 404
    assert (await call(caller, {"id": "evt_1"}, method="cheque")).status_code == 404


async def test_a_body_that_is_too_large_is_never_read(caller: httpx.AsyncClient) -> None:
    answer = await call(caller, {"id": "evt_1", "reference": "x" * 70_000})
    assert answer.status_code == 413
    assert await looks() == 0
