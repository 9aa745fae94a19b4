"""One answer for everything that goes wrong: a problem document for programs, a safe fragment for htmx, else a page.

No answer tells what broke. An unexpected failure gets an id, which is in the log beside the traceback.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol
from urllib.parse import quote, urlsplit

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException
from uuid_utils import uuid7

from app.kernel import templating
from app.kernel.errors import Refusal
from app.web.shared import htmx
from app.web.shared.asgi import App, Scope
from app.web.shared.forms import FormRefused
from app.web.shared.language import language_of
from app.web.shared.problems import PROBLEM_TYPE, Problem, RefusedRequest, problem_body
from app.web.shared.rendering import NO_STORE, nonce_of, vary_by_htmx

if TYPE_CHECKING:
    from collections.abc import Mapping


RETRY_AFTER_S: Final = 5

# What a stable code means when the exception does not say it itself.
_CODES: Final = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    408: "body_too_slow",
    409: "conflict",
    410: "gone",
    413: "body_too_large",
    415: "unsupported_media_type",
    422: "unprocessable",
    429: "too_many_requests",
    500: "internal_error",
    503: "unavailable",
}

_log = structlog.get_logger("web.errors")


class ErrorHandler(Protocol):
    def __call__(self, request: Request[Any, Any, Any], exc: Exception) -> Response[Any]: ...


def error_handler(statuses: Mapping[type[Exception], int]) -> ErrorHandler:
    """The handler for ``exception_handlers={Exception: ...}``.

    ``statuses`` says which status the named refusals of the features get when no handler words them itself (for
    example ``{LimitReached: 429, PoolExhausted: 503}``). An attribute ``resets_in_s`` becomes ``Retry-After``.
    """

    def handle(request: Request[Any, Any, Any], exc: Exception) -> Response[Any]:
        status, code = _status_and_code(exc, statuses)
        incident = ""
        if status >= 500 and status != 503:
            incident = str(uuid7())
            _log.error(
                "request_failed",
                incident=incident,
                path_known=request.scope.get("path_template"),
                exc_info=exc,
            )
        return answer(request, status, code, incident=incident, retry_after_s=_retry_after_s(exc, status))

    return handle


def refusal(scope: Scope, refused: RefusedRequest) -> App:
    """The answer to a request that the security wrapper turned away, as an ASGI application."""
    request: Request[Any, Any, Any] = Request(scope)
    response = answer(request, refused.status, refused.code)
    return response.to_asgi_response(app=None, request=request)


def answer(
    request: Request[Any, Any, Any],
    status: int,
    code: str,
    *,
    incident: str = "",
    retry_after_s: int | None = None,
) -> Response[Any]:
    headers = {"Cache-Control": NO_STORE}
    if retry_after_s is not None:
        headers["Retry-After"] = str(retry_after_s)
    if speaks_json(request.scope["path"]):
        problem = Problem(
            status=status, code=code, title=code.replace("_", " ").capitalize(), incident=incident
        )
        return Response(problem_body(problem), status_code=status, media_type=PROBLEM_TYPE, headers=headers)
    lang = language_of(request)
    name = "errors/_error.html" if htmx.wants_partial(request.headers) else "errors/error.html"
    context = {
        "status": status,
        "code": code,
        "incident": incident,
        "way": way_on(request, status),
        "nonce": nonce_of(request.scope["state"]),
    }
    headers["Content-Language"] = lang
    response = Response(
        templating.render(name, lang, context),
        status_code=status,
        media_type="text/html",
        headers=headers,
    )
    vary_by_htmx(response)
    return response


@dataclass(frozen=True, slots=True)
class WayOn:
    """Where the page of an error leads. `name` is the host of another site, else empty."""

    kind: Literal["purchase", "again", "start", "site"]
    address: str
    name: str = ""


def way_on(request: Request[Any, Any, Any], status: int) -> WayOn | None:
    """A page that is not there leads to the nearest that may be, or to the site that sent somebody here; every other
    failure leads to the same page once more. None where nothing is known that could help."""
    path: str = request.scope["path"]
    room, _, rest = path.lstrip("/").partition("/")
    if room == "pay" and (rest.partition("/")[2] or (rest and status not in (404, 410))):
        return WayOn("purchase", f"/pay/{quote(rest.partition('/')[0], safe='')}")
    if status not in (404, 410):
        return WayOn("again", quote(path))
    if room in _ROOMS and rest:
        return WayOn("start", f"/{room}")
    return _site_before(request.headers.get("referer", ""), request.headers.get("host", ""))


_ROOMS: Final = frozenset({"admin", "demo", "sandbox"})


def _site_before(referer: str, own_host: str) -> WayOn | None:
    try:
        before = urlsplit(referer)
    except ValueError:
        return None
    if before.scheme not in ("http", "https") or not before.hostname or before.netloc == own_host:
        return None
    return WayOn("site", f"{before.scheme}://{before.netloc}/", before.hostname)


def speaks_json(path: str) -> bool:
    """Whether programs call this address. The pages of the sandbox are told apart by their handlers."""
    return path.startswith("/api/")


def _status_and_code(exc: Exception, statuses: Mapping[type[Exception], int]) -> tuple[int, str]:
    if isinstance(exc, RefusedRequest):
        return exc.status, exc.code
    if isinstance(exc, FormRefused):
        return 400, exc.code
    for kind in type(exc).__mro__:
        if kind in statuses:
            status = statuses[kind]
            return status, exc.code if isinstance(exc, Refusal) else _CODES.get(status, "error")
    if isinstance(exc, HTTPException):
        return exc.status_code, _CODES.get(exc.status_code, "error")
    return 500, _CODES[500]


def _retry_after_s(exc: Exception, status: int) -> int | None:
    resets_in_s = getattr(exc, "resets_in_s", None)
    if isinstance(resets_in_s, int):
        return max(1, resets_in_s)
    return RETRY_AFTER_S if status == 503 else None
