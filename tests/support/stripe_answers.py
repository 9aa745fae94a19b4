"""What Stripe answers, as its pages show it: for a scripted server on loopback."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import msgspec

from app.kernel.money import Money
from app.payments.ports import NewCharge
from tests.support.receiver import Answer

KEY = "sk_test_key_of_ours"
SECRET = "whsec_of_ours"
SESSION = "cs_test_a1"
INTENT = "pi_3M"
CHARGE = NewCharge(
    key="key-2",
    reference="pay_1",
    amount=Money(129_00, "EUR"),
    description="Birch & Co.",
    token="cus_1/pm_1",
)


def said(content: Mapping[str, object], status: int = 200) -> Answer:
    return Answer(status, {"request-id": "req_1", "stripe-notice": "read me"}, msgspec.json.encode(content))


def refusal(status: int, kind: str, code: str | None = None, **more: object) -> Answer:
    return said({"error": {"type": kind, "code": code, "message": "No: +358401234567", **more}}, status)


def a_charge(**changed: object) -> dict[str, object]:
    return {
        "id": "ch_3M",
        "object": "charge",
        "amount": 129_00,
        "amount_captured": 0,
        "amount_refunded": 0,
        "captured": False,
        "payment_method_details": {
            "type": "card",
            "card": {"brand": "visa", "last4": "4242", "exp_month": 7, "exp_year": 2031},
        },
        **changed,
    }


def an_intent(status: str = "requires_capture", **changed: object) -> dict[str, object]:
    return {
        "id": INTENT,
        "object": "payment_intent",
        "status": status,
        "amount": 129_00,
        "currency": "eur",
        "metadata": {"reference": "pay_1"},
        "latest_charge": a_charge() if status in {"requires_capture", "canceled"} else None,
        "last_payment_error": None,
        "cancellation_reason": None,
        "setup_future_usage": None,
        "customer": None,
        "payment_method": "pm_1",
        **changed,
    }


def captured(amount_minor: int = 129_00, refunded_minor: int = 0) -> dict[str, object]:
    charge = a_charge(captured=True, amount_captured=amount_minor, amount_refunded=refunded_minor)
    return an_intent("succeeded", latest_charge=charge)


def a_session(
    status: str = "open", intent: Mapping[str, object] | None = None, **changed: object
) -> dict[str, object]:
    return {
        "id": SESSION,
        "object": "checkout.session",
        "status": status,
        "amount_total": 129_00,
        "currency": "eur",
        "metadata": {"reference": "pay_1"},
        "payment_intent": intent,
        "url": "https://checkout.stripe.com/c/pay/cs_test_a1" if status == "open" else None,
        **changed,
    }


def a_refund(status: str = "succeeded", key: str = "key-5") -> dict[str, object]:
    told = {"id": "re_1", "object": "refund", "status": status, "amount": 29_00, "currency": "eur"}
    return {**told, "metadata": {"reference": "pay_1", "key": key}}


def a_list(*told: Mapping[str, object]) -> dict[str, object]:
    return {"object": "list", "data": list(told), "has_more": False, "url": "/v1/any"}


def replayed(answer: Answer) -> Answer:
    """The same as Stripe tells it again for the key under which it was first told."""
    return replace(answer, headers={**answer.headers, "Idempotent-Replayed": "true"})
