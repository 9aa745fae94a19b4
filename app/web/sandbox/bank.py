"""The sandbox bank over HTTP: an OpenID provider under /sandbox/bank, reached like a foreign one.

It reads and sets no cookie: what the browser has to carry travels in its address and its forms. Its pages
stand on another site than the product's (127.0.0.1 beside localhost), so nothing works here only because both
are one program.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

import msgspec
from joserfc.jwk import KeySet, RSAKey
from litestar import MediaType, Request, Response, Router, get, post
from litestar.di import NamedDependency, Provide

from app.kernel import templating
from app.kernel.i18n import best_language
from app.web.sandbox.bank_keys import signing_key_at
from app.web.sandbox.bank_memory import StoredMemory, StoredPeople
from app.web.sandbox.bank_provider import (
    AuthorizationRequest,
    ProtocolError,
    RegisteredClient,
    SandboxBank,
    SealedBox,
    UnsafeRequestError,
    someone_else,
)
from app.web.shared import forms
from app.web.shared.rendering import NO_STORE, nonce_of

PATH: Final = "/sandbox/bank"
# Called by the client's server and not by a browser.
MACHINE_PATHS: Final = (f"{PATH}/token", f"{PATH}/par")
CLIENT_ID: Final = "kolme-sandbox"

_PEOPLE_SHOWN_MAX: Final = 40
_CARRIED: Final = ("client_id", "request_uri")

# Who the user is and where the state comes from does not matter here.
AnyRequest: TypeAlias = Request[Any, Any, Any]


def issuer_at(port: int) -> str:
    """The issuer of the bank that this deployment serves. 127.0.0.1, so that it is another site than
    localhost."""
    return f"http://127.0.0.1:{port}{PATH}"


def our_bank(
    issuer: str, redirect_uri: str, client_keys: Mapping[str, Any], secrets_dir: Path, box: SealedBox
) -> SandboxBank:
    """The bank as part of the product in test mode, on the product's tables, with one client: the product, whose JWK
    set is registered here once and for all, as brokers do."""
    return SandboxBank(
        issuer=issuer,
        key=signing_key_at(secrets_dir / "sandbox_bank_key.pem"),
        client=registered_client(CLIENT_ID, redirect_uri, client_keys),
        box=box,
        memory=StoredMemory(),
        people=StoredPeople(),
    )


def registered_client(client_id: str, redirect_uri: str, public_keys: Mapping[str, Any]) -> RegisteredClient:
    """A client by its id, its one address to return to, and its public JWK set, in which a key for signatures and one
    for encryption are told apart by their `use`. Raises ValueError for a bad key."""
    by_use = {use: [key for key in public_keys["keys"] if key.get("use") == use] for use in ("sig", "enc")}
    if not by_use["sig"] or not by_use["enc"]:
        raise ValueError("a client needs a key that signs and one to encrypt to")
    return RegisteredClient(
        client_id=client_id,
        name="Kolme",
        redirect_uris=frozenset({redirect_uri}),
        keys=KeySet.import_key_set({"keys": by_use["sig"]}),
        sealed_to=RSAKey.import_key(by_use["enc"][0]),
    )


def bank_router(bank: SandboxBank) -> Router:
    """All addresses of one sandbox bank."""
    return Router(
        path=PATH,
        route_handlers=[
            discovery,
            public_keys,
            take_request,
            show_choice,
            take_choice,
            give_tokens,
            tell_claims,
        ],
        dependencies={"bank": Provide(lambda: bank, sync_to_thread=False)},
        include_in_schema=False,
    )


@get("/.well-known/openid-configuration")
async def discovery(bank: NamedDependency[SandboxBank]) -> Response[bytes]:
    return _json(bank.metadata())


@get("/jwks")
async def public_keys(bank: NamedDependency[SandboxBank]) -> Response[bytes]:
    return _json(bank.public_keys())


@post("/par", status_code=201)
async def take_request(request: AnyRequest, bank: NamedDependency[SandboxBank]) -> Response[bytes]:
    try:
        fields = forms.parse_lists(await request.body())
        return _json(await bank.push({name: values[0] for name, values in fields.items()}), 201)
    except forms.FormRefused:
        return _json({"error": "invalid_request"}, 400)
    except ProtocolError as refused:
        return _json({"error": refused.error}, refused.status)


@get("/authorize")
async def show_choice(request: AnyRequest, bank: NamedDependency[SandboxBank]) -> Response[str]:
    """The page on which a person says who they are. Writes nothing."""
    try:
        parameters = _once_each(list(request.query_params.multi_items()))
        asked = bank.read_request(parameters)
    except UnsafeRequestError as refused:
        return _refused_page(request, refused.reason)
    return await _choice_page(request, bank, parameters, asked)


@post("/authorize", status_code=303)
async def take_choice(request: AnyRequest, bank: NamedDependency[SandboxBank]) -> Response[str]:
    """The person's answer: a name, somebody else, a failure, or a way back."""
    try:
        fields = forms.parse_lists(await request.body())
        form = _once_each([(name, value) for name, values in fields.items() for value in values])
        asked = bank.read_request(form)
    except UnsafeRequestError as refused:
        return _refused_page(request, refused.reason)
    except forms.FormRefused:
        return _refused_page(request, "form")
    match form.get("answer"):
        case "cancel":
            return _away(bank.error_address(asked, "access_denied"))
        case "fail":
            return _away(bank.error_address(asked, "unmet_authentication_requirements"))
        case "someone-else":
            subject = someone_else(asked.scheme.country)
        case _:
            subject = form.get("subject", "")
    try:
        return _away(await bank.approved_address(asked, subject))
    except ProtocolError as refused:
        return _away(bank.error_address(asked, refused.error))


