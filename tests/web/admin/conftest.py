"""The admin as staff meet it: the real router behind the real security wrapper, on a real database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import pyotp
import pytest
from litestar.types import ASGIApp

from app import doors
from app.kernel import clock
from app.kernel.limits import LimitReached
from app.merchants.actions import create_staff
from app.merchants.queries import Merchant, forget_kept_merchants
from app.merchants.second_factor import STEP_S
from app.settings import Settings
from app.web.admin.router import admin_router
from app.web.shared.doors import furnish
from tests.factories.checkout import a_merchant
from tests.support import pages
from tests.support.whole import framework_of

PASSWORD = "three steps and done"


@dataclass(frozen=True)
class Person:
    """Somebody on the staff, with their authenticator app."""

    email: str
    public_id: str
    totp_secret: str
    password: str = PASSWORD

    def code(self, steps_ahead: int = 0) -> str:
        """The code their app shows; one step ahead is still taken, and differs from the one just used."""
        return pyotp.TOTP(self.totp_secret).at(clock.wall() + timedelta(seconds=STEP_S * steps_ahead))

    def form(self, **changes: str) -> dict[str, str]:
        return {"email": self.email, "password": self.password, "code": self.code()} | changes


async def a_person(merchant: Merchant, email: str = "omena@havu.example", role: str = "owner") -> Person:
    new = await create_staff(merchant.id, email, "Omena Owner", PASSWORD, role, now=clock.wall())
    return Person(email, new.public_id, new.totp_secret)


async def sign_in(client: httpx.AsyncClient, person: Person, **changes: str) -> httpx.Response:
    return await client.post("/admin/sign-in", data=person.form(**changes))


@pytest.fixture
def settings(db: str, secrets_folder: Path) -> Settings:
    forget_kept_merchants()
    return pages.settings_in(secrets_folder, db)


def application(settings: Settings) -> ASGIApp:
    return pages.application(settings, [admin_router(settings)], statuses={LimitReached: 429})


@pytest.fixture
def app(settings: Settings) -> ASGIApp:
    shared = pages.shared(settings, application)
    furnish(framework_of(shared).state, doors.web_house(settings))
    return shared


@pytest.fixture
async def merchant(settings: Settings) -> Merchant:
    return await a_merchant()


@pytest.fixture
async def owner(merchant: Merchant) -> Person:
    return await a_person(merchant)


@pytest.fixture
async def stranger(app: ASGIApp) -> AsyncIterator[httpx.AsyncClient]:
    """A browser without a session."""
    async with pages.browser(app) as client:
        yield client


@pytest.fixture
async def desk(app: ASGIApp, owner: Person) -> AsyncIterator[httpx.AsyncClient]:
    """The owner's browser, signed in."""
    async with pages.browser(app) as client:
        response = await sign_in(client, owner)
        assert response.status_code == 303, response.text
        yield client
