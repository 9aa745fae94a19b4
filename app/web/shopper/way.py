"""Another way to pay for a subscription: chosen by its owner who is signed in, or by the address in the mail that says
that it could not be charged.

No card number ever reaches these pages: it is typed on the provider's. Coming back from there believes nothing: the
page asks by a POST of our own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Protocol

from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from app.checkout.exchanging import Wanted, begin, check, ways_open
from app.checkout.paying import PaymentDoors
from app.kernel import ids
from app.payments.health import health_of_methods
from app.subscriptions import actions
from app.subscriptions.addresses import PATH, is_open, opened_by
from app.subscriptions.errors import NotNow
from app.subscriptions.exchange_queries import ExchangeView, newest_exchange_of
from app.subscriptions.queries import (
    SubscriptionView,
    subscription_by_id,
    subscription_of,
    subscription_of_customer,
)
from app.subscriptions.rules import Method
from app.subscriptions.states import ExchangeState
from app.web.shared import forms, htmx, rendering
from app.web.shared.doors import House, payment_doors
from app.web.shopper.account import Here, here_of
from app.web.shopper.doorstep import Doorstep, at_door
from app.web.shopper.offers import number_in
from app.web.shopper.purchases import open_shops
from app.web.shopper.subscriptions_views import SUBSCRIPTIONS
from app.web.shopper.way_views import Place, way_page

if TYPE_CHECKING:
    from datetime import datetime

    from app.merchants.queries import Merchant

_OWN: Final = f"{SUBSCRIPTIONS}/{{subscription_id:str}}/way"
_BY_LINK: Final = f"{PATH}/{{token:str}}"
# A page that asked long ago need not be told how often.
_ASKED_MAX: Final = 1_000
# So long after it has come to something the page tells of it, and then offers to choose again.
_TELLS_FOR: Final = timedelta(minutes=30)


class _Frame(Protocol):
    """How the page is shown: among what is its owner's, or to whoever came by a link."""

    def __call__(self, context: Mapping[str, object], status: int) -> Response[str]: ...


@dataclass(frozen=True, slots=True)
class _Asked:
    """One request about one subscription. `last` is the newest try to pay in another way."""

    request: Request[Any, Any, Any]
    house: House
    shop: Merchant
    sub: SubscriptionView
    last: ExchangeView | None
    place: Place
    now: datetime
    frame: _Frame

    @property
    def doors(self) -> PaymentDoors:
        return PaymentDoors(self.house.providers, self.house.settings.base_url)

    @property
    def is_by_link(self) -> bool:
        return self.place.own_url is None

    async def ways(self) -> tuple[Method, ...]:
        """Nobody comes to owe by an invoice whom only a link has let in."""
        found = await ways_open(
            self.shop, self.sub, payment_doors(self.house, await health_of_methods()), self.now
        )
        return tuple(each for each in found if each != "invoice") if self.is_by_link else found

    async def again(self) -> _Asked:
        sub = await subscription_of(self.sub.merchant_id, self.sub.public_id)
        assert sub is not None, "subscriptions are never deleted"
        return replace(self, sub=sub, last=await newest_exchange_of(sub.merchant_id, sub.id))


@get(_OWN, include_in_schema=False)
async def show_ways(request: Request[Any, Any, Any], subscription_id: FromPath[str]) -> Response[str]:
    """Also where the provider sends its owner back to. Nothing is written."""
    here = await here_of(request)
    if here.customer is None:
        return here.to_sign_in()
    return await _shown(await _own(here, subscription_id))


@post(_OWN, include_in_schema=False, status_code=200)
async def take_way(request: Request[Any, Any, Any], subscription_id: FromPath[str]) -> Response[str]:
    here = await here_of(request)
    if here.customer is None:
        return here.to_sign_in()
    return await _taken(await _own(here, subscription_id))


@get(f"{_OWN}/go", include_in_schema=False)
async def go_to_way(request: Request[Any, Any, Any], subscription_id: FromPath[str]) -> Response[str]:
    here = await here_of(request)
    if here.customer is None:
        return here.to_sign_in()
    return _gone(await _own(here, subscription_id))


@post(f"{_OWN}/check", include_in_schema=False, status_code=200)
async def check_way(request: Request[Any, Any, Any], subscription_id: FromPath[str]) -> Response[str]:
    here = await here_of(request)
    if here.customer is None:
        return here.to_sign_in()
    return await _checked(await _own(here, subscription_id))


@get(_BY_LINK, include_in_schema=False)
async def show_owed_ways(request: Request[Any, Any, Any], token: FromPath[str]) -> Response[str]:
    """Nothing is written: programs open links in mails before people do."""
    return await _shown(await _by_link(request, token))


@post(_BY_LINK, include_in_schema=False, status_code=200)
async def take_owed_way(request: Request[Any, Any, Any], token: FromPath[str]) -> Response[str]:
    return await _taken(await _by_link(request, token))


