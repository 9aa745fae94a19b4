"""The API as a shop's program meets it: the real router behind the real security wrapper, on a real database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from litestar import Litestar
from litestar.types import ASGIApp

from app.kernel import clock
from app.kernel.db import close_pool, start_pool
from app.kernel.keys import Keyring, use_keyring
from app.merchants.actions import create_api_key
from app.merchants.queries import Merchant, forget_kept_merchants
from app.settings import Settings, load
from app.web.api.problems import handle
from app.web.api.routes import api_router
from app.web.shared import errors
from app.web.shared.security import Policy, Shield, own_origin
from tests.factories.checkout import a_merchant
from tests.support.pages import shared

BASE_URL = "http://localhost:8000"


def settings_for(database_url: str, tmp: str, **changes: str) -> Settings:
    environ = {"DATABASE_URL": database_url, "KOLME_VAR_DIR": tmp, "KOLME_BASE_URL": BASE_URL}
    return load(environ | changes)


def application(settings: Settings) -> ASGIApp:
    app = Litestar([api_router(settings)], openapi_config=None, exception_handlers={Exception: handle})
    policy = Policy(origins=frozenset({own_origin(settings.base_url)}), https=False)
    return Shield(app, policy, errors.refusal)


@dataclass(frozen=True)
class Shop:
    """A merchant, its key, and a client that uses it."""

    merchant: Merchant
    key: str
    client: httpx.AsyncClient

    async def opens(self, document: object, **headers: str) -> httpx.Response:
        return await self.client.post("/api/v1/sessions", json=document, headers=headers)


@pytest.fixture
def settings(db: str, secrets_folder: Path) -> Settings:
    forget_kept_merchants()
    return settings_for(db, str(secrets_folder))


@pytest.fixture
def app(settings: Settings) -> ASGIApp:
    return shared(settings, application)


@pytest.fixture
async def shop(app: ASGIApp) -> AsyncIterator[Shop]:
    async with a_shop(app, "Havu & Kivi") as shop:
        yield shop


@pytest.fixture
async def another_shop(app: ASGIApp) -> AsyncIterator[Shop]:
    async with a_shop(app, "Pihla Oy") as shop:
        yield shop


@pytest.fixture(scope="module")
async def modules_shop(
    modules_database: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Shop]:
    """One shop for a whole module of tests that leave nothing behind. No test of such a module asks for `db`."""
    use_keyring(Keyring({"test": bytes(range(32))}))
    forget_kept_merchants()
    await start_pool(modules_database)
    try:
        app = application(settings_for(modules_database, str(tmp_path_factory.mktemp("var"))))
        async with a_shop(app, "Havu & Kivi") as shop:
            yield shop
    finally:
        await close_pool()
        use_keyring(None)


class a_shop:  # noqa: N801 - reads as a noun where it is used
    """A fresh merchant with a key and an open client."""

    def __init__(self, app: ASGIApp, name: str) -> None:
        self._app, self._name = app, name

    async def __aenter__(self) -> Shop:
        merchant = await a_merchant(self._name)
        key = await create_api_key(merchant.id, "tests", mode="test", now=clock.wall())
        self._client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=self._app),  # type: ignore[arg-type]
            base_url=BASE_URL,
            headers={"Authorization": f"Bearer {key}"},
        )
        return Shop(merchant, key, self._client)

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()
