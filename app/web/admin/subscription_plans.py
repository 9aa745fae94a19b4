"""A shop's plans that renew by themselves: made, given another price, ended."""

from __future__ import annotations

from dataclasses import replace
from typing import Final
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.status_codes import HTTP_200_OK

from app.kernel import clock, ids
from app.kernel.cursors import CursorRefused
from app.kernel.money import Money
from app.kernel.typed import amount_minor, percent
from app.merchants.queries import Merchant
from app.subscriptions import actions
from app.subscriptions.errors import PlanRefused, PlanUnknown
from app.subscriptions.plan_checks import LANGUAGES
from app.subscriptions.price_queries import price_answers
from app.subscriptions.queries import PlanPage, PlanView, plan_of, plan_page
from app.subscriptions.rules import Terms
from app.web.admin.access import AdminRequest
from app.web.admin.pages import LANGUAGE_NAMES, merchant_of, show
from app.web.shared import forms, rendering
from app.web.shared.forms import FieldError, Form

LIST: Final = "/admin/subscriptions/plans"
SECTION: Final = "subscriptions"
# What cannot be read is out of every range: the rule of the field then says so at its place.
_UNREADABLE: Final = -1


@get("/subscriptions/plans", name="admin:subscription-plans")
async def plan_list(request: AdminRequest) -> Response[str]:
    merchant = await merchant_of(request)
    cursor = request.query_params.get("cursor") or None
    found = await _plans(merchant.id, cursor)
    context = {
        "plans": found.plans,
        "locale": merchant.locale,
        "older_url": f"{LIST}?cursor={found.next_cursor}" if found.next_cursor else None,
        "newest_url": LIST if cursor else None,
        "price_of": _price,
    }
    return await show(request, "admin/subscription_plans.html", context, section=SECTION)


@get("/subscriptions/plans/new", name="admin:subscription-plan-new")
async def new_plan(request: AdminRequest) -> Response[str]:
    return await _show_form(request, Form())


@post("/subscriptions/plans/new", name="admin:subscription-plan-make", status_code=HTTP_200_OK)
async def make_plan(request: AdminRequest) -> Response[str]:
    merchant, now = await merchant_of(request), clock.business(request.user.staff.offset_s)
    form = forms.parse(await request.body())
    missing = _missing(form, merchant)
    if missing:
        return await _show_form(request, Form(form.values, missing), status=422)
    try:
        terms = _terms(form, merchant)
        public_id = await actions.make_plan(
            merchant, terms, form_key=_key(form.value("key")), actor=_actor(request), now=now
        )
    except PlanRefused as refused:
        return await _show_form(request, _wrong(form, refused), status=422)
    return rendering.redirect(request, f"{LIST}/{public_id}", leave=True)


@get("/subscriptions/plans/{public_id:str}", name="admin:subscription-plan")
async def one_plan(request: AdminRequest, public_id: FromPath[str]) -> Response[str]:
    return await _show(request, public_id)


@post(
    "/subscriptions/plans/{public_id:str}/{change:str}",
    name="admin:subscription-plan-change",
    status_code=HTTP_200_OK,
)
async def change_plan(
    request: AdminRequest, public_id: FromPath[str], change: FromPath[str]
) -> Response[str]:
    """End it, open it again, give it another price, or tell whoever has it of the price."""
    merchant, now = await merchant_of(request), clock.business(request.user.staff.offset_s)
    if not ids.is_public_id("spl", public_id):
        return await _no_plan(request)
    form = forms.parse(await request.body())
    actor = _actor(request)
    told = ""
    try:
        match change:
            case "end":
                await actions.end_plan(merchant.id, public_id, actor=actor, now=now)
            case "open":
                await actions.open_plan(merchant.id, public_id, actor=actor, now=now)
            case "price":
                await _reprice(merchant, public_id, form, actor, request)
            case "tell":
                count = await actions.ask_price(merchant, public_id, actor=actor, now=now)
                told = f"?told={count}"
            case _:
                return await _no_plan(request)
    except PlanUnknown:
        return await _no_plan(request)
    except PlanRefused as refused:
        return await _show(request, public_id, _wrong(form, refused), status=422)
    return rendering.redirect(request, f"{LIST}/{public_id}{told}", leave=True)


