"""The pages of the flow, each from a visit alone, and the one the visit belongs on now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from app.agreements.words import worded
from app.checkout import shown
from app.checkout.actions.holding import answer_by
from app.checkout.contacts import Details, asked_fields, known_contact
from app.checkout.policy import code_is_enough, may_save_passkey, passkey_is_enough, person_identifies
from app.checkout.purse import WALLET, purse_of
from app.checkout.steps import Page, Progress, where_now
from app.identity.actions.codes import approves
from app.identity.passkeys import PER_CUSTOMER_MAX
from app.identity.rules import RESEND_AFTER
from app.kernel.phone import masked
from app.payments.queries import newest_payment_of_session
from app.plans.disclosure import view_of
from app.web.shared import rendering
from app.web.shared.forms import Form
from app.web.shared.qr import qr_picture
from app.web.shopper.changes import changed_view, typed_in
from app.web.shopper.company_views import company_view
from app.web.shopper.extras import Extras, added_lines, extras_for
from app.web.shopper.information import sheet_of
from app.web.shopper.offers import Wish, offers_for, read_wish
from app.web.shopper.purse import wallet_view
from app.web.shopper.refused import has_waited, masked_email, refusal_of, wait_of
from app.web.shopper.said import asks_feedback, said_in
from app.web.shopper.subscribing import agreement_in
from app.web.shopper.views import (
    ChallengeView,
    ConfirmView,
    FeedbackView,
    IdentifyView,
    OutcomeKind,
    OutcomeView,
    PayingView,
    PersonView,
    RefusalView,
    WaitView,
)
from app.web.shopper.visit import Visit

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal

    from litestar import Response

    from app.checkout.queries import Flow

PATHS: Final = {
    Page.METHOD: "",
    Page.CHANGED: "/changed",
    Page.IDENTIFY: "/identify",
    Page.CONFIRM: "/confirm",
    Page.PAYING: "/return",
    Page.OUTCOME: "/outcome",
}

# What an identify page may say of the newest code, whose row tells how its sending went.
_SENDING_NOTICES: Final = {"failed": "sms_failed", "unknown": "sms_unknown"}


async def page_now(visit: Visit, *, push: bool = False, typed: Form | None = None) -> Response[str]:
    """The page this session is on: for htmx in place, for others by a redirect, so that a reload repeats no POST.

    `typed` is what was typed into a form that could not be taken because the order has changed: it is kept.
    """
    page = where_now(visit.flow.state, visit.flow.progress)
    kept = Form(typed_in(typed.values)) if typed is not None and page is Page.CHANGED else Form()
    if kept.values:
        return await changed_page(visit, kept, status=409)
    if not push or visit.request.headers.get("hx-request") != "true":
        return visit.lead_to(PATHS[page])
    if page is Page.METHOD:
        return await method_page(visit, push=True)
    if page is Page.CHANGED:
        return await changed_page(visit)
    if page is Page.IDENTIFY:
        return identify_page(visit, push=True)
    if page is Page.CONFIRM:
        return await confirm_page(visit, push=True)
    if page is Page.PAYING:
        return await paying_page(visit, push=True)
    return await outcome_now(visit, push=True)


async def changed_page(
    visit: Visit, form: Form | None = None, *, since: int | None = None, status: int = 200, push: bool = True
) -> Response[str]:
    """What the shop has changed `since` a version: the one from which the shopper last went on, unless one is given."""
    flow = visit.flow
    before = since or flow.seen_version
    assert before is not None, "nothing has changed for somebody who has seen nothing"
    view = await changed_view(visit, before, form.values if form else {})
    step: Literal[1, 2, 3] = 3 if flow.identified else 2 if flow.quote is not None else 1
    return visit.page(
        "changed", {"changed": view}, step=step, status=status, path=PATHS[Page.CHANGED], push=push
    )


def name_of(page: Page, flow: Flow) -> str:
    """What the frame of a page calls itself (`data-page`)."""
    return f"outcome-{outcome_kind(flow)}" if page is Page.OUTCOME else page.value


async def method_page(
    visit: Visit,
    wish: Wish | None = None,
    form: Form | None = None,
    *,
    compare: bool = False,
    extras: Extras | None = None,
    status: int = 200,
    push: bool = False,
) -> Response[str]:
    """`compare` lays all plans out side by side, which takes a quote of each. `extras` is what was chosen beside the
    way to pay; without it, what the session holds. A business is asked first who it is."""
    if visit.flow.buyer == "business" and visit.flow.company is None:
        return company_page(visit, form, status=status, push=push)
    extras = extras or await extras_for(visit.flow, visit.lang)
    offers = await offers_for(visit.flow, visit.doors, visit.lang, extras=extras)
    wanted = wish or read_wish({}, visit.flow)
    # A company's wallet would be anybody's who types its number.
    has_purse = offers.wallet and visit.flow.identified_by != "company"
    balance = await purse_of(visit.flow) if has_purse else None
    # The sum above is that of what the page shows as chosen.
    visit = visit.after(extras.flow_for(wanted.method))
    context = {
        "form": form or Form(),
        "methods": offers.methods(wanted, balance),
        "invoice": offers.invoice(wanted),
        "instalments": offers.instalments(wanted),
        "compared": offers.compared() if compare else (),
        "shipping": extras.shipping_view(),
        "insurance": extras.insurance_view(),
        "has_fees": bool(extras.fees),
        "payment_failure": visit.flow.payment_failure if visit.flow.ours else None,
        "support_email": visit.flow.merchant.contact_email,
        "company": company_view(visit.flow),
    }
    return visit.page("method", context, step=1, status=status, push=push)


def company_page(
    visit: Visit, form: Form | None = None, *, status: int = 200, push: bool = False
) -> Response[str]:
    """Which company is buying? What is known of it stands in the fields."""
    context = {
        "form": form or Form(),
        "company": company_view(visit.flow),
        "country": visit.flow.country,
        "support_email": visit.flow.merchant.contact_email,
    }
    return visit.page("company", context, step=1, status=status, push=push)


def identify_page(
    visit: Visit,
    form: Form | None = None,
    *,
    notice: str | None = None,
    status: int = 200,
    push: bool = False,
) -> Response[str]:
    """`notice` is a code that the template words; where none is given the newest code's row may have one."""
    flow = visit.flow
    challenge = _challenge(visit)
    if notice is None and flow.challenge is not None:
        notice = _SENDING_NOTICES.get(flow.challenge.state)
    asked = flow.challenge or flow.passed
    view = IdentifyView(
        phone=asked.phone or "",
        postcode=asked.postcode or "",
        country=flow.country,
        bank_url=f"{visit.url}/bank"
        if flow.country in visit.house.banks and not flow.owed_by_company
        else None,
        challenge=challenge,
        needs_bank=flow.phone_proved_here and not flow.owed_by_company,
        notice=notice,
        passkey=visit.passkey_party is not None and passkey_is_enough(flow),
        code_enough=code_is_enough(flow),
        remembered=_remembered_phone(visit),
        remember=flow.challenge is not None and flow.challenge.remember,
        person=_person(flow),
        may_skip=flow.progress is Progress.GUEST,
        company=flow.company.name if flow.owed_by_company and flow.company else None,
    )
    context = {"form": form or Form(), "identify": view}
    return visit.page("identify", context, step=2, status=status, path=PATHS[Page.IDENTIFY], push=push)