@post("/token", status_code=200)
async def give_tokens(request: AnyRequest, bank: NamedDependency[SandboxBank]) -> Response[bytes]:
    try:
        fields = forms.parse_lists(await request.body())
        return _json(await bank.redeem({name: values[0] for name, values in fields.items()}))
    except forms.FormRefused:
        return _json({"error": "invalid_request"}, 400)
    except ProtocolError as refused:
        return _json({"error": refused.error}, refused.status)


@get("/userinfo")
async def tell_claims(request: AnyRequest, bank: NamedDependency[SandboxBank]) -> Response[bytes]:
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    try:
        if kind.lower() != "bearer":
            raise ProtocolError("invalid_token", 401)
        told = (await bank.userinfo(token.strip())).encode()
        return Response(told, media_type="application/jwt", headers={"Cache-Control": NO_STORE})
    except ProtocolError as refused:
        answer = _json({"error": refused.error}, refused.status)
        answer.headers["WWW-Authenticate"] = f'Bearer error="{refused.error}"'
        return answer


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, str]:
    """A parameter that comes twice makes the whole request void (RFC 6749 section 3.1)."""
    parameters = {name: str(value) for name, value in pairs}
    if len(parameters) != len(pairs):
        raise UnsafeRequestError("duplicate")
    return parameters


async def _choice_page(
    request: AnyRequest, bank: SandboxBank, parameters: Mapping[str, str], asked: AuthorizationRequest
) -> Response[str]:
    search = forms.one_line(forms.clean(parameters.get("find", "")))[:100]
    people = await bank.people.find(asked.scheme.country, search, _PEOPLE_SHOWN_MAX)
    context = {
        "people": people,
        "search": search,
        "is_full": len(people) >= _PEOPLE_SHOWN_MAX,
        "carried": {name: parameters[name] for name in _CARRIED},
        "scheme": asked.scheme.name,
        "client_name": bank.client.name,
        "binding_message": asked.shown_text,
        "action": f"{bank.issuer}/authorize",
    }
    lang = best_language(asked.locales.replace(" ", ","))
    return _page(request, "sandbox/bank/authorize.html", lang, context, 200, _origin(asked.redirect_uri))


def _refused_page(request: AnyRequest, reason: str) -> Response[str]:
    lang = best_language(request.headers.get("accept-language", ""))
    return _page(request, "sandbox/bank/refused.html", lang, {"reason": reason}, 400, "")


def _page(
    request: AnyRequest, template: str, lang: str, context: Mapping[str, object], status: int, returns_to: str
) -> Response[str]:
    nonce = nonce_of(request.scope["state"])
    # A browser holds the redirect after a form to form-action as well, so the client's origin has to stand
    # there.
    policy = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; img-src data:; form-action 'self' {returns_to}; "
        "base-uri 'none'; frame-ancestors 'none'"
    )
    body = templating.render(template, lang, {**context, "nonce": nonce})
    headers = {"Cache-Control": NO_STORE, "Content-Language": lang, "Content-Security-Policy": policy}
    return Response(body, status_code=status, media_type=MediaType.HTML, headers=headers)


def _away(address: str) -> Response[str]:
    headers = {"Location": address, "Cache-Control": NO_STORE}
    return Response("", status_code=303, media_type=MediaType.HTML, headers=headers)


def _json(content: Mapping[str, object], status: int = 200) -> Response[bytes]:
    body = msgspec.json.encode(content)
    return Response(body, status_code=status, media_type=MediaType.JSON, headers={"Cache-Control": NO_STORE})


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
