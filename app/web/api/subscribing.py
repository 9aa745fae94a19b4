"""A session that begins a subscription: the plan that is named, as the order's first line."""

from __future__ import annotations

from dataclasses import replace

from app.checkout.drafts import SessionDraft
from app.merchants.queries import Merchant
from app.orders.rules import Line
from app.subscriptions.actions import plan_to_offer
from app.subscriptions.errors import PlanEnded, PlanUnknown
from app.subscriptions.queries import Offered
from app.web.api import schemas
from app.web.api.problems import fault, invalid


async def with_subscription(
    draft: SessionDraft, given: schemas.NewSession, merchant: Merchant
) -> SessionDraft:
    """The draft with the plan's own first line before the shop's. Raises InputRefused (422)."""
    if given.subscription is None:
        return draft
    if draft.buyer == "business":
        raise invalid(fault("/buyer", "not_for_business"))
    try:
        offered = await plan_to_offer(merchant.id, given.subscription.plan)
    except PlanUnknown:
        raise invalid(fault("/subscription/plan", "unknown")) from None
    except PlanEnded:
        raise invalid(fault("/subscription/plan", "plan_ended")) from None
    if offered.terms.currency != draft.currency:
        raise invalid(fault("/currency", "currency_mismatch"))
    first = first_line(offered, draft.locale or merchant.locale)
    return replace(draft, lines=(first, *draft.lines), subscription=offered)


def first_line(offered: Offered, lang: str) -> Line:
    """What is paid at once: the first period, or the trial."""
    terms = offered.terms
    return Line(
        "item",
        terms.name(lang),
        1,
        terms.first_minor,
        terms.vat_percent,
        sku=offered.plan_public_id,
        category="subscription",
    )