def _person(flow: Flow) -> PersonView | None:
    if not person_identifies(flow):
        return None
    return PersonView(
        answer_by=answer_by(flow.merchant, flow.now),
        zone=flow.merchant.time_zone,
        asked=flow.customer is not None,
        name=flow.passed.name or "",
    )


def _remembered_phone(visit: Visit) -> str | None:
    """Where a code is enough, whoever is remembered here has nothing else to type."""
    found = None if visit.flow.owed_by_company else visit.flow.remembered
    return masked(found.phone) if found is not None and code_is_enough(visit.flow) else None


def _challenge(visit: Visit) -> ChallengeView | None:
    """The code that may be typed now. One for an order that the shop has edited since would lead nowhere."""
    challenge, now = visit.flow.challenge, visit.flow.now
    if (
        challenge is None
        or challenge.state not in {"sending", "sent", "unknown"}
        or now >= challenge.expires_at
        or not approves(challenge.approval_digest, visit.flow.approval)
    ):
        return None
    return ChallengeView(
        phone_masked=masked(challenge.phone),
        resend_in_s=max(0, int((challenge.created_at + RESEND_AFTER - now).total_seconds())),
        expires_in_s=int((challenge.expires_at - now).total_seconds()),
        tries_left=challenge.tries_left,
    )


