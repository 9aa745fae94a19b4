"""What the templates of the shopper's flow are given. The handlers fill these, the templates read nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from app.web.shopper.picture import SchedulePicture, picture_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime
    from decimal import Decimal

    from app.agreements.words import Worded
    from app.kernel.money import Money
    from app.plans.disclosure import QuoteView

Method = Literal["invoice", "instalments"]
Delivery = Literal["email", "paper"]
OutcomeKind = Literal["confirmed", "held", "refused", "declined", "cancelled", "expired", "processing"]


@dataclass(frozen=True, slots=True)
class ShopView:
    """The merchant as the shopper sees it: ``accent`` is any #rrggbb, its contrast is corrected when it is rendered."""

    name: str
    accent: str | None = None
    logo_url: str | None = None


@dataclass(frozen=True, slots=True)
class LineView:
    name: str
    quantity: int
    total: Money
    type: Literal["item", "discount", "shipping", "fee"] = "item"


@dataclass(frozen=True, slots=True)
class FlowView:
    """What every page of the flow shows: id ``cs_…``, the step (None after the end), the sum and what it is made of.

    ``back_url`` is the shop's cancel address with ``?session=``; ``can_cancel`` is False once it has ended.
    """

    id: str
    step: Literal[1, 2, 3] | None
    total: Money
    lines: Sequence[LineView]
    back_url: str
    can_cancel: bool


@dataclass(frozen=True, slots=True)
class MethodView:
    key: Method
    selected: bool = False


@dataclass(frozen=True, slots=True)
class DeliveryView:
    """A way to send the invoice, with the whole quote for it: a paper invoice may cost something."""

    key: Delivery
    fee: Money
    quote: QuoteView


@dataclass(frozen=True, slots=True)
class InvoiceView:
    due_days: int
    due: date
    deliveries: Sequence[DeliveryView]
    delivery: Delivery | None


@dataclass(frozen=True, slots=True)
class TermOption:
    months: int
    monthly: Money


@dataclass(frozen=True, slots=True)
class InstalmentsView:
    """``months`` is the selected term; ``moved`` says that the wish was not on offer and the nearest term was taken."""

    terms: Sequence[TermOption]
    months: int
    quote: QuoteView
    moved: bool = False

    @property
    def picture(self) -> SchedulePicture:
        return picture_of(self.quote.rows)


@dataclass(frozen=True, slots=True)
class ComparedPlan:
    """A plan beside the others. ``months`` is 0 for an invoice; ``monthly`` is the largest regular instalment."""

    months: int
    payments: int
    due: date
    monthly: Money
    cost: Money
    total: Money
    apr: Decimal


@dataclass(frozen=True, slots=True)
class ChallengeView:
    """A code that is on its way. ``expires_in_s`` and ``resend_in_s`` count from the moment of rendering."""

    phone_masked: str
    resend_in_s: int
    expires_in_s: int
    tries_left: int


@dataclass(frozen=True, slots=True)
class IdentifyView:
    """``notice`` is a code that ``shopper/_notice.html`` words; ``phone`` and ``postcode`` prefill the form."""

    phone: str
    postcode: str
    country: str
    bank_url: str | None
    challenge: ChallengeView | None = None
    needs_bank: bool = False
    notice: str | None = None


@dataclass(frozen=True, slots=True)
class ConfirmView:
    """``missing`` names the fields still to be asked; ``shown`` is the signed total; ``information`` is the
    sheet that the law wants before signing."""

    method: Method
    delivery: Delivery
    quote: QuoteView
    missing: frozenset[str]
    shown: str
    information: Worded
    withdrawal_days: int
    creditor_name: str
    name: str | None = None
    email: str | None = None
    phone_masked: str | None = None
    street: str | None = None
    postcode: str | None = None
    city: str | None = None
    privacy_url: str | None = None
    terms_url: str | None = None


@dataclass(frozen=True, slots=True)
class PassingOption:
    """A plan that would pass now, shown after a refusal. ``upto`` is a smaller sum, if that helps."""

    method: Method | None
    upto: Money | None = None


@dataclass(frozen=True, slots=True)
class OutcomeView:
    """How it ended. ``return_url`` is the shop's address with ``?session=``; what is unknown or private is None.

    ``agreement_soon`` says that the agreement was asked for before it was drawn."""

    kind: OutcomeKind
    return_url: str
    method: Method | None = None
    delivery: Delivery | None = None
    quote: QuoteView | None = None
    agreement_url: str | None = None
    agreement_soon: bool = False
    first_due: date | None = None
    email_masked: str | None = None
    reference: str | None = None
    reasons: Sequence[str] = ()
    passing: Sequence[PassingOption] = ()
    decide_by: datetime | None = None
    support_email: str | None = None
    support_phone: str | None = None


@dataclass(frozen=True, slots=True)
class BankReturnView:
    """The page on which the bank lands: it posts what the bank sent (``fields``) onwards from our own origin."""

    action: str
    fields: Mapping[str, str]
