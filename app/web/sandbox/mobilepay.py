"""The sandbox's MobilePay under /sandbox/mobilepay: the API for our server, and a phone to answer on.

Its pages stand on another site than the product's (127.0.0.1 beside localhost) and share nothing with them. The person
who answers chooses how it ends: at once, never, or with an answer of the API that comes late or gets lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

import segno
from litestar import MediaType, Request, Response, Router, get, post
from litestar.background_tasks import BackgroundTask
from litestar.di import NamedDependency, Provide
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from app.kernel import clock, templating
from app.kernel.i18n import best_language
from app.kernel.money import Money
from app.messages import sandbox_mobilepay as memory
from app.web.sandbox import mobilepay_api, mobilepay_recurring
from app.web.sandbox import mobilepay_rules as rules
from app.web.sandbox.mobilepay_calls import deal_events, problem
from app.web.sandbox.mobilepay_recurring import agreement_event
from app.web.sandbox.mobilepay_rules import Deal, Event, Later, Pact, Refused
from app.web.sandbox.mobilepay_twin import PATH, Twin
from app.web.shared import forms
from app.web.shared.rendering import NO_STORE, nonce_of

# What a person may answer: what the API's next answer does, and for an agreement what later charges do.
_APPROVALS: Final[dict[str, rules.Next]] = {"approve": "", "approve-slow": "slow", "approve-lost": "lost"}
_LATER: Final[dict[str, Later]] = {
    "approve": "charged",
    "approve-declined": "declined",
    "approve-later-lost": "lost",
    "approve-later-waits": "waits",
}
_SHOWN_MAX: Final = 30

# Who the user is and where the state comes from does not matter here.
AnyRequest: TypeAlias = Request[Any, Any, Any]


def mobilepay_router(twin: Twin) -> Router:
    return Router(
        path=PATH,
        route_handlers=[
            show_phone,
            show_payment,
            answer_payment,
            show_agreement,
            answer_agreement,
            show_code,
            _api(),
        ],
        dependencies={"twin": Provide(lambda: twin, sync_to_thread=False)},
        include_in_schema=False,
    )


def _api() -> Router:
    return Router(
        path="/api",
        route_handlers=[*mobilepay_api.HANDLERS, *mobilepay_recurring.HANDLERS],
        exception_handlers={Refused: problem},
        include_in_schema=False,
    )


@get("/")
async def show_phone(request: AnyRequest, twin: NamedDependency[Twin]) -> Response[str]:
    """Everything that waits, and what became of the rest: for whoever scanned a code, or lost their tab."""
    deals: list[Deal] = []
    pacts: list[Pact] = []
    for kind, kept in await memory.newest(_SHOWN_MAX):
        if kind == "payment":
            deals.append(rules.deal_in(kept))
        else:
            pacts.append(rules.pact_in(kept, clock.wall()))
    context = {
        "deals": [(deal, Money(deal.amount_minor, deal.currency)) for deal in deals],
        "pacts": pacts,
        "address": twin.address,
    }
    return _page(request, "phone", context)


@get("/pay/{reference:str}")
async def show_payment(
    request: AnyRequest, twin: NamedDependency[Twin], reference: FromPath[str]
) -> Response[str]:
    deal = await _deal("payment", reference)
    return _pay_page(request, twin, deal)


@post("/pay/{reference:str}", status_code=303)
async def answer_payment(
    request: AnyRequest, twin: NamedDependency[Twin], reference: FromPath[str]
) -> Response[str]:
    answer = await _answer(request)
    try:
        deal, added = await _answered("payment", reference, answer)
    except Refused:
        return _pay_page(request, twin, await _deal("payment", reference))
    told = deal_events(deal, added)
    response = _pay_page(request, twin, deal) if deal.flow == "QR" else _away(deal.return_url)
    response.background = BackgroundTask(twin.caller.call, told)
    return response


@get("/agree/{agreement_id:str}")
async def show_agreement(
    request: AnyRequest, twin: NamedDependency[Twin], agreement_id: FromPath[str]
) -> Response[str]:
    return await _agreement_page(request, twin, await _pact(agreement_id))


@post("/agree/{agreement_id:str}", status_code=303)
async def answer_agreement(
    request: AnyRequest, twin: NamedDependency[Twin], agreement_id: FromPath[str]
) -> Response[str]:
    """The answer to a new agreement; of one that runs, what its card does from now on, or its end."""
    answer = await _answer(request)
    pact = await _pact(agreement_id)
    if pact.status != "PENDING":
        told = await _changed_mind(pact, answer)
        response = await _agreement_page(request, twin, await _pact(agreement_id))
    else:
        told = await _agreed(pact, answer)
        response = _away(pact.return_url)
    response.background = BackgroundTask(twin.caller.call, told)
    return response


@get("/qr/{name:str}")
async def show_code(twin: NamedDependency[Twin], name: FromPath[str]) -> Response[bytes]:
    """The picture that a desk shows and a phone reads."""
    deal = await _deal("payment", name.removesuffix(".svg"))
    code = segno.make(f"{twin.address}/pay/{deal.reference}", error="m", micro=False)
    drawn = code.svg_inline(scale=8, border=4, light="#fff").encode()
    headers = {"Cache-Control": NO_STORE, "Cross-Origin-Resource-Policy": "cross-origin"}
    return Response(drawn, media_type="image/svg+xml", headers=headers)


async def _answered(kind: memory.Kind, known_as: str, answer: str) -> tuple[Deal, list[Event]]:
    now = clock.wall()

    def lay_over(kept: memory.Kept) -> tuple[memory.Kept, tuple[Deal, list[Event]]]:
        deal = rules.deal_in(kept)
        count = len(deal.events)
        if not rules.let_time_pass(deal, now):
            if answer == "reject":
                rules.reject(deal, now)
            elif answer == "expire":
                rules.expire(deal, now)
            else:
                rules.approve(deal, now)
                deal.next = _APPROVALS.get(answer, "")
        return rules.kept_of(deal), (deal, deal.events[count:])

    found = await memory.change(kind, known_as, lay_over)
    if found is None:
        raise NotFoundException
    return found


async def _agreed(pact: Pact, answer: str) -> list[Mapping[str, object]]:
    """The agreement and its first charge, answered together."""
    if answer in ("reject", "expire"):
        await _set(pact.id, "STOPPED" if answer == "reject" else "EXPIRED", "charged")
        what = "rejected" if answer == "reject" else "expired"
        return [agreement_event(pact, what)]
    if pact.is_alone:
        await _set(pact.id, "ACTIVE", _LATER.get(answer, "charged"))
        return [agreement_event(pact, "activated")]
    charge, added = await _answered("charge", _first_charge(pact), answer)
    await _set(pact.id, "ACTIVE", _LATER.get(answer, "charged"))
    return [agreement_event(pact, "activated"), *deal_events(charge, added)]


async def _changed_mind(pact: Pact, answer: str) -> list[Mapping[str, object]]:
    if pact.status != "ACTIVE":
        return []
    if answer == "stop":
        await _set(pact.id, "STOPPED", pact.later)
        return [agreement_event(pact, "stopped")]
    await _set(pact.id, "ACTIVE", _LATER.get(answer, pact.later))
    return []


async def _set(agreement_id: str, status: rules.AgreementState, later: Later) -> None:
    def lay_over(kept: memory.Kept) -> tuple[memory.Kept, bool]:
        pact = rules.pact_in(kept, clock.wall())
        pact.status, pact.later = status, later
        return rules.kept_of(pact), True

    await memory.change("agreement", agreement_id, lay_over)


def _first_charge(pact: Pact) -> str:
    # It was made with the agreement, under the same reference.
    return pact.reference


async def _deal(kind: memory.Kind, known_as: str) -> Deal:
    kept = await memory.recall(kind, known_as)
    if kept is None:
        raise NotFoundException
    return rules.deal_in(kept)


async def _pact(agreement_id: str) -> Pact:
    kept = await memory.recall("agreement", agreement_id)
    if kept is None:
        raise NotFoundException
    return rules.pact_in(kept, clock.wall())


async def _answer(request: AnyRequest) -> str:
    try:
        return forms.parse_lists(await request.body()).get("answer", [""])[0]
    except forms.FormRefused:
        return ""


def _pay_page(request: AnyRequest, twin: Twin, deal: Deal) -> Response[str]:
    waits = deal.state == "CREATED" and clock.wall() < deal.expires_at
    context = {
        "action": f"{twin.address}/pay/{deal.reference}",
        "amount": Money(deal.amount_minor, deal.currency),
        "description": deal.description,
        "waits": waits,
        "state": deal.state if waits or deal.state != "CREATED" else "EXPIRED",
        "return_url": deal.return_url if deal.flow != "QR" else "",
    }
    return _page(request, "pay", context, _origin(deal.return_url))


async def _agreement_page(request: AnyRequest, twin: Twin, pact: Pact) -> Response[str]:
    first = None if pact.is_alone else await _deal("charge", _first_charge(pact))
    context = {
        "action": f"{twin.address}/agree/{pact.id}",
        "amount": None if first is None else Money(first.amount_minor, first.currency),
        "pact": pact,
        "return_url": pact.return_url,
    }
    return _page(request, "agree", context, _origin(pact.return_url))


def _page(
    request: AnyRequest, name: str, context: Mapping[str, object], returns_to: str = ""
) -> Response[str]:
    nonce = nonce_of(request.scope["state"])
    lang = best_language(request.headers.get("accept-language", ""))
    # A browser holds the redirect after a form to form-action as well, so the shop's origin has to stand there.
    policy = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; img-src data:; form-action 'self' {returns_to}; "
        "base-uri 'none'; frame-ancestors 'none'"
    )
    body = templating.render(f"sandbox/mobilepay/{name}.html", lang, {**context, "nonce": nonce})
    headers = {"Cache-Control": NO_STORE, "Content-Language": lang, "Content-Security-Policy": policy}
    return Response(body, status_code=200, media_type=MediaType.HTML, headers=headers)


def _away(address: str) -> Response[str]:
    headers = {"Location": address, "Cache-Control": NO_STORE}
    return Response("", status_code=303, media_type=MediaType.HTML, headers=headers)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""
