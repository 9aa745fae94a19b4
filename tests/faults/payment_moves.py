"""Purchases that a card pays, step by step, beside a provider that outlives whoever dies: its book is a file.

Who comes after a death finds the lease of the payment taken. Time would free it; here the next one does.
"""

from __future__ import annotations

import atexit
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final
from uuid import UUID

from app.checkout import actions as checkout
from app.checkout import giving_back, paying, shown
from app.checkout.disputing import ask_for_disputes
from app.kernel import clock, db
from app.merchants.queries import Merchant, merchant_by_id
from app.payments.queries import PaymentView, payment_by_public_id, refundings_of_payment
from tests.factories.checkout import Shopper, a_session
from tests.factories.invoices import drawn
from tests.factories.payments import (
    GUEST,
    a_guest_at_provider,
    a_paid_order,
    choose_paid,
    confirmed,
    doors_to,
    its_lease_ends,
)
from tests.factories.returns import refunded
from tests.faults.moves import Args, Move, counted, merchant_id, transfers
from tests.faults.product_moves import identified, shopper_of
from tests.support.kept_provider import KeptProvider
from tests.support.providers import FakeProvider

PRICE_MINOR: Final = 12_900
WALLET_MINOR: Final = 2_900
REFUNDED_MINOR: Final = 5_000


@cache
def _folder() -> Path:
    """Where the books of this run are."""
    folder = tempfile.TemporaryDirectory(prefix="kolme-provider-")
    atexit.register(folder.cleanup)
    return Path(folder.name)


def _of(merchant: Merchant) -> Args:
    return {"merchant": str(merchant.id), "book": str(_folder() / f"{merchant.id}.book")}


def _provider(args: Args) -> KeptProvider:
    return KeptProvider(Path(args["book"]))


async def _payment(args: Args) -> PaymentView:
    found = await payment_by_public_id(args["payment"])
    assert found is not None
    return found


# --- from step 3 to the card page and back ------------------------------------------------------------------


async def _at_step_three(merchant: Merchant, _person: int) -> Args:
    shopper = Shopper.at(await a_session(merchant))
    await choose_paid(shopper)
    flow = await shopper.flow()
    told = {"session": shopper.session, "token": shopper.browser.token, "order": flow.order_public_id}
    return {**_of(merchant), **told, "shown": shown.sign(flow)}


async def _go_to_the_card_page(args: Args) -> None:
    payment = await checkout.start_payment(
        args["session"], shopper_of(args).browser, args["shown"], GUEST, lang="en", wall=clock.wall()
    )
    await paying.open_at_provider(payment, doors_to(_provider(args)))


async def _on_the_card_page(merchant: Merchant, _person: int) -> Args:
    args = _of(merchant)
    _, payment = await a_guest_at_provider(merchant, _provider(args))
    return {**args, "payment": payment.public_id}


async def _turn_away(args: Args) -> None:
    await its_lease_ends(await _payment(args))
    await paying.give_up(args["payment"], doors_to(_provider(args)))


async def _approved(merchant: Merchant, person: int) -> Args:
    """The wallet pays a part, and the card's is approved; nothing is taken yet."""
    known, shopper = await identified(merchant, person)
    args = {**known, **_of(merchant), "key": f"purchase:{known['order']}"}
    provider = _provider(args)
    await choose_paid(shopper, "card", WALLET_MINOR)
    payment = await paying.open_at_provider(await confirmed(shopper), doors_to(provider))
    provider.approve(payment.provider_ref)
    return {**args, "payment": payment.public_id}


async def _take_it(args: Args) -> None:
    await its_lease_ends(await _payment(args))
    await paying.check(args["payment"], doors_to(_provider(args)))


# --- and the money back -------------------------------------------------------------------------------------


async def _paid(merchant: Merchant, _person: int) -> Args:
    args = _of(merchant)
    order, payment = await a_paid_order(merchant, _provider(args))
    await drawn(merchant, order)
    return {**args, "order": order, "payment": payment.public_id}


async def _refund(args: Args) -> None:
    merchant = await merchant_by_id(merchant_id(args))
    assert merchant is not None
    await refunded(merchant, args["order"], REFUNDED_MINOR, seen_minor=PRICE_MINOR, key="the-first")


async def _refunded(merchant: Merchant, person: int) -> Args:
    args = await _paid(merchant, person)
    await _refund(args)
    return args


