"""What step 1 asks beside the way to pay: how it shall come, whether to insure it; and what each way to pay costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from app.checkout.actions import Added
from app.extras.actions import Asked
from app.extras.queries import Steering, steering_of
from app.extras.rules import (
    Answer,
    Choice,
    InsuranceOffer,
    MethodFee,
    ShippingOption,
    by_area,
    fee_line,
    fitting,
    insurance_line,
    on_offer,
    shipping_line,
)
from app.kernel import templating
from app.kernel.money import Money
from app.kernel.postcode import PostcodeRefused, parse_postcode
from app.orders.rules import Line, extras_of, lines_of_shop
from app.web.shared.forms import FieldError
from app.web.shopper.extras_views import AddedLine, InsuranceQuestion, ShippingChoice, ShippingView

if TYPE_CHECKING:
    from app.checkout.queries import Flow
    from app.plans.quote import Method

FIELDS: Final = frozenset({"shipping", "postcode", "insurance"})
_NOBODY_ASKED: Final = Steering()


@dataclass(frozen=True, slots=True)
class Extras:
    """What was chosen, and what may be.

    `flow` is the session with the sum and the lines of what was chosen so far, whatever the way to pay; `fees` are what
    each way to pay adds to it or takes off. `errors` says what is missing or wrong, by field.
    """

    flow: Flow
    lang: str
    fees: Mapping[Method, MethodFee] = field(default_factory=dict)
    options: tuple[ShippingOption, ...] = ()
    shipping: ShippingOption | None = None
    postcode: str | None = field(default=None, repr=False)
    typed: str | None = field(default=None, repr=False)
    offer: InsuranceOffer | None = None
    premium_minor: int = 0
    answer: Answer = "none"
    errors: Mapping[str, FieldError] = field(default_factory=dict)

    @property
    def chosen(self) -> tuple[Line, ...]:
        """The lines of what was chosen, in the order in which it is asked."""
        found = [] if self.shipping is None else [shipping_line(self.shipping)]
        if self.offer is not None and self.answer == "taken":
            found.append(insurance_line(self.offer, self.premium_minor))
        return tuple(found)

    def fee(self, method: Method | None) -> Line | None:
        """What a way to pay adds or takes off, as a line; None for nothing."""
        fee = None if method is None else self.fees.get(method)
        if fee is None:
            return None
        base = [line for line in self.flow.lines if line.origin != "insurance"]
        name = templating.render_text(
            "shopper/fee.txt", self.lang, method=method, is_discount=fee.is_discount
        )
        return fee_line(fee, base, " ".join(name.split()))

    def fee_minor(self, method: Method) -> int:
        line = self.fee(method)
        return 0 if line is None else line.total_minor

    def flow_for(self, method: Method | None) -> Flow:
        """The session as it is once this way to pay is chosen."""
        line = self.fee(method)
        if line is None:
            return self.flow
        return replace(
            self.flow, lines=(*self.flow.lines, line), total_minor=self.flow.total_minor + line.total_minor
        )

    def added(self, method: Method) -> Added:
        """What choosing this way to pay puts on the order."""
        line = self.fee(method)
        asked = None if self.offer is None else Asked(self.offer.public_id, self.answer, self.premium_minor)
        return Added(
            lines=self.chosen if line is None else (*self.chosen, line),
            choice=Choice(
                None if self.shipping is None else self.shipping.id,
                None if self.offer is None else self.offer.public_id,
                self.answer,
            ),
            postcode=self.typed,
            asked=asked,
        )

    def shipping_view(self) -> ShippingView | None:
        if not self.options:
            return None
        found = on_offer(self.options, self.postcode)
        return ShippingView(
            options=[
                ShippingChoice(
                    option.id,
                    option.title,
                    Money(option.price_minor, self.flow.currency),
                    option is self.shipping,
                    option.vat_percent,
                )
                for option in found
            ],
            asks_postcode=by_area(self.options),
            postcode=self.postcode or "",
            nowhere=not found and self.postcode is not None,
        )

    def insurance_view(self) -> InsuranceQuestion | None:
        offer = self.offer
        if offer is None:
            return None
        return InsuranceQuestion(
            key=offer.public_id,
            name=offer.name,
            insurer=offer.insurer,
            covered=offer.covered(self.lang, self.flow.merchant.locale),
            covered_lang=offer.language(self.lang, self.flow.merchant.locale),
            price=Money(self.premium_minor, self.flow.currency),
            answer=self.answer,
            cancel_days=offer.cancel_days,
            terms_url=offer.terms_url,
            terms_text=offer.terms_text,
        )


def added_lines(flow: Flow) -> list[AddedLine]:
    """What was chosen beside the goods, as step 3 tells it."""
    return [
        AddedLine(
            line.name, Money(line.total_minor, flow.currency), line.vat_percent, line.origin == "insurance"
        )
        for line in extras_of(flow.lines)
    ]


async def extras_for(flow: Flow, lang: str, values: Mapping[str, str] | None = None) -> Extras:
    """What was chosen in a form or an address (`values`), or else what this session has chosen before. No query while
    what the shop offers is kept."""
    steering = await steering_of(flow.merchant.id)
    extras = Extras(
        flow=flow,
        lang=lang,
        fees=steering.fees_for(flow.buyer),
        options=flow.shipping_options,
        postcode=known_postcode(flow),
    )
    extras = _delivered(extras, values)
    extras = _insured(extras, steering, values)
    lines = (*lines_of_shop(flow.lines), *extras.chosen)
    if lines == flow.lines:
        return extras
    return replace(
        extras, flow=replace(flow, lines=lines, total_minor=sum(line.total_minor for line in lines))
    )


def known_postcode(flow: Flow) -> str | None:
    """Where it goes, as far as this browser may know: as it was typed here, then whose purchase it is, then as the shop
    passed it."""
    typed = flow.typed.postcode if flow.ours else None
    own = flow.customer.postcode if flow.customer is not None and flow.identified else None
    return typed or own or flow.passed.postcode


def _delivered(extras: Extras, values: Mapping[str, str] | None) -> Extras:
    if not extras.options:
        return extras
    errors: dict[str, FieldError] = {}
    if values is not None and by_area(extras.options) and "postcode" in values:
        extras = _in_area(extras, values["postcode"].strip(), errors)
    found = on_offer(extras.options, extras.postcode)
    wanted = extras.flow.choice.shipping if values is None else values.get("shipping")
    shipping = next((option for option in found if option.id == wanted), None)
    if not errors and not found:
        errors["postcode"] = FieldError("no_delivery" if extras.postcode else "empty")
    elif shipping is None and found:
        errors["shipping"] = FieldError("empty")
    return replace(extras, shipping=shipping, errors=errors)


def _in_area(extras: Extras, typed: str, errors: dict[str, FieldError]) -> Extras:
    if not typed:
        return replace(extras, postcode=None)
    try:
        postcode = parse_postcode(typed, extras.flow.country)
    except PostcodeRefused as refused:
        errors["postcode"] = FieldError(refused.reason)
        return replace(extras, postcode=None)
    return replace(extras, postcode=postcode, typed=postcode)


def _insured(extras: Extras, steering: Steering, values: Mapping[str, str] | None) -> Extras:
    """The one question for these goods, to a consumer, and what was answered to this very offer."""
    flow = extras.flow
    if not steering.offers or flow.buyer != "consumer":
        return extras
    found = fitting(steering.offers, flow.lines, flow.currency)
    if found is None:
        return extras
    offer, premium = found
    answer: Answer = "none"
    if values is not None:
        said = values.get("insurance", "")
        answer = "taken" if said == offer.public_id else "declined" if said == "no" else "none"
    elif flow.choice.offer == offer.public_id:
        answer = flow.choice.answer
    return replace(extras, offer=offer, premium_minor=premium, answer=answer)
