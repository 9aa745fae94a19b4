"""What the operator's scraper sees."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from app.checkout import proving
from app.kernel import clock
from app.ledger import actions as ledger
from app.main import build
from app.payments import actions as payments
from app.payments.health import SHAKY_AT, forget_kept_health
from tests.factories.checkout import a_merchant
from tests.factories.payments import a_guest_at_provider
from tests.support.pages import BASE_URL, settings_in
from tests.support.providers import FakeProvider


@pytest.fixture
async def app_transport(db: str, tmp_path: Path) -> httpx.ASGITransport:
    return httpx.ASGITransport(app=build(settings_in(tmp_path, db)))  # type: ignore[arg-type]


async def test_answers_are_counted_under_their_route_and_never_under_an_id(
    app_transport: httpx.ASGITransport,
) -> None:
    async with httpx.AsyncClient(transport=app_transport, base_url=BASE_URL) as client:
        await client.get("/pay/cs_00000000000000000000000000")
        text = (await client.get("/metrics")).text
    assert 'kolme_requests_total{method="GET",route="/pay/{session_id}",status="404"}' in text
    assert "cs_0000" not in text
    assert "kolme_outbox_waiting 0.0" in text
    assert 'kolme_pool_connections{state="idle"}' in text


async def test_a_method_that_somebody_made_up_makes_no_series_of_its_own(
    app_transport: httpx.ASGITransport,
) -> None:
    async with httpx.AsyncClient(transport=app_transport, base_url=BASE_URL) as client:
        await client.request("MADEUP", "/healthz")
        text = (await client.get("/metrics")).text
    assert "MADEUP" not in text
    assert 'method="other"' in text


@pytest.mark.parametrize("headers", [{"X-Forwarded-For": "10.0.0.1"}, {"Forwarded": "for=10.0.0.1"}])
async def test_what_a_proxy_forwards_sees_no_metrics(
    app_transport: httpx.ASGITransport, headers: dict[str, str]
) -> None:
    async with httpx.AsyncClient(transport=app_transport, base_url=BASE_URL, headers=headers) as client:
        assert (await client.get("/metrics")).status_code == 404


async def test_health_answers_get_and_head(app_transport: httpx.ASGITransport) -> None:
    async with httpx.AsyncClient(transport=app_transport, base_url=BASE_URL) as client:
        assert (await client.get("/healthz")).status_code == 200
        assert (await client.head("/healthz")).status_code == 200


async def test_frozen_money_is_told_by_figures_and_health(app_transport: httpx.ASGITransport) -> None:
    now = clock.wall()
    async with httpx.AsyncClient(transport=app_transport, base_url=BASE_URL) as client:
        await ledger.freeze_now("a drill", now)
        answer = await client.get("/healthz")
        assert (answer.status_code, answer.text) == (200, "ok, but money is frozen")
        assert "kolme_money_frozen 1.0" in (await client.get("/metrics")).text
        await ledger.unfreeze_now("it was a drill", now)
        assert (await client.get("/healthz")).text == "ok"
        text = (await client.get("/metrics")).text
        assert "kolme_money_frozen 0.0" in text
        assert "kolme_books_proven_timestamp_seconds 0.0" in text
        assert (await proving.prove_everything(now)).violations == []
        assert "kolme_books_proven_timestamp_seconds 0.0" not in (await client.get("/metrics")).text


async def test_how_the_ways_to_pay_are_doing_is_told_by_figures(app_transport: httpx.ASGITransport) -> None:
    async with httpx.AsyncClient(transport=app_transport, base_url=BASE_URL) as client:
        assert "kolme_payment_method_health{" not in (await client.get("/metrics")).text
        for _ in range(SHAKY_AT):
            await payments.note_failure("mobilepay", "timeout", clock.wall())
        text = (await client.get("/metrics")).text
    forget_kept_health()
    assert 'kolme_payment_method_health{method="mobilepay"} 1.0' in text


async def test_payments_that_nobody_knows_the_end_of_are_counted(app_transport: httpx.ASGITransport) -> None:
    async with httpx.AsyncClient(transport=app_transport, base_url=BASE_URL) as client:
        provider = FakeProvider("card")
        provider.cut("create", after=True)
        await a_guest_at_provider(await a_merchant(), provider)
        assert 'kolme_payments_going_on{state="unknown"} 1.0' in (await client.get("/metrics")).text
