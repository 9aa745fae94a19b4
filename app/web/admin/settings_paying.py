"""Whom a shop lets pay how: limit, codes, passkeys, recognition."""

from __future__ import annotations

from typing import Final

from litestar import Response, post
from litestar.status_codes import HTTP_200_OK

from app.kernel import clock
from app.merchants.errors import PayingRulesRefused
from app.merchants.paying import save_paying_rules
from app.merchants.rules import PayingRules
from app.web.admin.access import AdminRequest
from app.web.admin.documents import minor_of
from app.web.admin.pages import merchant_of
from app.web.admin.settings_page import PAGE, show_settings
from app.web.shared import forms, rendering
from app.web.shared.forms import FieldError, Form

_COUNTS: Final[dict[str, bool | None]] = {"as-codes": None, "always": True, "never": False}


@post("/settings/paying", name="admin:paying", status_code=HTTP_200_OK)
async def save_paying(request: AdminRequest) -> Response[str]:
    """Nothing is saved while anything is wrong; what was typed stays."""
    merchant = await merchant_of(request)
    form = forms.parse(await request.body())
    wanted = _read(form)
    if isinstance(wanted, Form):
        return await show_settings(request, paying=wanted, status=422)
    actor, now = f"staff:{request.user.staff.public_id}", clock.business(request.user.staff.offset_s)
    try:
        await save_paying_rules(merchant, wanted, actor=actor, now=now)
    except PayingRulesRefused as refused:
        errors = {name: FieldError(reason) for name, reason in refused.errors.items()}
        return await show_settings(request, paying=form.refused(**errors), status=422)
    return rendering.redirect(request, f"{PAGE}?saved=paying", leave=True)


def _read(form: Form) -> PayingRules | Form:
    """The rules as typed, or the form with what cannot be read."""
    limit_minor = minor_of(form.value("credit_limit"))
    alone = form.value("code_alone")
    alone_minor = minor_of(alone) if alone else None
    errors: dict[str, FieldError] = {}
    if limit_minor is None:
        errors["credit_limit"] = FieldError("malformed")
    if alone and alone_minor is None:
        errors["code_alone"] = FieldError("malformed")
    if form.value("passkeys") not in _COUNTS:
        errors["passkeys"] = FieldError("malformed")
    if limit_minor is None or errors:
        return form.refused(**errors)
    return PayingRules(
        limit_minor, alone_minor, _COUNTS[form.value("passkeys")], bool(form.value("recognise"))
    )
