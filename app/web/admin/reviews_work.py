"""Working on a case: taken and let go, asked about, handed over, put to rest, and an answer taken back.

Each works without JavaScript, as a button that leads back to the case. With it the page takes the case by itself, and
keeps it by a heartbeat (`static/js/review.js`, `_review_holder.html`).
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.status_codes import HTTP_200_OK

from app.cases import actions as cases
from app.cases.actions import HEARTBEAT_S
from app.cases.errors import AskedEnough, CaseClosed, CaseTaken, NoTimeToRest, TextRefused, TooLateToUndo
from app.cases.queries import case_by_public_id
from app.cases.states import WAITING
from app.checkout.actions.answering import undo_decision
from app.checkout.actions.questioning import ask_shopper
from app.checkout.errors import CaseNotFound
from app.merchants.queries import reviewers_of
from app.web.admin.access import AdminRequest
from app.web.admin.pages import merchant_of, show
from app.web.admin.reviews import LIST, desk_of, no_case, show_case
from app.web.admin.reviews_views import holder_of
from app.web.shared import forms, htmx, live, rendering
from app.web.shared.forms import FieldError

if TYPE_CHECKING:
    from collections.abc import Awaitable

RESTS: Final = {"1": timedelta(hours=1), "4": timedelta(hours=4), "24": timedelta(hours=24)}


@post("/reviews/{public_id:str}/take", name="admin:review:take", status_code=HTTP_200_OK)
async def take_review(request: AdminRequest, public_id: FromPath[str]) -> Response[str]:
    """Take the case, or keep it. A page that asks by itself is told who has it now."""
    merchant, desk = await merchant_of(request), desk_of(request)
    news = None
    try:
        found = await cases.take(merchant.id, public_id, desk.actor, wall=desk.wall, now=desk.now)
    except CaseTaken:
        found, news = True, "taken"
    except CaseClosed:
        found, news = True, "closed"
    if not found:
        return await no_case(request)
    if not htmx.is_htmx(request.headers):
        if news is not None:
            return await show_case(request, public_id, news=news, status=409)
        return rendering.redirect(request, f"{LIST}/{public_id}", leave=True)
    case = await case_by_public_id(merchant.id, public_id)
    if case is None:
        return await no_case(request)
    context = {
        "public_id": public_id,
        "holder": holder_of(case, desk.actor, desk.wall),
        "is_open": case.state in WAITING,
        "heartbeat_s": HEARTBEAT_S,
    }
    return await show(request, "admin/_review_holder.html", context, section="reviews")


@post("/reviews/{public_id:str}/release", name="admin:review:release", status_code=HTTP_200_OK)
async def release_review(request: AdminRequest, public_id: FromPath[str]) -> Response[str]:
    """Let the case go: back to the queue."""
    merchant, desk = await merchant_of(request), desk_of(request)
    if not await cases.release(merchant.id, public_id, desk.actor, now=desk.now):
        return await no_case(request)
    return rendering.redirect(request, LIST, leave=True)


@post("/reviews/{public_id:str}/hand-over", name="admin:review:hand-over", status_code=HTTP_200_OK)
async def hand_review_over(request: AdminRequest, public_id: FromPath[str]) -> Response[str]:
    """Ask a colleague to decide."""
    merchant, desk = await merchant_of(request), desk_of(request)
    form = forms.parse(await request.body())
    to = form.value("to")
    if to not in {each for each, _ in await reviewers_of(merchant.id)}:
        wrong = form.refused(to=FieldError("empty"))
        return await show_case(request, public_id, form=wrong, status=422)
    handing = cases.hand_over(merchant.id, public_id, desk.actor, f"staff:{to}", wall=desk.wall, now=desk.now)
    return await _done(request, public_id, handing, LIST)


@post("/reviews/{public_id:str}/rest", name="admin:review:rest", status_code=HTTP_200_OK)
async def rest_review(request: AdminRequest, public_id: FromPath[str]) -> Response[str]:
    """Put the case to rest for some hours, or wake it."""
    merchant, desk = await merchant_of(request), desk_of(request)
    hours = forms.parse(await request.body()).value("hours")
    if hours not in RESTS:
        waking = cases.wake(merchant.id, public_id, desk.actor, now=desk.now)
        return await _done(request, public_id, waking, f"{LIST}/{public_id}")
    resting = cases.snooze(merchant.id, public_id, desk.actor, RESTS[hours], wall=desk.wall, now=desk.now)
    return await _done(request, public_id, resting, LIST)


async def _done(request: AdminRequest, public_id: str, doing: Awaitable[object], to: str) -> Response[str]:
    """What follows a deed on a case that nobody else may be working on."""
    try:
        if not await doing:
            return await no_case(request)
    except CaseTaken:
        return await show_case(request, public_id, news="taken", status=409)
    except CaseClosed:
        return await show_case(request, public_id, news="closed", status=409)
    except NoTimeToRest:
        return await show_case(request, public_id, news="no_time", status=409)
    return rendering.redirect(request, to, leave=True)


@post("/reviews/{public_id:str}/ask", name="admin:review:ask", status_code=HTTP_200_OK)
async def ask_about_review(request: AdminRequest, public_id: FromPath[str]) -> Response[str]:
    """Ask the shopper; what was typed stays where the question was not taken."""
    merchant, desk = await merchant_of(request), desk_of(request)
    form = forms.parse(await request.body())
    try:
        await ask_shopper(merchant, public_id, form.value("question"), desk)
    except CaseNotFound:
        return await no_case(request)
    except TextRefused as refused:
        wrong = form.refused(question=FieldError(refused.reason))
        return await show_case(request, public_id, form=wrong, status=422)
    except CaseTaken:
        return await show_case(request, public_id, form=form, news="taken", status=409)
    except CaseClosed:
        return await show_case(request, public_id, form=form, news="closed", status=409)
    except AskedEnough:
        return await show_case(request, public_id, form=form, news="asked_enough", status=409)
    return rendering.redirect(request, f"{LIST}/{public_id}", leave=True)


@post("/reviews/{public_id:str}/undo", name="admin:review:undo", status_code=HTTP_200_OK)
async def undo_review(request: AdminRequest, public_id: FromPath[str]) -> Response[str]:
    """Take one's own answer back while it waits its seconds: the case is there again, as it was."""
    merchant, desk = await merchant_of(request), desk_of(request)
    try:
        await undo_decision(merchant.id, public_id, desk.staff, desk.now)
    except CaseNotFound:
        return await no_case(request)
    except TooLateToUndo:
        return await show_case(request, public_id, news="too_late", status=409)
    return rendering.redirect(request, f"{LIST}/{public_id}", leave=True)


@get("/reviews/{public_id:str}/live", name="admin:review:live")
async def follow_review(request: AdminRequest, public_id: FromPath[str]) -> Response[Any]:
    """Server-sent events: the shopper has answered, or the case has ended."""
    case = await case_by_public_id((await merchant_of(request)).id, public_id)
    if case is None:
        return await no_case(request)
    if case.state not in WAITING:
        return live.nothing_more()
    return live.stream(case.order_public_id)
