"""One customer's points, beside their wallet: what they have, what moved it, and giving or taking by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.status_codes import HTTP_200_OK, HTTP_422_UNPROCESSABLE_ENTITY, HTTP_503_SERVICE_UNAVAILABLE

from app.kernel import clock, ids
from app.kernel.cursors import CursorRefused
from app.kernel.money import Money
from app.ledger.errors import MoneyFrozen
from app.ledger.queries import Statement, StatementLine
from app.loyalty import actions
from app.loyalty.actions import Adjustment
from app.loyalty.actions.adjusting import REASON_MAX
from app.loyalty.errors import AdjustedOtherwise, AdjustmentRefused, NotEnoughPoints
from app.loyalty.queries import (
    TurnedPoints,
    adjustment_reasons,
    customer_id_of,
    points_statement,
    standing_of,
    tier_of,
)
from app.merchants.queries import Merchant, staff_actors
from app.web.admin.access import AdminRequest
from app.web.admin.pages import merchant_of, show
from app.web.admin.wallets import LIST, customer_of, no_wallet
from app.web.shared import forms, rendering
from app.web.shared.forms import FieldError, Form
from app.web.shared.turned import turned_among

PAGE_SIZE: Final = 25
_NUMBER_DIGITS_MAX: Final = 7
_SIGNS: Final = {"give": 1, "take": -1}


@dataclass(frozen=True, slots=True)
class MovementRow:
    """One movement of points. `reason` and `who` belong to what staff changed; `order` is the public id of one, `money`
    what turned points became."""

    at: datetime
    cause: str
    points: int
    after: int
    order: str | None
    reason: str | None = field(repr=False)
    who: str | None = field(repr=False)
    money: Money | None = None


@get("/wallets/{customer_id:str}/points", name="admin:points")
async def points_page(request: AdminRequest, customer_id: FromPath[str]) -> Response[str]:
    return await _show(request, customer_id, saved=bool(request.query_params.get("saved")))


@post("/wallets/{customer_id:str}/points", name="admin:points-adjust", status_code=HTTP_200_OK)
async def adjust_points(request: AdminRequest, customer_id: FromPath[str]) -> Response[str]:
    """Give or take; sent twice it happens once. What was typed stays, whatever is wrong."""
    merchant = await merchant_of(request)
    if await customer_of(merchant, customer_id) is None:
        return await no_wallet(request)
    form = forms.parse(await request.body())
    adjustment = _read(form)
    if isinstance(adjustment, Form):
        return await _show(request, customer_id, form=adjustment, status=HTTP_422_UNPROCESSABLE_ENTITY)
    actor, now = f"staff:{request.user.staff.public_id}", clock.business(request.user.staff.offset_s)
    try:
        await actions.adjust(merchant, customer_id, adjustment, actor=actor, now=now)
    except AdjustmentRefused as refused:
        form = form.refused(**{refused.field: FieldError(refused.reason)})
    except AdjustedOtherwise:
        # The page was sent before with something else in it: the one it leads to shows how things stand.
        return rendering.redirect(request, f"{LIST}/{customer_id}/points", leave=True)
    except NotEnoughPoints as short:
        form = form.refused(points=FieldError("too_many", {"usable": short.usable_points}))
    except MoneyFrozen:
        form = form.refused(points=FieldError("frozen"))
        return await _show(request, customer_id, form=form, status=HTTP_503_SERVICE_UNAVAILABLE)
    else:
        return rendering.redirect(request, f"{LIST}/{customer_id}/points?saved=1", leave=True)
    return await _show(request, customer_id, form=form, status=HTTP_422_UNPROCESSABLE_ENTITY)


def _read(form: Form) -> Adjustment | Form:
    """The adjustment as typed, or the form with what cannot be read."""
    errors: dict[str, FieldError] = {}
    typed = "".join(form.value("points").split())
    if not (typed.isascii() and typed.isdigit() and len(typed) <= _NUMBER_DIGITS_MAX and int(typed)):
        errors["points"] = FieldError("malformed")
    if form.value("do") not in _SIGNS:
        errors["do"] = FieldError("malformed")
    if not form.value("reason"):
        errors["reason"] = FieldError("empty")
    if errors:
        return form.refused(**errors)
    return Adjustment(_key(form.value("key")), _SIGNS[form.value("do")] * int(typed), form.value("reason"))


def _key(text: str) -> UUID:
    """The page's own; a new one where it was lost, since then nothing was sent with it before."""
    try:
        return UUID(text)
    except ValueError:
        return ids.internal_id()


async def _show(
    request: AdminRequest,
    customer_id: str,
    *,
    form: Form | None = None,
    saved: bool = False,
    status: int = HTTP_200_OK,
) -> Response[str]:
    merchant = await merchant_of(request)
    card = await customer_of(merchant, customer_id)
    if card is None:
        return await no_wallet(request)
    now = clock.business(request.user.staff.offset_s)
    inner_id = await customer_id_of(merchant.id, customer_id)
    cursor = request.query_params.get("cursor") or None
    page = await _page(merchant, customer_id, cursor)
    reasons = await adjustment_reasons(merchant.id, inner_id, [line.key for line in page.lines])
    turned = await turned_among(merchant.id, [line.key for line in page.lines])
    path = f"{LIST}/{customer_id}/points"
    context = {
        "customer_id": customer_id,
        "card": card,
        "standing": await standing_of(merchant, customer_id, now),
        "tier": await tier_of(merchant.id, inner_id, now),
        "movements": _rows(page.lines, reasons, await staff_actors(merchant.id), turned),
        "form": form or Form({"do": "give", "key": str(ids.internal_id())}),
        "reason_max": REASON_MAX,
        "saved": saved,
        "first_url": path if cursor else None,
        "next_url": f"{path}?cursor={page.next_cursor}" if page.next_cursor else None,
    }
    return await show(request, "admin/loyalty_points.html", context, section="wallets", status=status)


async def _page(merchant: Merchant, customer_id: str, cursor: str | None) -> Statement:
    """A place that never was shows the first page."""
    try:
        return await points_statement(merchant.id, customer_id, cursor, PAGE_SIZE)
    except CursorRefused:
        return await points_statement(merchant.id, customer_id, None, PAGE_SIZE)


def _rows(
    lines: Sequence[StatementLine],
    reasons: Mapping[str, tuple[str, str]],
    names: Mapping[str, str],
    turned: Mapping[str, TurnedPoints],
) -> tuple[MovementRow, ...]:
    rows = []
    for line in lines:
        reason, actor = reasons.get(line.key, (None, None))
        rows.append(
            MovementRow(
                at=line.posted_at,
                cause=line.cause,
                points=line.amount_minor,
                after=line.balance_after_minor,
                order=line.about if ids.is_public_id("ord", line.about) else None,
                reason=reason,
                who=names.get(actor, actor) if actor else None,
                money=turned[line.key].amount if line.key in turned else None,
            )
        )
    return tuple(rows)