async def confirm_page(
    visit: Visit, form: Form | None = None, *, status: int = 200, push: bool = False
) -> Response[str]:
    flow = visit.flow
    quote = flow.quote
    assert quote is not None, "step 3 has a quote"
    contact = known_contact(flow, Details())
    sheet = await sheet_of(visit) if quote.is_consumer_credit else None
    operator = visit.house.settings.operator.name
    view = ConfirmView(
        method=quote.method,
        delivery=quote.delivery,
        quote=view_of(quote),
        missing=asked_fields(quote, flow),
        shown=shown.sign(flow),
        information=worded(sheet, visit.lang) if sheet is not None else None,
        withdrawal_days=sheet.terms.withdrawal_days if sheet is not None else 0,
        creditor_name=operator if flow.merchant.creditor == "operator" else flow.merchant.name,
        wallet=await wallet_view(visit),
        is_guest=flow.progress is Progress.GUEST,
        has_wallet=flow.merchant.has(WALLET),
        name=contact.name,
        email=contact.email,
        phone_masked=masked(contact.phone) if contact.phone else None,
        street=contact.street,
        postcode=contact.postcode,
        city=contact.city,
        company=company_view(flow),
        subscription=await agreement_in(visit),
        added=added_lines(flow),
    )
    context = {"form": form or Form(), "confirm": view}
    return visit.page("confirm", context, step=3, status=status, path=PATHS[Page.CONFIRM], push=push)


async def paying_page(visit: Visit, *, asked: int = 0, push: bool = False) -> Response[str]:
    """Where the payment at the provider stands, as far as we know. Nothing is asked of the provider here."""
    view = await paying_view(visit, asked)
    return visit.page("paying", {"paying": view}, step=None, path=PATHS[Page.PAYING], push=push)


async def paying_again(visit: Visit, asked: int, *, seen: str) -> Response[str] | None:
    """The form alone that asks again, after a longer pause; None once the page says something else than was `seen`."""
    view = await paying_view(visit, asked)
    return visit.fragment("paying_again", {"paying": view}, "#again") if view.kind == seen else None


async def paying_view(visit: Visit, asked: int = 0) -> PayingView:
    """Another browser sees that something is checked, and nothing else."""
    flow = visit.flow
    payment = await newest_payment_of_session(flow.merchant.id, flow.session_id)
    pending = payment is not None and payment.state == "pending" and not payment.is_letting_go
    ours = flow.ours and payment is not None
    return PayingView(
        kind="pending" if pending else "checking",
        pause_s=_PAUSES_S[min(asked, len(_PAUSES_S) - 1)],
        asked=asked,
        back_url=visit.return_url(flow.success_url),
        method=payment.method if ours and payment is not None else None,
        go_url=f"{visit.url}/go" if ours and pending and payment is not None and payment.url else None,
        may_give_up=ours and pending,
        code=qr_picture(payment.qr_url, "QR") if ours and pending and payment and payment.qr_url else None,
    )


# How long the page of a payment waits before it asks again, in seconds.
_PAUSES_S: Final = (1, 2, 3, 5, 8, 13, 20, 30)


@dataclass(frozen=True, slots=True)
class Beside:
    """What is told beside the outcome: of a refusal, of a wait, that there was one, what the shopper said of it."""

    refusal: RefusalView | None = None
    wait: WaitView | None = None
    waited: bool = False
    said: FeedbackView | None = None


