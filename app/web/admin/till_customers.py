"""Whose receipt it is: somebody of the address book, or somebody new."""

from __future__ import annotations

from litestar import Response, post
from litestar.params import FromPath
from litestar.status_codes import HTTP_200_OK

from app.till import actions, queries
from app.till.errors import CustomerKnown, CustomerUnknown, ReceiptOpened
from app.web.admin import till_forms
from app.web.admin.access import AdminRequest
from app.web.admin.till_pages import Counter, View, back, counter_of, no_till, show_till
from app.web.shared import forms
from app.web.shared.forms import FieldError, Form

_RECEIPT = Form({"from": "receipt"})


@post("/till/{public_id:str}/customer", name="admin:till:customer", status_code=HTTP_200_OK)
async def take_customer(request: AdminRequest, public_id: FromPath[str]) -> Response[str]:
    """Choose somebody who is known, or write down and choose somebody new."""
    counter = await counter_of(request, public_id)
    if counter is None:
        return await no_till(request)
    form = forms.parse(await request.body())
    if form.value("forget"):
        await actions.forget_customer(counter.merchant.id, form.value("forget"))
        return await show_till(counter, View("customer", notice="forgotten"))
    if form.value("pick"):
        return await _choose(counter, form.value("pick"))
    # The address that was offered instead of the typed one.
    form = Form({**form.values, "email": form.value("take")}) if form.value("take") else form
    details = till_forms.customer_of(form, counter.merchant.country)
    if isinstance(details, Form):
        return await show_till(counter, View("customer", form=details), status=422)
    meant = till_forms.slip_in(form)
    if meant is not None:
        return await show_till(counter, View("customer", form=form, meant=meant))
    try:
        customer = await actions.add_customer(counter.merchant.id, details, now=counter.now)
    except CustomerKnown as known:
        return await _somebody_else(counter, form, known.public_id)
    return await _choose(counter, customer)


async def _choose(counter: Counter, customer: str) -> Response[str]:
    try:
        await actions.choose_customer(counter.place, customer, now=counter.now)
    except (CustomerUnknown, ReceiptOpened) as refused:
        return await back(counter, View(notice=refused.code), _RECEIPT)
    return await back(counter, View(), _RECEIPT)


async def _somebody_else(counter: Counter, form: Form, known: str) -> Response[str]:
    """The address is somebody else's already: whoever types it sees whose, and decides."""
    whom = await queries.customer_of(counter.merchant.id, known)
    refused = form.refused(email=FieldError("known", {"name": "" if whom is None else whom.name}))
    return await show_till(counter, View("customer", form=refused, known=known), status=422)
