"""A card that is saved without a payment: what is asked of Stripe, and what its answers mean."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import parse_qsl

import pytest

from app.outside.card import StripeCards
from app.payments.errors import ProviderRefused, ProviderUnreachable
from app.payments.ports import NewSetup, Opened, SavedMethod, SetUp, Standing
from tests.support.receiver import Receiver
from tests.support.stripe_answers import SESSION, refusal, said

NEW = NewSetup(
    key="sx_1",
    reference="sx_1",
    description="Birch & Co. Coffee",
    currency="EUR",
    return_url="https://pay.shop.example/back",
    cancel_url="https://pay.shop.example/back",
    lang="fi",
    country="FI",
    expires_at=datetime(2026, 11, 22, 9, 0, tzinfo=UTC),
)


def a_page(status: str = "open", intent: object = "seti_1", **changed: object) -> dict[str, object]:
    return {
        "id": SESSION,
        "object": "checkout.session",
        "mode": "setup",
        "status": status,
        "amount_total": None,
        "currency": None,
        "metadata": {"reference": "sx_1"},
        "url": "https://checkout.stripe.com/c/pay/cs_test_a1" if status == "open" else None,
        "setup_intent": intent,
        **changed,
    }


def an_intent(status: str = "succeeded", **changed: object) -> dict[str, object]:
    card = {"brand": "mastercard", "last4": "4444", "exp_month": 3, "exp_year": 2032}
    return {
        "id": "seti_1",
        "status": status,
        "customer": "cus_1",
        "payment_method": {"id": "pm_1", "card": card},
        **changed,
    }


async def test_the_page_saves_a_card_for_later_and_asks_for_no_money(
    cards: StripeCards, server: Receiver
) -> None:
    server.will_answer(said(a_page()))
    assert await cards.set_up(NEW) == Opened(SESSION, "https://checkout.stripe.com/c/pay/cs_test_a1")
    [asked] = server.book
    assert asked.headers["idempotency-key"] == "sx_1"
    assert dict(parse_qsl(asked.body.decode())) == {
        "mode": "setup",
        "currency": "eur",
        "allowed_payment_method_types[0]": "card",
        "customer_creation": "always",
        "locale": "fi",
        "setup_intent_data[description]": "Birch & Co. Coffee",
        "setup_intent_data[metadata][reference]": "sx_1",
        "client_reference_id": "sx_1",
        "metadata[reference]": "sx_1",
        "success_url": NEW.return_url,
        "cancel_url": NEW.cancel_url,
        "expires_at": str(int(datetime(2026, 11, 22, 9, 31, tzinfo=UTC).timestamp())),
    }


SAVED = SavedMethod("cus_1/pm_1", "Mastercard 4444", "2032-03")


@pytest.mark.parametrize(
    ("page", "standing", "saved"),
    [
        (a_page(), Standing.PENDING, None),
        (a_page(intent=an_intent("requires_payment_method")), Standing.PENDING, None),
        (a_page("expired"), Standing.EXPIRED, None),
        (a_page("complete", an_intent("processing")), Standing.PENDING, None),
        (a_page("complete", an_intent("canceled")), Standing.CANCELLED, None),
        (a_page("complete", an_intent(customer=None)), Standing.PENDING, None),
        (a_page("complete", an_intent(payment_method="pm_1")), Standing.PENDING, None),
        (a_page("complete", an_intent()), Standing.AUTHORISED, SAVED),
    ],
)
async def test_a_card_is_saved_once_its_bank_has_said_yes_and_not_before(
    cards: StripeCards,
    server: Receiver,
    page: dict[str, object],
    standing: Standing,
    saved: SavedMethod | None,
) -> None:
    server.will_answer(said(page))
    assert await cards.get_setup(SESSION) == SetUp(SESSION, "sx_1", standing, saved)


async def test_a_page_that_is_refused_is_none_and_a_lost_one_is_unknown(
    cards: StripeCards, server: Receiver
) -> None:
    server.will_answer(refusal(403, "invalid_request_error"), said(a_page("expired")), said({}, 500))
    for _ in range(2):
        with pytest.raises(ProviderRefused):
            await cards.set_up(NEW)
    with pytest.raises(ProviderUnreachable):
        await cards.set_up(NEW)