def outcome_page(
    visit: Visit,
    beside: Beside = Beside(),
    *,
    form: Form | None = None,
    passkey_news: str | None = None,
    status: int = 200,
    push: bool = False,
) -> Response[str]:
    """How it ended, or why this plan is not possible now. Another browser sees the outcome and nothing personal."""
    flow = visit.flow
    kind = outcome_kind(flow)
    ends_well = kind in {"confirmed", "held"}
    # A guest's purchase is told to the browser that made it.
    theirs = flow.identified or (flow.customer is None and flow.ours)
    mine = theirs and kind == "confirmed" and flow.quote is not None
    view = OutcomeView(
        kind=kind,
        return_url=visit.return_url(flow.success_url if ends_well else flow.cancel_url),
        method=flow.quote.method if mine and flow.quote else None,
        delivery=flow.quote.delivery if mine and flow.quote else None,
        quote=view_of(flow.quote) if mine and flow.quote else None,
        agreement_url=f"{visit.url}/agreement" if mine and flow.lends_to_consumer else None,
        agreement_soon="agreement" in visit.request.query_params,
        first_due=flow.quote.first_due if mine and flow.quote else None,
        email_masked=masked_email(flow.contact.email) if mine and flow.contact.email else None,
        reference=flow.reference if mine else None,
        refusal=beside.refusal,
        wait=beside.wait,
        support_email=flow.merchant.contact_email,
        passkey_offer=mine and _offers_passkey(visit),
        passkey_news=passkey_news,
        passkeys=flow.passkeys if mine else 0,
        is_insured=mine and any(line.origin == "insurance" for line in flow.lines),
        is_known=flow.customer is not None and flow.identified_by != "company",
        waited=beside.waited,
        feedback=(beside.said or FeedbackView()) if asks_feedback(flow) else None,
    )
    context = {"form": form or Form(), "outcome": view}
    return visit.page("outcome", context, step=None, status=status, path=PATHS[Page.OUTCOME], push=push)


def outcome_kind(flow: Flow) -> OutcomeKind:
    return "refused" if flow.state == "open" else _OUTCOMES[flow.state.value]


async def outcome_now(
    visit: Visit,
    *,
    refused_for: Sequence[str] = (),
    said: FeedbackView | None = None,
    form: Form | None = None,
    status: int = 200,
    push: bool = False,
) -> Response[str]:
    """As `outcome_page`, with what a refusal or a wait tells. `form` is what was typed into a question to a person.

    What ended without a purchase on a payment link leads back to the link, which knows what is true of it now.
    """
    if visit.flow.link_id is not None and visit.flow.state in {"cancelled", "expired"}:
        # A link that is paused or paid tells that itself.
        stopped = visit.flow.stored_state != "open" or visit.flow.state == "expired"
        why = f"?ended={visit.flow.state}" if stopped else ""
        return visit.sealed(rendering.redirect(visit.request, visit.flow.cancel_url + why))
    refusal = await refusal_of(visit, refused_for) if visit.flow.state in {"open", "declined"} else None
    wait = await wait_of(visit) if visit.flow.state == "held" else None
    over = visit.flow.ours and visit.flow.state in {"cancelled", "expired"}
    waited = over and await has_waited(visit.flow)
    if said is None and visit.request.method == "GET":
        # Right after a press nobody can have said anything.
        said = await said_in(visit)
    return outcome_page(visit, Beside(refusal, wait, waited, said), form=form, status=status, push=push)


def _offers_passkey(visit: Visit) -> bool:
    """Whoever has just used one has one at hand."""
    flow = visit.flow
    return (
        visit.passkey_party is not None
        and may_save_passkey(flow)
        and flow.identified_by != "passkey"
        and flow.passkeys < PER_CUSTOMER_MAX
    )


_OUTCOMES: Final[dict[str, OutcomeKind]] = {
    "held": "held",
    "confirmed": "confirmed",
    "declined": "declined",
    "cancelled": "cancelled",
    "expired": "expired",
}
