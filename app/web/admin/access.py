"""Who may do what in the admin: one table, route by route. A route that is not in it lets nobody in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from litestar import Request

from app.kernel import clock
from app.merchants.queries import SignedInStaff, staff_of_session
from app.merchants.rules import Role
from app.web.admin import cookies

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.settings import Settings

SIGN_IN: Final = "/admin/sign-in"
HOME: Final = "/admin"

# Open to anybody: whoever signs in or out has no session yet, or none any more.
OPEN: Final = frozenset({"admin:sign-in", "admin:sign-in:form", "admin:sign-out"})
_OWNER: Final[frozenset[Role]] = frozenset({"owner"})
_CASHIERS: Final[frozenset[Role]] = frozenset({"owner", "cashier"})
_REVIEWERS: Final[frozenset[Role]] = frozenset({"owner", "reviewer"})
_SUPPORT: Final[frozenset[Role]] = frozenset({"owner", "support"})
ROLES_OF: Final[Mapping[str, frozenset[Role]]] = MappingProxyType(
    {
        "admin:home": _OWNER,
        "admin:orders": _OWNER,
        "admin:orders-export": _OWNER,
        "admin:order": _OWNER,
        "admin:order-live": _OWNER,
        "admin:order-new": _OWNER,
        "admin:order-create": _OWNER,
        "admin:order-edit": _OWNER,
        "admin:order-save": _OWNER,
        "admin:order-accept": _OWNER,
        "admin:order-cancel": _OWNER,
        "admin:order-print": _OWNER,
        "admin:links": _OWNER,
        "admin:links-export": _OWNER,
        "admin:link": _OWNER,
        "admin:link-do": _OWNER,
        "admin:reusable-links": _OWNER,
        "admin:reusable-new": _OWNER,
        "admin:reusable-make": _OWNER,
        "admin:reusable-link": _OWNER,
        "admin:reusable-change": _OWNER,
        "admin:import-form": _OWNER,
        "admin:import-send": _OWNER,
        "admin:import-example": _OWNER,
        "admin:import": _OWNER,
        "admin:import-step": _OWNER,
        "admin:import-result": _OWNER,
        "admin:till": _CASHIERS,
        "admin:till:one": _CASHIERS,
        "admin:till:receipt": _CASHIERS,
        "admin:till:customer": _CASHIERS,
        "admin:till:open": _CASHIERS,
        "admin:till:order": _CASHIERS,
        "admin:till:stop": _CASHIERS,
        "admin:till:live": _CASHIERS,
        "admin:till:setup": _OWNER,
        "admin:till:make": _OWNER,
        "admin:till:code": _OWNER,
        "admin:till:renew": _OWNER,
        "admin:products": _OWNER,
        "admin:product-new": _OWNER,
        "admin:product-create": _OWNER,
        "admin:product": _OWNER,
        "admin:product-save": _OWNER,
        "admin:agreement": _OWNER,
        "admin:payment": _OWNER,
        "admin:record": _OWNER,
        "admin:reviews": _REVIEWERS,
        "admin:review-figures": _REVIEWERS,
        "admin:review-figures-export": _REVIEWERS,
        "admin:review": _REVIEWERS,
        "admin:review:answer": _REVIEWERS,
        "admin:review:money": _REVIEWERS,
        "admin:review:take": _REVIEWERS,
        "admin:review:release": _REVIEWERS,
        "admin:review:hand-over": _REVIEWERS,
        "admin:review:rest": _REVIEWERS,
        "admin:review:ask": _REVIEWERS,
        "admin:review:undo": _REVIEWERS,
        "admin:review:live": _REVIEWERS,
        "admin:review-settings": _OWNER,
        "admin:review-settings-save": _OWNER,
        "admin:settlement": _OWNER,
        "admin:settle": _OWNER,
        "admin:wallets": _OWNER,
        "admin:wallets-export": _OWNER,
        "admin:wallet": _OWNER,
        "admin:wallet-export": _OWNER,
        "admin:wallet-adjust": _OWNER,
        "admin:wallet-adjust-now": _OWNER,
        "admin:wallet-approvals": _REVIEWERS,
        "admin:wallet-decide": _REVIEWERS,
        "admin:payouts": _OWNER,
        "admin:payout-do": _OWNER,
        "admin:payout-form": _OWNER,
        "admin:payout-ask": _OWNER,
        "admin:ways": _OWNER,
        "admin:ways-save": _OWNER,
        "admin:modules": _OWNER,
        "admin:modules-save": _OWNER,
        "admin:prices": _OWNER,
        "admin:prices-export": _OWNER,
        "admin:subscriptions": _OWNER,
        "admin:subscription": _OWNER,
        "admin:subscription-change": _OWNER,
        "admin:subscription-plans": _OWNER,
        "admin:subscription-plan-new": _OWNER,
        "admin:subscription-plan-make": _OWNER,
        "admin:subscription-plan": _OWNER,
        "admin:subscription-plan-change": _OWNER,
        "admin:invoices": _OWNER,
        "admin:invoice": _OWNER,
        "admin:invoice-pdf": _OWNER,
        "admin:invoice-efile": _OWNER,
        "admin:invoice-payment": _OWNER,
        "admin:refund": _OWNER,
        "admin:refund-now": _OWNER,
        "admin:refund-one": _REVIEWERS,
        "admin:refund-decide": _REVIEWERS,
        "admin:returns": _OWNER,
        "admin:return": _OWNER,
        "admin:return-do": _OWNER,
        "admin:return-form": _OWNER,
        "admin:return-announce": _OWNER,
        "admin:return-settings": _OWNER,
        "admin:return-settings-save": _OWNER,
        "admin:support": _SUPPORT,
        "admin:support-export": _SUPPORT,
        "admin:support-news": _OWNER,
        "admin:settings": _OWNER,
        "admin:seller": _OWNER,
        "admin:paying": _OWNER,
        "admin:link-settings": _OWNER,
        "admin:link-settings-save": _OWNER,
        "admin:fees": _OWNER,
        "admin:fees-save": _OWNER,
        "admin:insurance": _OWNER,
        "admin:insurance-new": _OWNER,
        "admin:insurance-make": _OWNER,
        "admin:insurance-offer": _OWNER,
        "admin:insurance-change": _OWNER,
        "admin:insurance-report": _OWNER,
        "admin:rules": _OWNER,
        "admin:rule-new": _OWNER,
        "admin:rule-make": _OWNER,
        "admin:rule-preview": _OWNER,
        "admin:rule": _OWNER,
        "admin:rule-change": _OWNER,
        "admin:rule-snooze": _REVIEWERS,
        "admin:rule-snooze-end": _REVIEWERS,
        "admin:model": _OWNER,
        "admin:model-switch": _OWNER,
        "admin:loyalty": _OWNER,
        "admin:loyalty-save": _OWNER,
        "admin:loyalty-preview": _OWNER,
        "admin:points": _OWNER,
        "admin:points-adjust": _OWNER,
    }
)

# Where somebody begins whose role has no use for the first page.
FIRST_PAGES: Final[Mapping[Role, str]] = MappingProxyType(
    {"cashier": f"{HOME}/till", "reviewer": f"{HOME}/reviews", "support": f"{HOME}/support"}
)

_OWN_PATH: Final = re.compile(r"/admin(/[A-Za-z0-9_./-]*)?(\?[A-Za-z0-9_.~%&=+:@-]*)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks. `cookie` is set when the answer renews it."""

    staff: SignedInStaff
    presented: cookies.Presented
    renew: bool


