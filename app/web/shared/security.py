"""The outermost wrapper of the web application: what holds for every answer and every request, whoever makes it.

Litestar's own middleware does not run for an unknown address or a wrong method, so this stands outside of it. It sets
the security headers, refuses unsafe requests from other sites, and refuses bodies that no page of ours would send
before any handler sees them. The rules are pure functions; the wrapper only applies them.
"""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from app.web.shared import forms, uploads
from app.web.shared.asgi import App, Message, Receive, Scope, Send
from app.web.shared.problems import RefusedRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

API_BODY_MAX: Final = 64 * 1024
FORM_BODY_MAX: Final = 16 * 1024
BODY_TIMEOUT_S: Final = 10.0
# The one form that holds a file. More than the file may be, so that the page itself can say that it is too large.
UPLOAD_PATH: Final = "/admin/orders/import"
UPLOAD_BODY_MAX: Final = 6 * 1024 * 1024
UPLOAD_TIMEOUT_S: Final = 60.0
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
FORM_TYPE: Final = "application/x-www-form-urlencoded"
FRAMED_PATH: Final = "/widget"
HSTS: Final = "max-age=63072000; includeSubDomains"

_PERMISSIONS: Final = ", ".join(
    f"{feature}=()"
    for feature in (
        "accelerometer",
        "camera",
        "geolocation",
        "gyroscope",
        "microphone",
        "midi",
        "payment",
        "usb",
    )
)


@dataclass(frozen=True, slots=True)
class Policy:
    """What the wrapper has to know of the deployment.

    ``origins`` are our own (``https://pay.example.com``): a form may be posted from these. ``machine_paths`` are
    prefixes ending in ``/``, or whole paths, that programs call: they read no cookie and so need no proof of where
    the request came from. ``bearer_paths`` are prefixes that are free of it only with a Bearer key.
    """

    origins: frozenset[str]
    https: bool
    machine_paths: tuple[str, ...] = ("/api/", "/callbacks/", "/demo/webhook")
    bearer_paths: tuple[str, ...] = ("/sandbox/",)


def content_security_policy(nonce: str) -> str:
    return (
        f"default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'nonce-{nonce}'; "
        "img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; "
        "object-src 'none'; frame-ancestors 'none'"
    )


def framed_policy(nonce: str) -> str:
    """For the one page that any site may frame: it can look, and do nothing."""
    return (
        f"default-src 'none'; style-src 'nonce-{nonce}'; img-src data:; form-action 'none'; base-uri 'none'; "
        "object-src 'none'; frame-ancestors *"
    )


def security_headers(nonce: str, *, https: bool, framed: bool = False) -> dict[str, str]:
    """On every answer, whatever its status. A handler that sets one of them itself keeps its own.

    `framed` opens the answer to other sites' pages. Errors at that address are open too: a shop that mistyped its
    snippet sees what is wrong in the place where it looks.
    """
    headers = {
        "content-security-policy": content_security_policy(nonce),
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "permissions-policy": _PERMISSIONS,
        # Not no-referrer: under that a plain form would be posted with `Origin: null`, and be refused below.
        "referrer-policy": "same-origin",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
    }
    if framed:
        headers["content-security-policy"] = framed_policy(nonce)
        headers["cross-origin-resource-policy"] = "cross-origin"
        del headers["x-frame-options"]
    if https:
        headers["strict-transport-security"] = HSTS
    return headers


def is_machine_call(path: str, headers: Mapping[str, str], policy: Policy) -> bool:
    """True for a request that carries its own proof (a key, a signature) and reads no cookie."""
    if _under(path, policy.machine_paths):
        return True
    return _under(path, policy.bearer_paths) and headers.get("authorization", "").lower().startswith(
        "bearer "
    )


