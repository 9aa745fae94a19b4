"""What the templates of the shopper's flow are given. The handlers fill these, the templates read nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from app.web.shopper.picture import SchedulePicture, picture_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime
    from decimal import Decimal

    from markupsafe import Markup

    from app.agreements.words import Worded
    from app.cases.questions import QuestionView
    from app.kernel.money import Money
    from app.law.contacts import Contact
    from app.plans.disclosure import QuoteView
    from app.plans.quote import Delivery, Method
    from app.subscriptions.agreement import Agreement
    from app.web.shopper.extras_views import AddedLine, FeeView

OutcomeKind = Literal["confirmed", "held", "refused", "declined", "cancelled", "expired"]
# What is known of a payment: the shopper may still have to make it, or it is only to be waited for.
PayingKind = Literal["pending", "checking"]


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
    ``version`` is the order's, as it is shown here; ``live_url`` tells of changes to it while somebody may make some.
    """

    id: str
    step: Literal[1, 2, 3] | None
    total: Money
    lines: Sequence[LineView]
    back_url: str
    can_cancel: bool
    version: int = 1
    live_url: str | None = None


@dataclass(frozen=True, slots=True)
class ChangedLineView:
    """One line that the shop touched; what is not said of it before or now is the same. ``was`` and ``now`` are the
    price of all its pieces, None where there were or are none."""

    name: str
    quantity: int
    was: Money | None
    now: Money | None
    name_was: str | None = None
    quantity_was: int | None = None


@dataclass(frozen=True, slots=True)
class ChangedView:
    """What the shop has changed since the shopper looked. ``shown`` is the signed total; ``parts`` names what else is
    new (``reference``, ``customer``, ``delivery``); ``keeps_plan`` says that the chosen plan goes on with the new sum;
    ``typed`` are fields of the step before, to be kept."""

    lines: Sequence[ChangedLineView]
    was: Money
    now: Money
    parts: frozenset[str]
    shown: str
    keeps_plan: bool
    typed: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class MethodView:
    """``balance`` is what the wallet of whoever is identified here can pay; None before, and for other ways.
    ``is_shaky`` warns that what stands behind this way has trouble right now. ``fee`` is what it costs or saves, and
    ``total`` the price with that."""

    key: Method
    total: Money
    selected: bool = False
    balance: Money | None = None
    is_shaky: bool = False
    fee: FeeView | None = None


@dataclass(frozen=True, slots=True)
class VatRate:
    """The VAT in the price at one rate, percent."""

    percent: Decimal
    vat: Money


@dataclass(frozen=True, slots=True)
class CompanyView:
    """The company that buys, its number as documents print it, and the price without and with its VAT."""

    name: str
    number: str
    purchase_order: str | None
    net: Money
    vat: Sequence[VatRate]
    gross: Money


@dataclass(frozen=True, slots=True)
class NetView:
    """A term of payment of a company's invoice: so many days, and the day that it comes to."""

    days: int
    due: date


@dataclass(frozen=True, slots=True)
class DeliveryView:
    """A way to send the invoice, with the whole quote for it: a paper invoice may cost something."""

    key: Delivery
    fee: Money
    quote: QuoteView


@dataclass(frozen=True, slots=True)
class InvoiceView:
    """``nets`` are the terms of payment that a company may choose from, ``net`` the one that is chosen."""

    due_days: int
    due: date
    deliveries: Sequence[DeliveryView]
    delivery: Delivery | None
    nets: Sequence[NetView] = ()
    net: int | None = None


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
    """``notice`` is a code that ``shopper/_notice.html`` words; ``phone`` and ``postcode`` prefill the form.

    ``remembered`` is the masked phone of whoever last paid in this browser, ``remember`` that they ask for that again.
    ``person`` is set where no electronic identity exists.
    ``may_skip`` says that the chosen way to pay needs nobody identified.
    ``passkey`` says that one would do; ``code_enough`` that a code alone would, for somebody whom we know.
    ``company`` names the company whose contact person proves a phone here.
    """

    phone: str
    postcode: str
    country: str
    bank_url: str | None
    challenge: ChallengeView | None = None
    needs_bank: bool = False
    notice: str | None = None
    passkey: bool = False
    code_enough: bool = True
    remembered: str | None = None
    remember: bool = False
    person: PersonView | None = None
    may_skip: bool = False
    company: str | None = None


@dataclass(frozen=True, slots=True)
class PersonView:
    """A person says who is paying, until `answer_by`. ``asked`` says that somebody has asked already, by another phone
    than the one that was proved here; ``name`` prefills the form."""

    answer_by: datetime
    zone: str
    asked: bool
    name: str


@dataclass(frozen=True, slots=True)
class WayView:
    """One tap that has the wallet pay ``part`` and leaves ``rest`` to a plan; to none where the wallet pays all."""

    part: Money
    rest: Money
    method: Method
    months: int = 0
    monthly: Money | None = None


@dataclass(frozen=True, slots=True)
class WalletView:
    """The wallet at step 3. ``free`` is what it can pay, ``taken`` what the choice takes of it.

    ``state``: ``aside`` the money is set aside, and confirming takes it · ``unused`` it could pay (one of ``ways``) ·
    ``short`` there is less than the choice takes (``ways`` on) · ``again`` its time is over, and one tap sets it aside
    anew (one of ``ways``) · ``off`` the shop has switched its wallet off.
    """

    state: Literal["aside", "unused", "short", "again", "off"]
    free: Money
    taken: Money
    ways: Sequence[WayView] = ()

    @property
    def left(self) -> Money:
        return self.free - self.taken

    @property
    def missing(self) -> Money:
        return self.taken - self.free


