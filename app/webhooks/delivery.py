"""One try to deliver one event to one endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Final, cast

from app.kernel import clock
from app.kernel.jobs import Done, GiveUp, Outcome, TryAgain, business_now
from app.kernel.outbox import Job
from app.merchants.queries import webhook_target
from app.webhooks import actions, signing
from app.webhooks.ports import OutgoingWebhook, WebhookDoor, WebhookNotDelivered, WebhookReply
from app.webhooks.rules import next_try, retry_after_s

_ASK_FOR_PATIENCE: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})


async def deliver(job: Job, door: WebhookDoor) -> Outcome:
    """Sign for this moment, send, and judge the answer: 2xx is success, 410 the end, everything else another try."""
    payload = job.payload
    endpoint = str(payload["endpoint"])
    target = await webhook_target(job.merchant_id, endpoint)
    if target is None:
        return GiveUp("the endpoint was deleted or switched off")
    wall = clock.wall()
    event_type = str(payload["type"])
    body = signing.body_of(
        event_type,
        datetime.fromisoformat(str(payload["timestamp"])),
        cast("Mapping[str, object]", payload["data"]),
    )
    headers = signing.signed_headers(target.secret, str(payload["event"]), body, wall)
    webhook = OutgoingWebhook(job.merchant_id, target.url, event_type, headers, body)
    try:
        reply = await door.post(webhook)
    except WebhookNotDelivered as failed:
        return _again(job, failed.fault)
    if reply.status == HTTPStatus.GONE:
        await actions.disable_endpoint(job.merchant_id, endpoint, business_now(job))
    return _judged(job, reply, wall)


def _judged(job: Job, reply: WebhookReply, wall: datetime) -> Outcome:
    said = f"answered {reply.status}"
    if 200 <= reply.status <= 299:
        return Done(said)
    if reply.status == HTTPStatus.GONE:
        return GiveUp(f"{said}: the endpoint is switched off")
    wish_s = retry_after_s(reply.retry_after, wall) if reply.status in _ASK_FOR_PATIENCE else None
    return _again(job, said, wish_s)


def _again(job: Job, error: str, wish_s: int | None = None) -> Outcome:
    run_at = next_try(job.attempt, business_now(job), retry_after_s=wish_s)
    return GiveUp(f"{error}, and that was the last try") if run_at is None else TryAgain(error, run_at)
