"""What step 1 offers for a session: the merchant's plans that take its sum, in the order the country's law asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from app.checkout.queries import Flow
from app.kernel.money import Money
from app.law.queries import may_offer_credit_live
from app.law.rules import law_of
from app.merchants.queries import Merchant
from app.plans.caps import broken_caps, caps_broken_by_plan, raise_broken
from app.plans.disclosure import view_of
from app.plans.queries import plans_of
from app.plans.quote import DELIVERIES, Kind, Plan, Quote, make_quote, nearest_term, terms
from app.web.shopper.views import (
    ComparedPlan,
    Delivery,
    DeliveryView,
    InstalmentsView,
    InvoiceView,
    Method,
    MethodView,
    TermOption,
)

DEFAULT_MONTHS = 12
COMPARED_MONTHS = (3, 6, 12, 24, 36)


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
        """Raises what `make_quote` raises; KeyError when the kind is not on offer. CapBroken stands guard: a price
        above the law is not shown, whatever let its plan through."""
        flow = self.flow
        made = make_quote(
            self.plans[kind],
            flow.total_minor,
            flow.currency,
            flow.merchant.country,
            flow.merchant.local_date(flow.now),
            months,
            merchant=flow.merchant.public_id,
            delivery=delivery,
        )
        for broken in broken_caps(made):
            raise_broken(broken)
        return made

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

    def compared(self) -> list[ComparedPlan]:
        """The invoice and the usual terms side by side, the cheapest first. A quote each: only for who asks."""
        quotes = [self.quote("invoice")] if "invoice" in self.plans else []
        if "instalments" in self.plans:
            offered = {option.months for option in terms(self.plans["instalments"], self.flow.total_minor)}
            quotes += [self.quote("instalments", months=n) for n in COMPARED_MONTHS if n in offered]
        return [_compared(quote) for quote in sorted(quotes, key=lambda quote: quote.total_payable_minor)]

    def instalments_of(self, months: int) -> bool:
        """Whether exactly this term is on offer for the sum."""
        return any(
            option.months == months for option in terms(self.plans["instalments"], self.flow.total_minor)
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


def _compared(quote: Quote) -> ComparedPlan:
    return ComparedPlan(
        months=quote.months,
        payments=len(quote.schedule),
        due=quote.first_due,
        monthly=Money(quote.monthly_minor, quote.currency),
        cost=Money(quote.interest_minor + quote.fees_minor, quote.currency),
        total=Money(quote.total_payable_minor, quote.currency),
        apr=quote.apr,
    )


async def offers_for(flow: Flow, *, live: bool) -> Offers:
    """Credit is offered to consumers only. Empty where nothing can be offered, which the page says."""
    if flow.buyer != "consumer":
        return Offers(flow, {})
    today = flow.merchant.local_date(flow.now)
    return Offers(flow, await plans_for(flow.merchant, flow.currency, flow.total_minor, on=today, live=live))


async def plans_for(
    merchant: Merchant, currency: str, amount_minor: int, *, on: date, live: bool
) -> dict[Kind, Plan]:
    """What a merchant may offer on a day; in live mode only where the operator has vouched for the law's figures."""
    if live and not await may_offer_credit_live(merchant.country, on):
        return {}
    return plans_on_offer(await plans_of(merchant.id), merchant.country, currency, amount_minor, on=on)


def plans_on_offer(
    plans: Sequence[Plan], country: str, currency: str, amount_minor: int, *, on: date
) -> dict[Kind, Plan]:
    """The plan of each kind that takes a sum; one of another currency or another range of sums is left out, and one
    that breaks a cap of the law as it stands on that day."""
    law = law_of(country)
    found: dict[Kind, Plan] = {}
    if currency != law.currency:
        return found
    for plan in plans:
        if plan.currency == currency and plan.takes(amount_minor) and plan.kind not in found:
            if plan.kind == "instalments" and not terms(plan, amount_minor):
                continue
            if not caps_broken_by_plan(plan, country, on):
                found[plan.kind] = plan
    return found
