"""Standard Webhooks 1.0.0: what a receiver verifies. Pure.

The signature is HMAC-SHA256 over `id.timestamp.body`, in base64 behind the mark of its version. The id is the event's
and stays the same over every try; the timestamp is the try's own.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Final

import msgspec

SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - the mark in front of every secret


def body_of(event_type: str, created_at: datetime, data: Mapping[str, object]) -> bytes:
    """The bytes that are signed and sent: `{"type", "timestamp", "data"}`, the same at every try."""
    return msgspec.json.encode({"type": event_type, "timestamp": created_at, "data": data})


def signed_headers(secret: str, event_id: str, body: bytes, wall: datetime) -> dict[str, str]:
    """The headers of one try. `secret` is `whsec_` and base64; `wall` is wall time."""
    timestamp = str(int(wall.timestamp()))
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    signed = b".".join((event_id.encode(), timestamp.encode(), body))
    signature = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return {
        "content-type": "application/json",
        "user-agent": "Kolme-Webhooks/1",
        "webhook-id": event_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{signature}",
    }