def comes_from_here(headers: Mapping[str, str], origins: frozenset[str]) -> bool:
    """Whether a browser says that one of our own pages, or the shopper's own hand, made this request."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in {"same-origin", "none"}
    return headers.get("origin") in origins


def body_limit(path: str) -> int:
    """Bytes."""
    if path == UPLOAD_PATH:
        return UPLOAD_BODY_MAX
    return API_BODY_MAX if path.startswith(("/api/", "/callbacks/", "/sandbox/", "/demo/")) else FORM_BODY_MAX


def check_request(method: str, path: str, headers: Mapping[str, str], policy: Policy) -> None:
    """Everything that can be refused before the body is read. Raises RefusedRequest (403, 404, 413, 415)."""
    if "\0" in path:
        # No address of ours has one, and a database takes none in a text.
        raise RefusedRequest(404, "not_found")
    if method in SAFE_METHODS:
        return
    machine = is_machine_call(path, headers, policy)
    if not machine and not comes_from_here(headers, policy.origins):
        raise RefusedRequest(403, "cross_origin")
    taken = {FORM_TYPE, ""} | ({uploads.MEDIA_TYPE} if path == UPLOAD_PATH else set())
    if not machine and media_type(headers) not in taken:
        raise RefusedRequest(415, "unsupported_media_type")
    declared = headers.get("content-length", "0")
    if declared.isascii() and declared.isdigit() and int(declared[:20]) > body_limit(path):
        raise RefusedRequest(413, "body_too_large")


def check_body(body: bytes, headers: Mapping[str, str]) -> None:
    """A form is refused when its fields are not those of a form of ours. Raises RefusedRequest (400)."""
    if media_type(headers) != FORM_TYPE:
        return
    try:
        forms.parse_lists(body)
    except forms.FormRefused as refused:
        raise RefusedRequest(400, refused.code) from None


def media_type(headers: Mapping[str, str]) -> str:
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def own_origin(base_url: str) -> str:
    """``https://pay.example.com/x`` -> ``https://pay.example.com``."""
    parts = urlsplit(base_url)
    return f"{parts.scheme}://{parts.netloc}".lower()


class Shield:
    """ASGI: refuses what must not get in, and puts the security headers on everything that goes out."""

    def __init__(self, app: App, policy: Policy, refuse: Callable[[Scope, RefusedRequest], App]) -> None:
        """``refuse`` makes the answer to a refused request (see ``errors.refusal``)."""
        self._app = app
        self._policy = policy
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        nonce = secrets.token_urlsafe(18)
        # A copy: some servers hand the same state to every request.
        scope["state"] = {**scope.get("state", {}), "csp_nonce": nonce}
        framed = scope["path"] == FRAMED_PATH
        secured = self._with_headers(send, security_headers(nonce, https=self._policy.https, framed=framed))
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
        }
        try:
            check_request(scope["method"], scope["path"], headers, self._policy)
            if scope["method"] not in SAFE_METHODS:
                timeout_s = UPLOAD_TIMEOUT_S if scope["path"] == UPLOAD_PATH else BODY_TIMEOUT_S
                body = await _read_body(receive, body_limit(scope["path"]), timeout_s)
                # A program's body is judged by the handler that reads it, which takes no form at all.
                if not is_machine_call(scope["path"], headers, self._policy):
                    check_body(body, headers)
                receive = _replay(body, receive)
        except RefusedRequest as refused:
            await self._refuse(scope, refused)(scope, receive, secured)
            return
        await self._app(scope, receive, secured)

    @staticmethod
    def _with_headers(send: Send, headers: Mapping[str, str]) -> Send:
        async def secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {name.lower() for name, _ in message.get("headers", [])}
                extra = [(n.encode(), v.encode()) for n, v in headers.items() if n.encode() not in present]
                message["headers"] = [*message.get("headers", []), *extra]
            await send(message)

        return secured


def _under(path: str, prefixes: tuple[str, ...]) -> bool:
    return any(path.startswith(p) if p.endswith("/") else path == p for p in prefixes)


async def _read_body(receive: Receive, limit: int, timeout_s: float) -> bytes:
    """The whole body, because the rules look at all of it; it is small. Raises RefusedRequest (408, 413)."""
    body = bytearray()
    try:
        async with asyncio.timeout(timeout_s):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    raise RefusedRequest(400, "client_left")
                body += message.get("body", b"")
                if len(body) > limit:
                    raise RefusedRequest(413, "body_too_large")
                if not message.get("more_body", False):
                    return bytes(body)
    except TimeoutError:
        raise RefusedRequest(408, "body_too_slow") from None


def _replay(body: bytes, receive: Receive) -> Receive:
    """Hands the body that was read to the application; afterwards only the news that the client left."""
    given = False

    async def replayed() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed
