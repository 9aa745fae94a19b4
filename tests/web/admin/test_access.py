"""Who gets in, route by route."""

from __future__ import annotations

import httpx
import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute
from litestar.types import ASGIApp

from app.kernel import db, ids
from app.merchants.queries import Merchant
from app.settings import Settings
from app.web.admin.access import OPEN, ROLES_OF
from app.web.admin.router import admin_router
from tests.support import pages
from tests.web.admin.conftest import a_person, sign_in


def routes(settings: Settings) -> list[tuple[str, str, str]]:
    """(name, method, path) of everything under /admin."""
    found: list[tuple[str, str, str]] = []
    for route in Litestar([admin_router(settings)], openapi_config=None).routes:
        assert isinstance(route, HTTPRoute)
        for handler in route.route_handlers:
            found += [
                (handler.name, str(method), route.path)
                for method in handler.http_methods
                if handler.name is not None and method != "OPTIONS"
            ]
    return found


def test_every_route_says_who_may_enter(settings: Settings) -> None:
    names = {name for name, _, _ in routes(settings)}

    assert names == OPEN | set(ROLES_OF)


async def test_without_a_session_every_route_but_the_door_leads_to_the_door(
    settings: Settings, stranger: httpx.AsyncClient
) -> None:
    for name, method, path in routes(settings):
        if name in OPEN:
            continue
        address = path.replace("{public_id:str}", ids.public_id("ord"))
        response = await stranger.request(method, address)
        assert response.status_code == 303, name
        assert response.headers["location"].startswith("/admin/sign-in"), name
        swapped = await stranger.request(method, address, headers={"HX-Request": "true"})
        assert swapped.headers["hx-redirect"].startswith("/admin/sign-in"), name
        assert swapped.text == "", name


@pytest.mark.parametrize("role", ["cashier", "reviewer", "support"])
async def test_another_role_enters_its_own_rooms_and_no_others(
    app: ASGIApp, settings: Settings, merchant: Merchant, role: str
) -> None:
    person = await a_person(merchant, email=f"{role}@havu.example", role=role)
    async with pages.browser(app) as client:
        await sign_in(client, person)
        for name, method, path in routes(settings):
            if name in OPEN:
                continue
            address = path.replace("{public_id:str}", ids.public_id("ord"))
            response = await client.request(method, address)
            if role in ROLES_OF[name]:
                assert response.status_code in {200, 204, 404, 422}, name
            else:
                assert response.status_code == 403, name
                assert "Not for your role" in response.text
            assert ">Orders</a>" not in response.text


async def test_reading_writes_nothing(settings: Settings, desk: httpx.AsyncClient) -> None:
    with db.counting() as counts:
        for name, method, path in routes(settings):
            if method == "GET":
                await desk.get(path.replace("{public_id:str}", ids.public_id("ord")))
                assert (counts.writes, counts.commits) == (0, 0), name


async def test_pages_are_kept_by_no_cache_and_framed_by_nobody(desk: httpx.AsyncClient) -> None:
    for path in ("/admin", "/admin/orders", "/admin/sign-in", "/admin/orders/nothing"):
        headers = (await desk.get(path)).headers
        assert headers["cache-control"] == "no-store"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
