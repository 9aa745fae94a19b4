"""From a receipt to an order that somebody pays, and on to the next customer."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from app.kernel import db
from app.links import actions as links
from app.orders import actions as orders
from app.orders.actions import Contact, NewOrder
from app.orders.states import OrderState
from app.till import queries
from app.till.actions.receipts import Locked, empty, lock
from app.till.errors import ReceiptNotReady
from app.till.queries import Place, Receipt
from app.till.rules import lines_of

_NUMBER: Final = """
UPDATE tills SET last_number = last_number + 1 WHERE merchant_id = $1 AND id = $2
RETURNING sign || '-' || last_number
"""
_BIND: Final = """
WITH served AS (
    UPDATE shop_customers SET used_at = $4 WHERE merchant_id = $1 AND id = $5
)
UPDATE till_receipts SET order_id = $3 WHERE merchant_id = $1 AND id = $2
"""


async def open_order(
    place: Place, *, country: str, currency: str, discount_name: str, actor: str, now: datetime
) -> str:
    """Open an order of what is on the receipt, for its customer, with the payment link that leads to it.

    Answers the order's public id; of the one that was opened already, where the button was pressed twice. The discount
    is called `discount_name` on the order. Raises TillUnknown, ReceiptNotReady, TotalRefused.
    """

    async def write() -> str:
        locked = await lock(place, now=now)
        receipt = await queries.receipt_of(place)
        if receipt.order_public_id is not None:
            return receipt.order_public_id
        if not receipt.ready:
            raise ReceiptNotReady
        reference = await db.fetch_value(_NUMBER, place.merchant_id, place.till_id)
        new = _order_of(receipt, reference, country, currency, discount_name)
        made = await orders.create(place.merchant_id, new, state=OrderState.OPEN, actor=actor, now=now)
        await links.make_in_tx(place.merchant_id, made.public_id, expires_at=None, actor=actor, now=now)
        await db.execute(_BIND, place.merchant_id, locked.id, made.id, now, locked.customer_id)
        return made.public_id

    return await db.in_tx(write)


def _order_of(receipt: Receipt, reference: str, country: str, currency: str, discount_name: str) -> NewOrder:
    who = receipt.customer
    assert who is not None, "a receipt that is ready has a customer"
    return NewOrder(
        reference=reference,
        country=country,
        currency=currency,
        buyer=who.buyer,
        lines=lines_of(receipt.items, receipt.discount, discount_name),
        contact=Contact(who.name, who.email, who.phone, who.postcode, who.street, who.city),
    )


async def put_on_code(place: Place, order_public_id: str, *, now: datetime) -> None:
    """From now on and for five minutes the till's code leads to this receipt's order, in place of any other."""

    async def write() -> None:
        receipt = await _at(place, order_public_id, now)
        if receipt is not None:
            await db.execute(
                "UPDATE tills SET code_order_id = $3, code_since = $4 WHERE merchant_id = $1 AND id = $2",
                place.merchant_id,
                place.till_id,
                receipt.order_id,
                now,
            )

    await db.in_tx(write)


async def take_off_code(place: Place, order_public_id: str, *, now: datetime) -> None:
    """The till's code leads nowhere again; another cashier's order stays on it."""

    async def write() -> None:
        receipt = await _at(place, order_public_id, now)
        if receipt is not None:
            await _off_code(place, receipt)

    await db.in_tx(write)


async def take_back(place: Place, order_public_id: str, *, now: datetime) -> None:
    """The order came to nothing: its receipt is in the making again, as it was typed. Twice is once."""

    async def write() -> None:
        receipt = await _at(place, order_public_id, now)
        if receipt is not None and await _came_to_nothing(place, receipt):
            await _off_code(place, receipt)
            await db.execute(
                "UPDATE till_receipts SET order_id = NULL WHERE merchant_id = $1 AND id = $2",
                place.merchant_id,
                receipt.id,
            )

    await db.in_tx(write)


async def next_customer(place: Place, order_public_id: str, *, now: datetime) -> None:
    """Leave this order to itself and begin an empty receipt. A second press empties nothing that was typed since."""

    async def write() -> None:
        receipt = await _at(place, order_public_id, now)
        if receipt is not None:
            await _off_code(place, receipt)
            await empty(place, receipt)

    await db.in_tx(write)


async def _at(place: Place, order_public_id: str, now: datetime) -> Locked | None:
    """The receipt, held, while it is of this order."""
    locked = await lock(place, now=now)
    receipt = await queries.receipt_of(place)
    return locked if receipt.order_public_id == order_public_id else None


async def _came_to_nothing(place: Place, receipt: Locked) -> bool:
    state = await db.fetch_value(
        "SELECT state FROM orders WHERE merchant_id = $1 AND id = $2", place.merchant_id, receipt.order_id
    )
    return state in {OrderState.CANCELLED, OrderState.EXPIRED}


async def _off_code(place: Place, receipt: Locked) -> None:
    await db.execute(
        """UPDATE tills SET code_order_id = NULL, code_since = NULL
           WHERE merchant_id = $1 AND id = $2 AND code_order_id = $3""",
        place.merchant_id,
        place.till_id,
        receipt.order_id,
    )
