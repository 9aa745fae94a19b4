"""How it was: asked at the end of a purchase, one tap, and some words for whoever has any."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, post
from litestar.params import FromPath

from app.support import actions
from app.support.errors import FeedbackRefused
from app.support.rules import ease_of, words_of
from app.web.shared import htmx
from app.web.shared.forms import FieldError, Form
from app.web.shopper.pages import outcome_now, page_now
from app.web.shopper.said import asks_feedback, said_in
from app.web.shopper.views import FeedbackView
from app.web.shopper.visit import Visit, visit


@post("/pay/{session_id:str}/feedback", include_in_schema=False, status_code=200)
async def give_feedback(request: Request[Any, Any, Any], session_id: FromPath[str]) -> Response[str]:
    """Said again, the newer holds. Nobody says it for another browser's purchase, or before it has ended."""
    here = await visit(request, session_id)
    flow = here.flow
    if not asks_feedback(flow):
        return await page_now(here)
    form = await here.form()
    try:
        ease, words = ease_of(form.value("ease")), words_of(form.value("words"))
    except FeedbackRefused as refused:
        return await _answer(here, form.refused(**{refused.field: FieldError(refused.reason)}))
    await actions.say(
        flow.merchant.id,
        flow.session_id,
        outcome=flow.state.value,
        ease=ease,
        words=words,
        lang=here.lang,
        now=flow.now,
    )
    return await _answer(here)


async def _answer(here: Visit, form: Form | None = None) -> Response[str]:
    """The piece of the page that asked; without a script the page again. `form` is what was refused."""
    if form is None and not htmx.is_htmx(here.request.headers):
        return here.lead_to("/outcome#feedback")
    said, status = await said_in(here) or FeedbackView(), 200 if form is None else 422
    if not htmx.is_htmx(here.request.headers):
        return await outcome_now(here, said=said, form=form, status=status)
    context = {"feedback": said, "form": form or Form(), "just_said": form is None}
    return here.fragment("feedback", context, "#feedback", status=status)
