"""The sandbox over JSON: messages, clock and shoppers, for tests and for the shop's developer.

Takes the merchant's Bearer key and reads no cookie. Errors are problem documents, like those of the merchant
API.
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import datetime
from typing import Any, Final, TypeAlias, TypeVar, get_args
from uuid import UUID

import msgspec
from litestar import MediaType, Request, Response, Router, delete, get, post
from litestar.di import NamedDependency, Provide
from litestar.exceptions import HTTPException

from app.kernel import clock
from app.kernel.errors import Refusal
from app.kernel.phone import PhoneRefused, parse_phone
from app.merchants.queries import Merchant, authenticate_key
from app.messages import sandbox_clock, sandbox_outbox, sandbox_shoppers
from app.messages.sandbox_clock import ClockFace, ClockTooFar
from app.messages.sandbox_inbox import Channel
from app.messages.sandbox_outbox import SandboxMessage
from app.messages.sandbox_shoppers import SandboxShopper, UnknownKind
from app.web.sandbox.people import make
from app.web.sandbox.place import Place
from app.web.shared.problems import PROBLEM_TYPE, Problem, RefusedRequest
from app.web.shared.rendering import NO_STORE

CHANNELS: Final[tuple[Channel, ...]] = get_args(Channel)
# How a purchase by each kind ends, where it is not confirmed.
_OUTCOMES: Final = {"declined": "refused", "credit-ban": "refused", "register-down": "held", "held": "held"}
DRAIN_WAIT_S: Final = 25.0
WAIT_S_MAX: Final = 30.0

_KEY: Final = re.compile(r"[Bb]earer (sk_test_[A-Za-z0-9_-]{43})")

# Who the user is and where the state comes from does not matter here.
AnyRequest: TypeAlias = Request[Any, Any, Any]
T = TypeVar("T")


class Advance(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    advance_s: int


class NewShopper(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    kind: str


class NotDrained(RefusedRequest):
    """The clock was moved, and the worker is still busy with what fell due."""

    def __init__(self, left: list[sandbox_clock.Due]) -> None:
        super().__init__(504, "not_drained")
        self.left = left


async def merchant_of(request: AnyRequest) -> Merchant:
    """Whose Bearer key came with the request. Raises RefusedRequest (401)."""
    given = request.headers.getall("authorization", [])
    match = _KEY.fullmatch(given[0]) if len(given) == 1 else None
    found = await authenticate_key(match[1]) if match is not None else None
    if found is None:
        raise RefusedRequest(401, "unauthorized")
    return found.merchant


@get("/outbox")
async def list_messages(
    request: AnyRequest, merchant: NamedDependency[Merchant], place: NamedDependency[Place]
) -> Response[bytes]:
    """What left, oldest first; with `wait_s` it waits for a first match, so that a test needs no sleeps."""
    query = request.query_params
    channel = _channel(query.get("channel"))
    to = _recipient(query.get("to") or "", merchant.country)
    since = _since(query.get("since") or "")
    wait_s = _seconds(query.get("wait_s", "0"))
    if wait_s:
        found = await sandbox_outbox.wait_for_messages(
            place.database_url, wait_s, merchant_id=merchant.id, to=to, channel=channel, since=since
        )
    else:
        found = await sandbox_outbox.messages(merchant_id=merchant.id, to=to, channel=channel, since=since)
    return _json([_message(each) for each in found])


@get("/clock")
async def tell_time(merchant: NamedDependency[Merchant]) -> Response[bytes]:
    del merchant
    return _json(_clock(await sandbox_clock.read_clock()))


@post("/clock", status_code=200)
async def move_time(request: AnyRequest, merchant: NamedDependency[Merchant]) -> Response[bytes]:
    """Answers once the worker has done what fell due. The clock is one for the whole deployment."""
    del merchant
    face = await sandbox_clock.advance_clock((await _body(request, Advance)).advance_s)
    left = await sandbox_clock.wait_until_drained(face.now, DRAIN_WAIT_S)
    if left:
        raise NotDrained(left)
    return _json(_clock(face))


@delete("/clock", status_code=200)
async def reset_time(merchant: NamedDependency[Merchant]) -> Response[bytes]:
    del merchant
    return _json(_clock(await sandbox_clock.reset_clock()))


@get("/shoppers")
async def list_shoppers(merchant: NamedDependency[Merchant]) -> Response[bytes]:
    del merchant
    return _json([_shopper(each) for each in await sandbox_shoppers.shoppers()])


@post("/shoppers", status_code=201)
async def make_shopper(
    request: AnyRequest, merchant: NamedDependency[Merchant], place: NamedDependency[Place]
) -> Response[bytes]:
    """Somebody who lives and earns where the merchant is."""
    kind = sandbox_shoppers.kind_of((await _body(request, NewShopper)).kind)
    shopper = await make(kind, place.bank_issuer, await clock.business_now(), country=merchant.country)
    return _json(_shopper(shopper), status=201)


def refused(_request: AnyRequest, exc: Exception) -> Response[bytes]:
    """Every refusal here as a problem document. What is not one of ours goes on to the application's own
    handler."""
    match exc:
        case NotDrained(left=left):
            status, code = exc.status, exc.code
            return _problem(
                status, code, {"left": [{"kind": each.kind, "count": each.count} for each in left]}
            )
        case RefusedRequest(status=status, code=code):
            return _problem(status, code)
        case UnknownKind():
            return _problem(422, exc.code, {"kinds": list(sandbox_shoppers.KINDS)})
        case ClockTooFar():
            return _problem(422, exc.code, {"advance_s_max": sandbox_clock.ADVANCE_S_MAX})
        case HTTPException(status_code=status):
            return _problem(status, "method_not_allowed" if status == 405 else "bad_request")
        case _:
            raise exc


def answers_router() -> Router:
    """The JSON half of /sandbox. The dependency `place` comes from the router above."""
    return Router(
        path="/",
        route_handlers=[list_messages, tell_time, move_time, reset_time, list_shoppers, make_shopper],
        dependencies={"merchant": Provide(merchant_of)},
        exception_handlers={RefusedRequest: refused, Refusal: refused, HTTPException: refused},
        include_in_schema=False,
    )


def _channel(text: str | None) -> Channel | None:
    known = next((each for each in CHANNELS if each == text), None)
    if text and known is None:
        raise RefusedRequest(422, "unknown_channel")
    return known


def _since(text: str) -> UUID | datetime | None:
    """An id, or a time with its zone. A plus sign that was not written as %2B arrives as a space."""
    if not text:
        return None
    with suppress(ValueError):
        return UUID(text)
    with suppress(ValueError):
        moment = datetime.fromisoformat(text.replace(" ", "+"))
        if moment.tzinfo is not None:
            return moment
    raise RefusedRequest(422, "bad_since")


def _recipient(text: str, country: str) -> str | None:
    """A plus sign that was not written as %2B arrives as a space; a phone counts however it is spelt."""
    text = text.strip()
    if not text or "@" in text or "/" in text:
        return text or None
    try:
        return parse_phone(f"+{text}" if text.startswith("358") else text, country).e164
    except PhoneRefused:
        return text


def _seconds(text: str) -> float:
    with suppress(ValueError):
        if 0 <= (seconds := float(text)) <= WAIT_S_MAX:
            return seconds
    raise RefusedRequest(422, "bad_wait_s")


async def _body(request: AnyRequest, shape: type[T]) -> T:
    try:
        return msgspec.json.decode(await request.body(), type=shape)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise RefusedRequest(422, "bad_body") from None


def _message(message: SandboxMessage) -> dict[str, object]:
    return {
        "id": str(message.id),
        "channel": message.channel,
        "to": message.to,
        "subject": message.subject,
        "body": message.body,
        "code": message.code,
        "links": message.links,
        "at": message.at,
    } | _attachments(message)


def _attachments(message: SandboxMessage) -> dict[str, object]:
    """Where the files of a message are; a message without any says nothing of them."""
    if not message.attachments:
        return {}
    places = [
        {"name": name, "url": f"/sandbox/letterbox/{message.id}/files/{position}"}
        for position, name in enumerate(message.attachments, start=1)
    ]
    return {"attachments": places}


def _clock(face: ClockFace) -> dict[str, object]:
    return {"now": face.now, "offset_s": face.offset_s}


def _shopper(shopper: SandboxShopper) -> dict[str, object]:
    return {
        "name": shopper.name,
        "phone": shopper.phone,
        "postcode": shopper.postcode,
        "persona": shopper.kind,
        "outcome": _OUTCOMES.get(shopper.kind, "confirmed"),
        "email": shopper.email,
        "street": shopper.street,
        "city": shopper.city,
        "subject": shopper.subject,
    } | _company(shopper)


def _company(shopper: SandboxShopper) -> dict[str, object]:
    """Whom somebody buys for; a person who buys for themselves says nothing of it."""
    company = sandbox_shoppers.company_of(shopper)
    return {} if company is None else {"company": {"number": company.number, "name": company.name}}


def _json(content: object, *, status: int = 200) -> Response[bytes]:
    body = msgspec.json.encode(content)
    return Response(body, status_code=status, media_type=MediaType.JSON, headers={"Cache-Control": NO_STORE})


def _problem(status: int, code: str, more: dict[str, object] | None = None) -> Response[bytes]:
    problem = Problem(status=status, code=code, title=code.replace("_", " ").capitalize())
    body = msgspec.json.encode({**msgspec.to_builtins(problem), **(more or {})})
    return Response(body, status_code=status, media_type=PROBLEM_TYPE, headers={"Cache-Control": NO_STORE})
