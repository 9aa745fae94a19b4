"""A customer's subscriptions: ended in two taps, paused, begun again, on another plan, at another price."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from app.kernel import clock, ids
from app.kernel.money import CURRENCIES, Money
from app.subscriptions import actions
from app.subscriptions.errors import NotNow, OfferChanged, PlanEnded, PlanUnknown
from app.subscriptions.queries import (
    SubscriptionView,
    agreements_of,
    other_plans,
    periods_of,
    subscription_of_customer,
)
from app.web.shared import forms
from app.web.shared.forms import FieldError, Form
from app.web.shopper.account import Here, here_of
from app.web.shopper.purchases import open_shops
from app.web.shopper.subscriptions_views import SUBSCRIPTIONS, Around, page_of

if TYPE_CHECKING:
    from app.merchants.queries import Merchant

_PAGE: Final = f"{SUBSCRIPTIONS}/{{subscription_id:str}}"


@dataclass(frozen=True, slots=True)
class _Mine:
    """A subscription of whoever asks, and its shop."""

    here: Here
    sub: SubscriptionView
    shop: Merchant
    now: datetime

    @property
    def url(self) -> str:
        return f"{SUBSCRIPTIONS}/{self.sub.public_id}"


@get(_PAGE, include_in_schema=False)
async def show_subscription(request: Request[Any, Any, Any], subscription_id: FromPath[str]) -> Response[str]:
    here = await here_of(request)
    if here.customer is None:
        return here.to_sign_in()
    return await _show(await _mine(here, subscription_id))


@get(f"{_PAGE}/end", include_in_schema=False)
async def ask_before_end(request: Request[Any, Any, Any], subscription_id: FromPath[str]) -> Response[str]:
    """The second tap: what follows, and one button."""
    here = await here_of(request)
    if here.customer is None:
        return here.to_sign_in()
    mine = await _mine(here, subscription_id)
    view = page_of(mine.sub, mine.shop, Around((), (), ()), here.lang, mine.now)
    if not view.may_end:
        return here.lead_to(mine.url)
    return here.page("subscription_end", {"subscription": view})


@post(f"{_PAGE}/end", include_in_schema=False, status_code=200)
async def end_subscription(request: Request[Any, Any, Any], subscription_id: FromPath[str]) -> Response[str]:
    return await _do(request, subscription_id, "end")


@post(f"{_PAGE}/{{verb:str}}", include_in_schema=False, status_code=200)
async def change_subscription(
    request: Request[Any, Any, Any], subscription_id: FromPath[str], verb: FromPath[str]
) -> Response[str]:
    return await _do(request, subscription_id, verb)


async def _do(request: Request[Any, Any, Any], subscription_id: str, verb: str) -> Response[str]:
    """One tap. Tapped twice it is done once."""
    here = await here_of(request)
    if here.customer is None:
        return here.to_sign_in()
    work = _VERBS.get(verb)
    if work is None:
        raise NotFoundException
    mine = await _mine(here, subscription_id)
    form = forms.parse(await request.body())
    try:
        await work(mine, form)
    except _Typed as wrong:
        return await _show(mine, Form(form.values, {"until": FieldError(wrong.reason)}), status=422)
    except (NotNow, OfferChanged, PlanEnded, PlanUnknown) as refused:
        why = refused.why if isinstance(refused, NotNow) else "changed"
        again = await _mine(here, subscription_id)
        return await _show(again, notice=why, status=409)
    return here.lead_to(f"{mine.url}?done={verb}")


class _Typed(Exception):
    """What was typed cannot be read."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


async def _end(mine: _Mine, form: Form) -> None:
    del form
    await actions.cancel(mine.shop, mine.sub.public_id, actor="shopper", now=mine.now)


async def _keep(mine: _Mine, form: Form) -> None:
    del form
    await actions.keep(mine.shop, mine.sub.public_id, actor="shopper", now=mine.now)


async def _pause(mine: _Mine, form: Form) -> None:
    text = form.value("until")
    try:
        until = date.fromisoformat(text) if text else None
    except ValueError:
        raise _Typed("malformed") from None
    try:
        await actions.pause(mine.shop, mine.sub.public_id, until=until, actor="shopper", now=mine.now)
    except NotNow as refused:
        if refused.why == "until":
            raise _Typed("out_of_range") from None
        raise


async def _resume(mine: _Mine, form: Form) -> None:
    del form
    await actions.resume(mine.shop, mine.sub.public_id, actor="shopper", now=mine.now)


async def _revive(mine: _Mine, form: Form) -> None:
    price = _said(form, "price")
    await actions.revive(mine.shop, mine.sub.public_id, price=price, now=mine.now)


async def _accept(mine: _Mine, form: Form) -> None:
    price = _said(form, "price")
    await actions.accept_price(mine.shop, mine.sub.public_id, price=price, now=mine.now)


async def _decline(mine: _Mine, form: Form) -> None:
    del form
    await actions.decline_price(mine.shop, mine.sub.public_id, now=mine.now)


async def _take_plan(mine: _Mine, form: Form) -> None:
    plan = form.value("plan")
    if not ids.is_public_id("spl", plan):
        raise PlanUnknown
    due = _said(form, "due") if form.value("due") else None
    await actions.change_plan(
        mine.shop, mine.sub.public_id, plan, price=_said(form, "price"), due=due, now=mine.now
    )


_Verb = Callable[[_Mine, Form], Awaitable[None]]
_VERBS: Final[dict[str, _Verb]] = {
    "end": _end,
    "keep": _keep,
    "pause": _pause,
    "resume": _resume,
    "revive": _revive,
    "accept-price": _accept,
    "decline-price": _decline,
    "plan": _take_plan,
}


def _said(form: Form, field: str) -> Money:
    """The sum that somebody said yes to, as the page carried it: "1990 EUR". Raises OfferChanged for anything else."""
    amount, _, currency = form.value(field).partition(" ")
    if not (amount.isascii() and amount.isdigit() and len(amount) <= 11 and currency in CURRENCIES):
        raise OfferChanged
    return Money(int(amount), currency)


async def _mine(here: Here, public_id: str) -> _Mine:
    """Somebody else's is 404, as is one of a shop that a code alone does not open."""
    assert here.customer is not None, "the caller has asked"
    if not ids.is_public_id("sub", public_id):
        raise NotFoundException
    sub = await subscription_of_customer(here.customer.customer_id, public_id)
    shops = await open_shops(here.customer)
    if sub is None or sub.merchant_id not in shops.ids:
        raise NotFoundException
    return _Mine(here, sub, shops.of(sub.merchant_id), await clock.business_now())


async def _show(
    mine: _Mine, form: Form | None = None, *, notice: str | None = None, status: int = 200
) -> Response[str]:
    sub = mine.sub
    around = Around(
        await other_plans(sub.merchant_id, sub.version_id, sub.terms.currency),
        await periods_of(sub.merchant_id, sub.id),
        await agreements_of(sub.merchant_id, sub.id),
    )
    done = mine.here.request.query_params.get("done", "")
    context = {
        "subscription": page_of(sub, mine.shop, around, mine.here.lang, mine.now),
        "form": form or Form(),
        "notice": notice,
        "done": done if done in _VERBS and notice is None else "",
        "today": mine.shop.local_date(mine.now),
    }
    return mine.here.page("subscription", context, status=status)
