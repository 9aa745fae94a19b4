"""One audience's pages by themselves: its router behind the security wrapper, as `main` sets it up."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
from litestar import Litestar, Router
from litestar.types import ASGIApp, ControllerRouterHandler

from app.settings import Settings, load
from app.web.shared import errors, static
from app.web.shared.security import Policy, Shield, own_origin

BASE_URL = "http://localhost:8000"


def settings_in(var_dir: Path, database_url: str, **more: str) -> Settings:
    """Settings of a test. Answers to cases take effect at once, unless a test is about taking them back."""
    at_once = {"KOLME_REVIEW_UNDO_S": "0"}
    environ = {"KOLME_VAR_DIR": str(var_dir), "DATABASE_URL": database_url, **at_once, **more}
    return load(environ)


def application(
    settings: Settings,
    routers: Sequence[Router | ControllerRouterHandler],
    *,
    statuses: Mapping[type[Exception], int] | None = None,
    machine_paths: tuple[str, ...] = ("/api/", "/demo/webhook"),
) -> ASGIApp:
    handler: Any = errors.error_handler(statuses or {})
    app = Litestar(
        route_handlers=[*routers, static.serve_static],
        exception_handlers={Exception: handler},
        openapi_config=None,
        logging_config=None,
    )
    policy = Policy(
        origins=frozenset({own_origin(settings.base_url)}), https=False, machine_paths=machine_paths
    )
    return Shield(app, policy, errors.refusal)


_shared: dict[Callable[[Settings], ASGIApp], tuple[Settings, ASGIApp]] = {}


def shared(settings: Settings, make: Callable[[Settings], ASGIApp]) -> ASGIApp:
    """What `make` makes of these settings; tests whose settings are the same have the same one, in turn.

    Putting an application together takes longer than most tests do, and nothing of a test stays in one.
    """
    found = _shared.get(make)
    if found is None or found[0] != settings:
        found = _shared[make] = settings, make(settings)
    return found[1]


def browser(app: ASGIApp) -> httpx.AsyncClient:
    """A visitor whose browser says that the requests come from our own pages; it follows nothing by
    itself."""
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app),  # type: ignore[arg-type]
        base_url=BASE_URL,
        headers={"Sec-Fetch-Site": "same-origin", "Accept-Language": "en"},
    )


def program(app: ASGIApp, secret: str | None = None) -> httpx.AsyncClient:
    """A program without cookies or browser headers, with a Bearer key or without."""
    headers = {"Authorization": f"Bearer {secret}"} if secret else {}
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app),  # type: ignore[arg-type]
        base_url=BASE_URL,
        headers=headers,
    )
