"""The shop's pages: what it sells, the basket, the way to the payment, and what became of an order.

The basket is a cookie. An order is called paid only once a signed message said so; until then its page asks
the payment API what is known and says exactly that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias
from urllib.parse import urlencode

import httpx
from litestar import Request, Response, Router, get, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency, Provide
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from app.settings import Settings
from app.web.demo import orders
from app.web.demo.api_client import ApiFailed, NotSetUp, Session, ShopApi, read_settings
from app.web.demo.catalogue import (
    COUNTRY,
    CURRENCY,
    MOST_OF_ONE,
    Basket,
    api_lines,
    products,
    read_basket,
    written_basket,
)
from app.web.shared import forms
from app.web.shared.language import COOKIE, PARAMETER, language_of
from app.web.shared.rendering import nonce_of, page, redirect
from app.web.shared.security import content_security_policy, own_origin

PATH: Final = "/demo"
WEBHOOK_PATH: Final = f"{PATH}/webhook"
BASKET_COOKIE: Final = "demo_basket"
SHOP_NAME: Final = "Havu & Kivi"
ACCENT: Final = "#9a4f2e"

_BASKET_KEPT_S: Final = 7 * 86_400
_YEAR_S: Final = 365 * 86_400
_QUANTITY: Final = "quantity."
_CONTACT_FIELDS: Final = ("email", "phone", "postcode")
_FIELD_LENGTH_MAX: Final = 200

# Who the user is and where the state comes from does not matter here.
AnyRequest: TypeAlias = Request[Any, Any, Any]


@dataclass(frozen=True, slots=True)
class Shop:
    """`base_url` is where the product, and with it this shop, is reached."""

    base_url: str
    api: ShopApi


def demo_router(settings: Settings, *, transport: httpx.AsyncBaseTransport | None = None) -> Router:
    """Every address of the shop. `transport` stands in for the line to the payment API in tests."""
    shop = Shop(settings.base_url, ShopApi(settings.var_dir / "demo.json", transport))
    return Router(
        path=PATH,
        route_handlers=[
            show_products,
            show_basket,
            change_basket,
            check_out,
            show_order,
            show_cancelled,
            take_message,
        ],
        dependencies={"shop": Provide(lambda: shop, sync_to_thread=False)},
        include_in_schema=False,
    )


@get("/")
async def show_products(request: AnyRequest, shop: NamedDependency[Shop]) -> Response[str]:
    return _page(request, shop, "products", {"products": tuple(products().values())})


@get("/basket")
async def show_basket(request: AnyRequest, shop: NamedDependency[Shop]) -> Response[str]:
    return _basket_page(request, shop)


@post("/basket", status_code=303)
async def change_basket(request: AnyRequest) -> Response[str]:
    """Puts one more of `add` in, or sets the counts of the fields `quantity.<article>`; then shows the
    basket."""
    form = forms.parse(await request.body())
    basket = read_basket(request.cookies.get(BASKET_COOKIE))
    if form.value("add"):
        basket = basket.with_one_more(form.value("add"))
    counts = {
        name.removeprefix(_QUANTITY): _count(text)
        for name, text in form.values.items()
        if name.startswith(_QUANTITY)
    }
    answer = redirect(request, f"{PATH}/basket", leave=True)
    answer.set_cookie(_basket_cookie(basket.with_quantities(counts)))
    return answer


@post("/checkout", status_code=303)
async def check_out(request: AnyRequest, shop: NamedDependency[Shop]) -> Response[str]:
    """Opens a session at the payment service and goes there. What was typed stays when that fails."""
    form = forms.parse(await request.body())
    basket = read_basket(request.cookies.get(BASKET_COOKIE))
    if not basket.lines:
        return redirect(request, f"{PATH}/basket", leave=True)
    ref = orders.new_reference()
    wanted = _session_body(shop, basket, ref, language_of(request), form)
    try:
        session = await shop.api.create_session(wanted, ref)
    except ApiFailed as failed:
        return _basket_page(request, shop, form, problem=failed.code or "no_answer", status=502)
    except NotSetUp:
        return _basket_page(request, shop, form, problem="not_set_up", status=503)
    await orders.remember(ref, basket, session.id, session.url)
    return redirect(request, session.url, leave=True)


@get("/orders/{ref:str}")
async def show_order(request: AnyRequest, shop: NamedDependency[Shop], ref: FromPath[str]) -> Response[str]:
    """What became of an order. `session` comes back in the address; the shop believes its own note of it
    instead."""
    order = await orders.order_of(ref)
    if order is None:
        raise NotFoundException
    session = None if order.paid else await _session(shop, order.session_id)
    state = session.state if session is not None else ""
    is_kept = request.cookies.get(BASKET_COOKIE) == order.basket
    # What is being checked is bought as far as its shopper is concerned.
    is_emptied = is_kept and (order.paid or state == "held")
    context: dict[str, object] = {
        "order": order,
        "bought": read_basket(order.basket),
        "state": state,
        "is_kept": is_kept,
    }
    if is_emptied:
        context["basket"] = Basket()
    answer = _page(request, shop, "order", context, partial="demo/_order.html")
    if is_emptied:
        answer.set_cookie(_basket_cookie(Basket()))
    return answer


@get("/cancelled/{ref:str}")
async def show_cancelled(
    request: AnyRequest, shop: NamedDependency[Shop], ref: FromPath[str]
) -> Response[str]:
    """Where the payment page leads those who turn back. Nothing is lost: the basket stands, or is filled again."""
    order = await orders.order_of(ref)
    if order is None:
        raise NotFoundException
    session = None if order.paid else await _session(shop, order.session_id)
    context = {
        "order": order,
        "bought": read_basket(order.basket),
        "is_open": session is not None and session.state == "open",
        "is_kept": request.cookies.get(BASKET_COOKIE) == order.basket,
    }
    return _page(request, shop, "cancelled", context)


@post("/webhook", status_code=204)
async def take_message(request: AnyRequest, shop: NamedDependency[Shop]) -> Response[None]:
    """The payment service's messages. 401 without a good signature, so that it is tried again and somebody
    sees it."""
    try:
        secret = read_settings(shop.api.settings_path).webhook_secret
        kind, ref = orders.read_message(await request.body(), request.headers, secret)
    except (orders.UnsignedMessage, NotSetUp):
        return Response(None, status_code=401)
    await orders.note(kind, ref)
    return Response(None, status_code=204)


def _session_body(shop: Shop, basket: Basket, ref: str, lang: str, form: forms.Form) -> dict[str, object]:
    known = {name: forms.one_line(form.value(name))[:_FIELD_LENGTH_MAX] for name in _CONTACT_FIELDS}
    return {
        "reference": ref,
        "country": COUNTRY,
        "currency": CURRENCY,
        "locale": lang,
        "buyer": "business" if form.value("business") else "consumer",
        "lines": api_lines(basket, lang),
        "customer": {name: text for name, text in known.items() if text},
        "success_url": f"{shop.base_url}{PATH}/orders/{ref}",
        "cancel_url": f"{shop.base_url}{PATH}/cancelled/{ref}",
    }


async def _session(shop: Shop, session_id: str) -> Session | None:
    """What the payment service says of it; None when it cannot be asked just now."""
    try:
        return await shop.api.session(session_id)
    except (ApiFailed, NotSetUp):
        return None


def _basket_page(
    request: AnyRequest, shop: Shop, form: forms.Form | None = None, *, problem: str = "", status: int = 200
) -> Response[str]:
    context = {
        "form": form or forms.Form(),
        "problem": problem,
        "most": MOST_OF_ONE,
        "price_line": _price_line(
            shop, read_basket(request.cookies.get(BASKET_COOKIE)), language_of(request)
        ),
    }
    return _page(request, shop, "basket", context, status=status)


def _price_line(shop: Shop, basket: Basket, lang: str) -> str:
    """The address of the payment service's line for this basket; empty where there is nothing to say."""
    if not basket.lines:
        return ""
    try:
        merchant = read_settings(shop.api.settings_path).merchant_id
    except NotSetUp:
        return ""
    asked = {"amount_minor": basket.total.amount_minor, "merchant": merchant, "lang": lang}
    return f"{shop.base_url}/widget?{urlencode(asked)}"


