"""Later charges with a saved card: made once, and failed in one word."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qsl

import pytest

from app.outside.card import StripeCards
from app.payments.errors import ProviderRefused, ProviderUnreachable
from app.payments.ports import Aggregate, Standing
from tests.support.receiver import Receiver
from tests.support.stripe_answers import CHARGE, INTENT, a_list, an_intent, captured, refusal, said


def form(server: Receiver) -> dict[str, str]:
    return dict(parse_qsl(server.book[-1].body.decode()))


async def test_a_saved_card_is_charged_at_once_without_the_shopper(
    cards: StripeCards, server: Receiver
) -> None:
    server.will_answer(said(a_list()), said(captured()))
    told = await cards.charge(CHARGE)
    assert (told.provider_ref, told.standing, told.captured_minor) == (INTENT, Standing.AUTHORISED, 129_00)
    assert form(server) == {
        "amount": "12900",
        "currency": "eur",
        "customer": "cus_1",
        "payment_method": "pm_1",
        "allowed_payment_method_types[0]": "card",
        "off_session": "true",
        "confirm": "true",
        "description": "Birch & Co.",
        "metadata[reference]": "pay_1",
        "expand[0]": "latest_charge",
    }
    assert server.book[1].headers["idempotency-key"] == "key-2"


async def test_a_charge_whose_key_is_long_forgotten_is_found_and_not_made_again(
    cards: StripeCards, server: Receiver
) -> None:
    other = an_intent(metadata={"reference": "pay_0"})
    server.will_answer(said(a_list(other, captured())))
    assert (await cards.charge(CHARGE)).captured_minor == 129_00
    assert [each.path.partition("?")[0] for each in server.book] == ["/v1/payment_intents"]
    assert "customer=cus_1" in server.book[0].path


@pytest.mark.parametrize(
    ("code", "decline_code", "failure"),
    [
        ("card_declined", "insufficient_funds", "insufficient_funds"),
        ("expired_card", None, "card_expired"),
        ("authentication_required", "authentication_required", "authentication_failed"),
        ("card_declined", "do_not_honor", "declined"),
    ],
)
async def test_a_saved_card_that_says_no_is_a_payment_that_failed(
    cards: StripeCards, server: Receiver, code: str, decline_code: str | None, failure: str
) -> None:
    error = {"code": code, "decline_code": decline_code}
    intent = an_intent("requires_payment_method", last_payment_error=error)
    no = refusal(402, "card_error", code, decline_code=decline_code, payment_intent=intent)
    server.will_answer(said(a_list()), no)
    failed = Aggregate(INTENT, "pay_1", Standing.FAILED, "EUR", 0, failure=failure)
    assert await cards.charge(CHARGE) == failed


async def test_a_refusal_without_its_intent_is_looked_up(cards: StripeCards, server: Receiver) -> None:
    no = refusal(402, "card_error", "card_declined", decline_code="insufficient_funds")
    failed = an_intent("requires_payment_method", last_payment_error={"code": "card_declined"})
    server.will_answer(said(a_list()), no, said(a_list(failed)))
    assert (await cards.charge(CHARGE)).failure == "insufficient_funds"
    server.will_answer(said(a_list()), no, said(a_list()))
    with pytest.raises(ProviderUnreachable, match="declined_without_intent"):
        await cards.charge(CHARGE)


async def test_a_token_that_is_none_is_refused_before_anything_is_asked(
    cards: StripeCards, server: Receiver
) -> None:
    with pytest.raises(ProviderRefused, match="unknown_token"):
        await cards.charge(replace(CHARGE, token="4242424242424242"))
    assert not server.book
