"""Every page of the flow in every state that looks different, as a template, its partial and a context.

The figures come from the real plans. The preview and the tests of the templates take their pages from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Literal

from app.agreements.content import Item, Party
from app.agreements.rules import information_on
from app.agreements.words import Worded, worded
from app.kernel.money import Money
from app.law.contacts import contacts_of
from app.plans.caps import broken_caps
from app.plans.disclosure import QuoteView, view_of
from app.plans.quote import PaidMethod, Quote, beside_wallet, make_quote, paid_quote, terms
from app.plans.rules import standard_plans
from app.web.shared.forms import FieldError, Form
from app.web.shopper.extras_views import AddedLine, InsuranceQuestion, ShippingChoice, ShippingView
from app.web.shopper.offers import COMPARED_MONTHS
from app.web.shopper.views import (
    BankReturnView,
    ChallengeView,
    Choice,
    ComparedPlan,
    ConfirmView,
    DeliveryView,
    FeedbackView,
    FlowView,
    IdentifyView,
    InstalmentsView,
    InvoiceView,
    LineView,
    MethodView,
    OutcomeView,
    PayingView,
    RefusalView,
    ShopView,
    TermOption,
    WaitView,
    WalletView,
)

START = date(2026, 11, 21)
SESSION = "cs_0123456789abcdefghjkmnpqrs"
_DUE_DAYS = 30
_PAPER_FEE_MINOR = 190
RETURN_URL = "https://shop.example/thanks?session=" + SESSION


@dataclass(frozen=True, slots=True)
class Sample:
    template: str
    partial: str
    context: Mapping[str, object]


def samples(lang: str) -> dict[str, Sample]:
    """By name; a name is what the preview's address and picture are called."""
    return _method(lang) | _identify(lang) | _confirm(lang) | _paying(lang) | _outcome(lang) | _between(lang)


def quote(method: str, *, months: int = 0, delivery: str = "email") -> QuoteView:
    return view_of(_made(method, months, delivery))


def _information(method: str, lang: str, months: int = 0) -> Worded:
    """What the law wants before signing, of the same quote."""
    sheet = information_on(
        _made(method, months, "email"),
        creditor=Party(
            "Kolme Finance Oy", "1234567-8", "Esimerkkikatu 3, 00100 Helsinki", "credit@kolme.example"
        ),
        intermediary=Party("Kauppa Oy", email="shop@kauppa.example"),
        goods=tuple(Item(line.name, line.quantity, line.total.amount_minor) for line in _LINES),
        official=False,
    )
    return worded(sheet, lang)


def _made(method: str, months: int, delivery: str) -> Quote:
    """A quote for 749.00 by the standard plans, but with an invoice of 30 days that costs 1.90 on paper.

    Finnish law always allows five euros from 30 days on; a fee on one of 14 days would break its caps.
    """
    invoice, instalments = standard_plans("EUR")
    with_fee = replace(invoice, due_days=_DUE_DAYS, paper_fee_minor=_PAPER_FEE_MINOR)
    plan = with_fee if method == "invoice" else instalments
    made = make_quote(
        plan, 74_900, "EUR", "FI", START, months, merchant="me_0123456789abcdefghjkmnpqrs", delivery=delivery
    )
    assert not broken_caps(made), "a page that nobody may be shown is no sample"
    return made


def paid(method: PaidMethod, wallet_minor: int = 0) -> QuoteView:
    """Paid at once through a provider, all of it or what the wallet leaves."""
    made = paid_quote(
        method, 74_900 - wallet_minor, "EUR", "FI", START, merchant="me_0123456789abcdefghjkmnpqrs"
    )
    return view_of(beside_wallet(made, wallet_minor) if wallet_minor else made)


def _eur(amount_minor: int) -> Money:
    return Money(amount_minor, "EUR")


_LINES = (
    LineView("Merino pullover, moss green, M", 1, _eur(12_900)),
    LineView("Trail shoes with a name that goes on for quite a while, size 42", 1, _eur(18_900)),
    LineView("Wool socks", 3, _eur(5_100)),
    LineView("Shell jacket", 1, _eur(39_100)),
    LineView("Autumn discount", 1, _eur(-1_100), "discount"),
)


def _page(
    lang: str,
    name: str,
    step: Literal[1, 2, 3] | None,
    more: Mapping[str, object],
    form: Form | None = None,
    *,
    can_cancel: bool = True,
) -> Sample:
    back_url = "https://shop.example/basket?session=" + SESSION
    flow = FlowView(SESSION, step, _eur(74_900), _LINES, back_url, can_cancel)
    shop = ShopView("Saimaa Outdoor", "#2f6f4f")
    context = {"lang": lang, "shop": shop, "flow": flow, "form": form or Form(), **more}
    return Sample(f"shopper/{name}.html", f"shopper/_{name}.html", context)