def _page(
    request: AnyRequest,
    shop: Shop,
    name: str,
    context: Mapping[str, object],
    *,
    partial: str = "",
    status: int = 200,
) -> Response[str]:
    template = f"demo/{name}.html"
    shared = {
        "lang": language_of(request),
        "shop_name": SHOP_NAME,
        "accent": ACCENT,
        "path": request.scope["path"],
        "basket": read_basket(request.cookies.get(BASKET_COOKIE)),
    }
    # The way to pay leads to the product's own address, which need not be the one this page was asked under; the
    # price line in the basket comes from there too.
    service = own_origin(shop.base_url)
    policy = content_security_policy(nonce_of(request.scope["state"])).replace(
        "form-action 'self'", f"frame-src {service}; form-action 'self' {service}"
    )
    answer = page(
        request,
        template,
        partial or template,
        {**shared, **context},
        status=status,
        headers={"Content-Security-Policy": policy},
    )
    if request.query_params.get(PARAMETER) == shared["lang"]:
        answer.set_cookie(
            Cookie(key=COOKIE, value=str(shared["lang"]), path="/", max_age=_YEAR_S, samesite="lax")
        )
    return answer


def _basket_cookie(basket: Basket) -> Cookie:
    return Cookie(
        key=BASKET_COOKIE,
        value=written_basket(basket),
        path=PATH,
        max_age=_BASKET_KEPT_S if basket.lines else 0,
        httponly=True,
        samesite="lax",
    )


def _count(text: str) -> int:
    """A count as typed; nonsense counts as none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 3 else 0