AdminRequest = Request[Visitor, Any, Any]


def settings_of(request: Request[Any, Any, Any]) -> Settings:
    settings: Settings = request.route_handler.opt["settings"]
    return settings


def is_https(settings: Settings) -> bool:
    return settings.base_url.startswith("https://")


async def visitor_of(request: Request[Any, Any, Any]) -> Visitor | None:
    """Whose session the browser holds, in one query; none without a cookie."""
    at = clock.wall()
    presented = cookies.read(request, at, https=is_https(settings_of(request)))
    if presented is None:
        return None
    staff = await staff_of_session(presented.token, at)
    return Visitor(staff, presented, presented.due_for_renewal(at)) if staff is not None else None


def sign_in_url(request: Request[Any, Any, Any]) -> str:
    """Where to sign in, with the way back to a page; the way back to a form would only lose what was typed."""
    query = request.url.query
    wanted = request.scope["path"] + (f"?{query}" if query else "")
    if request.method != "GET" or own_path(wanted) == HOME:
        return SIGN_IN
    return f"{SIGN_IN}?next={quote(wanted, safe='/')}"


def own_path(text: str) -> str:
    """An address of the admin to go to after signing in; the first page for anything else."""
    harmless = _OWN_PATH.fullmatch(text) is not None and "//" not in text and ".." not in text
    leads_out = text.startswith((SIGN_IN, "/admin/sign-out"))
    return text if harmless and not leads_out else HOME
