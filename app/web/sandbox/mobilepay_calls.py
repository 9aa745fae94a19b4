"""How the sandbox's MobilePay takes a call, answers it, and calls back: what both of its APIs share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, TypeAlias, TypeVar

import msgspec
from litestar import MediaType, Request, Response
from litestar.background_tasks import BackgroundTask

from app.messages import sandbox_mobilepay as memory
from app.web.sandbox import mobilepay_rules as rules
from app.web.sandbox.mobilepay_rules import Deal, Event, Refused
from app.web.sandbox.mobilepay_twin import MSN, Twin, is_token
from app.web.shared.rendering import NO_STORE

SLOW_S: Final = 4.0

_CHARGE_EVENTS: Final = {
    "AUTHORIZED": "reserved",
    "CAPTURED": "captured",
    "CANCELLED": "canceled",
    "TERMINATED": "canceled",
    "REFUNDED": "refunded",
    "FAILED": "failed",
}

# Who the user is and where the state comes from does not matter here.
AnyRequest: TypeAlias = Request[Any, Any, Any]
T = TypeVar("T", bound=msgspec.Struct)


class Done(msgspec.Struct, frozen=True):
    """A deal after a call, what the call added to it, and what becomes of the answer."""

    deal: Deal
    added: tuple[Event, ...]
    answer: rules.Next


async def changed(kind: Literal["payment", "charge"], known_as: str, how: Callable[[Deal], bool]) -> Done:
    def lay_over(kept: memory.Kept) -> tuple[memory.Kept, Done]:
        deal = rules.deal_in(kept)
        count = len(deal.events)
        did = how(deal)
        answer = deal.next if did else ""
        if did:
            deal.next = ""
        return rules.kept_of(deal), Done(deal, tuple(deal.events[count:]), answer)

    done = await memory.change(kind, known_as, lay_over)
    if done is None:
        raise Refused(404, "Not found")
    return done


async def take_time() -> None:
    """As long as a provider that has trouble takes, and less than our door waits."""
    await asyncio.sleep(SLOW_S)


async def after(twin: Twin, done: Done, told: Mapping[str, object] | None) -> Response[bytes]:
    if done.answer == "slow":
        await take_time()
    answer = lost() if done.answer == "lost" else empty() if told is None else as_json(told)
    return with_call(twin, answer, deal_events(done.deal, done.added))


def deal_events(deal: Deal, events: tuple[Event, ...] | list[Event]) -> list[Mapping[str, object]]:
    """What the shop is called with."""
    if deal.agreement_id:
        return [charge_event(deal, event) for event in events]
    added = {event.psp_reference for event in events}
    return [{"msn": MSN, **told} for told in rules.events_told(deal) if told["pspReference"] in added]


def charge_event(deal: Deal, event: Event) -> Mapping[str, object]:
    return {
        "msn": MSN,
        "eventType": f"recurring.charge-{_CHARGE_EVENTS[event.name]}.v1",
        "agreementId": deal.agreement_id,
        "chargeId": deal.reference,
        "amount": event.amount_minor,
        "currency": deal.currency,
        "occurred": event.at,
    }


def check_unit(request: AnyRequest, twin: Twin) -> None:
    given = request.headers
    unit = (given.get("ocp-apim-subscription-key"), given.get("merchant-serial-number"))
    if unit != (twin.keys.subscription_key, MSN):
        raise Refused(401, "Unauthorized")


def check_caller(request: AnyRequest, twin: Twin) -> None:
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if kind != "Bearer" or not is_token(token, twin.keys):
        raise Refused(401, "Unauthorized")
    check_unit(request, twin)


def key_of(request: AnyRequest, length_max: int) -> str:
    key = request.headers.get("idempotency-key", "")
    if not 1 <= len(key) <= length_max:
        raise Refused(400, "The Idempotency-Key is missing or too long")
    return key


async def body_of(request: AnyRequest, twin: Twin, kind: type[T]) -> T:
    check_caller(request, twin)
    try:
        return msgspec.json.decode(await request.body(), type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise Refused(400, "The body does not fit the call") from None


def problem(request: AnyRequest, refused: Refused) -> Response[bytes]:
    del request
    details = [{"name": "ErrorCode", "reason": refused.code}] if refused.code else []
    return as_json(
        {"title": refused.title, "status": refused.status, "extraDetails": details}, refused.status
    )


def with_call(twin: Twin, answer: Response[bytes], events: list[Mapping[str, object]]) -> Response[bytes]:
    if events:
        answer.background = BackgroundTask(twin.caller.call, events)
    return answer


def lost() -> Response[bytes]:
    """Done, and not told: what a gateway in between says when the answer came too late for it."""
    return Response(b"", status_code=504, media_type=MediaType.TEXT)


def empty() -> Response[bytes]:
    return Response(b"", status_code=204, media_type=MediaType.TEXT)


def as_json(content: object, status: int = 200) -> Response[bytes]:
    body = msgspec.json.encode(content)
    return Response(body, status_code=status, media_type=MediaType.JSON, headers={"Cache-Control": NO_STORE})
