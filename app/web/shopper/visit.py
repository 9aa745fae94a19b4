"""One request of the flow: which session, which browser, which language, and how the answer leaves."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from litestar.datastructures import Cookie
from litestar.exceptions import NotFoundException

from app.checkout.actions import Identification
from app.checkout.assessing import Press
from app.checkout.offering import Doors
from app.checkout.queries import Flow
from app.checkout.queries import flow as read_flow
from app.identity.actions import browsers, remembered
from app.identity.actions.browsers import BrowserToken
from app.identity.passkeys import RelyingParty, relying_party
from app.identity.rules import network_of
from app.kernel import clock
from app.merchants.queries import Merchant
from app.payments.health import health_of_methods
from app.web.shared import forms, rendering
from app.web.shared.client import client_address
from app.web.shared.doors import House, house_of, payment_doors
from app.web.shared.language import COOKIE as LANGUAGE_COOKIE
from app.web.shared.language import PARAMETER as LANGUAGE_PARAMETER
from app.web.shared.language import language_of
from app.web.shopper.views import FlowView, LineView, ShopView

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Literal

    from litestar import Request, Response

    from app.payments.methods import Health
    from app.payments.ports import ProviderMethod

_COOKIE: Final = "kolme_browser"
_KNOWN_COOKIE: Final = "kolme_known"
_LANGUAGE_LIFE_S: Final = 365 * 86_400


@dataclass(frozen=True, slots=True)
class Visit:
    """A request on a session. `flow` is what it was when the request began, or when it was last read again."""

    request: Request[Any, Any, Any]
    house: House
    browser: BrowserToken
    wall: datetime
    flow: Flow
    lang: str
    known: str | None = None
    """What the cookie that remembers this browser shall say from now on: a new secret, or nothing any more."""
    health: Mapping[ProviderMethod, Health] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"/pay/{self.flow.public_id}"

    @property
    def is_live(self) -> bool:
        return not self.house.settings.is_test

    @property
    def doors(self) -> Doors:
        """What is behind the ways to pay of this deployment."""
        return payment_doors(self.house, self.health)

    @property
    def address(self) -> str:
        return client_address(self.request, self.house.settings.trusted_proxies)

    @property
    def press(self) -> Press:
        """What this very request is, where it is a press of "Confirm"."""
        return Press(network_of(self.address), self.browser.device, is_test=self.house.settings.is_test)

    @property
    def passkey_party(self) -> RelyingParty | None:
        """Who we are to a device that holds passkeys; None where browsers have none for us."""
        settings = self.house.settings
        return relying_party(settings.base_url, settings.operator.name)

    async def form(self) -> forms.Form:
        return forms.parse(await self.request.body())

    def after(self, flow: Flow) -> Visit:
        """The same visit once a verb has answered what the flow is now."""
        return replace(self, flow=flow)

    async def again(self, token: str | None = None, known: str | None = None) -> Visit:
        """The same visit after something has changed, and with the browser's new secrets if it got any."""
        browser = self.browser
        if token is not None:
            browser = replace(browser, token=token, seen_at=self.wall, fresh=True)
        flow = await read_flow(
            self.flow.public_id, browser.digest, remembered_digest=_remembered(self.request, self.house)
        )
        assert flow is not None, "a session is never deleted while it is visited"
        return replace(self, browser=browser, flow=flow, known=self.known if known is None else known)

    async def identified(self, found: Identification) -> Visit:
        """The same visit once somebody is identified in it."""
        if found.flow is None or found.token is None:
            return await self.again(found.token, found.known)
        browser = replace(self.browser, token=found.token, seen_at=self.wall, fresh=True)
        known = self.known if found.known is None else found.known
        return replace(self, browser=browser, flow=found.flow, known=known)

    def unknown(self) -> Visit:
        """The same visit once this browser is remembered no more."""
        return replace(self, flow=replace(self.flow, remembered=None), known="")

    def page(
        self,
        name: str,
        context: Mapping[str, object],
        *,
        step: Literal[1, 2, 3] | None,
        status: int = 200,
        path: str = "",
        push: bool = False,
    ) -> Response[str]:
        """A page of the flow, whole or as the step alone. `path` is its address below the session's."""
        common = {
            "lang": self.lang,
            "shop": self._shop(),
            "flow": self._flow_view(step),
            "form": forms.Form(),
        }
        response = rendering.page(
            self.request,
            f"shopper/{name}.html",
            f"shopper/_{name}.html",
            {**common, **context},
            status=status,
            push_url=self.url + path if push else None,
        )
        return self.sealed(response)

    def fragment(
        self, name: str, context: Mapping[str, object], place: str, *, status: int = 200
    ) -> Response[str]:
        """A piece of a page for htmx, which takes `place` and leaves the rest of the step as it is."""
        template = f"shopper/_{name}.html"
        given = {"lang": self.lang, "flow": self._flow_view(None), **context}
        headers = {"HX-Retarget": place}
        return self.sealed(
            rendering.page(self.request, template, template, given, status=status, headers=headers)
        )

    def leave_to(self, url: str) -> Response[str]:
        """To an address that leads to another site. A form may not be redirected there: without htmx our own page goes
        on by itself, and has a link."""
        if self.request.headers.get("hx-request") == "true":
            return self.sealed(rendering.redirect(self.request, url, leave=True))
        context = {"lang": self.lang, "leaving_url": url}
        response = rendering.page(
            self.request,
            "shopper/leaving.html",
            "shopper/_leaving.html",
            context,
            headers={"Refresh": f"0; url={url}"},
        )
        return self.sealed(response)

    def lead_to(self, path: str) -> Response[str]:
        return self.sealed(rendering.redirect(self.request, self.url + path))

    def sealed(self, response: Response[str]) -> Response[str]:
        """The answer with the cookies this browser needs now."""
        self.seal(response)
        return response

    def seal(self, response: Response[Any]) -> None:
        """As above, for an answer that is no page."""
        keep_browser(response, self.browser, self.house, self.wall)
        if self.known is not None:
            response.cookies.append(self._known_cookie(self.known))
        keep_language(response, self.request, self.house, self.lang)

    def return_url(self, address: str) -> str:
        """One of the shop's addresses, with the session's id and nothing else added."""
        # A fragment stays last: servers never see what stands behind it.
        place, hash_mark, fragment = address.partition("#")
        joint = "&" if "?" in place else "?"
        return f"{place}{joint}session={self.flow.public_id}{hash_mark}{fragment}"

    def _known_cookie(self, token: str) -> Cookie:
        https = is_https(self.house)
        return Cookie(
            key=cookie_name(_KNOWN_COOKIE, https=https),
            value=remembered.write(token) if token else "",
            max_age=int(remembered.LIFE.total_seconds()) if token else 0,
            path="/",
            secure=https,
            httponly=True,
            samesite="lax",
        )

    def _shop(self) -> ShopView:
        return shop_view(self.flow.merchant)

    def _flow_view(self, step: Literal[1, 2, 3] | None) -> FlowView:
        flow = self.flow
        total = flow.total
        return FlowView(
            id=flow.public_id,
            step=step,
            total=total,
            lines=[
                LineView(line.name, line.quantity, replace(total, amount_minor=line.total_minor), line.type)
                for line in (flow.lines if flow.tells_all else ())
            ],
            back_url=self.return_url(flow.cancel_url),
            can_cancel=flow.state in {"open", "held"} and flow.ours,
            version=flow.version,
            live_url=f"{self.url}/live" if flow.watched and flow.state in {"open", "held"} else None,
        )


