"""What step 1 offers for a session: the merchant's plans that take its sum, in the order the country's law asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from app.checkout.offering import Asked, Doors, Offering, offering_for
from app.checkout.queries import Flow
from app.kernel.money import Money
from app.payments.methods import Absent, least_minor
from app.plans.caps import broken_caps, raise_broken
from app.plans.disclosure import view_of
from app.plans.quote import (
    DELIVERIES,
    DELIVERIES_TO_COMPANIES,
    Delivery,
    Kind,
    Method,
    PaidMethod,
    Plan,
    Quote,
    beside_wallet,
    make_quote,
    nearest_term,
    paid_quote,
    terms,
    wallet_quote,
)
from app.web.shopper.extras import Extras, extras_for
from app.web.shopper.extras_views import FeeView
from app.web.shopper.views import (
    ComparedPlan,
    DeliveryView,
    InstalmentsView,
    InvoiceView,
    MethodView,
    NetView,
    TermOption,
)

_EVERY_DELIVERY: Final[tuple[Delivery, ...]] = ("email", "paper", "efile")
DEFAULT_MONTHS = 12
COMPARED_MONTHS = (3, 6, 12, 24, 36)
METHODS: Final[tuple[Method, ...]] = ("wallet", "card", "mobilepay", "invoice", "instalments")


@dataclass(frozen=True, slots=True)
class Wish:
    """What the shopper has asked for so far; nothing is chosen for them. Months and amounts are text as typed; `net`
    are the days in which a company pays its invoice."""

    method: Method | None = None
    delivery: Delivery | None = None
    months: int | None = None
    monthly_minor: int | None = None
    net: int | None = None


def read_wish(values: Mapping[str, str], flow: Flow) -> Wish:
    """From a form or an address. Of the two comboboxes the one that was moved away from `shown_months` counts."""
    method = method_in(values.get("method", ""))
    delivery = next((each for each in _EVERY_DELIVERY if each == values.get("delivery")), None)
    net = number_in(values.get("net"))
    months, monthly = number_in(values.get("months")), number_in(values.get("monthly"))
    shown = number_in(values.get("shown_months"))
    if months is not None and months != shown:
        return Wish(method, delivery, months=months)
    if monthly is not None and shown is not None:
        return Wish(method, delivery, monthly_minor=monthly)
    if method is None and not values and flow.quote is not None:
        quote = flow.quote
        days = (quote.first_due - quote.start).days if quote.for_company else None
        return Wish(quote.method, quote.delivery, months=quote.months or None, net=days)
    return Wish(method, delivery, months=months, net=net)


def method_in(text: str) -> Method | None:
    """A way to pay by its name in a form or an address."""
    return next((each for each in METHODS if each == text), None)


def number_in(text: str | None) -> int | None:
    """Digits of a form or an address, twelve at most."""
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) <= 12 else None


@dataclass(frozen=True, slots=True)
class Offers:
    """What is on offer to this flow for what the wallet leaves of the price (`wallet_minor`). The price is with
    everything that was chosen (`extras`), and with what a way to pay costs or saves."""

    flow: Flow
    offering: Offering
    extras: Extras
    wallet_minor: int = 0

    @property
    def plans(self) -> Mapping[Kind, Plan]:
        return self.offering.plans

    @property
    def wallet(self) -> bool:
        """Whether the shop's wallet is a way to pay all of it."""
        return "wallet" in self.offering.methods

    @property
    def beside_wallet(self) -> tuple[Method, ...]:
        """The ways that take what a wallet leaves, in lawful order. A company's invoice is the company's to owe, and
        the wallet its contact person's: one purchase is paid by one of them."""
        without = {"wallet", "invoice"} if self.flow.buyer == "business" else {"wallet"}
        return tuple(each for each in self.offering.methods if each not in without)

    @property
    def rest_minor(self) -> int:
        return self.flow.total_minor - self.wallet_minor

    def price_minor(self, method: Method) -> int:
        """What is bought costs this when it is paid so."""
        return self.flow.total_minor + self.extras.fee_minor(method)

    def part_minor(self, method: Method) -> int:
        """The wallet's part beside this way to pay, which takes at least what its provider charges."""
        least = least_minor(method, self.flow.currency)
        return max(0, min(self.wallet_minor, self.price_minor(method) - least))

    def wallet_alone(self) -> Quote:
        """Raises what `wallet_quote` raises."""
        flow = self.flow
        today = flow.merchant.local_date(flow.now)
        return wallet_quote(
            self.price_minor("wallet"),
            flow.currency,
            flow.merchant.country,
            today,
            merchant=flow.merchant.public_id,
        )

    def paid(self, method: PaidMethod) -> Quote:
        """The quote of what a provider takes at once, beside the wallet's part. Raises KeyError when the method is not
        on offer."""
        if method not in self.offering.methods:
            raise KeyError(method)
        flow, part_minor = self.flow, self.part_minor(method)
        made = paid_quote(
            method,
            self.price_minor(method) - part_minor,
            flow.currency,
            flow.merchant.country,
            flow.merchant.local_date(flow.now),
            merchant=flow.merchant.public_id,
        )
        return beside_wallet(made, part_minor) if part_minor else made

    def net(self, wish: Wish) -> Plan | None:
        """The company's term of payment that was asked for; None where it is not on offer."""
        return next((plan for plan in self.offering.company_plans if plan.due_days == wish.net), None)

    def quote(
        self, kind: Kind, *, months: int = 0, delivery: str = "email", plan: Plan | None = None
    ) -> Quote:
        """`plan` is one of the terms of a company, else the plan of the kind. Raises what `make_quote` raises; KeyError
        when the kind is not on offer. CapBroken stands guard: a price above the law is not shown, whatever let its plan
        through."""
        flow, part_minor = self.flow, self.part_minor(kind)
        made = make_quote(
            plan or self.plans[kind],
            self.price_minor(kind) - part_minor,
            flow.currency,
            flow.merchant.country,
            flow.merchant.local_date(flow.now),
            months,
            merchant=flow.merchant.public_id,
            delivery=delivery,
        )
        for broken in broken_caps(made):
            raise_broken(broken)
        return beside_wallet(made, part_minor) if part_minor else made

    def methods(self, wish: Wish, balance: Money | None = None) -> list[MethodView]:
        """`balance` is what the identified shopper's wallet can pay."""
        return [
            MethodView(
                each.method,
                Money(self.price_minor(each.method), self.flow.currency),
                each.method == wish.method,
                balance if each.method == "wallet" else None,
                is_shaky=each.shaky,
                fee=self._fee(each.method),
            )
            for each in self.offering.shown
        ]

    def _fee(self, method: Method) -> FeeView | None:
        line = self.extras.fee(method)
        if line is None:
            return None
        return FeeView(line.name, Money(line.total_minor, self.flow.currency), line.vat_percent)

    def invoice(self, wish: Wish) -> InvoiceView | None:
        plan = self.plans.get("invoice")
        if plan is None:
            return None
        keys = DELIVERIES_TO_COMPANIES if plan.for_company else DELIVERIES["invoice"]
        deliveries = [self._delivery(key, self.net(wish)) for key in keys]
        return InvoiceView(
            due_days=plan.due_days,
            due=deliveries[0].quote.first_due,
            deliveries=deliveries,
            delivery=wish.delivery,
            nets=[
                NetView(each.due_days, self.quote("invoice", plan=each).first_due)
                for each in self.offering.company_plans
            ],
            net=wish.net,
        )

    def _delivery(self, key: Delivery, plan: Plan | None) -> DeliveryView:
        quote = self.quote("invoice", delivery=key, plan=plan)
        return DeliveryView(key, Money(quote.fees_minor, quote.currency), view_of(quote))

    def instalments(self, wish: Wish) -> InstalmentsView | None:
        plan = self.plans.get("instalments")
        if plan is None:
            return None
        term, moved = self.term(wish)
        return InstalmentsView(
            terms=[
                TermOption(option.months, Money(option.monthly_minor, self.flow.currency))
                for option in terms(plan, self.rest_minor)
            ],
            months=term,
            quote=view_of(self.quote("instalments", months=term)),
            moved=moved,
        )

    def compared(self) -> list[ComparedPlan]:
        """The invoice and the usual terms side by side, the cheapest first. A quote each: only for who asks."""
        quotes = [self.quote("invoice")] if "invoice" in self.plans else []
        if "instalments" in self.plans:
            offered = {option.months for option in terms(self.plans["instalments"], self.rest_minor)}
            quotes += [self.quote("instalments", months=n) for n in COMPARED_MONTHS if n in offered]
        return [_compared(quote) for quote in sorted(quotes, key=lambda quote: quote.total_payable_minor)]

    def again(self, before: Quote) -> Quote | None:
        """The plan of a quote for the sum as it is now, exactly as it was chosen; None where it is not on offer."""
        if before.method == "wallet" or before.method not in self.offering.methods:
            return None
        if before.method == "card" or before.method == "mobilepay":  # noqa: PLR1714  narrows
            return self.paid(before.method)
        if before.method == "invoice":
            same = next((each for each in self.offering.company_plans if each.key == before.plan_key), None)
            return self.quote("invoice", delivery=before.delivery, plan=same)
        offered = any(
            term.months == before.months for term in terms(self.plans["instalments"], self.rest_minor)
        )
        return self.quote("instalments", months=before.months) if offered else None

    def term(self, wish: Wish) -> tuple[int, bool]:
        """The months that come nearest to a wish, and whether the wish was moved; without a wish a middle term."""
        plan, total = self.plans["instalments"], self.rest_minor
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


