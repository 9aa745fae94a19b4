"""Step 3: check and confirm."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath

from app.checkout.actions import Details, confirm, start_payment
from app.checkout.contacts import asked_fields
from app.checkout.errors import (
    BeingPaid,
    CreditRefused,
    DetailsMissing,
    HoldEnded,
    SessionEnded,
    ShownTotalChanged,
    StepNotReached,
)
from app.checkout.queries import Flow
from app.checkout.steps import Page, may_see
from app.merchants.errors import ModuleOff
from app.web.shared.forms import FieldError, Form
from app.web.shopper.deciding import decide_anew
from app.web.shopper.details import read_details
from app.web.shopper.pages import confirm_page, outcome_now, page_now
from app.web.shopper.paying import lead_to_provider
from app.web.shopper.visit import Visit, visit


@get("/pay/{session_id:str}/confirm", include_in_schema=False)
async def show_confirm(request: Request[Any, Any, Any], session_id: FromPath[str]) -> Response[str]:
    here = await visit(request, session_id)
    if not may_see(Page.CONFIRM, here.flow.state, here.flow.progress):
        return await page_now(here)
    return await confirm_page(here)


@post("/pay/{session_id:str}/confirm", include_in_schema=False, status_code=200)
async def confirm_purchase(request: Request[Any, Any, Any], session_id: FromPath[str]) -> Response[str]:
    here = await visit(request, session_id)
    form = await here.form()
    if not may_see(Page.CONFIRM, here.flow.state, here.flow.progress):
        return await page_now(here, push=True, typed=form)
    details, errors = _read_details(form, here.flow)
    if errors:
        return await confirm_page(here, Form(form.values, errors), status=422)
    return await _confirm(here, form, details, may_decide=True)


async def _confirm(here: Visit, form: Form, details: Details, *, may_decide: bool) -> Response[str]:
    shown, quote = form.value("shown"), here.flow.quote
    try:
        if quote is not None and quote.paid_minor:
            payment = await start_payment(
                here.flow.public_id,
                here.browser,
                shown,
                details,
                lang=here.lang,
                wall=here.wall,
                way="qr" if form.value("way") == "qr" and quote.method == "mobilepay" else "redirect",
                seen=here.flow,
                press=here.press,
            )
            return await lead_to_provider(here, payment)
        here = here.after(
            await confirm(
                here.flow.public_id,
                here.browser,
                shown,
                details,
                lang=here.lang,
                seen=here.flow,
                press=here.press,
            )
        )
    except (ShownTotalChanged, HoldEnded, ModuleOff, BeingPaid) as refusal:
        return await _shown_anew(await here.again(), form, refusal)
    except DetailsMissing as refusal:
        errors = {field: FieldError("empty") for field in refusal.fields}
        return await confirm_page(await here.again(), Form(form.values, errors), status=422)
    except CreditRefused:
        # The decision has run out, or another purchase has used the room: it is decided again on today's facts.
        if not may_decide:
            return await outcome_now(await here.again(), refused_for=("limit_reached",), push=True)
        here = await decide_anew(here)
        if here.flow.decision is None or here.flow.decision.outcome != "approved":
            return await page_now(here, push=True)
        return await _confirm(here, form, details, may_decide=False)
    except (SessionEnded, StepNotReached):
        return await page_now(await here.again(), push=True, typed=form)
    return await page_now(here, push=True)


async def _shown_anew(here: Visit, form: Form, refusal: Exception) -> Response[str]:
    """What would be bought is not what was shown, or the money of the wallet is not set aside any more: the page has
    the figures of now, and says how to go on."""
    if not may_see(Page.CONFIRM, here.flow.state, here.flow.progress):
        return await page_now(here, push=True, typed=form)
    errors = {}
    if isinstance(refusal, ShownTotalChanged | BeingPaid):
        errors["shown"] = FieldError("changed" if isinstance(refusal, ShownTotalChanged) else refusal.code)
    return await confirm_page(here, Form(form.values, errors), status=409)


def _read_details(form: Form, flow: Flow) -> tuple[Details, dict[str, FieldError]]:
    """What was typed into the fields that this purchase asks for."""
    assert flow.quote is not None, "step 3 has a quote"
    read, errors = read_details(form, asked_fields(flow.quote, flow), flow.country)
    return Details(**read), errors
