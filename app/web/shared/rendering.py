"""Page or partial from one handler: htmx gets the piece, a reload or a browser without JavaScript the whole page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from litestar import MediaType, Response

from app.kernel import templating
from app.web.shared import htmx
from app.web.shared.accent import accent_css
from app.web.shared.static import assets, inline_css, integrity, static

if TYPE_CHECKING:
    from collections.abc import Mapping

    from litestar import Request

    # Who the user is and where the state comes from does not matter here.
    AnyRequest: TypeAlias = Request[Any, Any, Any]

NO_STORE: Final = "no-store"


templating.GLOBALS.update(static=static, integrity=integrity, inline_css=inline_css, accent_css=accent_css)


def prepare() -> None:
    """Called once at start, so that the first page does not wait for the assets to be read and compressed."""
    assets()


def nonce_of(scope_state: Mapping[str, object]) -> str:
    """The nonce that the security headers of this answer allow; the wrapper in ``security`` makes one a request."""
    return str(scope_state["csp_nonce"])


def page(
    request: AnyRequest,
    template: str,
    partial: str,
    context: Mapping[str, object],
    *,
    status: int = 200,
    push_url: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response[str]:
    """Renders ``partial`` for htmx and ``template``, which includes it, for everyone else.

    ``context`` holds ``lang`` (one of ``LANGUAGES``) and what the template names. ``push_url`` is the address that the
    browser shall show after a swap. Pages of the flow are personal and are never stored by any cache.
    """
    swapped = htmx.wants_partial(request.headers)
    lang = str(context["lang"])
    given = dict(context, nonce=nonce_of(request.scope["state"]), swapped=swapped)
    body = templating.render(partial if swapped else template, lang, given)
    sent = {"Cache-Control": NO_STORE, "Content-Language": lang}
    if push_url is not None and htmx.is_htmx(request.headers):
        sent["HX-Push-Url"] = push_url
    sent.update(headers or {})
    response = Response(body, status_code=status, media_type=MediaType.HTML, headers=sent)
    vary_by_htmx(response)
    return response


def redirect(request: AnyRequest, url: str, *, leave: bool = False) -> Response[str]:
    """Leads to another address of ours: 303, or the header that htmx follows.

    ``leave`` says that the address is no step of the flow, so that htmx loads it as a page of its own.
    An address on another site is never redirected to from a form: the browser's form-action rule would block it.
    Show the page ``shopper/leaving.html`` instead, which goes on by itself and has a link.
    """
    headers = {"Cache-Control": NO_STORE}
    if htmx.is_htmx(request.headers):
        headers |= htmx.lead_to(url, leave=leave)
        response = Response("", status_code=200, media_type=MediaType.HTML, headers=headers)
    else:
        response = Response(
            "", status_code=303, media_type=MediaType.HTML, headers=headers | {"Location": url}
        )
    vary_by_htmx(response)
    return response


def vary_by_htmx(response: Response[str]) -> None:
    response.headers["Vary"] = "HX-Request, HX-History-Restore-Request"
