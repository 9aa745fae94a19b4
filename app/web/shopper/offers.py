"""What step 1 offers for a session: the merchant's plans that take its sum, in the order the country's law asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.checkout.queries import Flow
from app.kernel.money import Money
from app.law.rules import law_of
from app.plans.disclosure import view_of
from app.plans.errors import NoTermPossible
from app.plans.queries import plans_of
from app.plans.quote import DELIVERIES, Kind, Plan, Quote, make_quote, nearest_term, terms
from app.web.shopper.views import (
    Delivery,
    DeliveryView,
    InstalmentsView,
    InvoiceView,
    Method,
    MethodView,
    TermOption,
)

DEFAULT_MONTHS = 12


@dataclass(frozen=True, slots=True)
class Wish:
    """What the shopper has asked for so far; nothing is chosen for them. Months and amounts are text as typed."""

    method: Method | None = None
    delivery: Delivery | None = None
    months: int | None = None
    monthly_minor: int | None = None


def read_wish(values: Mapping[str, str], flow: Flow) -> Wish:
    """From a form or an address. Of the two comboboxes the one that was moved away from `shown_months` counts."""
    method: Method | None = None
    if values.get("method") in {"invoice", "instalments"}:
        method = "invoice" if values["method"] == "invoice" else "instalments"
    delivery: Delivery | None = None
    if values.get("delivery") in {"email", "paper"}:
        delivery = "paper" if values["delivery"] == "paper" else "email"
    months, monthly = _number(values.get("months")), _number(values.get("monthly"))
    shown = _number(values.get("shown_months"))
    if months is not None and months != shown:
        return Wish(method, delivery, months=months)
    if monthly is not None and shown is not None:
        return Wish(method, delivery, monthly_minor=monthly)
    if method is None and not values and flow.quote is not None:
        quote = flow.quote
        return Wish(quote.method, quote.delivery, months=quote.months or None)
    return Wish(method, delivery, months=months)


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) <= 12 else None


@dataclass(frozen=True, slots=True)
class Offers:
    """The plans on offer to this flow, by kind and in lawful order."""

    flow: Flow
    plans: Mapping[Kind, Plan]

    def quote(self, kind: Kind, *, months: int = 0, delivery: str = "email") -> Quote:
        """Raises what `make_quote` raises; KeyError when the kind is not on offer."""
        flow = self.flow
        return make_quote(
            self.plans[kind],
            flow.total_minor,
            flow.currency,
            flow.merchant.country,
            flow.merchant.local_date(flow.now),
            months,
            merchant=flow.merchant.public_id,
            delivery=delivery,
        )

    def methods(self, wish: Wish) -> list[MethodView]:
        order = law_of(self.flow.merchant.country).methods.order
        kinds: list[Method] = sorted(self.plans, key=order.index)
        return [MethodView(kind, kind == wish.method) for kind in kinds]

    def invoice(self, wish: Wish) -> InvoiceView | None:
        plan = self.plans.get("invoice")
        if plan is None:
            return None
        deliveries = [self._delivery(key) for key in DELIVERIES["invoice"]]
        return InvoiceView(
            due_days=plan.due_days,
            due=deliveries[0].quote.first_due,
            deliveries=deliveries,
            delivery=wish.delivery,
        )

    def _delivery(self, key: Delivery) -> DeliveryView:
        quote = self.quote("invoice", delivery=key)
        return DeliveryView(key, Money(quote.fees_minor, quote.currency), view_of(quote))

    def instalments(self, wish: Wish) -> InstalmentsView | None:
        plan = self.plans.get("instalments")
        if plan is None:
            return None
        term, moved = self.term(wish)
        return InstalmentsView(
            terms=[
                TermOption(option.months, Money(option.monthly_minor, self.flow.currency))
                for option in terms(plan, self.flow.total_minor)
            ],
            months=term,
            quote=view_of(self.quote("instalments", months=term)),
            moved=moved,
        )

    def term(self, wish: Wish) -> tuple[int, bool]:
        """The months that come nearest to a wish, and whether the wish was moved; without a wish a middle term."""
        plan, total = self.plans["instalments"], self.flow.total_minor
        if wish.months is None and wish.monthly_minor is None:
            return nearest_term(plan, total, wished_months=DEFAULT_MONTHS)[0].months, False
        term, moved = nearest_term(
            plan, total, wished_months=wish.months, wished_monthly_minor=wish.monthly_minor
        )
        return term.months, moved


async def offers_for(flow: Flow) -> Offers:
    """Credit is offered to consumers only; a plan of another currency or another range of sums is left out.

    Empty where nothing can be offered, which the page says. A country without an electronic identity is such a place:
    nobody could be identified in the flow, and so nothing be confirmed.
    """
    law = law_of(flow.merchant.country)
    plans: dict[Kind, Plan] = {}
    if flow.buyer == "consumer" and flow.currency == law.currency and law.identification.policy != "manual":
        for plan in await plans_of(flow.merchant.id):
            if plan.currency == flow.currency and plan.takes(flow.total_minor) and plan.kind not in plans:
                if plan.kind == "instalments" and not _has_terms(plan, flow.total_minor):
                    continue
                plans[plan.kind] = plan
    return Offers(flow, plans)


def _has_terms(plan: Plan, amount_minor: int) -> bool:
    try:
        nearest_term(plan, amount_minor)
    except NoTermPossible:
        return False
    return True
