"""`/api/v1/subscription-plans` and `/api/v1/subscriptions`: what a shop offers, who has it, and cancelling one."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, cast

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath

from app.kernel import ids
from app.subscriptions import actions, queries
from app.subscriptions.errors import PlanRefused, PlanUnknown, SubscriptionUnknown
from app.subscriptions.queries import PlanView, SubscriptionView
from app.subscriptions.rules import Terms
from app.subscriptions.states import SubscriptionState
from app.web.api import body, schemas
from app.web.api import schemas_subscriptions as shapes
from app.web.api.keys import TheCaller
from app.web.api.once import Answer, once
from app.web.api.params import bad_parameter, list_params
from app.web.api.problems import fault, invalid, not_found

# How a field of a plan is called in the document, where that is not its own name.
_POINTERS = {"amount": "/amount_minor", "vat": "/vat_percent", "trial_amount": "/trial_minor"}
_GOES_ON = frozenset({SubscriptionState.TRIALING, SubscriptionState.ACTIVE, SubscriptionState.PAST_DUE})


@post("/subscription-plans", status_code=201)
async def make_plan(request: Request[Any, Any, Any], caller: TheCaller) -> Response[bytes]:
    """A new plan."""
    given, raw = await body.read(request, shapes.NewSubscriptionPlan)
    if given.vat_percent.endswith("\n"):
        # `$` in a pattern lets one line break by.
        raise invalid(fault("/vat_percent", "malformed"))
    form_key = ids.internal_id()

    async def work() -> Answer:
        try:
            public_id = await actions.make_plan_in_tx(
                caller.merchant,
                _terms(given, caller.merchant.locale),
                form_key=form_key,
                actor=caller.actor,
                now=caller.now,
            )
        except PlanRefused as refused:
            raise invalid(fault(_pointer(refused.field), refused.reason)) from None
        plan = await queries.plan_of(caller.merchant.id, public_id)
        assert plan is not None, "it was made just now"
        return Answer(201, msgspec.json.encode(_plan(plan)))

    return await once(request, caller.merchant.id, raw, work)


@get("/subscription-plans")
async def list_plans(request: Request[Any, Any, Any], caller: TheCaller) -> Response[bytes]:
    """Plans, newest first."""
    params = list_params(request)
    page = await queries.plan_page(caller.merchant.id, cursor=params.cursor, limit=params.limit)
    found = shapes.SubscriptionPlanList(tuple(_plan(plan) for plan in page.plans), page.next_cursor)
    return Answer(200, msgspec.json.encode(found)).response()


@post("/subscription-plans/{plan_id:str}/end", status_code=200)
async def end_plan(
    request: Request[Any, Any, Any], plan_id: FromPath[str], caller: TheCaller
) -> Response[bytes]:
    """Take nobody new; who has the plan keeps it. Ending twice is ending once."""
    raw = await request.body()
    if raw:
        await body.read(request, schemas.Nothing)

    async def work() -> Answer:
        try:
            await actions.end_plan_in_tx(caller.merchant.id, plan_id, actor=caller.actor, now=caller.now)
        except PlanUnknown:
            raise not_found() from None
        plan = await queries.plan_of(caller.merchant.id, plan_id)
        assert plan is not None, "it is held"
        return Answer(200, msgspec.json.encode(_plan(plan)))

    return await once(request, caller.merchant.id, raw, work)


@get("/subscriptions")
async def list_subscriptions(request: Request[Any, Any, Any], caller: TheCaller) -> Response[bytes]:
    """Subscriptions, newest first, of one state where it is named."""
    params = list_params(request, "state")
    page = await queries.subscription_page(
        caller.merchant.id,
        state=_state(params.others.get("state")),
        cursor=params.cursor,
        limit=params.limit,
    )
    data = tuple(_subscription(sub) for sub in page.subscriptions)
    return Answer(200, msgspec.json.encode(shapes.SubscriptionList(data, page.next_cursor))).response()


@get("/subscriptions/{subscription_id:str}")
async def read_subscription(subscription_id: FromPath[str], caller: TheCaller) -> Response[bytes]:
    """A subscription as it stands now."""
    found = await queries.subscription_of(caller.merchant.id, _known(subscription_id))
    if found is None:
        raise not_found()
    return Answer(200, msgspec.json.encode(_subscription(found))).response()


@post("/subscriptions/{subscription_id:str}/cancel", status_code=200)
async def cancel_subscription(
    request: Request[Any, Any, Any], subscription_id: FromPath[str], caller: TheCaller
) -> Response[bytes]:
    """Cancel on the customer's behalf: it ends as if they had done so themselves. Twice is once."""
    raw = await request.body()
    if raw:
        await body.read(request, schemas.Nothing)
    public_id = _known(subscription_id)

    async def work() -> Answer:
        try:
            found = await actions.cancel_in_tx(caller.merchant, public_id, actor=caller.actor, now=caller.now)
        except SubscriptionUnknown:
            raise not_found() from None
        return Answer(200, msgspec.json.encode(_subscription(found)))

    return await once(request, caller.merchant.id, raw, work)


def _known(public_id: str) -> str:
    if not ids.is_public_id("sub", public_id):
        raise not_found()
    return public_id


def _state(text: str | None) -> SubscriptionState | None:
    try:
        return None if text is None else SubscriptionState(text)
    except ValueError:
        raise bad_parameter("state") from None


def _pointer(field: str) -> str:
    if field.startswith("name_"):
        return f"/names/{field.removeprefix('name_')}"
    return _POINTERS.get(field, f"/{field}")


def _terms(given: shapes.NewSubscriptionPlan, locale: str) -> Terms:
    return Terms(
        names=cast("dict[str, str]", given.names),
        locale=locale,
        currency=given.currency,
        amount_minor=given.amount_minor,
        vat_percent=Decimal(given.vat_percent),
        unit=given.unit,
        every=given.every,
        trial_days=given.trial_days,
        trial_minor=given.trial_minor,
        notice_days=given.notice_days,
        minimum_periods=given.minimum_periods,
    )


def _plan(plan: PlanView) -> shapes.SubscriptionPlan:
    terms = plan.terms
    return shapes.SubscriptionPlan(
        id=plan.public_id,
        state=plan.state.value,
        version=plan.version,
        names=dict(terms.names),
        currency=terms.currency,
        amount_minor=terms.amount_minor,
        vat_percent=f"{terms.vat_percent:f}",
        unit=terms.unit,
        every=terms.every,
        trial_days=terms.trial_days,
        trial_minor=terms.trial_minor,
        notice_days=terms.notice_days,
        minimum_periods=terms.minimum_periods,
        subscribers=plan.subscribers,
        created_at=plan.created_at,
    )


def _subscription(sub: SubscriptionView) -> shapes.Subscription:
    ends_on = sub.ended_on or sub.cancel_on
    renews = sub.state in _GOES_ON or (sub.cancel_on is not None and sub.cancel_on > sub.course.ends_on)
    return shapes.Subscription(
        id=sub.public_id,
        state=sub.state.value,
        plan_id=sub.plan_public_id,
        order_id=sub.order_public_id,
        customer_id=sub.customer_public_id,
        reference=sub.reference,
        amount_minor=sub.terms.amount_minor,
        currency=sub.terms.currency,
        method=sub.method,
        period_starts_on=sub.course.starts_on,
        period_ends_on=sub.course.ends_on,
        next_charge_on=sub.course.ends_on if renews and sub.ended_on is None else None,
        ends_on=ends_on,
        end_reason=cast("Any", sub.end_reason),
        created_at=sub.created_at,
    )
