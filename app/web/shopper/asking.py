"""A person is asked, waited for, or not waited for any longer."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, post
from litestar.params import FromPath

from app.cases.errors import TextRefused
from app.checkout.actions import answer_to, ask_person, go_on_without
from app.checkout.actions.holding import reach_of
from app.checkout.actions.questioning import answer_question
from app.checkout.actions.vouching import ask_who
from app.checkout.errors import AskedTooOften, SessionEnded, StepNotReached
from app.checkout.steps import Page, may_see
from app.merchants.errors import FieldRefused
from app.merchants.rules import email_of, name_of
from app.web.shared.forms import FieldError, Form
from app.web.shopper.pages import identify_page, outcome_now, page_now
from app.web.shopper.visit import Visit, visit


@post("/pay/{session_id:str}/ask", include_in_schema=False, status_code=200)
async def ask_a_person(request: Request[Any, Any, Any], session_id: FromPath[str]) -> Response[str]:
    """After a refusal: what the shopper says goes to a person, and the session waits for the answer."""
    here = await visit(request, session_id)
    if not here.flow.identified:
        return await page_now(here, push=True)
    form = await here.form()
    email, error = _email(here, form)
    if error is not None:
        return await outcome_now(here, form=form.refused(email=error), status=422)
    try:
        flow = await ask_person(
            here.flow.public_id, here.browser, form.value("statement"), email=email, lang=here.lang
        )
    except TextRefused as refused:
        refusal = form.refused(statement=FieldError(refused.reason))
        return await outcome_now(here, form=refusal, status=422)
    except (SessionEnded, StepNotReached):
        return await page_now(await here.again(), push=True)
    return await page_now(here.after(flow), push=True)


@post("/pay/{session_id:str}/ask-who", include_in_schema=False, status_code=200)
async def ask_who_is_paying(request: Request[Any, Any, Any], session_id: FromPath[str]) -> Response[str]:
    """Where no electronic identity exists: the shopper tells their name, and a person makes sure of it."""
    here = await visit(request, session_id)
    if not may_see(Page.IDENTIFY, here.flow.state, here.flow.progress):
        return await page_now(here, push=True)
    form = await here.form()
    try:
        token = await ask_who(here.flow, here.browser, name_of(form.value("name")), lang=here.lang)
    except FieldRefused as refused:
        return identify_page(here, form.refused(name=FieldError(refused.reason)), status=422)
    except AskedTooOften as refused:
        return identify_page(here, form.refused(name=FieldError(refused.code)), status=429)
    except (SessionEnded, StepNotReached):
        # A second tap comes with the secret from before: it is led on by a request that gets the new one.
        return here.lead_to("/identify")
    return await page_now(await here.again(token), push=True)


@post("/pay/{session_id:str}/another-plan", include_in_schema=False, status_code=200)
async def take_another_plan(request: Request[Any, Any, Any], session_id: FromPath[str]) -> Response[str]:
    """The shopper does not wait: back to step 1, with the basket as it was."""
    here = await visit(request, session_id)
    try:
        flow = await go_on_without(here.flow.public_id, here.browser)
    except (SessionEnded, StepNotReached):
        return await page_now(await here.again(), push=True)
    del flow
    return here.lead_to("")


@post("/pay/{session_id:str}/answer-to", include_in_schema=False, status_code=200)
async def say_where_to_answer(request: Request[Any, Any, Any], session_id: FromPath[str]) -> Response[str]:
    """Nobody knew how to reach the shopper who waits: they say it."""
    here = await visit(request, session_id)
    form = await here.form()
    try:
        email = email_of(form.value("email"))
        await answer_to(here.flow.public_id, here.browser, email)
    except FieldRefused as refused:
        if here.flow.state != "held" or not here.flow.ours:
            return await page_now(here, push=True)
        return await outcome_now(here, form=form.refused(email=FieldError(refused.reason)), status=422)
    except SessionEnded:
        return await page_now(await here.again(), push=True)
    return await page_now(await here.again(), push=True)


@post("/pay/{session_id:str}/answer-question", include_in_schema=False, status_code=200)
async def answer_the_question(request: Request[Any, Any, Any], session_id: FromPath[str]) -> Response[str]:
    """Whoever checks the purchase asked something: the shopper answers, once."""
    here = await visit(request, session_id)
    form = await here.form()
    try:
        await answer_question(here.flow.public_id, here.browser, form.value("question"), form.value("answer"))
    except TextRefused as refused:
        wrong = form.refused(answer=FieldError(refused.reason))
        return await outcome_now(await here.again(), form=wrong, status=422)
    except SessionEnded:
        return await page_now(await here.again(), push=True)
    return await page_now(await here.again(), push=True)


def _email(here: Visit, form: Form) -> tuple[str | None, FieldError | None]:
    """The typed address, which is read only where nothing else reaches the shopper."""
    reach = reach_of(here.flow, here.lang)
    if reach.phone is not None or reach.email is not None:
        return None, None
    try:
        return email_of(form.value("email")), None
    except FieldRefused as refused:
        return None, FieldError(refused.reason)