def shop_view(merchant: Merchant) -> ShopView:
    return ShopView(merchant.name, merchant.accent, merchant.logo_url)


def keep_browser(response: Response[Any], browser: BrowserToken, house: House, wall: datetime) -> None:
    """Give the browser the cookie that it needs now, if any. Written by hand: it leaves with every first page, and the
    library's writer takes as long as a query."""
    if not browser.fresh and wall - browser.seen_at < browsers.REFRESH:
        return
    https = is_https(house)
    value = browsers.write(browser.token, wall=wall, born_at=browser.born_at)
    life_s = int(browsers.LIFE.total_seconds())
    secure = "; Secure" if https else ""
    name = cookie_name(_COOKIE, https=https)
    response.headers["Set-Cookie"] = (
        f"{name}={value}; HttpOnly; Max-Age={life_s}; Path=/; SameSite=lax{secure}"
    )


def keep_language(response: Response[Any], request: Request[Any, Any, Any], house: House, lang: str) -> None:
    """Remember the language that this request has chosen, if it has."""
    chosen = request.query_params.get(LANGUAGE_PARAMETER)
    if chosen != lang or request.cookies.get(LANGUAGE_COOKIE) == chosen:
        return
    cookie = Cookie(
        key=LANGUAGE_COOKIE,
        value=lang,
        max_age=_LANGUAGE_LIFE_S,
        path="/",
        secure=is_https(house),
        samesite="lax",
    )
    response.cookies.append(cookie)


def is_https(house: House) -> bool:
    return house.settings.base_url.startswith("https://")


def cookie_name(name: str, *, https: bool) -> str:
    """With the prefix, browsers take it only when it is Secure and of this very host; plain http has no Secure."""
    return f"__Host-{name}" if https else name


def _remembered(request: Request[Any, Any, Any], house: House) -> bytes | None:
    return remembered.read(request.cookies.get(cookie_name(_KNOWN_COOKIE, https=is_https(house))))


def browser_of(request: Request[Any, Any, Any], house: House, wall: datetime) -> BrowserToken:
    cookie = request.cookies.get(cookie_name(_COOKIE, https=is_https(house)))
    if cookie is None and request.method == "GET":
        # It has no row that a device could let it into, and a GET writes none.
        return browsers.read(None, wall=wall)
    address = client_address(request, house.settings.trusted_proxies)
    device = browsers.device_of(request.headers.get("user-agent", ""), address)
    return browsers.read(cookie, wall=wall, device=device)


async def visit(request: Request[Any, Any, Any], session_id: str) -> Visit:
    """Load what a request on a session needs, with one query, and one more where what this process knows of the
    providers has become old. An unknown or malformed id is 404, the same bytes."""
    house, wall = house_of(request), clock.wall()
    browser = browser_of(request, house, wall)
    flow = await read_flow(
        session_id, browser.digest, device=browser.device, remembered_digest=_remembered(request, house)
    )
    if flow is None:
        raise NotFoundException
    if flow.handed_over is not None:
        browser = replace(browser, token=flow.handed_over, seen_at=wall, fresh=True)
    lang = language_of(request, session_locale=flow.locale, merchant_default=flow.merchant.locale)
    health = await health_of_methods() if house.providers else {}
    return Visit(request, house, browser, wall, flow, lang, health=health)
