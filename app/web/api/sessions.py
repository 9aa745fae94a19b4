"""`/api/v1/sessions`: a shop opens a session, asks for it, cancels it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath

from app.checkout import actions
from app.checkout.drafts import SessionDraft
from app.checkout.return_urls import return_url_fault
from app.checkout.told import session_for_api
from app.kernel import ids
from app.settings import Settings
from app.web.api import body, schemas
from app.web.api.basket import check_currency, cleaned, company_of, contact_of, line_of
from app.web.api.extras import shipping_of
from app.web.api.keys import Caller, TheCaller, TheSettings
from app.web.api.once import Answer, once
from app.web.api.problems import InputRefused, fault, invalid, not_found
from app.web.api.subscribing import with_subscription

if TYPE_CHECKING:
    from app.checkout.told import SessionAnswer
    from app.orders.rules import Line
    from app.web.shared.problems import FieldProblem


@post("/sessions", status_code=201)
async def open_session(
    request: Request[Any, Any, Any], caller: TheCaller, settings: TheSettings
) -> Response[bytes]:
    """Open a session on a new draft order."""
    given, raw = await body.read(request, schemas.NewSession)
    merchant = caller.merchant
    draft = draft_of(given, merchant.return_hosts, live=settings.is_live, home_currency=merchant.currency)
    draft = await with_subscription(draft, given, merchant)

    made: list[tuple[str, Answer]] = []

    async def work() -> Answer:
        opened = await actions.open_session_in_tx(caller.merchant, draft, caller.now)
        session = schemas.Session(
            id=opened.session_id,
            url=_url(settings, opened.session_id),
            state="open",
            total_minor=opened.total_minor,
            currency=given.currency,
            expires_at=opened.expires_at,
            order_id=opened.order_id,
        )
        answer = Answer(201, msgspec.json.encode(session))
        made.append((opened.session_id, answer))
        return answer

    async def landed() -> Answer | None:
        for session_id, answer in made:
            if await session_for_api(caller.merchant.id, session_id, caller.now) is not None:
                return answer
        return None

    return await once(request, caller.merchant.id, raw, work, landed)


@get("/sessions/{session_id:str}")
async def read_session(
    session_id: FromPath[str], caller: TheCaller, settings: TheSettings
) -> Response[bytes]:
    """A session as it stands now."""
    return Answer(200, await _present(session_id, caller, settings)).response()


@post("/sessions/{session_id:str}/cancel", status_code=200)
async def cancel_session(
    request: Request[Any, Any, Any],
    session_id: FromPath[str],
    caller: TheCaller,
    settings: TheSettings,
) -> Response[bytes]:
    """Cancel a session that has not ended. Cancelling twice is cancelling once."""
    raw = await request.body()
    if raw:
        await body.read(request, schemas.Nothing)

    async def work() -> Answer:
        await actions.cancel_session_in_tx(caller.merchant.id, session_id, actor=caller.actor, now=caller.now)
        answer = await _answer(session_id, caller)
        if answer.state != "cancelled":
            raise InputRefused(409, "session_ended", detail=f"The session is {answer.state}.")
        return Answer(200, _encoded(answer, settings))

    return await once(request, caller.merchant.id, raw, work)


async def _present(session_id: str, caller: Caller, settings: Settings) -> bytes:
    return _encoded(await _answer(session_id, caller), settings)


async def _answer(session_id: str, caller: Caller) -> SessionAnswer:
    if not ids.is_public_id("cs", session_id):
        raise not_found()
    answer = await session_for_api(caller.merchant.id, session_id, caller.now)
    if answer is None:
        raise not_found()
    return answer


def _encoded(answer: SessionAnswer, settings: Settings) -> bytes:
    data = {
        "id": answer.id,
        "url": _url(settings, answer.id),
        "state": answer.state,
        "total_minor": answer.total_minor,
        "currency": answer.currency,
        "expires_at": answer.expires_at,
        "order_id": answer.order_id,
        "reference": answer.reference,
    }
    return msgspec.json.encode(msgspec.convert(data, schemas.SessionDetails))


def _lines(given: schemas.NewSession, faults: list[FieldProblem]) -> tuple[Line, ...]:
    if isinstance(given.lines, msgspec.UnsetType):
        if given.subscription is None:
            faults.append(fault("/lines", "missing"))
        return ()
    return tuple(line_of(line, index, faults) for index, line in enumerate(given.lines))


def _url(settings: Settings, session_id: str) -> str:
    return f"{settings.base_url}/pay/{session_id}"


# --- from the caller's document to a draft --------------------------------------------------------------------------


def draft_of(
    given: schemas.NewSession, return_hosts: tuple[str, ...], *, live: bool, home_currency: str
) -> SessionDraft:
    """Everything that the schema alone cannot check, all faults at once. Raises InputRefused (422).

    The currency is that of the merchant's country (`home_currency`) or of the shopper's.
    """
    faults: list[FieldProblem] = []
    check_currency(given.currency, given.country, home_currency, faults)
    for name in ("success_url", "cancel_url"):
        wrong = return_url_fault(getattr(given, name), live=live, return_hosts=return_hosts)
        if wrong is not None:
            faults.append(fault(f"/{name}", wrong))
    draft = SessionDraft(
        reference=cleaned(given.reference, "/reference", faults),
        country=given.country,
        currency=given.currency,
        locale=given.locale,
        buyer=given.buyer,
        lines=_lines(given, faults),
        customer=None if given.customer is None else contact_of(given.customer, given.country, faults),
        success_url=given.success_url,
        cancel_url=given.cancel_url,
        expires_in_s=given.expires_in_s,
        shipping_options=shipping_of(given.shipping_options, given.country, faults),
        company=company_of(given, faults),
    )
    if faults:
        raise invalid(*faults)
    return draft
