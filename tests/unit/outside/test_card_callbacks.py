"""Stripe calls: what is believed of a call, and what is read of it."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from app.outside.card import CardAccount, StripeCards
from app.payments.errors import CallbackForged
from app.payments.ports import Callback
from tests.support.stripe_answers import INTENT, KEY, SECRET, SESSION

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


@pytest.fixture
def cards() -> StripeCards:
    return StripeCards(CardAccount("http://127.0.0.1:1", KEY, SECRET))


def an_event(kind: str = "checkout.session", known_as: str = SESSION, **changed: object) -> bytes:
    told = {"object": kind, "id": known_as, "metadata": {"reference": "pay_1"}, **changed}
    return msgspec.json.encode({"id": "evt_1", "object": "event", "type": "any", "data": {"object": told}})


def signed(body: bytes, at: datetime = NOW, secret: str = SECRET) -> dict[str, str]:
    made_at = int(at.timestamp())
    digest = hmac.new(secret.encode(), f"{made_at}.".encode() + body, hashlib.sha256).hexdigest()
    return {"Stripe-Signature": f"t={made_at},v1={digest}"}


def read(cards: StripeCards, headers: dict[str, str], body: bytes) -> Callback:
    return cards.read_callback(headers, body, host="pay.shop.example", path="/callbacks/card", wall=NOW)


def test_an_event_names_what_to_ask_after(cards: StripeCards) -> None:
    body = an_event()
    assert read(cards, signed(body), body) == Callback("evt_1", SESSION, "pay_1")
    body = an_event("payment_intent", INTENT)
    assert read(cards, signed(body), body) == Callback("evt_1", None, "pay_1")
    body = an_event("radar.early_fraud_warning", "issfr_1", metadata=None)
    assert read(cards, signed(body), body) == Callback("evt_1", None, None)
    body = an_event("dispute", "du_1", metadata={})
    assert read(cards, signed(body), body) == Callback("evt_1", None, None, is_dispute=True)


def test_while_a_secret_is_exchanged_one_signature_of_two_is_enough(cards: StripeCards) -> None:
    body = an_event()
    ours = signed(body)["Stripe-Signature"]
    other = signed(body, secret="whsec_next")["Stripe-Signature"].partition(",")[2]
    assert read(cards, {"stripe-signature": f"{ours},{other}"}, body).event_id == "evt_1"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Stripe-Signature": ""},
        {"Stripe-Signature": "t=1"},
        {"Stripe-Signature": "v1=ab"},
        {"Stripe-Signature": "t=x,v1=ab"},
        {"Stripe-Signature": "t=1,v1=ä"},
        {"Stripe-Signature": "," * 5000},
        signed(an_event(), secret="whsec_somebody"),
        signed(an_event("checkout.session", "cs_other")),
        signed(an_event(), NOW - timedelta(seconds=301)),
        signed(an_event(), NOW + timedelta(seconds=301)),
    ],
)
def test_a_call_that_is_not_stripes_or_too_old_is_forged(cards: StripeCards, headers: dict[str, str]) -> None:
    with pytest.raises(CallbackForged):
        read(cards, headers, an_event())


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"\xff", b"[" * 5000, b'{"id": "evt_1", "data": 1}'])
def test_a_signed_call_without_the_shape_of_an_event_is_forged_too(cards: StripeCards, body: bytes) -> None:
    with pytest.raises(CallbackForged):
        read(cards, signed(body), body)
