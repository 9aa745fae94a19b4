"""A shop's own rules on orders: the list, one of them with its preview and versions, and whom a rule leaves out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, get_args
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.status_codes import (
    HTTP_200_OK,
    HTTP_404_NOT_FOUND,
    HTTP_409_CONFLICT,
    HTTP_422_UNPROCESSABLE_ENTITY,
)

from app.kernel import clock, ids
from app.kernel.money import Money
from app.merchants.queries import Merchant, staff_actors
from app.risk.conditions import MerchantRule, Mode
from app.risk.errors import CustomerUnknown, RuleChanged, RuleRefused, RuleUnknown, SnoozeRefused
from app.risk.rule_actions import change_rule, end_snooze, make_rule, snooze_rule, switch_rule
from app.risk.rule_checks import COUNT_MAX, COUNT_MIN, LIST_MAX, WantedRule, checked
from app.risk.rule_queries import categories_sold, rule_of, rules_of, running_snoozes, versions_of_rule
from app.web.admin.access import HOME, AdminRequest, own_path
from app.web.admin.pages import merchant_of, show
from app.web.admin.rules_forms import (
    CATEGORY_CHOICES,
    IDENTICAL_WITHIN,
    SEEN,
    empty_form,
    form_of,
    kept_address,
    read,
)
from app.web.admin.rules_views import Preview, preview_of, row_of, shown, version_rows
from app.web.shared import forms, rendering
from app.web.shared.forms import FieldError, Form

if TYPE_CHECKING:
    from collections.abc import Mapping

PAGE: Final = "/admin/settings/rules"
_MODES: Final[Mapping[str, Mode]] = {each: each for each in get_args(Mode)}
_SAVED: Final = frozenset({"made", "changed", "ended", *get_args(Mode)})
SNOOZE_DAYS: Final = (7, 30, 90, 365)


@get("/settings/rules", name="admin:rules")
async def rule_list(request: AdminRequest) -> Response[str]:
    merchant, now = await merchant_of(request), clock.business(request.user.staff.offset_s)
    saved = request.query_params.get("saved", "")
    rows = [row_of(each) for each in await rules_of(merchant.id)]
    context = {
        "rules": [row for row in rows if row.mode != "removed"],
        "removed": [row for row in rows if row.mode == "removed"],
        "snoozes": await running_snoozes(merchant.id, now),
        "staff_names": await staff_actors(merchant.id),
        "saved": saved if saved in _SAVED else "",
        "money": _money(merchant),
    }
    return await show(request, "admin/rules.html", context, section="settings")


@get("/settings/rules/new", name="admin:rule-new")
async def new_rule(request: AdminRequest) -> Response[str]:
    return await _show(request, await merchant_of(request), _Page(empty_form()))


@post("/settings/rules/new", name="admin:rule-make", status_code=HTTP_200_OK)
async def save_new_rule(request: AdminRequest) -> Response[str]:
    """Nothing is saved while anything is wrong; what was typed stays."""
    merchant, form = await merchant_of(request), forms.parse(await request.body())
    wanted = _wanted(form, merchant, None)
    if isinstance(wanted, Form):
        return await _show(request, merchant, _Page(wanted), status=HTTP_422_UNPROCESSABLE_ENTITY)
    try:
        public_id = await make_rule(
            merchant, wanted, form_key=_key(form.value("key")), actor=_actor(request), now=_now(request)
        )
    except RuleRefused as refused:
        return await _refuse(request, merchant, _Page(form), refused)
    return rendering.redirect(request, f"{PAGE}/{public_id}?saved=made", leave=True)


@post("/settings/rules/preview", name="admin:rule-preview", status_code=HTTP_200_OK)
async def preview_rule(request: AdminRequest) -> Response[str]:
    """What the rule as typed would have done to the last 90 days; nothing is saved."""
    merchant, form = await merchant_of(request), forms.parse(await request.body())
    rule = await _rule(merchant, form.value("rule"))
    wanted = _wanted(form, merchant, rule, is_trial=True)
    if isinstance(wanted, Form):
        return await _show(request, merchant, _Page(wanted, rule))
    preview = await preview_of(merchant, wanted, rule, _now(request))
    return await _show(request, merchant, _Page(form, rule, preview))


@get("/settings/rules/{rule_id:str}", name="admin:rule")
async def one_rule(request: AdminRequest, rule_id: FromPath[str]) -> Response[str]:
    merchant = await merchant_of(request)
    rule = await _rule(merchant, rule_id)
    if rule is None:
        return await _no_rule(request)
    saved = request.query_params.get("saved", "")
    page = _Page(form_of(rule), rule, saved=saved if saved in _SAVED else "")
    return await _show(request, merchant, page)


@post("/settings/rules/{rule_id:str}", name="admin:rule-change", status_code=HTTP_200_OK)
async def save_rule(request: AdminRequest, rule_id: FromPath[str]) -> Response[str]:
    """Another version of it, or another mode. Whoever was outrun by somebody else is told, and nothing is saved."""
    merchant, form = await merchant_of(request), forms.parse(await request.body())
    rule = await _rule(merchant, rule_id)
    if rule is None:
        return await _no_rule(request)
    mode = _MODES.get(form.value("do"))
    try:
        if mode is not None:
            await _switch(request, merchant, rule, mode, form)
            return rendering.redirect(request, f"{PAGE}/{rule_id}?saved={mode}", leave=True)
        wanted = _wanted(form, merchant, rule)
        if isinstance(wanted, Form):
            page = _Page(wanted, rule)
            return await _show(request, merchant, page, status=HTTP_422_UNPROCESSABLE_ENTITY)
        await change_rule(
            merchant,
            rule_id,
            wanted,
            seen_version=_version(form),
            actor=_actor(request),
            now=_now(request),
        )
    except RuleChanged as changed:
        return await _tell_of_change(request, merchant, rule_id, form if mode is None else None, changed)
    except RuleRefused as refused:
        return await _refuse(request, merchant, _Page(form if mode is None else form_of(rule), rule), refused)
    return rendering.redirect(request, f"{PAGE}/{rule_id}?saved=changed", leave=True)


async def _switch(
    request: AdminRequest, merchant: Merchant, rule: MerchantRule, mode: Mode, form: Form
) -> None:
    await switch_rule(
        merchant,
        rule.public_id,
        mode,
        seen_version=_version(form),
        actor=_actor(request),
        now=_now(request),
    )


async def _tell_of_change(
    request: AdminRequest, merchant: Merchant, rule_id: str, form: Form | None, changed: RuleChanged
) -> Response[str]:
    """What was typed stays, and saving once more saves it over theirs, knowingly. A switch shows the rule anew."""
    rule = await _rule(merchant, rule_id)
    assert rule is not None, "rules are never deleted"
    typed = form_of(rule) if form is None else Form({**form.values, "version": str(changed.version)})
    return await _show(
        request, merchant, _Page(typed, rule, outrun=changed.version), status=HTTP_409_CONFLICT
    )


async def _refuse(
    request: AdminRequest, merchant: Merchant, page: _Page, refused: RuleRefused
) -> Response[str]:
    errors = {field: FieldError(reason) for field, reason in refused.errors.items()}
    again = _Page(page.form.refused(**errors), page.rule)
    return await _show(request, merchant, again, status=HTTP_422_UNPROCESSABLE_ENTITY)


def _wanted(
    form: Form, merchant: Merchant, rule: MerchantRule | None, *, is_trial: bool = False
) -> WantedRule | Form:
    """The rule that was typed, or the form with everything that is wrong with it. For a trial it needs no name."""
    wanted = read(form, merchant, rule)
    if isinstance(wanted, Form):
        # Everything that is wrong is told at once, so that nobody sends the form twice.
        nameless = not is_trial and not form.value("name")
        return wanted.refused(name=FieldError("empty")) if nameless else wanted
    try:
        return checked(replace(wanted, name="?") if is_trial else wanted)
    except RuleRefused as refused:
        return form.refused(**{field: FieldError(reason) for field, reason in refused.errors.items()})


# --- left out for one customer ------------------------------------------------------------------------------


@post("/rule-snoozes", name="admin:rule-snooze", status_code=HTTP_200_OK)
async def leave_out(request: AdminRequest) -> Response[str]:
    """A rule finds nothing about this customer for so many days. Whoever reviews sends it from a case (`next`)."""
    merchant, now = await merchant_of(request), _now(request)
    form = forms.parse(await request.body())
    days = form.value("days")
    span = timedelta(days=int(days)) if days in {str(each) for each in SNOOZE_DAYS} else timedelta()
    try:
        await snooze_rule(
            merchant,
            form.value("rule"),
            form.value("customer"),
            until=now + span,
            actor=_actor(request),
            now=now,
        )
    except (RuleUnknown, CustomerUnknown):
        return await _no_rule(request)
    except SnoozeRefused:
        return await show(
            request, "admin/no_rule.html", {"is_span": True}, section="", status=HTTP_422_UNPROCESSABLE_ENTITY
        )
    return rendering.redirect(request, _next(form), leave=True)


@post("/rule-snoozes/end", name="admin:rule-snooze-end", status_code=HTTP_200_OK)
async def end_leaving_out(request: AdminRequest) -> Response[str]:
    """The rule is asked again about this customer. What has ended already stays so. From a case (`next`) it leads
    back there."""
    merchant, form = await merchant_of(request), forms.parse(await request.body())
    try:
        snooze_id = UUID(form.value("snooze"))
    except ValueError:
        return await _no_rule(request)
    await end_snooze(merchant, snooze_id, actor=_actor(request), now=_now(request))
    back = _next(form)
    return rendering.redirect(request, f"{PAGE}?saved=ended" if back == PAGE else back, leave=True)


def _next(form: Form) -> str:
    """To the case, where it tells what is left out; else to the list of rules."""
    wanted = own_path(form.value("next"))
    return PAGE if wanted == HOME else f"{wanted}#found"


# --- the page of one rule -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Page:
    """The form as it stands, the rule that is changed, the preview where one was asked for. `outrun`: a version newer
    than the one that was changed."""

    form: Form
    rule: MerchantRule | None = None
    preview: Preview | None = None
    saved: str = ""
    outrun: int = 0


async def _show(
    request: AdminRequest, merchant: Merchant, page: _Page, *, status: int = HTTP_200_OK
) -> Response[str]:
    rule, address = page.rule, kept_address(page.rule)
    versions = () if rule is None else version_rows(await versions_of_rule(merchant.id, rule.id))
    context = {
        "form": page.form,
        "rule": rule,
        "preview": page.preview,
        "saved": page.saved,
        "outrun": page.outrun,
        # A form that comes back keeps its key: it is the same sending still.
        "key": str(_key(page.form.value("key"))),
        "address_in": None if address is None else address.postcode,
        "versions": versions,
        "staff_names": await staff_actors(merchant.id),
        "currency": merchant.currency,
        "money": _money(merchant),
        "within": IDENTICAL_WITHIN,
        "seen": SEEN,
        "categories": await categories_sold(merchant.id),
        "category_choices": CATEGORY_CHOICES,
        "conditions_now": () if rule is None else shown(rule.conditions),
        "bounds": {"least": COUNT_MIN, "most": COUNT_MAX, "list": LIST_MAX},
    }
    return await show(
        request,
        "admin/rule.html",
        context,
        section="settings",
        status=status,
        partial="admin/_rule_preview.html",
    )


async def _rule(merchant: Merchant, public_id: str) -> MerchantRule | None:
    found = await rule_of(merchant.id, public_id) if ids.is_public_id("rule", public_id) else None
    return None if found is None else found.rule


async def _no_rule(request: AdminRequest) -> Response[str]:
    return await show(
        request, "admin/no_rule.html", {"is_span": False}, section="", status=HTTP_404_NOT_FOUND
    )


def _money(merchant: Merchant) -> object:
    return lambda minor: Money(minor, merchant.currency)


def _version(form: Form) -> int:
    """The version that was on the page; one that nobody has for anything else."""
    typed = form.value("version")
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) <= 9 else -1


def _key(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        return ids.internal_id()


def _actor(request: AdminRequest) -> str:
    return f"staff:{request.user.staff.public_id}"


def _now(request: AdminRequest) -> datetime:
    return clock.business(request.user.staff.offset_s)
