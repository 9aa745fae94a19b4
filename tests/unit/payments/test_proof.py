"""Each thing that the books say of payments through providers is broken on purpose, and found."""

from __future__ import annotations

import pytest

from app.checkout import giving_back
from app.checkout.books import check_books
from app.checkout.disputing import ask_for_disputes
from app.kernel import clock, db
from app.merchants.queries import forget_kept_merchants
from app.payments.queries import refundings_of_payment
from tests.factories.checkout import a_merchant
from tests.factories.invoices import drawn
from tests.factories.payments import a_guest_at_provider, a_paid_order, doors_to
from tests.factories.returns import refunded
from tests.support.providers import FakeProvider

BROKEN = [
    (
        "UPDATE payments SET captured_minor = captured_minor + 1 WHERE state = 'captured'",
        {
            "I23 clearing holds what payments took and no refund gives back",
            "I23 captured money is in the books",
        },
    ),
    (
        "UPDATE payments SET is_taking = false WHERE state = 'captured'",
        {
            "I23 what a provider was to take of a paid order, one payment took, and of another order none",
            "I23 captured money paid its order, or has a case",
            "I23 captured money is in the books",
        },
    ),
    (
        "UPDATE payments SET next_check_at = NULL WHERE state = 'pending'",
        {"I23 what goes on is asked after, and what has ended forgets who paid"},
    ),
    (
        "UPDATE payments SET contact = '{}' WHERE state = 'captured'",
        {"I23 what goes on is asked after, and what has ended forgets who paid"},
    ),
    (
        "UPDATE checkout_sessions SET state = 'open' WHERE state = 'processing'",
        {"I23 a session in processing waits for one payment, and a payment that goes on has such a session"},
    ),
    (
        "UPDATE payment_refunds SET refund_id = NULL",
        {"I23 a refund gives back through the provider what the provider took"},
    ),
    (
        "UPDATE payment_disputes SET state = 'won', ended_at = opened_at",
        {
            "I23 clearing holds what payments took and no refund gives back",
            "I23 what nobody has decided about stands as disputed",
            "I23 what a dispute has taken has left clearing, and nothing else has",
            "I23 a dispute waits in a case while it goes on",
        },
    ),
    (
        "ALTER TABLE payment_disputes DISABLE TRIGGER USER; UPDATE payment_disputes SET amount_minor = 12901",
        {
            "I23 clearing holds what payments took and no refund gives back",
            "I23 what nobody has decided about stands as disputed",
            "I23 what a dispute has taken has left clearing, and nothing else has",
            "I23 no more of a payment is disputed than was taken",
        },
    ),
    (
        "UPDATE payment_refunds SET state = 'refused'",
        {
            "I23 a refund that its provider refused has a case",
            "I23 clearing holds what payments took and no refund gives back",
        },
    ),
    (
        "UPDATE payment_refunds SET amount_minor = 20000",
        {
            "I23 no more goes back through a provider than it took",
            "I23 clearing holds what payments took and no refund gives back",
            "I23 a refund gives back through the provider what the provider took",
        },
    ),
]


class Undone(Exception):
    """Nothing of what was broken stays."""


@pytest.mark.usefixtures("db")
async def test_whatever_is_broken_is_found() -> None:
    forget_kept_merchants()
    merchant, provider = await a_merchant(), FakeProvider("card")
    order, payment = await a_paid_order(merchant, provider)
    await a_guest_at_provider(merchant, provider)
    await drawn(merchant, order)
    await refunded(merchant, order, 5_000)
    [refund] = await refundings_of_payment(merchant.id, payment.id)
    await giving_back.give_back(refund.public_id, doors_to(provider))
    _, disputed = await a_paid_order(merchant, provider)
    provider.dispute(disputed.provider_ref)
    assert await ask_for_disputes(provider, clock.wall())
    assert await check_books() == []
    for sql, named in BROKEN:
        found: set[str] = set()
        with pytest.raises(Undone):
            async with db.tx():
                await db.execute(sql)
                found = {each.invariant for each in await check_books()}
                raise Undone
        assert {name for name in found if name.startswith("I23")} == named, sql
    assert await check_books() == []
