"""`/api/v1/orders`: a shop's program makes, changes and cancels orders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from litestar import Request, Response, patch, post
from litestar.params import FromPath
from msgspec import UNSET

from app.checkout.actions import cancel_order_in_tx, free_outdated_in_tx
from app.kernel import ids
from app.kernel.card_numbers import holds_card_number
from app.orders import actions, queries
from app.orders.actions import Contact, Contents, NewOrder
from app.orders.errors import OrderUnknown
from app.orders.queries import OrderView
from app.orders.states import OrderState
from app.web.api import body, schemas
from app.web.api.basket import check_currency, cleaned, contact_of, line_of, note_of
from app.web.api.extras import shipping_of
from app.web.api.keys import Caller, TheCaller
from app.web.api.once import Answer, once
from app.web.api.orders import presented
from app.web.api.problems import fault, invalid, not_found

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.web.shared.problems import FieldProblem


@post("/orders", status_code=201)
async def create_order(request: Request[Any, Any, Any], caller: TheCaller) -> Response[bytes]:
    """Make an open order."""
    given, raw = await body.read(request, schemas.NewOrder)
    new = new_order_of(given, home_currency=caller.merchant.currency)
    made: list[tuple[str, Answer]] = []

    async def work() -> Answer:
        created = await actions.create(
            caller.merchant.id, new, state=OrderState.OPEN, actor=caller.actor, now=caller.now
        )
        if given.accepted:
            await _accept(caller, created.public_id)
        answer = Answer(201, await _encoded(caller, created.public_id))
        made.append((created.public_id, answer))
        return answer

    async def landed() -> Answer | None:
        for order_id, answer in made:
            if await queries.order_for_api(caller.merchant.id, order_id) is not None:
                return answer
        return None

    return await once(request, caller.merchant.id, raw, work, landed)


@patch("/orders/{order_id:str}")
async def edit_order(
    request: Request[Any, Any, Any], order_id: FromPath[str], caller: TheCaller
) -> Response[bytes]:
    """Change an order that nobody has paid."""
    given, raw = await body.read(request, schemas.OrderEdit)
    _check_id(order_id)
    edit_id = ids.internal_id()
    made: list[Answer] = []

    async def work() -> Answer:
        order = await actions.lock(caller.merchant.id, order_id)
        await actions.edit(
            caller.merchant.id,
            order_id,
            contents_of(given, order),
            version=given.version,
            edit_id=edit_id,
            actor=caller.actor,
            now=caller.now,
        )
        await free_outdated_in_tx(caller.merchant.id, order_id, actor=caller.actor, now=caller.now)
        if given.accepted:
            await _accept(caller, order_id)
        answer = Answer(200, await _encoded(caller, order_id))
        made.append(answer)
        return answer

    async def landed() -> Answer | None:
        return made[-1] if made and await queries.edit_landed(caller.merchant.id, edit_id) else None

    return await once(request, caller.merchant.id, raw, work, landed)


@post("/orders/{order_id:str}/cancel", status_code=200)
async def cancel_order(
    request: Request[Any, Any, Any], order_id: FromPath[str], caller: TheCaller
) -> Response[bytes]:
    """Cancel an order that nobody has paid, and the sessions on it. Cancelling twice is cancelling once."""
    raw = await request.body()
    if raw:
        await body.read(request, schemas.Nothing)
    _check_id(order_id)

    async def work() -> Answer:
        await cancel_order_in_tx(caller.merchant.id, order_id, actor=caller.actor, now=caller.now)
        return Answer(200, await _encoded(caller, order_id))

    return await once(request, caller.merchant.id, raw, work)


def _check_id(order_id: str) -> None:
    if not ids.is_public_id("ord", order_id):
        raise not_found()


async def _accept(caller: Caller, order_id: str) -> None:
    await actions.accept(caller.merchant.id, order_id, actor=caller.actor, now=caller.now)


async def _encoded(caller: Caller, order_id: str) -> bytes:
    order = await queries.order_for_api(caller.merchant.id, order_id)
    if order is None:
        raise OrderUnknown
    return msgspec.json.encode(presented(order))


# --- from the caller's document to an order -------------------------------------------------------------------------


def new_order_of(given: schemas.NewOrder, *, home_currency: str) -> NewOrder:
    """Everything that the schema alone cannot check, all faults at once. Raises InputRefused (422)."""
    faults: list[FieldProblem] = []
    check_currency(given.currency, given.country, home_currency, faults)
    new = NewOrder(
        reference=_reference(given.reference, faults),
        country=given.country,
        currency=given.currency,
        buyer=given.buyer,
        lines=tuple(line_of(line, index, faults) for index, line in enumerate(given.lines)),
        contact=_contact(given.customer, given.country, faults),
        note=note_of(given.note, "/note", faults),
        shipping_options=_shipping(given.shipping_options, given.country, faults),
    )
    if faults:
        raise invalid(*faults)
    return new


def contents_of(given: schemas.OrderEdit, order: OrderView) -> Contents:
    """What the order shall hold: what was given, and for the rest what it holds now. Raises InputRefused (422)."""
    faults: list[FieldProblem] = []
    was = order.contact
    contents = Contents(
        reference=order.reference if given.reference is UNSET else _reference(given.reference, faults),
        lines=order.lines
        if given.lines is UNSET
        else tuple(line_of(line, index, faults) for index, line in enumerate(given.lines)),
        contact=Contact(was.name, was.email, was.phone, was.postcode, was.street, was.city)
        if given.customer is UNSET
        else _contact(given.customer, order.country, faults),
        note=order.note if given.note is UNSET else note_of(given.note, "/note", faults),
        shipping_options=None
        if given.shipping_options is UNSET
        else _shipping(given.shipping_options, order.country, faults),
    )
    if faults:
        raise invalid(*faults)
    return contents


def _shipping(
    given: Sequence[schemas.NewShippingOption], country: str, faults: list[FieldProblem]
) -> list[dict[str, object]]:
    return [option.to_data() for option in shipping_of(given, country, faults)]


def _reference(text: str, faults: list[FieldProblem]) -> str:
    """Any text of the shop's but the number of a card, which is kept nowhere."""
    reference = cleaned(text, "/reference", faults)
    if holds_card_number(reference):
        faults.append(fault("/reference", "card_number"))
    return reference


def _contact(given: schemas.NewCustomer | None, country: str, faults: list[FieldProblem]) -> Contact:
    if given is None:
        return Contact()
    draft = contact_of(given, country, faults)
    return Contact(draft.name, draft.email, draft.phone, draft.postcode, draft.street, draft.city)
