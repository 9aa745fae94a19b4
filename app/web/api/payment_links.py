"""`/api/v1/orders/{id}/payment-link`: a shop's program has an order paid by a link."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
from litestar import Request, Response, get, patch, post
from litestar.params import FromPath

from app.checkout.actions import extend_link_in_tx, withdraw_link_in_tx
from app.kernel import ids
from app.links import actions
from app.links.errors import LinkUnknown
from app.links.queries import LinkView, link_of_order
from app.links.sending import Wanted, send_in_tx
from app.merchants.errors import FieldRefused
from app.orders.errors import OrderRemoved, OrderUnknown
from app.orders.queries import order_for_api
from app.web.api import body, schemas
from app.web.api.keys import Caller, TheCaller, TheSettings
from app.web.api.once import Answer, once
from app.web.api.problems import fault, invalid, not_found

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from app.settings import Settings

# How the verb that sends calls what the caller's document calls otherwise.
_POINTERS: Final = {"email": "/email/to", "subject": "/email/subject", "message": "/email/message"}


@post("/orders/{order_id:str}/payment-link", status_code=201)
async def make_link(
    request: Request[Any, Any, Any], order_id: FromPath[str], caller: TheCaller, settings: TheSettings
) -> Response[bytes]:
    """The link of an open order, made if it has none, and sent if the caller says to whom."""
    raw = await request.body()
    given = (await body.read(request, schemas.NewPaymentLink))[0] if raw else schemas.NewPaymentLink()
    _check_id(order_id)
    wanted = None if given.email is None else _wanted(given.email, caller.merchant.locale)

    async def work() -> Answer:
        link = await actions.make_in_tx(
            caller.merchant.id, order_id, expires_at=given.expires_at, actor=caller.actor, now=caller.now
        )
        if wanted is not None:
            await _send(link, wanted, caller)
        return Answer(201, _encoded(link, caller, settings))

    return await once(request, caller.merchant.id, raw, work)


@get("/orders/{order_id:str}/payment-link")
async def read_link(order_id: FromPath[str], caller: TheCaller, settings: TheSettings) -> Response[bytes]:
    """The link of an order as it stands now."""
    _check_id(order_id)
    order = await order_for_api(caller.merchant.id, order_id)
    if order is None:
        raise OrderUnknown
    if order.removed:
        raise OrderRemoved
    link = await link_of_order(caller.merchant.id, order.id)
    if link is None:
        raise LinkUnknown
    return Answer(200, _encoded(link, caller, settings)).response()


@patch("/orders/{order_id:str}/payment-link")
async def edit_link(
    request: Request[Any, Any, Any], order_id: FromPath[str], caller: TheCaller, settings: TheSettings
) -> Response[bytes]:
    """Another end of a link that is neither withdrawn nor used."""
    given, raw = await body.read(request, schemas.PaymentLinkEdit)
    _check_id(order_id)

    async def work() -> Answer:
        link = await extend_link_in_tx(
            caller.merchant, order_id, expires_at=given.expires_at, actor=caller.actor, now=caller.now
        )
        return Answer(200, _encoded(link, caller, settings))

    return await once(request, caller.merchant.id, raw, work)


@post("/orders/{order_id:str}/payment-link/pause", status_code=200)
async def pause_link(
    request: Request[Any, Any, Any], order_id: FromPath[str], caller: TheCaller, settings: TheSettings
) -> Response[bytes]:
    """Pausing twice is pausing once."""
    return await _changed(request, order_id, caller, settings, actions.pause_in_tx)


@post("/orders/{order_id:str}/payment-link/resume", status_code=200)
async def resume_link(
    request: Request[Any, Any, Any], order_id: FromPath[str], caller: TheCaller, settings: TheSettings
) -> Response[bytes]:
    """Resuming twice is resuming once."""
    return await _changed(request, order_id, caller, settings, actions.resume_in_tx)


@post("/orders/{order_id:str}/payment-link/withdraw", status_code=200)
async def withdraw_link(
    request: Request[Any, Any, Any], order_id: FromPath[str], caller: TheCaller, settings: TheSettings
) -> Response[bytes]:
    """Withdrawing twice is withdrawing once."""
    return await _changed(request, order_id, caller, settings, withdraw_link_in_tx)


async def _changed(
    request: Request[Any, Any, Any],
    order_id: str,
    caller: Caller,
    settings: Settings,
    verb: Callable[..., Awaitable[LinkView]],
) -> Response[bytes]:
    raw = await request.body()
    if raw:
        await body.read(request, schemas.Nothing)
    _check_id(order_id)

    async def work() -> Answer:
        link = await verb(caller.merchant.id, order_id, actor=caller.actor, now=caller.now)
        return Answer(200, _encoded(link, caller, settings))

    return await once(request, caller.merchant.id, raw, work)


def _wanted(given: schemas.LinkEmail, locale: str) -> Wanted:
    # One id for every run of the transaction: what was asked for once is sent once.
    return Wanted("email", given.to, given.lang or locale, given.subject, given.message)


async def _send(link: LinkView, wanted: Wanted, caller: Caller) -> None:
    try:
        await send_in_tx(link, wanted, actor=caller.actor, now=caller.now)
    except FieldRefused as refused:
        raise invalid(fault(_POINTERS[refused.field], refused.reason)) from None


def _check_id(order_id: str) -> None:
    if not ids.is_public_id("ord", order_id):
        raise not_found()


def _encoded(link: LinkView, caller: Caller, settings: Settings) -> bytes:
    data = {
        "id": link.public_id,
        "url": link.url(settings.base_url),
        "state": link.state_at(caller.now).value,
        "order_id": link.order_public_id,
        "expires_at": link.expires_at,
        "created_at": link.created_at,
        "opened_at": link.opened_at,
    }
    return msgspec.json.encode(msgspec.convert(data, schemas.PaymentLink))
