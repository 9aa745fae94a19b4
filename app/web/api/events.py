"""`/api/v1/events`: what happened, for a shop that missed webhooks or would rather ask."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request, Response, get

from app.web.api import schemas
from app.web.api.keys import TheCaller
from app.web.api.once import Answer
from app.web.api.params import list_params
from app.webhooks import queries


@get("/events")
async def list_events(request: Request[Any, Any, Any], caller: TheCaller) -> Response[bytes]:
    """Events, newest first."""
    params = list_params(request)
    page = await queries.list_events(caller.merchant.id, cursor=params.cursor, limit=params.limit)
    events = tuple(
        schemas.Event(event.public_id, event.type, event.created_at, dict(event.data))
        for event in page.events
    )
    return Answer(200, msgspec.json.encode(schemas.EventList(events, page.next_cursor))).response()
