"""The web application, put together."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from litestar import Litestar, Request, Response, route
from litestar.config.app import AppConfig

from app import doors
from app.kernel import clock, db, logs
from app.kernel.keys import process_keyring
from app.kernel.limits import LimitReached
from app.law.queries import forget_kept_confirmations
from app.ledger.errors import MoneyFrozen
from app.ledger.queries import frozen as frozen_money
from app.merchants.queries import forget_kept_merchants
from app.payments.health import forget_kept_health
from app.plans.queries import forget_kept_plans
from app.plans.schedule import load_calendars
from app.settings import Settings, load
from app.web.admin.router import admin_router
from app.web.api.routes import api_router
from app.web.callbacks import ROUTES as CALLBACK_ROUTES
from app.web.demo.pages import demo_router
from app.web.sandbox import bank as sandbox_bank
from app.web.sandbox import mobilepay_twin
from app.web.sandbox import stripe as sandbox_stripe
from app.web.sandbox.mobilepay import mobilepay_router
from app.web.sandbox.pages import sandbox_router
from app.web.shared import errors, live, rendering
from app.web.shared.compression import Compressed
from app.web.shared.doors import furnish
from app.web.shared.metrics import metrics
from app.web.shared.observed import Observed
from app.web.shared.security import Policy, Shield, own_origin
from app.web.shared.static import serve_static
from app.web.shopper import ROUTES as SHOPPER_ROUTES

if TYPE_CHECKING:
    from litestar.types import ASGIApp, ControllerRouterHandler

POOL_MAX: Final = 10

_STATUSES: Final[dict[type[Exception], int]] = {
    LimitReached: 429,
    db.DatabaseUnavailable: 503,
    MoneyFrozen: 503,
}


def create_app() -> ASGIApp:
    """The application for the web server; settings come from the environment. Raises SettingsError."""
    return build(load(os.environ))


def build(settings: Settings) -> ASGIApp:
    """The application for given settings: routes, doors, and the wrappers that hold for every answer."""
    logs.configure()
    doors.turn_keys(settings)
    rendering.prepare()
    app = Litestar(
        route_handlers=list(_routes(settings)),
        exception_handlers={Exception: errors.error_handler(_STATUSES)},
        lifespan=[_running(settings)],
        openapi_config=None,
        # The framework's own would put its handlers in place of ours: lines that are no JSON and mask nothing.
        logging_config=None,
        on_app_init=[_small],
    )
    furnish(app.state, doors.web_house(settings))
    return Observed(Compressed(Shield(app, _policy(settings), errors.refusal)))


def _small(config: AppConfig) -> AppConfig:
    config.request_max_body_size = 64 * 1024
    return config


def _routes(settings: Settings) -> list[ControllerRouterHandler]:
    routes: list[ControllerRouterHandler] = [
        healthz,
        metrics,
        serve_static,
        *SHOPPER_ROUTES,
        *CALLBACK_ROUTES,
        admin_router(settings),
        api_router(settings),
    ]
    if settings.is_test:
        routes += [_sandbox_bank(settings), _sandbox(settings), demo_router(settings)]
        routes += [mobilepay_router(mobilepay_twin.our_twin(settings))]
        routes += [sandbox_stripe.stripe_router(sandbox_stripe.our_branch(settings))]
    return routes


def _sandbox(settings: Settings) -> ControllerRouterHandler:
    door = settings.banks.get("FI")
    issuer = door.issuer if door is not None else sandbox_bank.issuer_at(settings.port)
    return sandbox_router(settings, bank_issuer=issuer)


def _sandbox_bank(settings: Settings) -> ControllerRouterHandler:
    bank = sandbox_bank.our_bank(
        issuer=sandbox_bank.issuer_at(settings.port),
        redirect_uri=f"{settings.base_url}/bank/return",
        client_keys=doors.client_keys(settings).public_set(),
        secrets_dir=settings.secrets_dir,
        box=process_keyring(),
    )
    return sandbox_bank.bank_router(bank)


def _policy(settings: Settings) -> Policy:
    """Our own origin; in test mode also the sandbox bank's, which stands on another site on purpose."""
    origins = {own_origin(settings.base_url)}
    machine_paths = ["/api/", "/callbacks/"]
    if settings.is_test:
        issuer = urlsplit(sandbox_bank.issuer_at(settings.port))
        origins.add(f"{issuer.scheme}://{issuer.netloc}")
        machine_paths += [*sandbox_bank.MACHINE_PATHS, f"{mobilepay_twin.API_PATH}/", "/demo/webhook"]
    return Policy(frozenset(origins), settings.base_url.startswith("https://"), tuple(machine_paths))


def _running(settings: Settings) -> Any:
    @asynccontextmanager
    async def running(_app: Litestar) -> AsyncIterator[None]:
        await db.start_pool(settings.database_url, max_size=POOL_MAX)
        load_calendars(clock.wall().date())
        live.start(settings.database_url)
        try:
            yield
        finally:
            await live.stop()
            await db.close_pool()
            forget_kept_merchants()
            forget_kept_health()
            forget_kept_plans()
            forget_kept_confirmations()

    return running


@route("/healthz", http_method=["GET", "HEAD"], include_in_schema=False)
async def healthz(request: Request[Any, Any, Any]) -> Response[str]:
    """200 while this process reaches its database, else 503. HEAD is for probes that want no body.

    Frozen money is said and is still 200: pages tell of it, and taking the process away would help nobody.
    """
    del request
    frozen = await frozen_money()
    return Response("ok" if frozen is None else "ok, but money is frozen", media_type="text/plain")
