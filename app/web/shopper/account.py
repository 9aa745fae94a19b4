"""One request of somebody who looks at what is theirs, outside of a purchase: who it is, and how the answer leaves.

The cookie holds the session's token and when it was last seen, signed: idle time needs no write, and a value that
somebody else chose opens nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode

from litestar.datastructures import Cookie

from app.identity.account_queries import SignedInCustomer, customer_of_session
from app.identity.actions.account_sign_in import Arriving
from app.identity.actions.browsers import BrowserToken
from app.identity.passkeys import RelyingParty, relying_party
from app.kernel import clock
from app.kernel.keys import process_keyring
from app.web.shared import forms, rendering
from app.web.shared.client import client_address
from app.web.shared.doors import House, house_of
from app.web.shared.language import language_of
from app.web.shopper.account_views import AccountView
from app.web.shopper.views import ShopView
from app.web.shopper.visit import browser_of, cookie_name, is_https, keep_browser, keep_language

if TYPE_CHECKING:
    from collections.abc import Mapping

    from litestar import Request, Response

SIGN_IN: Final = "/account"
IDLE_S: Final = 15 * 60
# Seen this recently, a cookie is good as it is: pages that load together do not each set one.
RENEW_AFTER_S: Final = 60

_COOKIE: Final = "kolme_customer"
_PURPOSE: Final = "customer.cookie"
_OWN_PATH: Final = re.compile(r"/(wallet|purchases)(/[A-Za-z0-9_./-]*)?(\?[A-Za-z0-9_.~%&=+:-]*)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Presented:
    """The session that a browser brought, in time."""

    token: str
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class Here:
    """A request on the pages of an account. `customer` is None for whoever is not signed in."""

    request: Request[Any, Any, Any]
    house: House
    browser: BrowserToken
    presented: Presented | None
    customer: SignedInCustomer | None
    wall: datetime
    now: datetime
    lang: str
    leaves: bool = False
    """The answer takes the session's cookie away."""

    @property
    def party(self) -> RelyingParty | None:
        """Who we are to a device that holds passkeys; None where browsers have none for us."""
        settings = self.house.settings
        return relying_party(settings.base_url, settings.operator.name)

    @property
    def arriving(self) -> Arriving:
        return Arriving(
            browser=self.browser,
            before=self.presented.token if self.presented else None,
            address=client_address(self.request, self.house.settings.trusted_proxies),
            user_agent=self.request.headers.get("user-agent", ""),
            now=self.now,
            wall=self.wall,
        )

    async def form(self) -> forms.Form:
        return forms.parse(await self.request.body())

    def carrying(self, token: str) -> Here:
        """The same request once the browser has another token."""
        return replace(self, presented=Presented(token, datetime.fromtimestamp(0, tz=UTC)))

    def leaving(self) -> Here:
        return replace(self, customer=None, leaves=True)

    def page(
        self, name: str, context: Mapping[str, object], *, status: int = 200, push: str | None = None
    ) -> Response[str]:
        """A page of the account, whole or as the part that htmx exchanges. `push` is its address."""
        operator = self.house.settings.operator
        account = AccountView(
            operator=operator.name,
            email=operator.email,
            signed_in=self.customer is not None,
            section=name,
            query=self._query(),
        )
        common = {
            "lang": self.lang,
            "shop": ShopView(operator.name),
            "account": account,
            "form": forms.Form(),
        }
        response = rendering.page(
            self.request,
            f"shopper/{name}.html",
            f"shopper/_{name}.html",
            {**common, **context},
            status=status,
            push_url=push,
        )
        return self.sealed(response)

    def lead_to(self, url: str) -> Response[str]:
        return self.sealed(rendering.redirect(self.request, url, leave=True))

    def to_sign_in(self) -> Response[str]:
        """Where to sign in, with the way back to a page; the way back to a form would only lose what was typed."""
        query = self.request.url.query
        wanted = self.request.scope["path"] + (f"?{query}" if query else "")
        if self.request.method != "GET":
            wanted = "/" + wanted.split("/")[1].partition("?")[0]
        return self.lead_to(f"{SIGN_IN}?next={quote(own_path(wanted), safe='/')}")

    def sealed(self, response: Response[Any]) -> Response[Any]:
        """The answer with the cookies that this browser needs now."""
        https = is_https(self.house)
        if self.leaves:
            response.cookies.append(_cookie("", 0, https=https))
        elif self.presented is not None and self._is_due(self.presented):
            response.cookies.append(_cookie_for(self.presented.token, self.wall, https=https))
        keep_browser(response, self.browser, self.house, self.wall)
        keep_language(response, self.request, self.house, self.lang)
        return response

    def _is_due(self, presented: Presented) -> bool:
        return self.wall - presented.seen_at >= timedelta(seconds=RENEW_AFTER_S)

    def _query(self) -> str:
        """What a page keeps of its address when another language is chosen."""
        kept = [(name, text) for name, text in self.request.query_params.multi_items() if name != "lang"]
        return urlencode(kept) + "&" if kept else ""


async def here_of(request: Request[Any, Any, Any]) -> Here:
    """Who asks, in one query; without a cookie the business clock alone is read."""
    house, wall = house_of(request), clock.wall()
    presented = _read(request.cookies.get(cookie_name(_COOKIE, https=is_https(house))), wall)
    customer = await customer_of_session(presented.token, wall) if presented is not None else None
    if customer is None:
        presented = None
    now = clock.business(customer.offset_s) if customer else await clock.business_now()
    browser, lang = browser_of(request, house, wall), language_of(request)
    return Here(request, house, browser, presented, customer, wall, now, lang)


def own_path(text: str) -> str:
    """An address to go to after signing in; the purchases for anything else."""
    harmless = _OWN_PATH.fullmatch(text) is not None and "//" not in text and ".." not in text
    return text if harmless else "/purchases"


def _read(text: str | None, wall: datetime) -> Presented | None:
    """None for no cookie, one that we did not sign, and one that idled for too long."""
    payload = process_keyring().unsign(_PURPOSE, text) if text else None
    if payload is None:
        return None
    token, _, seen = payload.decode().partition(" ")
    seen_at = datetime.fromtimestamp(int(seen), tz=UTC)
    in_time = timedelta(minutes=-1) <= wall - seen_at < timedelta(seconds=IDLE_S)
    return Presented(token, seen_at) if in_time else None


def _cookie_for(token: str, wall: datetime, *, https: bool) -> Cookie:
    return _cookie(
        process_keyring().sign(_PURPOSE, f"{token} {int(wall.timestamp())}".encode()), IDLE_S, https=https
    )


def _cookie(value: str, max_age_s: int, *, https: bool) -> Cookie:
    """Lax and not Strict, so that whoever comes from a mail or from their bank finds their session."""
    return Cookie(
        key=cookie_name(_COOKIE, https=https),
        value=value,
        max_age=max_age_s,
        path="/",
        secure=https,
        httponly=True,
        samesite="lax",
    )
