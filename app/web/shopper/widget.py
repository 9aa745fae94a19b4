"""A price line for a shop's own pages: the one page of the product that other sites may frame (docs/widget.md).

It knows no shopper: no cookie is read or set, and anybody may keep the answer for some minutes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from litestar import MediaType, Request, Response, get
from litestar.exceptions import NotFoundException

from app.checkout.offering import plans_for
from app.kernel import clock, ids, templating
from app.kernel.money import MAX_AMOUNT_MINOR, Money
from app.law.rules import law_of
from app.merchants.queries import Merchant, merchant_by_public_id
from app.plans.caps import may_be_advertised
from app.plans.disclosure import QuoteView, view_of
from app.plans.queries import plans_of
from app.plans.quote import Kind, Plan, Quote, make_quote, terms
from app.web.shared.doors import house_of
from app.web.shared.language import PARAMETER, choose
from app.web.shared.problems import RefusedRequest
from app.web.shared.rendering import nonce_of
from app.web.shared.security import FRAMED_PATH

if TYPE_CHECKING:
    from collections.abc import Mapping

KEPT_S: Final = 300


@dataclass(frozen=True, slots=True)
class WidgetView:
    """What paying later costs at a price, at best. ``methods`` are in lawful order, empty where none takes the price.

    ``example`` is the whole quote behind the figure that is advertised: the smallest monthly amount, else the invoice.
    ``is_silent`` where the country lets the shop advertise no credit.
    """

    methods: tuple[Kind, ...]
    invoice_days: int
    monthly: Money | None
    example: QuoteView | None
    is_silent: bool = False


_SILENT: Final = WidgetView((), 0, None, None, is_silent=True)


@get(FRAMED_PATH, include_in_schema=False)
async def show_widget(request: Request[Any, Any, Any]) -> Response[str]:
    """`amount_minor` in the merchant's currency, `merchant` its public id, `lang` if not the merchant's own.

    422 for an amount that is no price, 404 for an unknown merchant.
    """
    asked = request.query_params
    amount_minor = _amount(asked.get("amount_minor", ""))
    merchant = await _merchant(asked.get("merchant", ""))
    lang = choose(asked.get(PARAMETER), merchant.locale)
    today = merchant.local_date(await clock.business_now())
    plans = await plans_for(
        merchant,
        merchant.currency,
        amount_minor,
        on=today,
        live=not house_of(request).settings.is_test,
    )
    is_silent = not may_be_advertised(await plans_of(merchant.id), merchant.country, today)
    context = {
        "nonce": nonce_of(request.scope["state"]),
        "accent": merchant.accent,
        "widget": _SILENT if is_silent else _view(merchant, plans, amount_minor, today),
    }
    return Response(
        templating.render("shopper/widget.html", lang, context),
        media_type=MediaType.HTML,
        headers={"Cache-Control": f"public, max-age={KEPT_S}", "Content-Language": lang},
    )


def _amount(text: str) -> int:
    """Raises RefusedRequest (422)."""
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(MAX_AMOUNT_MINOR))):
        raise RefusedRequest(422, "amount_out_of_range")
    if not 1 <= int(text) <= MAX_AMOUNT_MINOR:
        raise RefusedRequest(422, "amount_out_of_range")
    return int(text)


async def _merchant(public_id: str) -> Merchant:
    merchant = await merchant_by_public_id(public_id) if ids.is_public_id("m", public_id) else None
    if merchant is None:
        raise NotFoundException
    return merchant


def _view(merchant: Merchant, plans: Mapping[Kind, Plan], amount_minor: int, today: date) -> WidgetView:
    def quote(kind: Kind, months: int = 0) -> Quote:
        return make_quote(
            plans[kind],
            amount_minor,
            merchant.currency,
            merchant.country,
            today,
            months,
            merchant=merchant.public_id,
        )

    best: Quote | None = None
    if "instalments" in plans:
        best = quote("instalments", terms(plans["instalments"], amount_minor)[-1].months)
    advertised = best or (quote("invoice") if "invoice" in plans else None)
    return WidgetView(
        methods=tuple(sorted(plans, key=law_of(merchant.country).methods.order.index)),
        invoice_days=plans["invoice"].due_days if "invoice" in plans else 0,
        monthly=Money(best.monthly_minor, best.currency) if best else None,
        example=view_of(advertised) if advertised else None,
    )
