"""Links that many people pay by: made, printed, stopped; and who has paid by each."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Final, TypeVar
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.status_codes import HTTP_200_OK

from app.checkout.offering import nobody_can_pay
from app.kernel import clock, ids
from app.kernel.cursors import CursorRefused
from app.kernel.money import Money
from app.links.reusable import actions, queries, rules
from app.links.reusable.errors import FieldWrong, ReusableUnknown
from app.links.reusable.queries import ReusablePage, ReusableView, UsesPage
from app.links.reusable.rules import Terms
from app.web.admin.access import AdminRequest, settings_of
from app.web.admin.links import LIST as LINKS
from app.web.admin.pages import merchant_of, show
from app.web.admin.reusable_views import face_of, row_of, use_of
from app.web.shared import forms, rendering
from app.web.shared.doors import house_of, payment_doors
from app.web.shared.forms import FieldError, Form
from app.web.shared.qr import qr_picture

LIST: Final = f"{LINKS}/reusable"
_CHANGES: Final = {"stop": actions.stop, "resume": actions.resume}
T = TypeVar("T")


@get("/links/reusable", name="admin:reusable-links")
async def reusable_list(request: AdminRequest) -> Response[str]:
    merchant, now = await merchant_of(request), clock.business(request.user.staff.offset_s)
    cursor = request.query_params.get("cursor") or None
    found = await _links(merchant.id, cursor)
    context = {
        "rows": tuple(row_of(link, now) for link in found.links),
        "older_url": f"{LIST}?cursor={found.next_cursor}" if found.next_cursor else None,
        "newest_url": LIST if cursor else None,
    }
    return await show(request, "admin/reusable_links.html", context, section="links")


@get("/links/reusable/new", name="admin:reusable-new")
async def new_reusable(request: AdminRequest) -> Response[str]:
    return await _show_form(request, Form())


@post("/links/reusable/new", name="admin:reusable-make", status_code=HTTP_200_OK)
async def make_reusable(request: AdminRequest) -> Response[str]:
    merchant, now = await merchant_of(request), clock.business(request.user.staff.offset_s)
    form = forms.parse(await request.body())
    terms = terms_of(form, merchant.local_date(now), merchant.currency)
    if isinstance(terms, Form):
        return await _show_form(request, terms, status=422)
    public_id = await actions.make(
        merchant, terms, form_key=_key(form.value("key")), actor=_actor(request), now=now
    )
    return rendering.redirect(request, f"{LIST}/{public_id}", leave=True)


@get("/links/reusable/{public_id:str}", name="admin:reusable-link")
async def one_reusable(request: AdminRequest, public_id: FromPath[str]) -> Response[str]:
    link = await _link(request, public_id)
    if link is None:
        return await _no_link(request)
    cursor = request.query_params.get("cursor") or None
    found = await _uses(link, cursor)
    here = f"{LIST}/{public_id}"
    face = face_of(link, settings_of(request).base_url, clock.business(request.user.staff.offset_s))
    sums = (link.min_minor, link.max_minor) if link.amount_minor is None else (link.amount_minor,)
    context = {
        "link": face,
        "unpayable": link.state == "active"
        and await nobody_can_pay(
            await merchant_of(request),
            link.currency,
            [each for each in sums if each is not None],
            link.buyer,
            clock.business(request.user.staff.offset_s),
            payment_doors(house_of(request)),
        ),
        "qr": qr_picture(face.url, "QR"),
        "uses": tuple(use_of(use, link.currency) for use in found.uses),
        "older_url": f"{here}?cursor={found.next_cursor}" if found.next_cursor else None,
        "newest_url": here if cursor else None,
        "address": here,
    }
    return await show(request, "admin/reusable_link.html", context, section="links")


@post("/links/reusable/{public_id:str}/{change:str}", name="admin:reusable-change", status_code=HTTP_200_OK)
async def change_reusable(
    request: AdminRequest, public_id: FromPath[str], change: FromPath[str]
) -> Response[str]:
    """Stop it, or take payments by it again."""
    merchant, now = await merchant_of(request), clock.business(request.user.staff.offset_s)
    verb = _CHANGES.get(change)
    if verb is None or not ids.is_public_id("rl", public_id):
        return await _no_link(request)
    try:
        await verb(merchant.id, public_id, actor=_actor(request), now=now)
    except ReusableUnknown:
        return await _no_link(request)
    return rendering.redirect(request, f"{LIST}/{public_id}", leave=True)


def terms_of(form: Form, today: date, currency: str) -> Terms | Form:
    """What was typed as the terms of a link, or the form with everything that is wrong in it. A text that holds the
    number of a card is not shown again."""
    errors: dict[str, FieldError] = {}
    values = dict(form.values)

    def read(rule: Callable[[], T], fallback: T) -> T:
        try:
            return rule()
        except FieldWrong as wrong:
            bound = wrong.data.get("amount_minor")
            errors[wrong.field] = FieldError(
                wrong.reason, {} if bound is None else {"bound": Money(bound, currency)}
            )
            if wrong.reason == "card_number":
                values[wrong.field] = ""
            return fallback

    def bound_of(field: str, usual: int) -> int:
        text = form.value(field)
        return read(lambda: rules.sum_of(text, field), usual) if text else usual

    fixed, reference = form.value("amount"), form.value("reference")
    if fixed:
        errors |= {field: FieldError("fixed") for field in ("least", "most") if form.value(field)}
    terms = Terms(
        title=read(lambda: rules.title_of(form.value("title")), ""),
        buyer="business" if form.value("buyer") == "business" else "consumer",
        amount_minor=read(lambda: rules.sum_of(fixed, "amount"), 0) if fixed else None,
        min_minor=None if fixed else bound_of("least", rules.FREE_MIN_MINOR),
        max_minor=None if fixed else bound_of("most", rules.FREE_MAX_MINOR),
        vat_percent=read(lambda: rules.rate_of(form.value("vat")), rules.NO_VAT),
        reference=read(lambda: rules.reference_of(reference), "") if reference else None,
        reference_hint=None if reference else read(lambda: rules.hint_of(form.value("reference_hint")), None),
        uses_max=read(lambda: rules.uses_of(form.value("uses")), None),
        valid_until=read(lambda: rules.last_day_of(form.value("until"), today), None),
    )
    if not errors and (terms.min_minor or 0) > (terms.max_minor or 0):
        errors["most"] = FieldError("too_small", {"bound": Money(terms.min_minor or 0, currency)})
    return Form(values, errors) if errors else terms


async def _show_form(request: AdminRequest, form: Form, *, status: int = HTTP_200_OK) -> Response[str]:
    merchant, now = await merchant_of(request), clock.business(request.user.staff.offset_s)
    context = {
        "form": form,
        # A form that comes back keeps its key: it is the same sending still.
        "key": str(_key(form.value("key"))),
        "currency": merchant.currency,
        "usual": {
            "least": Money(rules.FREE_MIN_MINOR, merchant.currency),
            "most": Money(rules.FREE_MAX_MINOR, merchant.currency),
        },
        "today": merchant.local_date(now),
    }
    return await show(request, "admin/reusable_form.html", context, section="links", status=status)


async def _no_link(request: AdminRequest) -> Response[str]:
    return await show(request, "admin/no_reusable_link.html", {}, section="links", status=404)


async def _link(request: AdminRequest, public_id: str) -> ReusableView | None:
    if not ids.is_public_id("rl", public_id):
        return None
    return await queries.reusable_of((await merchant_of(request)).id, public_id)


async def _links(merchant_id: UUID, cursor: str | None) -> ReusablePage:
    """The page that was asked for; a place that never was shows the first one."""
    try:
        return await queries.reusable_page(merchant_id, cursor=cursor)
    except CursorRefused:
        return await queries.reusable_page(merchant_id)


async def _uses(link: ReusableView, cursor: str | None) -> UsesPage:
    try:
        return await queries.uses_of(link, cursor=cursor)
    except CursorRefused:
        return await queries.uses_of(link)


def _key(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        return ids.internal_id()


def _actor(request: AdminRequest) -> str:
    return f"staff:{request.user.staff.public_id}"
