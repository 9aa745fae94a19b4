"""What a shop's model has learnt, how it does beside the rules, and whether it is on."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from litestar import Response, get, post
from litestar.status_codes import HTTP_200_OK, HTTP_409_CONFLICT

from app.kernel import clock
from app.kernel.money import Money
from app.merchants.queries import staff_actors
from app.risk.comparing import BAD_MIN, ORDERS_MIN, AtLoad, Found
from app.risk.errors import ModelBroken, ModelMissing, ModelNotBetter
from app.risk.model_actions import OUTCOMES_MIN, switch
from app.risk.model_queries import newest_model, outcomes_total, trouble_of, versions
from app.risk.scoring import Mode
from app.web.admin.access import AdminRequest
from app.web.admin.pages import merchant_of, show
from app.web.shared import forms, rendering

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.merchants.queries import Merchant
    from app.risk.comparing import Figures

PAGE: Final = "/admin/settings/model"
_MODES: Final[Mapping[str, Mode]] = {"on": "on", "shadow": "shadow", "off": "off"}


@dataclass(frozen=True, slots=True)
class Row:
    """One of both at one load. `precision` and `caught` in percent: of those asked about, and of all bad orders."""

    is_model: bool
    asked: int
    bad: int
    good: int
    precision: Decimal
    caught: Decimal
    saved: Money


@dataclass(frozen=True, slots=True)
class Load:
    """Both at one load, `percent` of a week's orders."""

    percent: Decimal
    is_own: bool
    rows: tuple[Row, Row]


@get("/settings/model", name="admin:model")
async def model_settings(request: AdminRequest) -> Response[str]:
    return await _show(request, await merchant_of(request))


@post("/settings/model", name="admin:model-switch", status_code=HTTP_200_OK)
async def switch_model(request: AdminRequest) -> Response[str]:
    """Switch it on, into the shadow, or off; refused in words where it may not be on."""
    merchant, form = await merchant_of(request), forms.parse(await request.body())
    mode, version = _MODES.get(form.value("do")), form.value("version")
    if mode is None or not version.isascii() or not version.isdigit() or len(version) > 9:
        return await _show(request, merchant, refused="missing")
    actor, now = f"staff:{request.user.staff.public_id}", clock.business(request.user.staff.offset_s)
    try:
        await switch(merchant.id, int(version), mode, actor=actor, now=now)
    except ModelMissing:
        return await _show(request, merchant, refused="missing")
    except ModelNotBetter:
        return await _show(request, merchant, refused="not_better")
    except ModelBroken:
        return await _show(request, merchant, refused="broken")
    return rendering.redirect(request, f"{PAGE}?saved={mode}", leave=True)


async def _show(request: AdminRequest, merchant: Merchant, refused: str = "") -> Response[str]:
    model, now = await newest_model(merchant.id), clock.business(request.user.staff.offset_s)
    saved = request.query_params.get("saved", "")
    context = {
        "model": model,
        "trouble": trouble_of(model, now),
        "loads": loads_of(model.figures, merchant.currency) if model and model.figures else (),
        "versions": await versions(merchant.id) if model else (),
        "known": await outcomes_total(merchant.id, OUTCOMES_MIN) if model is None else 0,
        "least": {"outcomes": OUTCOMES_MIN, "orders": ORDERS_MIN, "bad": BAD_MIN},
        "staff_names": await staff_actors(merchant.id),
        "saved": saved if saved in _MODES else "",
        "refused": refused,
    }
    status = HTTP_409_CONFLICT if refused else HTTP_200_OK
    return await show(request, "admin/model.html", context, section="settings", status=status)


def loads_of(figures: Figures, currency: str) -> tuple[Load, ...]:
    """The load of the rules first, then the others in order; one that is the same as the first stands once."""
    own = _percent(figures.share)
    made = [_load(each, figures.bad, currency, is_own=turn == 0) for turn, each in enumerate(figures.loads)]
    return tuple(load for load in made if load.is_own or load.percent != own)


def _load(at: AtLoad, bad_total: int, currency: str, *, is_own: bool) -> Load:
    def row(found: Found, *, is_model: bool) -> Row:
        return Row(
            is_model=is_model,
            asked=found.asked,
            bad=found.bad,
            good=found.good,
            precision=_percent(found.precision),
            caught=_percent(found.bad / bad_total if bad_total else 0),
            saved=Money(found.bad_minor, currency),
        )

    return Load(_percent(at.share), is_own, (row(at.model, is_model=True), row(at.rules, is_model=False)))


def _percent(share: float) -> Decimal:
    """Of a hundred, with one decimal."""
    return Decimal(round(share * 1_000)) / 10
