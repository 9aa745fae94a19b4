"""`/api/v1/customers/{id}/wallet`: what a customer has with the shop, what makes it up, how it came, their points."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request, Response, get
from litestar.params import FromPath

from app.kernel import ids
from app.loyalty.queries import standing_of
from app.wallet import queries
from app.wallet.queries import LotView, Movement
from app.web.api import schemas_money
from app.web.api.keys import TheCaller
from app.web.api.once import Answer
from app.web.api.params import list_params
from app.web.api.points import points_of
from app.web.api.problems import not_found


@get("/customers/{customer_id:str}/wallet")
async def read_wallet(
    request: Request[Any, Any, Any], customer_id: FromPath[str], caller: TheCaller
) -> Response[bytes]:
    """A wallet with a page of its movements, newest first; `limit` and `cursor` speak of the movements.

    A shop that switched its wallets off is answered as before: the money stays its customers'.
    """
    params = list_params(request)
    merchant = caller.merchant
    if not ids.is_public_id("cus", customer_id) or not await queries.is_customer(merchant.id, customer_id):
        raise not_found()
    page = await queries.statement(merchant, customer_id, cursor=params.cursor, limit=params.limit)
    held = await queries.wallet(merchant, customer_id, caller.now)
    told = schemas_money.Wallet(
        customer_id=customer_id,
        module="on" if merchant.has("wallet") else "off",
        currency=held.currency,
        balance_minor=held.balance_minor,
        available_minor=held.available_minor,
        held_minor=held.held_minor,
        lots=tuple(_lot(lot) for lot in held.lots),
        points=points_of(await standing_of(merchant, customer_id, caller.now)),
        movements=tuple(_movement(each) for each in page.movements),
        next_cursor=page.next_cursor,
    )
    return Answer(200, msgspec.json.encode(told)).response()


def _lot(lot: LotView) -> schemas_money.WalletLot:
    return schemas_money.WalletLot(
        cause=lot.cause,
        about=lot.about,
        amount_minor=lot.came_minor,
        left_minor=lot.left_minor,
        held_minor=lot.held_minor,
        came_at=lot.came_at,
        expires_at=lot.expires_at,
    )


def _movement(movement: Movement) -> schemas_money.WalletMovement:
    return schemas_money.WalletMovement(
        number=movement.number,
        at=movement.at,
        cause=movement.cause,
        about=movement.about,
        amount_minor=movement.amount_minor,
        balance_after_minor=movement.balance_after_minor,
    )
