"""The payment link of one order: made, sent, copied, shown as a QR code, given another end, paused, taken back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.status_codes import HTTP_200_OK

from app.checkout.actions import extend_link, withdraw_link
from app.kernel import clock, db, ids
from app.kernel.phone import PhoneRefused
from app.links import actions
from app.links.errors import LinkEnded, LinkPaused, LinkUnknown, ValidityRefused
from app.links.queries import LinkView, link_of_order
from app.links.sending import send_in_tx, sends_of_link
from app.links.wording import MESSAGE_MAX, SMS_MAX, SUBJECT_MAX, filled_words
from app.merchants.errors import FieldRefused
from app.merchants.queries import Merchant, staff_actors
from app.messages.payment_link import Written, letter_of, mail_text
from app.orders.errors import OrderLocked, OrderRemoved, OrderUnknown
from app.orders.queries import OrderView, order_for_api, order_timeline
from app.web.admin import link_forms
from app.web.admin.access import AdminRequest, settings_of
from app.web.admin.link_views import box_of
from app.web.admin.orders import LIST, no_order, show_order
from app.web.admin.pages import LANGUAGE_NAMES, merchant_of, show
from app.web.admin.views import detail_of
from app.web.shared import forms, rendering
from app.web.shared.forms import FieldError, Form
from app.web.shared.qr import qr_picture

_CHANGES: Final = {"pause": actions.pause, "resume": actions.resume, "withdraw": withdraw_link}
_SENT: Final = frozenset({"email", "sms"})


@dataclass(frozen=True, slots=True)
class _Place:
    """Whose link of which order a request is about."""

    merchant: Merchant
    order: OrderView
    link: LinkView
    now: datetime


Answer: TypeAlias = Response[str]


@get("/orders/{public_id:str}/payment-link", name="admin:link")
async def link_page(request: AdminRequest, public_id: FromPath[str]) -> Answer:
    place = await _place(request, public_id)
    if isinstance(place, Response):
        return place
    return await _show(request, place, done=request.query_params.get("done", ""))


@post("/orders/{public_id:str}/payment-link", name="admin:link-do", status_code=HTTP_200_OK)
async def do_with_link(request: AdminRequest, public_id: FromPath[str]) -> Answer:
    """What the pressed button says (`do`). The one on the order's page says nothing: it leads to the link, made anew if
    the order has none. Every form of the page is posted to the page's own address, so that a reload finds it.
    """
    form = forms.parse(await request.body())
    wanted = form.value("do")
    if not wanted:
        return await _make(request, public_id)
    place = await _place(request, public_id)
    if isinstance(place, Response):
        return place
    match wanted:
        case "send":
            return await _send(request, place, form)
        case "preview":
            return await _preview(request, place, form)
        case "words":
            return await _show(request, place, form=await _with_words(place, form))
        case "hold":
            return await _hold(request, place, form)
        case _:
            return await _change(request, place, wanted)


async def _make(request: AdminRequest, public_id: str) -> Answer:
    merchant, actor, now = await merchant_of(request), _actor(request), _now(request)
    order = await _order(merchant, public_id)
    if order is None:
        return await no_order(request)
    try:
        await actions.make(merchant.id, public_id, expires_at=None, actor=actor, now=now)
    except (OrderLocked, OrderRemoved):
        return await show_order(request, order, refused=True, status=409)
    return rendering.redirect(request, page_of(public_id), leave=True)


async def _send(request: AdminRequest, place: _Place, form: Form) -> Answer:
    wanted = link_forms.wanted_of(form, place.merchant)

    async def send() -> None:
        link = await actions.lock(place.merchant.id, place.order.public_id)
        await send_in_tx(link, wanted, actor=_actor(request), now=place.now)

    try:
        await db.in_tx(send)
    except FieldRefused as refused:
        name = "to" if refused.field == "email" else refused.field
        return await _show(
            request, place, form=form.refused(**{name: FieldError(refused.reason)}), status=422
        )
    except PhoneRefused as refused:
        return await _show(request, place, form=form.refused(to=FieldError(refused.reason)), status=422)
    except (LinkPaused, LinkEnded, OrderRemoved):
        # It was paid, paused or taken back since this request began: the page shows it as it is.
        present = await _place(request, place.order.public_id)
        if isinstance(present, Response):
            return present
        return await _show(request, present, form=form, refused=True, status=409)
    return rendering.redirect(request, f"{page_of(place.order.public_id)}?done={wanted.channel}", leave=True)


async def _preview(request: AdminRequest, place: _Place, form: Form) -> Answer:
    letter = letter_of(
        place.link,
        place.order,
        place.merchant,
        settings_of(request).base_url,
        subject=forms.one_line(form.value("subject")),
        message=form.value("message"),
    )
    written = mail_text(letter, link_forms.lang_of(form, place.merchant))
    return await _show(request, place, form=form, preview=written)


async def _with_words(place: _Place, form: Form) -> Form:
    """The form with the words that its language has."""
    words = await filled_words(place.link, place.order, link_forms.lang_of(form, place.merchant))
    if link_forms.channel_of(form) == "sms":
        return Form({**form.values, "message": words.sms})
    return Form({**form.values, "subject": words.subject, "message": words.message})


async def _hold(request: AdminRequest, place: _Place, form: Form) -> Answer:
    """Give the link another end."""
    wanted = link_forms.validity_of(form, place.merchant, place.now)
    if isinstance(wanted, Form):
        return await _show(request, place, validity=wanted, status=422)

    async def extend() -> LinkView:
        return await extend_link(
            place.merchant,
            place.order.public_id,
            expires_at=wanted.expires_at,
            actor=_actor(request),
            now=place.now,
        )

    try:
        return await _changed(request, place, extend)
    except ValidityRefused:
        again = form.refused(until=FieldError("out_of_range"))
        return await _show(request, place, validity=again, status=422)


async def _change(request: AdminRequest, place: _Place, change: str) -> Answer:
    verb = _CHANGES.get(change)
    if verb is None:
        return await _show(request, place)
    return await _changed(
        request,
        place,
        lambda: verb(place.merchant.id, place.order.public_id, actor=_actor(request), now=place.now),
    )


async def _changed(request: AdminRequest, place: _Place, verb: Callable[[], Awaitable[LinkView]]) -> Answer:
    try:
        await verb()
    except (LinkUnknown, LinkEnded, OrderUnknown, OrderRemoved):
        present = await _place(request, place.order.public_id)
        if isinstance(present, Response):
            return present
        return await _show(request, present, refused=True, status=409)
    return rendering.redirect(request, f"{page_of(place.order.public_id)}?done=changed", leave=True)


def page_of(public_id: str) -> str:
    return f"{LIST}/{public_id}/payment-link"


async def _show(
    request: AdminRequest,
    place: _Place,
    *,
    form: Form | None = None,
    validity: Form | None = None,
    preview: Written | None = None,
    refused: bool = False,
    done: str = "",
    status: int = HTTP_200_OK,
) -> Answer:
    """`form` is what was typed of a message, `validity` of the link's end; `refused` says that the link is no longer as
    the page showed it.
    """
    order = place.order
    box = box_of(
        place.link,
        await sends_of_link(place.merchant.id, place.link.id),
        settings_of(request).base_url,
        place.now,
    )
    typed = form or Form()
    channel = link_forms.channel_of(typed)
    words = await filled_words(place.link, order, link_forms.lang_of(typed, place.merchant))
    proposed = {"lang": place.merchant.locale, "key": str(ids.internal_id())}
    mail = Form(
        {"to": order.contact.email or "", "subject": words.subject, "message": words.message} | proposed
    )
    text = Form({"to": order.contact.phone or "", "message": words.sms} | proposed)
    timeline = await order_timeline(place.merchant.id, order.id)
    context = {
        "order": detail_of(order, (), timeline=timeline, deliveries=(), postings=()),
        "link": box,
        "live_url": f"{LIST}/{order.public_id}/live" if order.watched else None,
        "qr": qr_picture(box.url, "QR"),
        "mail": typed if form is not None and channel == "email" else mail,
        "text": typed if form is not None and channel == "sms" else text,
        "sms_open": form is not None and channel == "sms",
        "languages_of_mail": LANGUAGE_NAMES,
        "validity": validity or Form(),
        "quick_days": link_forms.QUICK_DAYS,
        "limits": {"subject": SUBJECT_MAX, "message": MESSAGE_MAX, "sms": SMS_MAX},
        "preview": preview,
        "staff_names": await staff_actors(place.merchant.id),
        "refused": refused,
        "done": done,
        "sent": done in _SENT,
        "today": place.merchant.local_date(place.now),
    }
    return await show(
        request, "admin/link.html", context, section="orders", partial="admin/_link_sends.html", status=status
    )


async def _place(request: AdminRequest, public_id: str) -> _Place | Answer:
    """The link that a request is about, or the answer that there is none."""
    merchant = await merchant_of(request)
    order = await _order(merchant, public_id)
    if order is None:
        return await no_order(request)
    link = await link_of_order(merchant.id, order.id)
    if link is None:
        # The page of the order says how to make one.
        return rendering.redirect(request, f"{LIST}/{public_id}", leave=True)
    return _Place(merchant, order, link, _now(request))


async def _order(merchant: Merchant, public_id: str) -> OrderView | None:
    return await order_for_api(merchant.id, public_id) if ids.is_public_id("ord", public_id) else None


def _actor(request: AdminRequest) -> str:
    return f"staff:{request.user.staff.public_id}"


def _now(request: AdminRequest) -> datetime:
    return clock.business(request.user.staff.offset_s)
