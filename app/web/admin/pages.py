"""Every page of the admin is rendered here: who is signed in, where they are, in which language, cookie renewed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from litestar.datastructures import Cookie
from litestar.status_codes import HTTP_200_OK

from app.kernel import clock
from app.kernel.i18n import LANGUAGES
from app.merchants.queries import Merchant, merchant_by_id
from app.merchants.rules import Module, Role
from app.web.admin import cookies
from app.web.admin.access import ROLES_OF, AdminRequest, is_https, settings_of
from app.web.shared import language, rendering

if TYPE_CHECKING:
    from litestar import Request, Response

# What the navigation leads to, by its key and route; `templates/admin/base.html` words the keys.
_SECTIONS: Final = {
    "orders": "admin:orders",
    "till": "admin:till",
    "links": "admin:links",
    "reviews": "admin:reviews",
    "wallets": "admin:wallets",
    "invoices": "admin:invoices",
    "subscriptions": "admin:subscriptions",
    "support": "admin:support",
    "settings": "admin:settings",
}

# Each language by its own name: whoever looks for theirs reads it, whatever the page speaks.
LANGUAGE_NAMES: Final = (
    ("en", "English"),
    ("fi", "Suomi"),
    ("sv", "Svenska"),
    ("da", "Dansk"),
    ("bg", "Български"),
)
# Sections of a module: without it they are not led to, and answer whoever knows the address.
_OF_MODULE: Final[Mapping[str, Module]] = {"wallets": "wallet"}
_LANGUAGE_COOKIE_S: Final = 365 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Desk:
    """What every page shows around its content."""

    merchant_name: str
    staff_name: str
    staff_email: str
    is_test: bool


async def merchant_of(request: AdminRequest) -> Merchant:
    merchant = await merchant_by_id(request.user.staff.merchant_id)
    assert merchant is not None, "staff belong to a merchant, and merchants are never deleted"
    return merchant


def _is_led_to(section: str, role: Role, merchant: Merchant) -> bool:
    module = _OF_MODULE.get(section)
    return role in ROLES_OF[_SECTIONS[section]] and (module is None or merchant.has(module))


async def show(
    request: AdminRequest,
    template: str,
    context: Mapping[str, object],
    *,
    section: str,
    status: int = HTTP_200_OK,
    partial: str | None = None,
    push_url: str | None = None,
) -> Response[str]:
    """A page for someone who is signed in. Times in it are shown in the merchant's time zone, `zone`.

    `partial` is the piece of it that htmx asks for, on pages that have one.
    """
    merchant = await merchant_of(request)
    visitor, settings = request.user, settings_of(request)
    around = {
        "desk": Desk(merchant.name, visitor.staff.name, visitor.staff.email, settings.is_test),
        "nav": tuple(key for key in _SECTIONS if _is_led_to(key, visitor.staff.role, merchant)),
        "section": section,
        "zone": merchant.time_zone,
        "accent": merchant.accent,
        "lang": language.language_of(request, merchant_default=merchant.locale),
        "languages": LANGUAGE_NAMES,
    }
    response = rendering.page(
        request, template, partial or template, {**around, **context}, status=status, push_url=push_url
    )
    if visitor.renew:
        staff, at = visitor.staff, clock.wall()
        response.set_cookie(
            cookies.cookie_for(visitor.presented.token, at, staff.expires_at, https=is_https(settings))
        )
    keep_language(request, response)
    return response


def keep_language(request: Request[Any, Any, Any], response: Response[str]) -> None:
    """A language that was asked for by `?lang=` is kept for the pages to come."""
    wanted = request.query_params.get(language.PARAMETER)
    if wanted in LANGUAGES:
        response.set_cookie(
            Cookie(
                key=language.COOKIE,
                value=wanted,
                max_age=_LANGUAGE_COOKIE_S,
                path="/",
                secure=is_https(settings_of(request)),
                httponly=True,
                samesite="lax",
            )
        )
