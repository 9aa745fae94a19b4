"""Whoever owns a card disputes a payment: the books follow the bank, a person is told, nothing goes back twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app import reactions
from app.cases.money import money_answered, money_case_by_public_id, money_waiting
from app.cases.states import CaseState
from app.checkout import actions, giving_back, paying
from app.checkout.books import check_books
from app.checkout.disputing import AskingForDisputes, ask_for_disputes
from app.checkout.errors import CaseNotFound
from app.kernel import clock, db
from app.kernel.jobs import Event, Now
from app.ledger import actions as ledger
from app.ledger.rules import Creditor
from app.merchants.queries import Merchant, forget_kept_merchants
from app.payments import actions as payments
from app.payments.dispute_queries import DisputeView, disputes_of_payment
from app.payments.errors import PaymentDisputed
from app.payments.ports import Callback, DisputeStanding
from app.payments.queries import PaymentView, refundings_of_payment
from app.payments.states import DisputeState
from app.returns import errors as returns
from tests.factories.checkout import a_merchant
from tests.factories.invoices import drawn
from tests.factories.payments import a_guest_at_provider, a_paid_order, asked, doors_to
from tests.factories.returns import refunded
from tests.support.providers import FakeProvider

PRICE = 12_900
WON, LOST, DROPPED = DisputeStanding.WON, DisputeStanding.LOST, DisputeStanding.DROPPED


@pytest.fixture
async def merchant(db: str) -> Merchant:
    forget_kept_merchants()
    return await a_merchant()


@pytest.fixture
def provider() -> FakeProvider:
    return FakeProvider("card")


async def told_now(provider: FakeProvider) -> None:
    """The provider is asked for its disputes; both books say the same then."""
    assert await ask_for_disputes(provider, clock.wall())
    assert await check_books() == []
    assert await in_books("psp_clearing") == provider.taken_minor()


async def in_books(kind: str) -> int:
    return int(
        await db.fetch_value(
            "SELECT coalesce(sum(balance_minor), 0)::bigint FROM ledger_accounts WHERE kind = $1", kind
        )
    )


async def the_dispute(payment: PaymentView) -> DisputeView:
    [dispute] = await disputes_of_payment(payment.merchant_id, payment.id)
    return dispute


async def events() -> list[tuple[str, str | None]]:
    rows = await db.fetch_all(
        "SELECT type, data->>'outcome' AS outcome FROM events WHERE type LIKE 'payment.%' ORDER BY id"
    )
    return [(row["type"], row["outcome"]) for row in rows]


async def test_money_that_a_bank_takes_back_is_disputed_until_the_bank_has_decided(
    merchant: Merchant, provider: FakeProvider
) -> None:
    _, payment = await a_paid_order(merchant, provider)
    provider.dispute(payment.provider_ref)
    await told_now(provider)
    assert (await the_dispute(payment)).state is DisputeState.WITHDRAWN
    assert (await in_books("psp_clearing"), await in_books("disputed")) == (0, PRICE)
    [case] = await money_waiting(merchant.id)
    assert (case.kind, case.amount_minor, case.dispute_reason) == ("disputed_payment", PRICE, "fraudulent")

    provider.dispute(payment.provider_ref, WON, is_away=False)
    await told_now(provider)
    assert (await in_books("psp_clearing"), await in_books("disputed")) == (PRICE, 0)
    [answered] = await money_answered(merchant.id)
    assert (answered.state, answered.kept_for) == (CaseState.KEPT, payment.order_public_id)
    assert await events() == [("payment.disputed", None), ("payment.dispute_closed", "won")]


@pytest.mark.parametrize("creditor", ["merchant", "operator"])
async def test_a_lost_dispute_is_the_shops_loss(db: str, provider: FakeProvider, creditor: Creditor) -> None:
    del db
    forget_kept_merchants()
    merchant = await a_merchant(creditor=creditor)
    _, payment = await a_paid_order(merchant, provider)
    owed_before = await in_books("merchant_payable")
    provider.dispute(payment.provider_ref)
    await told_now(provider)
    provider.dispute(payment.provider_ref, LOST)
    await told_now(provider)
    assert (await in_books("psp_clearing"), await in_books("disputed")) == (0, 0)
    lost_of = await in_books("chargebacks") + await in_books("merchant_payable") - owed_before
    assert lost_of == PRICE
    assert (await in_books("chargebacks") == 0) == (creditor == "operator")
    [answered] = await money_answered(merchant.id)
    assert (answered.state, answered.dispute_state) == (CaseState.RETURNED, "lost")


async def test_a_bank_that_only_asks_takes_nothing_and_its_question_ends(
    merchant: Merchant, provider: FakeProvider
) -> None:
    _, payment = await a_paid_order(merchant, provider)
    provider.dispute(payment.provider_ref, is_away=False, reason="unrecognized")
    await told_now(provider)
    assert (await the_dispute(payment)).state is DisputeState.ASKED
    provider.dispute(payment.provider_ref, DROPPED, is_away=False, reason="unrecognized")
    await told_now(provider)
    assert (await the_dispute(payment)).state is DisputeState.CLOSED
    assert await in_books("psp_clearing") == PRICE
    assert await events() == [("payment.disputed", None), ("payment.dispute_closed", "closed")]


async def test_the_same_news_and_older_news_change_nothing(
    merchant: Merchant, provider: FakeProvider
) -> None:
    _, payment = await a_paid_order(merchant, provider)
    older = clock.wall()
    provider.dispute(payment.provider_ref, WON, is_away=False)
    await told_now(provider)
    await told_now(provider)
    provider.dispute(payment.provider_ref)
    assert await ask_for_disputes(provider, older)
    assert (await the_dispute(payment)).state is DisputeState.WON
    assert len(await events()) == 2


async def test_an_appeal_moves_the_money_again_and_asks_a_person_again(
    merchant: Merchant, provider: FakeProvider
) -> None:
    _, payment = await a_paid_order(merchant, provider)
    for standing, is_away, waiting in (
        (LOST, True, 0),
        (DisputeStanding.OPEN, True, 1),
        (WON, True, 1),
        (WON, False, 0),
    ):
        provider.dispute(payment.provider_ref, standing, is_away=is_away)
        await told_now(provider)
        assert len(await money_waiting(merchant.id)) == waiting
    assert (await the_dispute(payment)).moves == 3


async def test_what_a_bank_has_taken_back_is_not_refunded_as_well(
    merchant: Merchant, provider: FakeProvider
) -> None:
    order, payment = await a_paid_order(merchant, provider)
    await drawn(merchant, order)
    provider.dispute(payment.provider_ref, amount_minor=10_000)
    await told_now(provider)
    with pytest.raises(returns.PaymentDisputed):
        await refunded(merchant, order, 2_901)
    await refunded(merchant, order, 2_900)
    [refund] = await refundings_of_payment(payment.merchant_id, payment.id)
    await giving_back.give_back(refund.public_id, doors_to(provider))
    assert await in_books("psp_clearing") == provider.taken_minor() == 0
    with pytest.raises(returns.PaymentDisputed):
        await refunded(merchant, order, 1)
    provider.dispute(payment.provider_ref, WON, is_away=False, amount_minor=10_000)
    await told_now(provider)
    await refunded(merchant, order, 10_000)


async def test_money_that_came_too_late_is_disputed_too_and_not_sent_back_then(
    merchant: Merchant, provider: FakeProvider
) -> None:
    _, payment = await a_guest_at_provider(merchant, provider)
    provider.approve(payment.provider_ref)
    provider.captured(payment.provider_ref, 100)
    await asked(payment, provider)
    provider.dispute(payment.provider_ref)
    await told_now(provider)
    disputed, late = sorted(await money_waiting(merchant.id), key=lambda each: each.kind)
    now = await clock.business_now()
    with pytest.raises(PaymentDisputed):
        await actions.return_money(merchant, late.public_id, "back", "staff:st_1", now)
    with pytest.raises(CaseNotFound):
        await actions.return_money(merchant, disputed.public_id, "back", "staff:st_1", now)
    assert await check_books() == []


async def test_no_more_is_disputed_than_was_taken(merchant: Merchant, provider: FakeProvider) -> None:
    _, payment = await a_paid_order(merchant, provider)
    provider.dispute(payment.provider_ref, amount_minor=PRICE + 1)
    assert await ask_for_disputes(provider, clock.wall())
    provider.dispute(payment.provider_ref, name="du_2")
    assert await ask_for_disputes(provider, clock.wall())
    assert (await the_dispute(payment)).amount_minor == PRICE
    assert await check_books() == []


async def test_two_questions_that_both_become_more_take_no_more_than_was_taken(
    merchant: Merchant, provider: FakeProvider
) -> None:
    _, payment = await a_paid_order(merchant, provider)
    for is_away in (False, True):
        for name in ("du_1", "du_2"):
            provider.dispute(payment.provider_ref, is_away=is_away, amount_minor=10_000, name=name)
        assert await ask_for_disputes(provider, clock.wall())
    assert await check_books() == []
    disputes = await disputes_of_payment(merchant.id, payment.id)
    assert sorted(each.state for each in disputes) == [DisputeState.ASKED, DisputeState.WITHDRAWN]
    assert (await in_books("disputed"), len(await money_waiting(merchant.id))) == (10_000, 2)

    first = next(each for each in disputes if each.state is DisputeState.WITHDRAWN)
    name = first.provider_ref.removesuffix(f"_{payment.provider_ref}")
    provider.dispute(payment.provider_ref, WON, is_away=False, amount_minor=10_000, name=name)
    await told_now(provider)
    assert await in_books("disputed") == 10_000


async def test_an_appeal_takes_nothing_that_another_dispute_has_taken(
    merchant: Merchant, provider: FakeProvider
) -> None:
    _, payment = await a_paid_order(merchant, provider)
    provider.dispute(payment.provider_ref, WON, is_away=False)
    await told_now(provider)
    provider.dispute(payment.provider_ref, name="du_2")
    await told_now(provider)
    provider.dispute(payment.provider_ref, LOST)
    assert await ask_for_disputes(provider, clock.wall())
    assert await check_books() == []
    states = [each.state for each in await disputes_of_payment(merchant.id, payment.id)]
    assert states == [DisputeState.WON, DisputeState.WITHDRAWN]


async def test_told_in_the_cards_own_currency_what_went_back_before_is_not_disputed(
    merchant: Merchant, provider: FakeProvider
) -> None:
    order, payment = await a_paid_order(merchant, provider)
    await drawn(merchant, order)
    await refunded(merchant, order, 2_900)
    [refund] = await refundings_of_payment(payment.merchant_id, payment.id)
    await giving_back.give_back(refund.public_id, doors_to(provider))
    told = provider.dispute(payment.provider_ref, amount_minor=11_700)
    provider.disputed[told.provider_ref] = replace(told, currency="USD")
    assert await ask_for_disputes(provider, clock.wall())
    assert (await the_dispute(payment)).amount_minor == 10_000
    assert (await in_books("psp_clearing"), await check_books()) == (0, [])


async def test_a_refund_that_failed_because_of_a_dispute_is_not_paid_by_hand_once_the_bank_has_paid(
    merchant: Merchant, provider: FakeProvider
) -> None:
    order, payment = await a_paid_order(merchant, provider)
    await drawn(merchant, order)
    await refunded(merchant, order)
    [refund] = await refundings_of_payment(payment.merchant_id, payment.id)
    provider.dispute(payment.provider_ref)
    provider.refuse("refund", "charge_disputed")
    await giving_back.give_back(refund.public_id, doors_to(provider))
    await told_now(provider)
    provider.dispute(payment.provider_ref, LOST)
    await told_now(provider)
    [case] = await money_waiting(merchant.id)
    assert case.kind == "refund_refused"
    now = await clock.business_now()
    with pytest.raises(PaymentDisputed):
        await actions.return_money(merchant, case.public_id, "by bank", "staff:st_1", now)
    await actions.keep_money(merchant, case.public_id, order, "the bank paid it", "staff:st_1", now)
    assert (await money_waiting(merchant.id), await check_books()) == ((), [])


async def test_a_dispute_that_breaks_keeps_no_other_from_the_books(
    merchant: Merchant, provider: FakeProvider
) -> None:
    _, payment = await a_paid_order(merchant, provider)
    provider.dispute(payment.provider_ref)
    broken = provider.dispute(payment.provider_ref, name="du_2", amount_minor=1)
    provider.disputed[broken.provider_ref] = replace(broken, reason="")
    assert not await ask_for_disputes(provider, clock.wall())
    assert (await the_dispute(payment)).state is DisputeState.WITHDRAWN


async def test_somebody_elses_dispute_is_nothing_and_frozen_money_waits(
    merchant: Merchant, provider: FakeProvider
) -> None:
    _, waiting = await a_guest_at_provider(merchant, provider)
    _, payment = await a_paid_order(merchant, provider)
    provider.dispute(waiting.provider_ref, amount_minor=1)
    provider.dispute(payment.provider_ref, name="du_2")
    now = await clock.business_now()
    await db.in_tx(lambda: ledger.freeze("a test", now))
    assert not await ask_for_disputes(provider, clock.wall())
    assert await disputes_of_payment(merchant.id, payment.id) == ()
    await db.in_tx(lambda: ledger.unfreeze("a test", now))
    assert await ask_for_disputes(provider, clock.wall())
    assert (await the_dispute(payment)).state is DisputeState.WITHDRAWN


async def test_a_call_about_a_dispute_is_a_reason_to_ask_and_every_hour_is(
    merchant: Merchant, provider: FakeProvider
) -> None:
    del merchant
    look = AskingForDisputes({"card": provider})
    wall = clock.wall()
    await payments.want_look("card", wall)

    async def looks_at(at: datetime) -> int:
        await look(Now(await clock.business_now(), at))
        await look.ended()
        return provider.asked.count("disputes")

    assert await looks_at(wall) == 1
    assert await looks_at(wall + timedelta(minutes=59)) == 1
    await paying.take_callback("card", Callback("evt_1", None, None, is_dispute=True))
    assert await looks_at(clock.wall()) == 2
    assert await looks_at(wall + timedelta(hours=2)) == 3
    provider.cut("disputes", after=False)
    assert await looks_at(wall + timedelta(hours=4)) == 4
    assert await looks_at(wall + timedelta(hours=5)) == 5


async def test_a_call_that_comes_while_somebody_asks_is_asked_after_again(
    merchant: Merchant, provider: FakeProvider
) -> None:
    del merchant
    look = AskingForDisputes({"card": provider})
    await payments.want_look("card", clock.wall())

    async def called(call: str) -> None:
        if provider.asked.count(call) == 1:
            await paying.take_callback("card", Callback("evt_1", None, None, is_dispute=True))

    provider.pause = called
    for times in (1, 2, 2):
        await look(Now(await clock.business_now(), clock.wall()))
        await look.ended()
        assert provider.asked.count("disputes") == times


@pytest.mark.parametrize(("reason", "labels"), [("fraudulent", [("dispute", True)]), ("not_received", [])])
async def test_risk_learns_of_fraud_alone(
    merchant: Merchant, provider: FakeProvider, reason: str, labels: list[tuple[str, bool]]
) -> None:
    _, payment = await a_paid_order(merchant, provider)
    provider.dispute(payment.provider_ref, reason=reason)
    await told_now(provider)
    data = await db.fetch_value("SELECT data FROM events WHERE type = 'payment.disputed'")
    event = Event(merchant.id, "evt_1", "payment.disputed", data, None, datetime.now(UTC))
    for _ in range(2):
        await db.in_tx(lambda: reactions.learn_from_dispute(event))
    rows = await db.fetch_all("SELECT source, is_bad FROM risk_labels")
    assert [(row["source"], row["is_bad"]) for row in rows] == labels


async def test_a_case_shows_by_when_to_answer(merchant: Merchant, provider: FakeProvider) -> None:
    _, payment = await a_paid_order(merchant, provider)
    provider.dispute(payment.provider_ref)
    await told_now(provider)
    [case] = await money_waiting(merchant.id)
    assert (await money_case_by_public_id(merchant.id, case.public_id)) == case
    assert (case.order_public_id, case.payment_public_id) == (payment.order_public_id, payment.public_id)