@get(f"{_BY_LINK}/go", include_in_schema=False)
async def go_to_owed_way(request: Request[Any, Any, Any], token: FromPath[str]) -> Response[str]:
    return _gone(await _by_link(request, token))


@post(f"{_BY_LINK}/check", include_in_schema=False, status_code=200)
async def check_owed_way(request: Request[Any, Any, Any], token: FromPath[str]) -> Response[str]:
    return await _checked(await _by_link(request, token))


async def _own(here: Here, public_id: str) -> _Asked:
    """Somebody else's is 404, as is one of a shop that a code alone does not open."""
    assert here.customer is not None, "the caller has asked"
    if not ids.is_public_id("sub", public_id):
        raise NotFoundException
    sub = await subscription_of_customer(here.customer.customer_id, public_id)
    shops = await open_shops(here.customer)
    if sub is None or sub.merchant_id not in shops.ids:
        raise NotFoundException

    def frame(context: Mapping[str, object], status: int) -> Response[str]:
        return here.page("subscription_way", context, status=status)

    own_url = f"{SUBSCRIPTIONS}/{sub.public_id}"
    return _Asked(
        here.request,
        here.house,
        shops.of(sub.merchant_id),
        sub,
        await newest_exchange_of(sub.merchant_id, sub.id),
        Place(f"{own_url}/way", own_url, here.lang),
        here.now,
        frame,
    )


async def _by_link(request: Request[Any, Any, Any], token: str) -> _Asked:
    """What we did not sign, or what owes nothing any more, is not found."""
    named = opened_by(token)
    sub = await subscription_by_id(*named) if named is not None else None
    if sub is None:
        raise NotFoundException
    door: Doorstep = await at_door(request, sub.merchant_id)
    last = await newest_exchange_of(sub.merchant_id, sub.id)
    chosen_at = last.created_at if last is not None and last.is_by_link else None
    if not is_open(sub.state, chosen_at, door.now):
        raise NotFoundException

    def frame(context: Mapping[str, object], status: int) -> Response[str]:
        return door.page("subscribed", context, sub.price, status=status)

    place = Place(f"{PATH}/{token}", None, door.lang)
    return _Asked(request, door.house, door.merchant, sub, last, place, door.now, frame)


async def _shown(asked: _Asked, *, notice: str | None = None, status: int = 200) -> Response[str]:
    last = asked.last
    done = last is not None and last.state is ExchangeState.DONE and asked.now - last.created_at < _TELLS_FOR
    ways = await asked.ways()
    view = way_page(asked.sub, asked.shop, ways, last, asked.place, done=done)
    return asked.frame({"way": view, "notice": notice}, status)


async def _taken(asked: _Asked) -> Response[str]:
    """One tap. Tapped twice it is one page of the provider."""
    wanted = forms.parse(await asked.request.body()).value("way")
    method = next((each for each in await asked.ways() if each == wanted), None)
    if method is None:
        return await _shown(asked, notice="changed", status=409)
    try:
        if method == "invoice":
            await actions.exchange_to_invoice(
                asked.shop, asked.sub.public_id, lang=asked.place.lang, now=asked.now
            )
            return rendering.redirect(asked.request, asked.place.url, leave=True)
        exchange = await begin(
            Wanted(asked.shop, asked.sub, method, asked.place.lang, asked.is_by_link), asked.doors
        )
    except NotNow as refused:
        return await _shown(await asked.again(), notice=refused.why, status=409)
    if exchange.url is None:
        return rendering.redirect(asked.request, asked.place.url, leave=True)
    return _leaving(asked)


def _leaving(asked: _Asked) -> Response[str]:
    """A form may not be redirected to another site: our own page goes on by itself, and has a link."""
    url = f"{asked.place.url}/go"
    return rendering.page(
        asked.request,
        "shopper/leaving.html",
        "shopper/_leaving.html",
        {"lang": asked.place.lang, "leaving_url": url},
        headers={"Refresh": f"0; url={url}"},
    )


def _gone(asked: _Asked) -> Response[str]:
    """The provider's own page; where there is none any more, how it stands."""
    last = asked.last
    url = last.url if last is not None and not last.has_ended else None
    headers = {"Location": url or asked.place.url, "Cache-Control": rendering.NO_STORE}
    return Response("", status_code=303, headers=headers)


async def _checked(asked: _Asked) -> Response[str]:
    """Ask the provider. While nothing is new, the answer to the page's own script is the form that asks again alone."""
    form = forms.parse(await asked.request.body())
    if asked.last is not None and not asked.last.has_ended:
        await check(asked.last.public_id, asked.doors)
    asked = await asked.again()
    if asked.last is None or asked.last.has_ended or not htmx.is_htmx(asked.request.headers):
        return rendering.redirect(asked.request, asked.place.url, leave=True)
    count = min(number_in(form.value("asked")) or 0, _ASKED_MAX)
    view = way_page(asked.sub, asked.shop, (), asked.last, asked.place, asked=count)
    context = {"lang": asked.place.lang, "way": view}
    return rendering.page(asked.request, "shopper/_way_again.html", "shopper/_way_again.html", context)
