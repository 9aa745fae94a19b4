"""The verbs on a purchase that waits for a person: it is confirmed and held, approved or declined by staff."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from app.cases.errors import CaseClosed
from app.checkout import actions as checkout
from app.checkout.actions import Answer, Details
from app.kernel import clock, db
from app.merchants.queries import Merchant, merchant_by_id
from tests.factories.held_purchases import TEST_MODE
from tests.faults.moves import Args, Move, counted, merchant_id, transfers
from tests.faults.product_moves import at_confirm, shopper_of

_CASE: Final = """
SELECT c.public_id FROM cases c
JOIN checkout_sessions s ON s.merchant_id = c.merchant_id AND s.id = c.session_id
WHERE c.merchant_id = $1 AND s.public_id = $2
"""


async def _at_confirm(merchant: Merchant, person: int) -> Args:
    return await at_confirm(merchant, person, email=f"person-{person}@held.example")


async def _press(args: Args) -> None:
    browser = shopper_of(args).browser
    await checkout.confirm(args["session"], browser, args["shown"], Details(), press=TEST_MODE)


async def _held(merchant: Merchant, person: int) -> Args:
    """A part is set aside in the wallet, the rest would be lent; a person is asked."""
    args = await _at_confirm(merchant, person)
    await _press(args)
    return {**args, "case": str(await db.fetch_value(_CASE, merchant.id, args["session"]))}


async def _held_to_buy(merchant: Merchant, person: int) -> Args:
    args = await _held(merchant, person)
    return {**args, "key": f"purchase:{args['order']}"}


async def _answered(args: Args, answer: Answer) -> None:
    merchant = await merchant_by_id(merchant_id(args))
    assert merchant is not None
    # The answer of before was heard.
    with suppress(CaseClosed):
        await checkout.answer_case(merchant, args["case"], answer, await clock.business_now())


async def _approve(args: Args) -> None:
    await _answered(args, Answer("approved", "stf_1", None))


async def _decline(args: Args) -> None:
    await _answered(args, Answer("declined", "stf_1", "Not the person"))


_waits = counted(
    "SELECT count(*) FROM checkout_sessions WHERE merchant_id = $1 AND public_id = $2 AND state = 'held'",
    "session",
)
_let_go = counted(
    "SELECT count(*) FROM holds WHERE merchant_id = $1 AND about = $2 AND state = 'released'", "order"
)

HELD_MOVES: Final[Mapping[str, Move]] = {
    "confirm what a person looks at": Move(_at_confirm, _press, _waits),
    "approve what was held": Move(_held_to_buy, _approve, transfers),
    "decline what was held": Move(_held, _decline, _let_go),
}