def _method(lang: str) -> dict[str, Sample]:
    options = [TermOption(t.months, _eur(t.monthly_minor)) for t in terms(standard_plans("EUR")[1], 74_900)]
    invoice = InvoiceView(
        due_days=_DUE_DAYS,
        due=quote("invoice").last_due,
        deliveries=(
            DeliveryView("email", _eur(0), quote("invoice")),
            DeliveryView("paper", _eur(_PAPER_FEE_MINOR), quote("invoice", delivery="paper")),
        ),
        delivery=None,
    )
    instalments = InstalmentsView(options, 12, quote("instalments", months=12))

    def shown(selected: str | None, form: Form | None = None, **changed: object) -> Sample:
        methods = [
            MethodView("invoice", _eur(74_900), selected == "invoice"),
            MethodView("instalments", _eur(74_900), selected == "instalments"),
        ]
        more = {
            "methods": methods,
            "invoice": invoice,
            "instalments": instalments,
            "compared": (),
            "payment_failure": None,
            "shipping": None,
            "insurance": None,
            "has_fees": False,
            "company": None,
            **changed,
        }
        return _page(lang, "method", 1, more, form)

    return {
        "method": shown(None),
        "method-invoice": shown("invoice", invoice=replace(invoice, delivery="email")),
        "method-instalments": shown("instalments"),
        "method-moved": shown("instalments", instalments=replace(instalments, moved=True)),
        "method-compared": shown(None, compared=_compared()),
        "method-extras": shown(None, shipping=_shipping(), insurance=_insurance()),
        "method-wrong": shown(None, Form().refused(method=FieldError("empty"))),
        "method-delivery-wrong": shown("invoice", Form().refused(delivery=FieldError("empty"))),
    }


def _compared() -> list[ComparedPlan]:
    quotes = [quote("invoice"), *(quote("instalments", months=months) for months in COMPARED_MONTHS)]
    return [
        ComparedPlan(q.months, len(q.rows), q.first_due, q.monthly, q.cost, q.total, q.apr) for q in quotes
    ]


def _identify(lang: str) -> dict[str, Sample]:
    asked = IdentifyView("", "", "FI", f"/pay/{SESSION}/bank")
    sent = replace(asked, challenge=ChallengeView("+358 •• ••• 4567", 58, 300, 5))
    wrong_code = Form({"code": "123456"}).refused(code=FieldError("wrong", {"tries_left": 4}))
    wrong_phone = Form({"phone": "hello", "postcode": ""}).refused(
        postcode=FieldError("empty"), phone=FieldError("malformed")
    )
    too_many = Form({"phone": "0401234567"}).refused(
        phone=FieldError("too_many_sends", {"resets_in_s": 3_000})
    )

    def shown(view: IdentifyView, form: Form | None = None) -> Sample:
        return _page(lang, "identify", 2, {"identify": view}, form)

    return {
        "identify": shown(asked),
        "identify-prefilled": shown(replace(asked, phone="+358 40 123 4567", postcode="00100")),
        "identify-wrong": shown(asked, wrong_phone),
        "identify-limited": shown(asked, too_many),
        "identify-code": shown(replace(sent, notice="code_sent")),
        "identify-code-wrong": shown(sent, wrong_code),
        "identify-bank": shown(replace(asked, needs_bank=True)),
        "identify-bank-cancelled": shown(replace(asked, notice="login_cancelled")),
        "identify-bank-down": shown(replace(asked, needs_bank=True, notice="bank_unavailable")),
        "identify-other-person": shown(replace(asked, notice="other_person")),
        "identify-no-bank": shown(replace(asked, bank_url=None)),
    }


def _shipping() -> ShippingView:
    ways = (("parcel", "Posti, Parcel locker", 490), ("pickup", "Havu & Kivi, Pick-up in the shop", 0))
    options = [
        ShippingChoice(key, title, _eur(price), selected=False, vat_percent=Decimal("25.5"))
        for key, title, price in ways
    ]
    return ShippingView(options, asks_postcode=True, postcode="00100", nowhere=False)


def _insurance() -> InsuranceQuestion:
    covered = "If it breaks or is stolen within two years, you get a new one."
    terms = "https://turva.example/terms"
    return InsuranceQuestion(
        "ins_1", "Accident and theft", "Turva", covered, "en", _eur(2_392), "none", 30, terms, None
    )


def _confirm(lang: str) -> dict[str, Sample]:
    known = ConfirmView(
        "invoice", "email", quote("invoice"), frozenset(), "c2lnbmVk", _information("invoice", lang), 14,
        "Kolme Finance Oy", name="Aino Virtanen", email="a•••@example.com", phone_masked="+358 •• ••• 4567",
        street="Mannerheimintie 1 A 2", postcode="00100", city="Helsinki",
    )  # fmt: skip
    unknown = replace(
        known, method="instalments", quote=quote("instalments", months=12), email=None, street=None, city=None,
        postcode=None, name=None, missing=frozenset({"name", "email", "street", "postcode", "city"}),
        information=_information("instalments", lang, 12),
    )  # fmt: skip
    wrong = Form({"name": "", "email": "aino@"}).refused(
        name=FieldError("empty"), email=FieldError("malformed")
    )
    added = (
        AddedLine("Posti, Parcel locker", _eur(490), Decimal("25.5"), is_insurance=False),
        AddedLine("Accident and theft (Turva)", _eur(2_392), Decimal(0), is_insurance=True),
    )
    return {
        "confirm": _page(lang, "confirm", 3, {"confirm": known}),
        "confirm-chosen": _page(lang, "confirm", 3, {"confirm": replace(known, added=added)}),
        "confirm-instalments": _page(lang, "confirm", 3, {"confirm": unknown}),
        "confirm-wrong": _page(lang, "confirm", 3, {"confirm": unknown}, wrong),
        "cancel": _page(lang, "cancel", None, {"waits": False}),
        "cancel-waiting": _page(lang, "cancel", None, {"waits": True}),
    }


