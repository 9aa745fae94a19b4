"""`/metrics` for Prometheus: this process's requests, and the state of the outbox that all processes share."""

from __future__ import annotations

import ipaddress
from typing import Any

from litestar import Request, Response, get
from litestar.exceptions import NotFoundException
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

from app.kernel import db, outbox
from app.ledger.queries import book_state
from app.payments.health import STATES, read_health
from app.payments.queries import count_going_on
from app.web.shared import live
from app.web.shared.observed import REGISTRY

PATH = "/metrics"


@get(PATH, include_in_schema=False)
async def metrics(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Only for a scraper that reaches this process directly from its own machine or network; 404 for anyone else."""
    if not _is_near(request):
        raise NotFoundException
    body = generate_latest(REGISTRY) + generate_latest(await _shared())
    return Response(body, headers={"Content-Type": CONTENT_TYPE_LATEST, "Cache-Control": "no-store"})


def _is_near(request: Request[Any, Any, Any]) -> bool:
    """A request that a proxy forwarded came from elsewhere, whatever the address it names."""
    if request.client is None or "x-forwarded-for" in request.headers or "forwarded" in request.headers:
        return False
    try:
        return not ipaddress.ip_address(request.client.host).is_global
    except ValueError:
        return False


async def _shared() -> CollectorRegistry:
    registry = CollectorRegistry()
    backlog = await outbox.backlog()
    Gauge("kolme_outbox_waiting", "Jobs that are not done", registry=registry).set(backlog.waiting)
    Gauge("kolme_outbox_oldest_seconds", "Age of the oldest job that is due", registry=registry).set(
        backlog.oldest_due_s
    )
    Gauge("kolme_outbox_failed", "Jobs that were given up", registry=registry).set(backlog.failed)
    size, idle = db.pool_sizes()
    pool = Gauge("kolme_pool_connections", "Connections to the database", ("state",), registry=registry)
    pool.labels("busy").set(size - idle)
    pool.labels("idle").set(idle)
    Gauge("kolme_open_pages", "Pages of this process that hear of changes", registry=registry).set(
        live.open_pages()
    )
    state = await book_state()
    Gauge("kolme_money_frozen", "1 while no money moves", registry=registry).set(state.frozen)
    Gauge("kolme_books_proven_timestamp_seconds", "When the books were last proven", registry=registry).set(
        state.proven_at.timestamp() if state.proven_at else 0
    )
    health = Gauge("kolme_payment_method_health", "0 up, 1 shaky, 2 down", ("method",), registry=registry)
    for each in await read_health():
        health.labels(each.method).set(STATES.index(each.state))
    going_on = Gauge("kolme_payments_going_on", "Payments that are not over", ("state",), registry=registry)
    for name, count in (await count_going_on()).items():
        going_on.labels(name).set(count)
    return registry
