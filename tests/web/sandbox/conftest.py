"""The sandbox's pages and answers on a database of their own, with one merchant whose key opens them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from litestar.types import ASGIApp

from app.doors import turn_keys
from app.kernel import clock
from app.kernel.keys import use_keyring
from app.merchants.actions import NewMerchant, create_api_key, create_merchant
from app.merchants.queries import Merchant, forget_kept_merchants
from app.settings import Settings
from app.web.sandbox.pages import sandbox_router
from tests.support.bank_visits import to_lone_bank
from tests.support.pages import application, browser, program, settings_in, shared
from tests.support.sandbox_bank import a_sandbox_bank, transport_to

ISSUER = "http://127.0.0.1:8000/sandbox/bank"


@pytest.fixture
async def settings(db: str, secrets_folder: Path) -> AsyncIterator[Settings]:
    settings = settings_in(secrets_folder, db)
    turn_keys(settings)
    yield settings
    use_keyring(None)
    forget_kept_merchants()


@pytest.fixture
def app(settings: Settings) -> ASGIApp:
    return shared(settings, lone_sandbox)


def lone_sandbox(settings: Settings) -> ASGIApp:
    return application(settings, [sandbox_router(settings, bank_issuer=ISSUER)])


async def a_merchant() -> tuple[Merchant, str]:
    new = NewMerchant("A shop", "FI", "shop@shop.example", credit_limit_minor=5_000_00)
    merchant = await create_merchant(new, now=clock.wall())
    return merchant, await create_api_key(merchant.id, "tests", mode="test", now=clock.wall())


@pytest.fixture
async def merchant_and_key(settings: Settings) -> tuple[Merchant, str]:
    return await a_merchant()


@pytest.fixture
async def api(app: ASGIApp, merchant_and_key: tuple[Merchant, str]) -> AsyncIterator[httpx.AsyncClient]:
    """A program with the merchant's key."""
    async with program(app, merchant_and_key[1]) as client:
        yield client


@pytest.fixture
async def visitor(app: ASGIApp) -> AsyncIterator[httpx.AsyncClient]:
    async with browser(app) as client:
        yield client


@pytest.fixture
def transport(request: pytest.FixtureRequest) -> httpx.ASGITransport:
    """The way to the bank: on the product's tables for a test that asks for `db`. The protocol is the same without."""
    return transport_to(a_sandbox_bank()) if "db" in request.fixturenames else to_lone_bank()
