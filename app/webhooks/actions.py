"""The verbs of webhooks: an event becomes one delivery an endpoint, and an endpoint that is gone is switched off."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from app.kernel import audit, db, outbox
from app.kernel.jobs import Event

JOB_KIND: Final = "webhook"

_LISTENING: Final = """
SELECT public_id FROM webhook_endpoints
WHERE merchant_id = $1 AND $2 = ANY (types) AND deleted_at IS NULL AND disabled_at IS NULL
ORDER BY id
"""


async def fan_out(event: Event) -> None:
    """Put one delivery for each endpoint that listens to the event's type, inside the caller's transaction.

    The job carries what is signed and sent, so that the bytes are the same at every try. Its key makes a second
    fan-out of the same event a no-op.
    """
    for row in await db.fetch_all(_LISTENING, event.merchant_id, event.type):
        endpoint = row["public_id"]
        payload = {
            "event": event.public_id,
            "endpoint": endpoint,
            "type": event.type,
            "timestamp": event.at,
            "data": event.data,
        }
        key = f"wh:{event.public_id}:{endpoint}"
        await outbox.put(event.merchant_id, JOB_KIND, payload, key=key, about=event.about)


async def disable_endpoint(merchant_id: UUID, public_id: str, now: datetime) -> None:
    """The endpoint answered 410: nothing is sent there any more. Deleted and disabled ones stay as they are."""

    async def write() -> None:
        disabled = await db.fetch_value(
            """UPDATE webhook_endpoints SET disabled_at = $3
               WHERE merchant_id = $1 AND public_id = $2 AND disabled_at IS NULL AND deleted_at IS NULL
               RETURNING true""",
            merchant_id,
            public_id,
            now,
        )
        if disabled:
            await audit.record(public_id, "webhook_endpoint.gone", public_id, merchant_id=merchant_id, at=now)

    await db.in_tx(write)
