"""Every answer is counted and logged under its route, never under its address: addresses carry ids."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram

if TYPE_CHECKING:
    from app.web.shared.asgi import App, Message, Receive, Scope, Send

REGISTRY: Final = CollectorRegistry()
REQUESTS: Final = Counter(
    "kolme_requests_total",
    "Answers by route, method and status",
    ("route", "method", "status"),
    registry=REGISTRY,
)
SECONDS: Final = Histogram(
    "kolme_request_seconds",
    "Time to the first byte of an answer",
    ("route",),
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
    registry=REGISTRY,
)
# A method is whatever a stranger writes there; each of these is a time series, and no other is.
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# What probes and browsers ask for without a person waiting.
_UNLOGGED: Final = frozenset({"/healthz", "/metrics", "/static/{path:path}"})

_log = structlog.get_logger("web")


class Observed:
    """ASGI: the outermost wrapper."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()

        async def observing(message: Message) -> None:
            if message["type"] == "http.response.start":
                _observe(scope, message["status"], time.perf_counter() - began)
            await send(message)

        await self._app(scope, receive, observing)


def _observe(scope: Scope, status: int, seconds: float) -> None:
    route = str(scope.get("path_template") or "unknown")
    method = scope["method"] if scope["method"] in _METHODS else "other"
    REQUESTS.labels(route, method, str(status)).inc()
    SECONDS.labels(route).observe(seconds)
    if route not in _UNLOGGED:
        _log.info("request", route=route, method=method, status=status, ms=round(seconds * 1000, 1))
