"""`/api/v1/webhook-endpoints`: where a shop wants its events sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from litestar import Request, Response, delete, get, post
from litestar.params import FromPath

from app.kernel import ids
from app.kernel.cursors import CursorRefused
from app.merchants import actions, queries
from app.merchants.queries import WebhookEndpoint
from app.web.api import body, schemas
from app.web.api.keys import TheCaller, TheSettings
from app.web.api.once import Answer, once
from app.web.api.params import list_params
from app.web.api.problems import fault, invalid, not_found
from app.webhooks.rules import url_fault


@post("/webhook-endpoints", status_code=201)
async def create_endpoint(
    request: Request[Any, Any, Any], caller: TheCaller, settings: TheSettings
) -> Response[bytes]:
    """Add an endpoint. Its signing secret is in this answer and nowhere else."""
    given, raw = await body.read(request, schemas.NewWebhookEndpoint)
    wrong = url_fault(given.url, any_port=settings.is_test, allow_loopback=settings.allow_loopback_webhooks)
    if wrong is not None:
        raise invalid(fault("/url", wrong))

    made: list[tuple[str, Answer]] = []

    async def work() -> Answer:
        public_id, secret = await actions.create_webhook_endpoint(
            caller.merchant.id, given.url, given.types, caller.now, actor=caller.actor
        )
        data = {
            "id": public_id,
            "url": given.url,
            "types": sorted(set(given.types)),
            "created_at": caller.now,
            "disabled_at": None,
            "secret": secret,
        }
        answer = Answer(201, msgspec.json.encode(msgspec.convert(data, schemas.CreatedWebhookEndpoint)))
        made.append((public_id, answer))
        return answer

    async def landed() -> Answer | None:
        for public_id, answer in made:
            if await queries.webhook_target(caller.merchant.id, public_id) is not None:
                return answer
        return None

    return await once(request, caller.merchant.id, raw, work, landed)


@get("/webhook-endpoints")
async def list_endpoints(request: Request[Any, Any, Any], caller: TheCaller) -> Response[bytes]:
    """Every endpoint, oldest first. A merchant has 20 at most."""
    params = list_params(request)
    endpoints = await queries.list_webhook_endpoints(caller.merchant.id)
    start = _after(endpoints, params.cursor)
    shown = endpoints[start : start + params.limit]
    more = start + params.limit < len(endpoints)
    listed = {
        "data": [_presented(endpoint) for endpoint in shown],
        "next_cursor": shown[-1].public_id if more else None,
    }
    return Answer(200, msgspec.json.encode(msgspec.convert(listed, schemas.WebhookEndpointList))).response()


@delete("/webhook-endpoints/{endpoint_id:str}", status_code=200)
async def delete_endpoint(
    request: Request[Any, Any, Any], endpoint_id: FromPath[str], caller: TheCaller
) -> Response[bytes]:
    """Nothing is sent there any more."""
    if not ids.is_public_id("we", endpoint_id):
        raise not_found()

    async def work() -> Answer:
        await actions.delete_webhook_endpoint(caller.merchant.id, endpoint_id, caller.now, actor=caller.actor)
        return Answer(204, b"")

    async def landed() -> Answer | None:
        standing = await queries.list_webhook_endpoints(caller.merchant.id)
        gone = all(endpoint.public_id != endpoint_id for endpoint in standing)
        return Answer(204, b"") if gone else None

    return await once(request, caller.merchant.id, b"", work, landed)


def _presented(endpoint: WebhookEndpoint) -> dict[str, object]:
    return {
        "id": endpoint.public_id,
        "url": endpoint.url,
        "types": endpoint.types,
        "created_at": endpoint.created_at,
        "disabled_at": endpoint.disabled_at,
    }


def _after(endpoints: Sequence[WebhookEndpoint], cursor: str | None) -> int:
    if cursor is None:
        return 0
    for index, endpoint in enumerate(endpoints):
        if endpoint.public_id == cursor:
            return index + 1
    raise CursorRefused