async def _give_back(args: Args) -> None:
    payment = await _payment(args)
    await db.execute_alone(
        "UPDATE payment_refunds SET leased_until = NULL WHERE merchant_id = $1 AND payment_id = $2",
        payment.merchant_id,
        payment.id,
    )
    for refund in await refundings_of_payment(payment.merchant_id, payment.id):
        await giving_back.give_back(refund.public_id, doors_to(_provider(args)))


# --- and money that a bank takes back -----------------------------------------------------------------------


async def _disputed(merchant: Merchant, _person: int) -> Args:
    args = _of(merchant)
    order, payment = await a_paid_order(merchant, _provider(args))
    _provider(args).dispute(payment.provider_ref)
    return {**args, "order": order, "payment": payment.public_id}


async def _hear_of_disputes(args: Args) -> None:
    assert await ask_for_disputes(_provider(args), clock.wall())


# --- what stands afterwards ---------------------------------------------------------------------------------

_opened = counted(
    """SELECT count(*) FROM payments p JOIN orders o ON o.merchant_id = p.merchant_id AND o.id = p.order_id
       WHERE p.merchant_id = $1 AND o.public_id = $2 AND p.provider_ref IS NOT NULL""",
    "order",
)
_given_up = counted(
    "SELECT count(*) FROM payments WHERE merchant_id = $1 AND public_id = $2 AND state = 'cancelled'",
    "payment",
)
_REFUNDS: Final = """
SELECT count(*) FROM payment_refunds r JOIN payments p ON p.merchant_id = r.merchant_id AND p.id = r.payment_id
WHERE r.merchant_id = $1 AND p.public_id = $2
"""
_asked_back = counted(_REFUNDS, "payment")
_went_back = counted(f"{_REFUNDS} AND r.state = 'done'", "payment")
_taken_back = counted(
    "SELECT count(*) FROM transfers WHERE merchant_id = $1 AND about = $2 AND cause = 'disputed'", "order"
)

# What stands in our books of each payment: its provider's name for it, what it took, what it gave back, and what it is
# asked to give back.
_OURS: Final = """
SELECT p.provider_ref, CASE WHEN p.state = 'captured' THEN p.amount_minor ELSE 0 END AS taken_minor,
       coalesce(sum(r.amount_minor) FILTER (WHERE r.state = 'done'), 0)::bigint AS back_minor,
       coalesce(sum(r.amount_minor) FILTER (WHERE r.state NOT IN ('done', 'refused')), 0)::bigint AS asked_minor
FROM payments p LEFT JOIN payment_refunds r ON r.merchant_id = p.merchant_id AND r.payment_id = p.id
WHERE p.merchant_id = $1 AND p.provider_ref IS NOT NULL GROUP BY p.merchant_id, p.id
"""
_CLEARING: Final = """
SELECT coalesce(sum(balance_minor), 0)::bigint FROM ledger_accounts WHERE merchant_id = $1 AND kind = 'psp_clearing'
"""


async def both_books_agree(merchant: UUID, provider: FakeProvider) -> bool:
    """Whether what the provider says it took and gave back, payment by payment, is what our books say, and the ledger
    has what is left of it."""
    rows = await db.fetch_all(_OURS, merchant)
    ours = {row["provider_ref"]: (row["taken_minor"], row["back_minor"]) for row in rows}
    theirs = {ref: (told.captured_minor, told.refunded_minor) for ref, told in provider.book.items()}
    clearing_minor = await db.fetch_value(_CLEARING, merchant)
    # What is to go back has left the ledger when it was decided.
    asked_minor = sum(row["asked_minor"] for row in rows)
    return ours == theirs and clearing_minor == provider.taken_minor() - asked_minor


async def _agrees(args: Args) -> bool:
    return await both_books_agree(merchant_id(args), _provider(args))


PAYMENT_MOVES: Final[Mapping[str, Move]] = {
    "go to the card page": Move(_at_step_three, _go_to_the_card_page, _opened, _agrees),
    "take what a card approved, and the wallet's part": Move(_approved, _take_it, transfers, _agrees),
    "turn away from the card page": Move(_on_the_card_page, _turn_away, _given_up, _agrees),
    "refund a purchase by card": Move(_paid, _refund, _asked_back),
    "give back through the card's provider": Move(_refunded, _give_back, _went_back, _agrees),
    "hear of a dispute": Move(_disputed, _hear_of_disputes, _taken_back, _agrees),
}
