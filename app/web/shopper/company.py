"""Step 1 of a business: which company is buying, before it is asked how."""

from __future__ import annotations

from typing import Any, Final

from litestar import Request, Response, post
from litestar.params import FromPath

from app.checkout.actions import name_company
from app.checkout.errors import SessionEnded
from app.checkout.steps import Page, may_see
from app.kernel.company_number import CompanyNumber, CompanyNumberRefused, parse_company_number
from app.orders.companies import NAME_LENGTH_MAX, PURCHASE_ORDER_LENGTH_MAX, Company
from app.web.shared.forms import FieldError, Form, one_line
from app.web.shopper.pages import company_page, page_now
from app.web.shopper.visit import visit

_LENGTHS: Final = {"company_name": NAME_LENGTH_MAX, "purchase_order": PURCHASE_ORDER_LENGTH_MAX}


@post("/pay/{session_id:str}/company", include_in_schema=False, status_code=200)
async def say_company(request: Request[Any, Any, Any], session_id: FromPath[str]) -> Response[str]:
    """Keep who buys, and go on to the ways to pay."""
    here = await visit(request, session_id)
    if here.flow.buyer != "business" or not may_see(Page.METHOD, here.flow.state, here.flow.progress):
        return await page_now(here, push=True)
    form = await here.form()
    company = read_company(form, here.flow.country)
    if not isinstance(company, Company):
        return company_page(here, Form(form.values, company), status=422)
    try:
        await name_company(here.flow, company, here.browser, here.wall)
    except SessionEnded:
        return await page_now(await here.again(), push=True)
    return await page_now(await here.again(), push=True)


def read_company(form: Form, country: str) -> Company | dict[str, FieldError]:
    """The company as typed, or what is wrong with it, by field in the order of the page."""
    errors: dict[str, FieldError] = {}
    number: CompanyNumber | None = None
    try:
        number = parse_company_number(form.value("company_number"), country)
    except CompanyNumberRefused as refusal:
        errors["company_number"] = FieldError(refusal.reason)
    typed = {name: one_line(form.value(name)) for name in _LENGTHS}
    if not typed["company_name"]:
        errors["company_name"] = FieldError("empty")
    for name, length in _LENGTHS.items():
        if len(typed[name]) > length:
            errors[name] = FieldError("too_long")
    if number is None or errors:
        return errors
    return Company(number, typed["company_name"], typed["purchase_order"] or None)