async def _reprice(merchant: Merchant, public_id: str, form: Form, actor: str, request: AdminRequest) -> None:
    plan = await plan_of(merchant.id, public_id)
    if plan is None:
        raise PlanUnknown
    terms = replace(plan.terms, amount_minor=_sum(form.value("amount"), "amount"))
    version = form.value("version")
    await actions.change_plan_terms(
        merchant,
        public_id,
        terms,
        version=int(version) if version.isascii() and version.isdigit() and len(version) < 7 else 0,
        actor=actor,
        now=clock.business(request.user.staff.offset_s),
    )


async def _show(
    request: AdminRequest, public_id: str, form: Form | None = None, *, status: int = HTTP_200_OK
) -> Response[str]:
    merchant = await merchant_of(request)
    plan = await plan_of(merchant.id, public_id) if ids.is_public_id("spl", public_id) else None
    if plan is None:
        return await _no_plan(request)
    told = request.query_params.get("told", "")
    context = {
        "plan": plan,
        "price": _price(plan),
        "trial": Money(plan.terms.trial_minor, plan.terms.currency) if plan.terms.trial_days else None,
        "locale": merchant.locale,
        "form": form or Form(),
        "address": f"{LIST}/{public_id}",
        "answers": await price_answers(merchant.id, plan.version_id),
        "told": int(told) if told.isascii() and told.isdigit() and len(told) < 6 else None,
        "language_names": dict(LANGUAGE_NAMES),
    }
    return await show(request, "admin/subscription_plan.html", context, section=SECTION, status=status)


def _missing(form: Form, merchant: Merchant) -> dict[str, FieldError]:
    """Every field that is needed and empty, all at once."""
    needed = (f"name_{merchant.locale}", "amount", "vat")
    return {name: FieldError("missing") for name in needed if not form.value(name).strip()}


def _terms(form: Form, merchant: Merchant) -> Terms:
    """What was typed as the terms of a plan. Raises PlanRefused for what cannot be read."""
    trial = form.value("trial_amount")
    vat = percent(form.value("vat"))
    if vat is None:
        raise PlanRefused("vat", "malformed" if form.value("vat") else "missing")
    return Terms(
        names={lang: form.value(f"name_{lang}") for lang in LANGUAGES},
        locale=merchant.locale,
        currency=merchant.currency,
        amount_minor=_sum(form.value("amount"), "amount"),
        vat_percent=vat,
        unit="week" if form.value("unit") == "week" else "month",
        every=_number(form.value("every"), 1),
        trial_days=_number(form.value("trial_days"), 0),
        trial_minor=_sum(trial, "trial_amount") if trial else 0,
        notice_days=_number(form.value("notice_days"), 0),
        minimum_periods=_number(form.value("minimum_periods"), 0),
    )


def _sum(text: str, field: str) -> int:
    if not text.strip():
        raise PlanRefused(field, "missing")
    found = amount_minor(text)
    if found is None:
        raise PlanRefused(field, "malformed")
    return found


def _number(text: str, empty: int) -> int:
    text = text.strip()
    if not text:
        return empty
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 4 else _UNREADABLE


def _wrong(form: Form, refused: PlanRefused) -> Form:
    values = dict(form.values)
    if refused.reason == "card_number":
        values[refused.field] = ""
    return Form(values, {refused.field: FieldError(refused.reason, dict(refused.data))})


async def _show_form(request: AdminRequest, form: Form, *, status: int = HTTP_200_OK) -> Response[str]:
    merchant = await merchant_of(request)
    own = [pair for pair in LANGUAGE_NAMES if pair[0] == merchant.locale]
    context = {
        "form": form,
        # A form that comes back keeps its key: it is the same sending still.
        "key": str(_key(form.value("key"))),
        "currency": merchant.currency,
        "languages": [*own, *(pair for pair in LANGUAGE_NAMES if pair[0] != merchant.locale)],
        "locale": merchant.locale,
    }
    return await show(request, "admin/subscription_plan_form.html", context, section=SECTION, status=status)


async def _no_plan(request: AdminRequest) -> Response[str]:
    return await show(request, "admin/no_subscription.html", {}, section=SECTION, status=404)


async def _plans(merchant_id: UUID, cursor: str | None) -> PlanPage:
    """The page that was asked for; a place that never was shows the first one."""
    try:
        return await plan_page(merchant_id, cursor=cursor)
    except CursorRefused:
        return await plan_page(merchant_id)


def _price(plan: PlanView) -> Money:
    return Money(plan.terms.amount_minor, plan.terms.currency)


def _key(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        return ids.internal_id()


def _actor(request: AdminRequest) -> str:
    return f"staff:{request.user.staff.public_id}"
