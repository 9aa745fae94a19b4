"""The shop's loyalty programme: its settings, what an order would earn under them, and the versions so far."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from litestar import Response, get, post
from litestar.status_codes import HTTP_200_OK, HTTP_409_CONFLICT, HTTP_422_UNPROCESSABLE_ENTITY

from app.kernel import clock
from app.kernel.money import MAX_AMOUNT_MINOR, Money
from app.kernel.typed import amount_minor
from app.loyalty.actions import save_programme
from app.loyalty.errors import ProgrammeChanged
from app.loyalty.queries import latest_programme, programme_versions
from app.loyalty.rules import Programme
from app.merchants.queries import Merchant, staff_actors
from app.web.admin.access import AdminRequest
from app.web.admin.loyalty_forms import FIELDS_MAX, FIRST, form_of, moved_up, read, rows_shown
from app.web.admin.loyalty_views import Preview, history_of, preview_of
from app.web.admin.pages import merchant_of, show
from app.web.shared import forms, rendering
from app.web.shared.forms import FieldError, Form

PAGE: Final = "/admin/settings/loyalty"
_VERSION_DIGITS_MAX: Final = 9


@get("/settings/loyalty", name="admin:loyalty")
async def loyalty_settings(request: AdminRequest) -> Response[str]:
    merchant = await merchant_of(request)
    held = await latest_programme(merchant.id)
    programme, version = (held.programme, held.version) if held else (FIRST, 0)
    page = _Page(
        form_of(programme, version), _preview(form_of(programme, version), programme, merchant, request)
    )
    return await _show(request, merchant, page, saved=bool(request.query_params.get("saved")))


@post("/settings/loyalty", name="admin:loyalty-save", status_code=HTTP_200_OK)
async def save_loyalty(request: AdminRequest) -> Response[str]:
    """Nothing is saved while anything is wrong; what was typed stays."""
    merchant = await merchant_of(request)
    form = moved_up(forms.parse(await request.body(), fields_max=FIELDS_MAX))
    wanted = read(form)
    if isinstance(wanted, Form):
        return await _show(request, merchant, _Page(wanted, None), status=HTTP_422_UNPROCESSABLE_ENTITY)
    actor, now = f"staff:{request.user.staff.public_id}", clock.business(request.user.staff.offset_s)
    try:
        await save_programme(
            merchant.id, merchant.public_id, wanted, seen_version=_version(form), actor=actor, now=now
        )
    except ProgrammeChanged as changed:
        return await _tell_of_change(request, merchant, form, wanted, changed)
    return rendering.redirect(request, f"{PAGE}?saved=1", leave=True)


@post("/settings/loyalty/preview", name="admin:loyalty-preview", status_code=HTTP_200_OK)
async def preview_loyalty(request: AdminRequest) -> Response[str]:
    """What an order would earn under what is typed; nothing is saved."""
    merchant = await merchant_of(request)
    form = moved_up(forms.parse(await request.body(), fields_max=FIELDS_MAX))
    wanted = read(form)
    if isinstance(wanted, Form):
        return await _show(request, merchant, _Page(wanted, None))
    preview = _preview(form, wanted, merchant, request)
    if preview is None:
        form = form.refused(price=FieldError("malformed"))
    return await _show(request, merchant, _Page(form, preview))


@dataclass(frozen=True, slots=True)
class _Page:
    """The form as it stands, and the preview where everything can be read. `outrun`: a version newer than the one that
    was changed."""

    form: Form
    preview: Preview | None
    outrun: int = 0


async def _tell_of_change(
    request: AdminRequest, merchant: Merchant, form: Form, wanted: Programme, changed: ProgrammeChanged
) -> Response[str]:
    """Somebody else saved meanwhile: what was typed stays, and saving once more saves it over theirs, knowingly."""
    again = Form({**form.values, "version": str(changed.version)}, form.errors)
    page = _Page(again, _preview(form, wanted, merchant, request), outrun=changed.version)
    return await _show(request, merchant, page, status=HTTP_409_CONFLICT)


def _preview(form: Form, programme: Programme, merchant: Merchant, request: AdminRequest) -> Preview | None:
    """None where no price can be read."""
    price = amount_minor(form.value("price"))
    if price is None or not 0 < price <= MAX_AMOUNT_MINOR:
        return None
    now = clock.business(request.user.staff.offset_s)
    return preview_of(programme, Money(price, merchant.currency), merchant, now)


def _version(form: Form) -> int:
    """The version that was on the page; one that nobody has for anything else."""
    typed = form.value("version")
    readable = typed.isascii() and typed.isdigit() and len(typed) <= _VERSION_DIGITS_MAX
    return int(typed) if readable else -1


async def _show(
    request: AdminRequest, merchant: Merchant, page: _Page, *, saved: bool = False, status: int = HTTP_200_OK
) -> Response[str]:
    context = {
        "form": page.form,
        "rows": rows_shown(page.form),
        "preview": page.preview,
        "outrun": page.outrun,
        "history": history_of(await programme_versions(merchant.id)),
        "staff_names": await staff_actors(merchant.id),
        "has_wallet": merchant.has("wallet"),
        "currency": merchant.currency,
        "one": Money(100, merchant.currency),
        "saved": saved,
    }
    return await show(
        request,
        "admin/loyalty.html",
        context,
        section="settings",
        status=status,
        partial="admin/_loyalty_preview.html",
    )
