"""What belongs to an order is proven every five minutes too: its refunds never come to more than was captured, what its
documents say was paid was paid, and what somebody owes is what the books say."""

from __future__ import annotations

import pytest

from app.checkout import giving_back, proving
from app.kernel import clock, db
from app.merchants.queries import Merchant, forget_kept_merchants
from app.payments.queries import refundings_of_payment
from app.returns.actions import save_conditions
from app.returns.rules import Conditions
from app.returns.states import RefundState
from tests.factories.checkout import a_merchant, a_shopper_at_confirm
from tests.factories.invoices import drawn, paid
from tests.factories.payments import a_guest_at_provider, a_paid_order, doors_to
from tests.factories.returns import refunded
from tests.support.providers import FakeProvider

PRICE = 12_900
BACK = 5_000


@pytest.fixture
async def merchant(db: str) -> Merchant:
    forget_kept_merchants()
    return await a_merchant()


async def damaged(sql: str) -> None:
    """Past the triggers that forbid it."""

    async def damage() -> None:
        await db.execute("SET LOCAL session_replication_role = replica")
        assert await db.execute(sql) == "UPDATE 1"

    await db.in_tx(damage)


async def everything_is_proven() -> None:
    """All that is new was found good, and no older row is looked at by the next proof."""
    now = clock.wall()
    await proving.seal_due(now)
    assert (await proving.prove_new(now)).violations == []


async def is_found(invariant: str) -> None:
    found = (await proving.prove_new(clock.wall())).violations
    assert any(each.invariant.startswith(invariant) for each in found), found
    assert await db.fetch_value("SELECT because FROM money_freezes WHERE ended_at IS NULL")


async def a_card_refund(merchant: Merchant) -> None:
    """Of a card purchase, a part went back to the card since the last proof."""
    provider = FakeProvider("card")
    await everything_is_proven()
    order, payment = await a_paid_order(merchant, provider)
    await drawn(merchant, order)
    await refunded(merchant, order, BACK)
    [refund] = await refundings_of_payment(payment.merchant_id, payment.id)
    await giving_back.give_back(refund.public_id, doors_to(provider))
    await everything_is_proven()


OF_REFUNDS = {
    "I23 no more goes back through a provider than it took": """
        UPDATE payment_refunds SET amount_minor = 12901""",
    "I23 a refund gives back through the provider what": "UPDATE payment_refunds SET amount_minor = 4999",
    "I23 captured money is in the books": "UPDATE payments SET captured_minor = captured_minor + 1",
    "I23 what goes on is asked after": "UPDATE payments SET ended_at = NULL",
    "I31 what was refunded, what waits and what is left": """
        UPDATE refunds SET amount_minor = 12901, back_minor = back_minor + 7901""",
    "I31 an order's state says": "UPDATE orders SET state = 'refunded'",
    "I31 a refund is the sum of its lines": """
        UPDATE refunds SET amount_minor = amount_minor + 1, back_minor = back_minor + 1""",
    "I32 a refund is worth its credit note": """
        UPDATE invoices SET amount_minor = amount_minor + 1, principal_minor = principal_minor + 1
        WHERE kind = 'credit_note'""",
    "I32 a refund's money went where it says": """
        UPDATE refunds SET back_minor = back_minor - 1, lowered_minor = lowered_minor + 1""",
    "I32 a refund that is done told so": """
        UPDATE outbox SET about = NULL WHERE payload->>'type' = 'order.refunded'""",
    "I32 nobody approved their own refund": """
        UPDATE refund_history SET event = 'refund.approved', actor = (SELECT asked_by FROM refunds)""",
}


@pytest.mark.parametrize("invariant", OF_REFUNDS)
async def test_damage_to_a_new_refund_is_found_by_the_next_proof(merchant: Merchant, invariant: str) -> None:
    await a_card_refund(merchant)
    await damaged(OF_REFUNDS[invariant])
    await is_found(invariant)


async def test_a_session_that_waits_for_a_payment_that_is_gone_is_found(merchant: Merchant) -> None:
    await a_guest_at_provider(merchant, FakeProvider("card"))
    await everything_is_proven()
    await damaged("UPDATE checkout_sessions SET state = 'open'")
    await is_found("I23 a session in processing waits for one payment")


async def test_an_exposure_that_is_not_what_is_owed_is_found(merchant: Merchant) -> None:
    await (await a_shopper_at_confirm(merchant)).confirm()
    await everything_is_proven()
    await damaged("UPDATE credit_exposures SET exposure_minor = exposure_minor + 1")
    await is_found("I3 exposure is what the receivable says")


OF_INVOICES = {
    "I12 what is paid of an invoice": "UPDATE invoices SET paid_minor = paid_minor + 1",
    "I12 a payment has its transfer": "UPDATE invoice_payments SET public_id = public_id || 'x'",
    "I13 the documents of an order": """
        UPDATE invoices SET amount_minor = amount_minor + 1, principal_minor = principal_minor + 1""",
}


@pytest.mark.parametrize("invariant", OF_INVOICES)
async def test_damage_to_a_new_payment_of_an_invoice_is_found_by_the_next_proof(
    merchant: Merchant, invariant: str
) -> None:
    flow = await (await a_shopper_at_confirm(merchant)).confirm()
    [invoice] = await drawn(merchant, flow.order_public_id)
    await paid(merchant, invoice, BACK)
    await everything_is_proven()
    await damaged(OF_INVOICES[invariant])
    await is_found(invariant)


async def test_a_refund_that_waits_for_approval_moves_no_order_and_is_proven_all_the_same(
    merchant: Merchant,
) -> None:
    """Its order was bought long ago: the refund alone is new."""
    provider = FakeProvider("card")
    order, _ = await a_paid_order(merchant, provider)
    await drawn(merchant, order)
    await everything_is_proven()
    await _long_ago("order_history", "session_history", "invoice_history", "payment_history")
    now = await clock.business_now()
    await save_conditions(merchant, Conditions(14, approval_above_minor=BACK - 1), actor="staff:x", now=now)
    assert (await refunded(merchant, order, BACK)).state is RefundState.PENDING_APPROVAL
    await everything_is_proven()
    await damaged("UPDATE orders SET refundable_minor = refundable_minor + 1")
    await is_found("I31 what was refunded, what waits and what is left")


async def _long_ago(*tables: str) -> None:
    async def age() -> None:
        await db.execute("SET LOCAL session_replication_role = replica")
        for table in tables:
            # The first digits of an id are the time at which it was made.
            await db.execute(
                f"UPDATE {table} SET id = overlay(id::text placing '00000000' from 1 for 8)::uuid"
            )

    await db.in_tx(age)
