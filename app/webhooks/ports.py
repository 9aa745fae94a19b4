"""The door through which webhooks leave."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol
from uuid import UUID

DoorFault = Literal["address_refused", "unknown_host", "unreachable", "timeout", "reply_too_large"]


class WebhookNotDelivered(Exception):
    """No answer came: `fault` says why. Whether the receiver read the request is unknown."""

    def __init__(self, fault: DoorFault) -> None:
        super().__init__(fault)
        self.fault: DoorFault = fault


@dataclass(frozen=True, slots=True)
class OutgoingWebhook:
    """One signed request. `event_type` is for the record; it also stands in the body."""

    merchant_id: UUID
    url: str
    event_type: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class WebhookReply:
    """What the receiver said. `retry_after` is its header as it came."""

    status: int
    retry_after: str | None = None


class WebhookDoor(Protocol):
    async def post(self, webhook: OutgoingWebhook) -> WebhookReply:
        """Send once, follow nothing. Raises WebhookNotDelivered. Never called inside a transaction."""
        ...
