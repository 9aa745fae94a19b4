"""The sandbox's Stripe over HTTP, under /sandbox/stripe: the API that our adapter calls, and the hosted page.

Its pages stand on another site than the product's (127.0.0.1 beside localhost), like the sandbox bank's, and read and
set no cookie. Nobody can type a card number there: the test cards are buttons.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

import msgspec
from litestar import MediaType, Request, Response, Router, get, post
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath

from app.kernel import clock, templating
from app.kernel.i18n import best_language
from app.kernel.money import Money
from app.messages.sandbox_stripe import Book, in_book
from app.payments.queries import payment_by_public_id
from app.settings import Settings
from app.web.sandbox import stripe_disputes
from app.web.sandbox import stripe_rules as rules
from app.web.sandbox.answers import merchant_of
from app.web.sandbox.stripe_events import Teller
from app.web.sandbox.stripe_objects import CARDS, Intent, Session, card_by_number
from app.web.sandbox.stripe_requests import asked
from app.web.sandbox.stripe_rules import StripeError
from app.web.sandbox.stripe_twin import Desk, Happened, StripeTwin, no_such_payment, refusal
from app.web.shared import forms
from app.web.shared.rendering import NO_STORE, nonce_of

PATH: Final = "/sandbox/stripe"
CALLBACK_PATH: Final = "/callbacks/card"
# How long a bank takes that makes up its mind late.
LATE: Final = timedelta(hours=1)

# Who the user is and where the state comes from does not matter here.
AnyRequest: TypeAlias = Request[Any, Any, Any]


@dataclass(frozen=True, slots=True)
class Branch:
    """The twin with what it takes to serve it: who tells of what happened, and what it and we know of each other."""

    twin: StripeTwin
    teller: Teller
    secret_key: str = field(repr=False)
    webhook_secret: str = field(repr=False)


def our_branch(settings: Settings) -> Branch:
    """The twin of this deployment, at 127.0.0.1, so that it is another site than localhost. Its secrets are made from
    the deployment's own: every process comes to the same, and nobody else does."""
    origin = f"http://127.0.0.1:{settings.port}"
    webhook_secret = f"whsec_{_derived(settings, 'webhook')}"
    return Branch(
        StripeTwin(f"{origin}{PATH}"),
        Teller(f"{origin}{CALLBACK_PATH}", webhook_secret),
        f"sk_test_{_derived(settings, 'key')}",
        webhook_secret,
    )


def stripe_router(branch: Branch) -> Router:
    """All addresses of the twin."""
    return Router(
        path=PATH,
        route_handlers=[
            ask_api,
            change_by_api,
            show_page,
            pay,
            show_challenge,
            answer_challenge,
            dispute_payment,
        ],
        dependencies={"branch": Provide(lambda: branch, sync_to_thread=False)},
        include_in_schema=False,
    )


@get("/v1/{call:path}")
async def ask_api(
    request: AnyRequest, branch: NamedDependency[Branch], call: FromPath[str]
) -> Response[bytes]:
    return await _api(request, branch, call)


@post("/v1/{call:path}", status_code=200)
async def change_by_api(
    request: AnyRequest, branch: NamedDependency[Branch], call: FromPath[str]
) -> Response[bytes]:
    return await _api(request, branch, call)


@get("/pay/{session_id:str}")
async def show_page(
    request: AnyRequest, branch: NamedDependency[Branch], session_id: FromPath[str]
) -> Response[str]:
    """The hosted page. Writes nothing but that its time is over."""
    return await _shown(request, branch, session_id, "pay")


@post("/pay/{session_id:str}", status_code=303)
async def pay(
    request: AnyRequest, branch: NamedDependency[Branch], session_id: FromPath[str]
) -> Response[str]:
    """The shopper's choice: a card, with `ending` for how the bank's yes arrives, or the way back."""
    form = forms.parse(await request.body())
    card = card_by_number(form.value("card"))
    if card is None:
        return _to(f"{branch.twin.address}/pay/{session_id}")
    if card.needs_challenge:
        return _to(f"{branch.twin.address}/pay/{session_id}/challenge")
    return await _paid(request, branch, session_id, card.number, form.value("ending"))


@get("/pay/{session_id:str}/challenge")
async def show_challenge(
    request: AnyRequest, branch: NamedDependency[Branch], session_id: FromPath[str]
) -> Response[str]:
    """The page of the card's bank: 3-D Secure."""
    return await _shown(request, branch, session_id, "challenge")


@post("/pay/{session_id:str}/challenge", status_code=303)
async def answer_challenge(
    request: AnyRequest, branch: NamedDependency[Branch], session_id: FromPath[str]
) -> Response[str]:
    form = forms.parse(await request.body())
    number = next(card.number for card in CARDS if card.needs_challenge)
    ending = "" if form.value("answer") == "confirm" else "refused"
    return await _paid(request, branch, session_id, number, ending)


