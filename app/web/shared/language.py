"""Which language a page speaks: the shopper's choice, then the session's, then the browser's, then the merchant's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from app.kernel.i18n import LANGUAGES, best_language

if TYPE_CHECKING:
    from litestar import Request

COOKIE: Final = "lang"
PARAMETER: Final = "lang"


def language_of(
    request: Request[Any, Any, Any], *, session_locale: str | None = None, merchant_default: str | None = None
) -> str:
    """One of LANGUAGES. A wish for a language that Kolme does not speak counts as no wish."""
    return choose(
        request.query_params.get(PARAMETER),
        request.cookies.get(COOKIE),
        session_locale,
        accept_language=request.headers.get("accept-language", ""),
        merchant_default=merchant_default,
    )


def choose(*wishes: str | None, accept_language: str = "", merchant_default: str | None = None) -> str:
    """``wishes`` in falling order: language codes or locales (``fi``, ``fi-FI``)."""
    for wish in wishes:
        primary = (wish or "").replace("_", "-").split("-")[0].lower()
        if primary in LANGUAGES:
            return primary
    return best_language(accept_language, default=merchant_default if merchant_default in LANGUAGES else "en")