@dataclass(frozen=True, slots=True)
class ConfirmView:
    """``missing`` names the fields still to be asked; ``shown`` is the signed total; ``information`` is the
    sheet that the law wants before signing, None where nothing is lent. ``wallet`` is None where there is nothing to
    say of one. ``is_guest`` says that nobody is identified, nor need be; ``has_wallet`` that it would be of use.
    ``added`` is what was chosen beside the goods."""

    method: Method
    delivery: Delivery
    quote: QuoteView
    missing: frozenset[str]
    shown: str
    information: Worded | None
    withdrawal_days: int
    creditor_name: str
    wallet: WalletView | None = None
    is_guest: bool = False
    has_wallet: bool = False
    name: str | None = None
    email: str | None = None
    phone_masked: str | None = None
    street: str | None = None
    postcode: str | None = None
    city: str | None = None
    company: CompanyView | None = None
    privacy_url: str | None = None
    terms_url: str | None = None
    subscription: Agreement | None = None
    added: Sequence[AddedLine] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """A plan that would pass now, and the address of step 1 with that plan chosen. `months` is 0 for an invoice."""

    url: str
    method: Method
    months: int
    monthly: Money
    total: Money


@dataclass(frozen=True, slots=True)
class RefusalView:
    """`register` is set when a register was asked. `largest` is what would pass where this basket does not.
    `unknown_person` says that nobody could make sure who the shopper is: nothing was decided on credit. Neither was
    where the order as such is `order_not_accepted`.
    `answer_by` and `zone` tell when a person answers; `asks_email` says that nothing else reaches the shopper. `wallet`
    are taps that have the wallet pay what it can, with a plan for the rest that would pass."""

    reasons: Sequence[str]
    register: Contact | None
    choices: Sequence[Choice]
    largest: Money | None
    advice: Contact
    explanation_url: str | None
    ask_url: str | None
    asks_email: bool
    answer_by: datetime
    zone: str
    unknown_person: bool = False
    wallet: Sequence[WayView] = ()
    order_not_accepted: bool = False


@dataclass(frozen=True, slots=True)
class WaitView:
    """A session that waits for a person. `told` is where the answer goes, masked; None asks for an address. A purchase
    that was confirmed has its money somewhere: `reserved` names the provider that keeps `amount`, `aside` is the
    wallet's."""

    kind: str
    asked_by: str
    decide_by: datetime
    zone: str
    told_by: str | None
    statement: str | None
    reasons: Sequence[str]
    explanation_url: str | None
    another_plan_url: str
    email_url: str
    amount: Money | None = None
    reserved: Literal["card", "mobilepay"] | None = None
    aside: Money | None = None
    question_url: str = ""
    questions: Sequence[QuestionView] = ()

    @property
    def is_asked(self) -> bool:
        """Whether a question waits for the shopper."""
        return any(each.answered_at is None for each in self.questions)


@dataclass(frozen=True, slots=True)
class PayingView:
    """Where a payment through a provider stands. ``go_url`` leads back to the provider's page, and ``may_give_up`` says
    that another way may be chosen; both in the shopper's own browser alone, as is ``code``, which a phone scans. The
    page asks again by itself after ``pause_s``; ``asked`` counts how often it has."""

    kind: PayingKind
    pause_s: int
    asked: int
    back_url: str
    method: Method | None = None
    go_url: str | None = None
    may_give_up: bool = False
    code: Markup | None = None


@dataclass(frozen=True, slots=True)
class FeedbackView:
    """What the shopper has said of this purchase: ``ease`` from 1 to 5, None before; ``words`` whether they wrote some.

    ``news`` is what the shop changed because shoppers said so; they read it once they have said something.
    """

    ease: int | None = None
    words: bool = False
    news: str | None = None


@dataclass(frozen=True, slots=True)
class OutcomeView:
    """How it ended. ``return_url`` is the shop's address with ``?session=``; what is unknown or private is None.

    ``is_known`` says that somebody we know bought it, whose purchases are listed; ``waited`` that it ended while, or
    after, a person was to look at it.
    ``agreement_soon`` says that the agreement was asked for before it was drawn, ``is_insured`` that an
    insurance was bought with the goods. ``feedback`` is None where nobody is asked how it was.
    ``passkey_offer`` says that a passkey may be saved now, ``passkey_news`` how saving one went (``saved``, or a reason
    that ``shopper/_passkey_offer.html`` words), ``passkeys`` how many there are.
    """

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
    refusal: RefusalView | None = None
    wait: WaitView | None = None
    support_email: str | None = None
    support_phone: str | None = None
    passkey_offer: bool = False
    passkey_news: str | None = None
    passkeys: int = 0
    is_known: bool = False
    waited: bool = False
    is_insured: bool = False
    feedback: FeedbackView | None = None


@dataclass(frozen=True, slots=True)
class PasskeyView:
    """``device`` is a word that ``shopper/_passkey_device.html`` spells; dates are those of the shop's country."""

    public_id: str
    device: str
    synced: bool
    saved: date
    used: date | None


@dataclass(frozen=True, slots=True)
class PasskeysView:
    """The shopper's own passkeys, oldest first; ``removed`` says that one was taken away just now."""

    rows: Sequence[PasskeyView]
    removed: bool = False


@dataclass(frozen=True, slots=True)
class BankReturnView:
    """The page on which the bank lands: it posts what the bank sent (``fields``) onwards from our own origin."""

    action: str
    fields: Mapping[str, str]
