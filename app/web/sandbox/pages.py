"""The sandbox to look at: a phone, a letterbox, webhooks, the clock and the people, beside the flow on a
desk.

Every part is a page of its own as well, so that the phone can stand in a narrow window. With htmx each part
asks every two seconds whether there is news and is answered 204 when there is none; without JavaScript a
reload does the same.

The JSON half of /sandbox lives at other addresses (`answers.py`), so that no address means two things.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias
from uuid import UUID

from litestar import MediaType, Request, Response, Router, get, post
from litestar.di import NamedDependency, Provide
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from app.kernel import clock
from app.messages import sandbox_clock, sandbox_shoppers
from app.messages.sandbox_outbox import SandboxMessage
from app.messages.sandbox_screens import attachment, message_by_id, newest_messages
from app.settings import Settings
from app.web.sandbox.answers import answers_router
from app.web.sandbox.people import make
from app.web.sandbox.place import Place
from app.web.shared import forms
from app.web.shared.htmx import wants_partial
from app.web.shared.language import COOKIE, PARAMETER, language_of
from app.web.shared.problems import RefusedRequest
from app.web.shared.rendering import NO_STORE, nonce_of, page, redirect
from app.web.shared.security import content_security_policy

PATH: Final = "/sandbox"
ADVANCES_S: Final = (60, 3600, 86_400, 14 * 86_400)

_SHOWN_MAX: Final = 60
_PEOPLE_SHOWN_MAX: Final = 60
_DRAIN_WAIT_S: Final = 10.0
_YEAR_S: Final = 365 * 86_400

# Who the user is and where the state comes from does not matter here.
AnyRequest: TypeAlias = Request[Any, Any, Any]


def sandbox_router(settings: Settings, *, bank_issuer: str) -> Router:
    """Everything under /sandbox but the bank. Raises ValueError in live mode, which has no sandbox."""
    if not settings.is_test:
        raise ValueError("the sandbox shows codes on a screen: test mode only")
    place = Place(settings.base_url, bank_issuer, settings.database_url)
    return Router(
        path=PATH,
        route_handlers=[
            show_desk,
            show_phone,
            show_letterbox,
            show_letter,
            show_letter_body,
            show_attachment,
            show_webhooks,
            show_time,
            move_time,
            show_people,
            make_one,
            answers_router(),
        ],
        dependencies={"place": Provide(lambda: place, sync_to_thread=False)},
        include_in_schema=False,
    )


@get("/")
async def show_desk(request: AnyRequest, place: NamedDependency[Place]) -> Response[str]:
    context = {
        **await _phone(request),
        **await _letterbox(),
        **await _webhooks(),
        **await _time(),
        **await _people(place, _NEWEST_FEW),
    }
    return _page(request, "desk", context)


_NEWEST_FEW: Final = 12


@get("/phone")
async def show_phone(request: AnyRequest) -> Response[str]:
    """`to` shows one phone alone."""
    context = await _phone(request)
    return _page(request, "phone", context, partial="_phone", seen=_mark(context["texts"]))


@get("/letterbox")
async def show_letterbox(request: AnyRequest) -> Response[str]:
    context = await _letterbox()
    return _page(request, "letterbox", context, partial="_letterbox", seen=_mark(context["mails"]))


@get("/letterbox/{message_id:uuid}")
async def show_letter(request: AnyRequest, message_id: FromPath[UUID]) -> Response[str]:
    """One e-mail or letter, its own HTML in a frame that can do nothing."""
    message = await _posted(message_id)
    nonce = nonce_of(request.scope["state"])
    policy = content_security_policy(nonce) + "; frame-src 'self'"
    headers = {"Content-Security-Policy": policy}
    return _page(request, "letter", {"message": message}, headers=headers)


@get("/letterbox/{message_id:uuid}/body")
async def show_letter_body(message_id: FromPath[UUID]) -> Response[str]:
    """The mail's own HTML as a mail program would show it: no scripts, nothing fetched, framed by us
    alone. Its links open tabs of their own, since no page of ours lets itself be framed."""
    message = await _posted(message_id)
    if message.html is None:
        raise NotFoundException
    headers = {
        "Cache-Control": NO_STORE,
        "X-Frame-Options": "SAMEORIGIN",
        "Content-Security-Policy": (
            "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; "
            "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
        ),
    }
    html = message.html.replace("<head>", '<head><base target="_blank">', 1)
    return Response(html, media_type=MediaType.HTML, headers=headers)


@get("/letterbox/{message_id:uuid}/files/{position:int}")
async def show_attachment(message_id: FromPath[UUID], position: FromPath[int]) -> Response[bytes]:
    """A file that came with a message, as it was sent."""
    message = await _posted(message_id)
    found = await attachment(message.id, position) if 0 < position <= len(message.attachments) else None
    if found is None:
        raise NotFoundException
    headers = {
        "Cache-Control": NO_STORE,
        "Content-Disposition": f'inline; filename="{found.name}"',
    }
    return Response(found.data, media_type=found.content_type, headers=headers)


@get("/webhooks")
async def show_webhooks(request: AnyRequest) -> Response[str]:
    context = await _webhooks()
    return _page(request, "webhooks", context, partial="_webhooks", seen=_mark(context["calls"]))


@get("/time")
async def show_time(request: AnyRequest) -> Response[str]:
    return _page(request, "time", await _time(), partial="_time")


@post("/time", status_code=303)
async def move_time(request: AnyRequest) -> Response[str]:
    """Moves the clock by `advance_s`, or back to the wall's time with `reset`, and waits a while for the
    worker."""
    form = forms.parse(await request.body())
    if form.value("reset"):
        await sandbox_clock.reset_clock()
        return redirect(request, f"{PATH}#time", leave=True)
    advance_s = next((each for each in ADVANCES_S if str(each) == form.value("advance_s")), None)
    if advance_s is None:
        raise RefusedRequest(422, "bad_advance")
    try:
        face = await sandbox_clock.advance_clock(advance_s)
    except sandbox_clock.ClockTooFar as refused:
        raise RefusedRequest(422, refused.code) from None
    await sandbox_clock.wait_until_drained(face.now, _DRAIN_WAIT_S)
    return redirect(request, f"{PATH}#time", leave=True)


@get("/people")
async def show_people(request: AnyRequest, place: NamedDependency[Place]) -> Response[str]:
    return _page(request, "people", await _people(place, _PEOPLE_SHOWN_MAX))


@post("/people", status_code=303)
async def make_one(request: AnyRequest, place: NamedDependency[Place]) -> Response[str]:
    form = forms.parse(await request.body())
    try:
        kind = sandbox_shoppers.kind_of(form.value("kind"))
    except sandbox_shoppers.UnknownKind as refused:
        raise RefusedRequest(422, refused.code) from None
    await make(kind, place.bank_issuer, await clock.business_now())
    return redirect(request, f"{PATH}#people", leave=True)


async def _phone(request: AnyRequest) -> dict[str, Any]:
    to = (request.query_params.get("to") or "").strip().removeprefix("+")
    chosen = f"+{to}" if to.isascii() and to.isdigit() else None
    return {"texts": await newest_messages("sms", at_most=_SHOWN_MAX, to=chosen), "chosen": chosen}


async def _letterbox() -> dict[str, Any]:
    return {"mails": await newest_messages("email", "letter", at_most=_SHOWN_MAX)}


async def _webhooks() -> dict[str, Any]:
    return {"calls": await newest_messages("webhook", at_most=_SHOWN_MAX)}


async def _time() -> dict[str, Any]:
    face = await sandbox_clock.read_clock()
    return {"face": face, "left": await sandbox_clock.due(face.now), "advances_s": ADVANCES_S}


async def _people(place: Place, at_most: int) -> dict[str, Any]:
    people = await sandbox_shoppers.shoppers(at_most)
    return {
        "people": people[::-1],
        "companies": {each.subject: sandbox_shoppers.company_of(each) for each in people},
        "kinds": sandbox_shoppers.KINDS,
        "bank_issuer": place.bank_issuer,
    }


async def _posted(message_id: UUID) -> SandboxMessage:
    message = await message_by_id(message_id)
    if message is None or message.channel not in {"email", "letter"}:
        raise NotFoundException
    return message


def _mark(found: Sequence[SandboxMessage]) -> str:
    """Changes when there is news: the newest message and how many are shown (the newest first)."""
    return f"{found[0].id if found else ''}.{len(found)}"


def _page(
    request: AnyRequest,
    name: str,
    context: Mapping[str, object],
    *,
    partial: str = "",
    seen: str = "",
    headers: Mapping[str, str] | None = None,
) -> Response[str]:
    """The page, or its part for htmx; 204 for an htmx that has seen it (its `seen` is the mark of today)."""
    if seen and wants_partial(request.headers) and request.query_params.get("seen") == seen:
        return Response("", status_code=204, headers={"Cache-Control": NO_STORE})
    lang = language_of(request)
    template = f"sandbox/{name}.html"
    shared = {"lang": lang, "path": request.scope["path"], "mark": _mark}
    answer = page(
        request,
        template,
        f"sandbox/{partial}.html" if partial else template,
        {**shared, **context},
        headers=headers,
    )
    if request.query_params.get(PARAMETER) == lang:
        answer.set_cookie(key=COOKIE, value=lang, path="/", max_age=_YEAR_S, samesite="lax")
    return answer