def _paying(lang: str) -> dict[str, Sample]:
    guest = ConfirmView(
        "card", "email", paid("card"), frozenset({"name", "email"}), "c2lnbmVk", None, 0, "Kolme Finance Oy",
        is_guest=True, has_wallet=True,
    )  # fmt: skip
    beside = replace(
        guest, method="mobilepay", quote=paid("mobilepay", 4_900), missing=frozenset(), is_guest=False,
        name="Aino Virtanen", email="aino@example.com",
        wallet=WalletView("aside", _eur(6_000), _eur(4_900)),
    )  # fmt: skip
    url = f"/pay/{SESSION}"
    pending = PayingView("pending", 5, 2, RETURN_URL, "card", f"{url}/go", may_give_up=True)
    return {
        "confirm-card": _page(lang, "confirm", 3, {"confirm": guest}),
        "confirm-mobilepay-wallet": _page(lang, "confirm", 3, {"confirm": beside}),
        "paying-pending": _page(lang, "paying", None, {"paying": pending}, can_cancel=False),
        "paying-checking": _page(
            lang, "paying", None, {"paying": PayingView("checking", 5, 2, RETURN_URL)}, can_cancel=False
        ),
        "outcome-paid-by-card": _page(
            lang,
            "outcome",
            None,
            {
                "outcome": OutcomeView(
                    "confirmed", RETURN_URL, method="card", delivery="email", quote=paid("card", 4_900),
                    email_masked="a•••@example.com", reference="SHOP-1001",
                )
            },
            can_cancel=False,
        ),
    }  # fmt: skip


def _outcome(lang: str) -> dict[str, Sample]:
    confirmed = OutcomeView(
        "confirmed",
        RETURN_URL,
        method="invoice",
        delivery="email",
        quote=quote("invoice"),
        first_due=quote("invoice").first_due,
        email_masked="a•••@example.com",
        reference="SHOP-1001",
    )
    person = OutcomeView(
        "refused", RETURN_URL, support_email="help@shop.example", support_phone="+358 9 123 456"
    )
    tomorrow = datetime(2026, 11, 22, 16, 0, tzinfo=UTC)
    contacts, zone = contacts_of("FI"), "Europe/Helsinki"
    refusal = RefusalView(
        reasons=("too_little_left",),
        register=contacts.register,
        choices=(Choice("/preview/method", "instalments", 12, _eur(6_400), _eur(76_800)),),
        largest=None,
        advice=contacts.debt_advice,
        explanation_url="/preview/decision",
        ask_url="/preview/landed",
        asks_email=True,
        answer_by=tomorrow,
        zone=zone,
    )
    wait = WaitView(
        kind="credit",
        asked_by="rules",
        decide_by=tomorrow,
        zone=zone,
        told_by="+358 •••• 101",
        statement=None,
        reasons=("register_unavailable",),
        explanation_url="/preview/decision",
        another_plan_url="/preview/landed",
        email_url="/preview/landed",
    )
    views = [
        confirmed,
        replace(person, refusal=refusal),
        replace(person, kind="held", wait=wait),
        OutcomeView("declined", RETURN_URL),
        OutcomeView("cancelled", RETURN_URL, feedback=FeedbackView()),
        OutcomeView("expired", RETURN_URL),
    ]
    said = replace(confirmed, feedback=FeedbackView(4, news="The code now comes within seconds."))
    return {
        f"outcome-{view.kind}": _page(
            lang, "outcome", None, {"outcome": view}, can_cancel=view.kind in {"refused", "held"}
        )
        for view in views
    } | {"outcome-said": _page(lang, "outcome", None, {"outcome": said}, can_cancel=False)}


def _between(lang: str) -> dict[str, Sample]:
    bank_return = BankReturnView("/preview/landed", {"code": "c0de", "state": "st4te"})
    return {
        "bank-return": Sample(
            "shopper/bank_return.html", "shopper/bank_return.html", {"lang": lang, "bank_return": bank_return}
        ),
        "bank-lost": Sample("shopper/bank_lost.html", "shopper/bank_lost.html", {"lang": lang}),
        "leaving": Sample(
            "shopper/leaving.html", "shopper/_leaving.html", {"lang": lang, "leaving_url": "/preview/landed"}
        ),
    }