async def offers_for(
    flow: Flow, doors: Doors, lang: str, *, wallet_minor: int = 0, extras: Extras | None = None
) -> Offers:
    """What takes the price, or what is left of it once the wallet has paid `wallet_minor`. Empty where nothing can be
    offered, which the page says. `extras` is what was chosen beside the way to pay, or else what this session holds.
    """
    extras = extras or await extras_for(flow, lang)
    flow = extras.flow
    asked = Asked(
        buyer=flow.buyer,
        currency=flow.currency,
        amount_minor=flow.total_minor - wallet_minor,
        categories=frozenset(line.category for line in flow.lines if line.category),
        recurring=flow.begins_subscription,
    )
    today = flow.merchant.local_date(flow.now)
    return _above_least(
        Offers(flow, await offering_for(flow.merchant, asked, doors, on=today), extras, wallet_minor)
    )


def _above_least(offers: Offers) -> Offers:
    """Without the ways to pay whose own discount takes the price below what their provider charges."""
    offering, currency = offers.offering, offers.flow.currency
    judged = tuple(
        Absent(each.method, "below_minimum")
        if offers.price_minor(each.method) < least_minor(each.method, currency)
        else each
        for each in offering.judged
    )
    return offers if judged == offering.judged else replace(offers, offering=replace(offering, judged=judged))
