"""MobilePay by a code: step 3 of another screen shows it, and the phone that scans it pays."""

from __future__ import annotations

from dataclasses import replace

import httpx
import pytest

from app import doors
from app.payments.ports import NewPayment, Opened
from tests.factories.checkout import a_merchant, a_session
from tests.support.providers import FakeProvider
from tests.web.shopper.test_flow import HTMX, hidden


class CodeProvider(FakeProvider):
    """Has a code for whoever asks for one."""

    async def create(self, new: NewPayment) -> Opened:
        opened = await super().create(new)
        return replace(opened, qr_url=f"{opened.url}/code") if new.way == "qr" else opened


@pytest.fixture(autouse=True)
def mobilepay(monkeypatch: pytest.MonkeyPatch) -> CodeProvider:
    provider = CodeProvider("mobilepay")
    providers = {"card": FakeProvider("card"), "mobilepay": provider}
    monkeypatch.setattr(doors, "providers", lambda _settings: providers)
    return provider


async def at_step_3(client: httpx.AsyncClient, method: str) -> tuple[str, str]:
    url = f"/pay/{await a_session(await a_merchant())}"
    await client.post(url, data={"method": method}, headers=HTMX)
    return url, (await client.get(f"{url}/confirm")).text


async def test_the_code_is_shown_until_the_phone_has_paid(
    client: httpx.AsyncClient, mobilepay: CodeProvider
) -> None:
    url, page = await at_step_3(client, "mobilepay")
    form = {"shown": hidden(page, "shown"), "name": "Aino Virta", "way": "qr"}
    answer = await client.post(f"{url}/confirm", data=form, headers=HTMX)
    shown_again = await client.get(f"{url}/return")
    [ref] = mobilepay.book
    mobilepay.approve(ref)
    paid = await client.post(f"{url}/check", data={"asked": "1", "seen": "pending"}, headers=HTMX)

    assert 'name="way" value="qr"' in page
    for each in (answer, shown_again):
        assert "Scan the code with your phone" in each.text
        assert 'class="qr"' in each.text
    assert "Purchase confirmed" in paid.text
    assert 'class="qr"' not in paid.text


async def test_another_browser_sees_no_code(client: httpx.AsyncClient, mobilepay: CodeProvider) -> None:
    url, page = await at_step_3(client, "mobilepay")
    form = {"shown": hidden(page, "shown"), "name": "Aino Virta", "way": "qr"}
    await client.post(f"{url}/confirm", data=form, headers=HTMX)
    client.cookies.clear()
    assert 'class="qr"' not in (await client.get(f"{url}/return")).text


async def test_a_card_has_no_code(client: httpx.AsyncClient) -> None:
    url, page = await at_step_3(client, "card")
    form = {"shown": hidden(page, "shown"), "name": "Aino Virta", "way": "qr"}
    answer = await client.post(f"{url}/confirm", data=form, headers=HTMX)
    assert 'value="qr"' not in page
    assert 'class="qr"' not in answer.text