@post("/disputes", status_code=200)
async def dispute_payment(request: AnyRequest, branch: NamedDependency[Branch]) -> Response[bytes]:
    """For tests, with a merchant's Bearer key: whoever owns the card disputes `payment` (its public id), for a `reason`
    of Stripe's; or, with `outcome` won or lost, the bank decides. Answers the dispute as Stripe shows it."""
    merchant = await merchant_of(request)
    form = forms.parse(await request.body())
    payment, outcome = form.value("payment"), form.value("outcome")
    known = await payment_by_public_id(payment)
    if known is not None and known.merchant_id != merchant.id:
        return _answer(404, refusal(no_such_payment(payment)))

    async def settle(book: Book) -> tuple[bytes, tuple[Happened, ...]]:
        desk = Desk(book, branch.twin)
        if outcome in {"won", "lost"}:
            intent = await desk.decide(payment, is_won=outcome == "won")
        else:
            intent = await desk.dispute(payment, form.value("reason") or "fraudulent")
        shown = stripe_disputes.show(intent.disputes[-1], intent, is_whole=False)
        return msgspec.json.encode(shown), tuple(desk.events)

    try:
        body, events = await in_book(settle)
    except StripeError as error:
        return _answer(error.status, refusal(error))
    branch.teller.tell(events)
    return _answer(200, body)


async def _api(request: AnyRequest, branch: Branch, call: str) -> Response[bytes]:
    given = request.headers.get("authorization", "")
    if not secrets.compare_digest(given.encode(), f"Bearer {branch.secret_key}".encode()):
        return _answer(401, b'{"error": {"type": "invalid_request_error", "message": "Invalid API Key."}}')
    query = request.scope["query_string"].decode("latin-1")
    try:
        wanted = asked(request.method, call.strip("/"), query, await request.body(), request.headers)
    except StripeError as error:
        return _answer(error.status, refusal(error))
    told = await branch.twin.answer(wanted)
    branch.teller.tell(told.events)
    # A gateway between the two that lost the answer: what happened, happened.
    return _answer(502, b"") if told.is_lost else _answer(told.status, told.body)


async def _shown(request: AnyRequest, branch: Branch, session_id: str, name: str) -> Response[str]:
    async def look(book: Book) -> tuple[Session, Intent]:
        return await Desk(book, branch.twin).page(session_id)

    try:
        session, intent = await in_book(look)
    except StripeError:
        return _page(request, "closed", "", {"session": None}, 404)
    if session.status != "open":
        return _page(request, "closed", session.locale, {"session": session}, 410, session)
    context = {
        "session": session,
        "amount": None if intent.is_setup else Money(session.amount, session.currency.upper()),
        "refused": intent.decline_code or intent.code,
        "cards": CARDS,
        "action": f"{branch.twin.address}/pay/{session.id}",
    }
    return _page(request, name, session.locale, context, 200, session)


async def _paid(
    request: AnyRequest, branch: Branch, session_id: str, number: str, ending: str
) -> Response[str]:
    """On to where the bank's answer leads: back to the shop, or to the page for another try."""
    business = await clock.business_now()

    async def settle(book: Book) -> tuple[Session, str, tuple[Happened, ...]]:
        desk = Desk(book, branch.twin)
        session, intent = await desk.page(session_id)
        card = card_by_number(number)
        assert card is not None, "one of ours"
        method = rules.new_method(card)
        refused = ""
        match ending:
            case "late":
                rules.pay_later(session, intent, method, business + LATE)
            case "refused":
                refused = rules.fail_challenge(session, intent)
            case _:
                refused = rules.pay(session, intent, method)
                intent.loses_answer = ending == "lost" and not refused
        await desk.keep_page(session, intent, method)
        return session, refused, tuple(desk.events)

    try:
        session, refused, events = await in_book(settle)
    except StripeError:
        return await _shown(request, branch, session_id, "pay")
    branch.teller.tell(events)
    return _to(f"{branch.twin.address}/pay/{session_id}" if refused else session.success_url)


def _page(
    request: AnyRequest,
    name: str,
    locale: str,
    context: Mapping[str, object],
    status: int,
    session: Session | None = None,
) -> Response[str]:
    lang = best_language(request.headers.get("accept-language", "") if locale in {"", "auto"} else locale)
    nonce = nonce_of(request.scope["state"])
    returns_to = _origin(session.success_url) if session is not None else ""
    # A browser holds the redirect after a form to form-action as well, so the shop's origin has to stand there.
    policy = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; img-src data:; form-action 'self' {returns_to}; "
        "base-uri 'none'; frame-ancestors 'none'"
    )
    body = templating.render(f"sandbox/stripe/{name}.html", lang, {**context, "nonce": nonce})
    headers = {"Cache-Control": NO_STORE, "Content-Language": lang, "Content-Security-Policy": policy}
    return Response(body, status_code=status, media_type=MediaType.HTML, headers=headers)


def _to(address: str) -> Response[str]:
    headers = {"Location": address, "Cache-Control": NO_STORE}
    return Response("", status_code=303, media_type=MediaType.HTML, headers=headers)


def _answer(status: int, body: bytes) -> Response[bytes]:
    return Response(body, status_code=status, media_type=MediaType.JSON, headers={"Cache-Control": NO_STORE})


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _derived(settings: Settings, use: str) -> str:
    return hmac.new(settings.master_secret, f"sandbox stripe {use}".encode(), hashlib.sha256).hexdigest()
