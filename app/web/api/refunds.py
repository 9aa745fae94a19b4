"""`/api/v1/orders/{id}/refunds`: money of a paid order goes back, and what went back so far."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath

from app.invoices.credits import Pieces, Wanted
from app.kernel import ids
from app.orders.errors import OrderUnknown
from app.orders.queries import order_for_api
from app.returns import actions, queries
from app.returns.actions import NewRefund
from app.returns.queries import RefundLine, RefundView, lines_of_refund, lines_of_refunds
from app.web.api import body, schemas
from app.web.api.keys import Caller, TheCaller, TheSettings
from app.web.api.once import Answer, key_of, once
from app.web.api.params import list_params
from app.web.api.problems import InputRefused, fault, invalid, not_found
from app.web.shared.drawn import draw_if_paid


@post("/orders/{order_id:str}/refunds", status_code=201)
async def make_refund(
    request: Request[Any, Any, Any], order_id: FromPath[str], caller: TheCaller, settings: TheSettings
) -> Response[bytes]:
    """Give back what was paid. Above the shop's limit it waits for a second person."""
    if not ids.is_public_id("ord", order_id):
        raise not_found()
    key = key_of(request)
    if key is None:
        raise InputRefused(
            400,
            "idempotency_key_missing",
            detail="A refund needs an Idempotency-Key, so that it is made once.",
        )
    given, raw = await body.read(request, schemas.NewRefund)
    new = _new(given, caller, key)

    async def work() -> Answer:
        await draw_if_paid(caller.merchant, order_id, settings.operator, caller.now)
        made = await actions.refund(caller.merchant, order_id, new, caller.now)
        lines = await lines_of_refund(caller.merchant.id, made.id)
        return Answer(201, msgspec.json.encode(_presented(made, lines)))

    return await once(request, caller.merchant.id, raw, work)


@get("/orders/{order_id:str}/refunds")
async def list_refunds(
    request: Request[Any, Any, Any], order_id: FromPath[str], caller: TheCaller
) -> Response[bytes]:
    """A page of an order's refunds, oldest first."""
    params = list_params(request)
    if not ids.is_public_id("ord", order_id):
        raise not_found()
    order = await order_for_api(caller.merchant.id, order_id)
    if order is None:
        raise OrderUnknown
    page = await queries.list_refunds(caller.merchant.id, order.id, cursor=params.cursor, limit=params.limit)
    lines = await lines_of_refunds(caller.merchant.id, [refund.id for refund in page.refunds])
    data = tuple(_presented(refund, lines.get(refund.id, ())) for refund in page.refunds)
    return Answer(200, msgspec.json.encode(schemas.RefundList(data, page.next_cursor))).response()


def _new(given: schemas.NewRefund, caller: Caller, key: str) -> NewRefund:
    """Raises InputRefused (422)."""
    if given.lines is None and given.amount_minor is None:
        raise invalid(fault("/amount_minor", "missing"))
    if given.lines is None and given.return_fee_minor:
        raise invalid(fault("/return_fee_minor", "only_with_lines"))
    wanted: Wanted
    if given.lines is None:
        assert given.amount_minor is not None
        wanted = given.amount_minor
    else:
        wanted = tuple(Pieces(each.line - 1, each.quantity) for each in given.lines)
    return NewRefund(
        wanted=wanted,
        refundable_minor=given.refundable_minor,
        to=given.to,
        actor=caller.actor,
        key=f"api:{key}",
        fee_minor=given.return_fee_minor,
        amount_minor=None if given.lines is None else given.amount_minor,
        currency=given.currency,
        note=given.note,
    )


def _presented(refund: RefundView, lines: Sequence[RefundLine]) -> schemas.Refund:
    return schemas.Refund(
        id=refund.public_id,
        order_id=refund.order_public_id,
        return_id=refund.return_public_id,
        state=refund.state.value,
        to=refund.destination,
        amount_minor=refund.amount_minor,
        return_fee_minor=refund.fee_minor,
        currency=refund.currency,
        wallet_minor=refund.to_wallet_minor,
        owed_less_minor=refund.lowered_minor,
        paid_back_minor=refund.back_minor,
        costs_reversed_minor=refund.costs_minor,
        lines=tuple(_line(line) for line in lines if line.position is not None),
        credit_note_id=refund.credit_note_public_id,
        quote_id=refund.quote_id,
        created_at=refund.asked_at,
        decided_at=refund.decided_at,
    )


def _line(line: RefundLine) -> schemas.LineToCredit:
    assert line.position is not None
    return schemas.LineToCredit(line=line.position + 1, quantity=line.quantity)
