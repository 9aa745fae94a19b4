"""What the adapter to MobilePay makes of answers that come, that do not, and that make no sense."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping

import msgspec
import pytest

from app.kernel.money import Money
from app.outside.mobilepay import MobilePay
from app.outside.mobilepay_http import sent_key
from app.payments.errors import ProviderRefused, ProviderUnreachable
from app.payments.ports import NewCharge, Standing
from app.settings import MobilePayDoor
from tests.support.receiver import Answer, Receiver
from tests.support.sandbox_mobilepay import a_payment

SUM = Money(12_345, "EUR")
THERE = "pay-0123456789abcdefghjkmnpqrs"
TOKEN = Answer(body=msgspec.json.encode({"access_token": "a-token", "expires_in": "3600"}))


def told(value: object, status: int = 200) -> Answer:
    return Answer(status, body=msgspec.json.encode(value))


def payment(state: str = "AUTHORIZED", captured: int = 0, **more: object) -> Mapping[str, object]:
    def amount(value: int) -> Mapping[str, object]:
        return {"currency": "EUR", "value": value}

    return {
        "reference": THERE,
        "state": state,
        "amount": amount(12_345),
        "aggregate": {
            "authorizedAmount": amount(12_345 if state == "AUTHORIZED" else 0),
            "capturedAmount": amount(captured),
            "refundedAmount": amount(0),
            "cancelledAmount": amount(0),
        },
        **more,
    }


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver().listening() as receiver:
        yield receiver


def at(receiver: Receiver, *, timeout_s: float = 20.0) -> MobilePay:
    door = MobilePayDoor(
        url=f"http://127.0.0.1:{receiver.port}",
        msn="123456",
        client_id="kolme",
        client_secret="secret-of-ours",
        subscription_key="key-of-ours",
        webhook_secrets=("hook",),
    )
    return MobilePay(door, manage_url="https://pay.shop.example/purchases", total_timeout_s=timeout_s)


async def test_every_call_says_who_we_are_and_carries_its_key(receiver: Receiver) -> None:
    receiver.will_answer(TOKEN, told({"reference": THERE, "redirectUrl": "https://pay.example/1"}, 201))
    opened = await at(receiver).create(a_payment(phone="+358401234567"))

    token, created = receiver.book
    assert (token.path, created.path) == ("/accesstoken/get", "/epayment/v1/payments")
    assert (token.headers["client_id"], token.headers["client_secret"]) == ("kolme", "secret-of-ours")
    assert created.headers["authorization"] == "Bearer a-token"
    assert created.headers["merchant-serial-number"] == "123456"
    assert created.headers["ocp-apim-subscription-key"] == "key-of-ours"
    assert created.headers["idempotency-key"] == a_payment().key
    assert msgspec.json.decode(created.body) == {
        "amount": {"currency": "EUR", "value": 12_345},
        "paymentMethod": {"type": "WALLET"},
        "reference": THERE,
        "returnUrl": a_payment().return_url,
        "paymentDescription": "A shop, order 1",
        "customer": {"phoneNumber": "358401234567"},
        "userFlow": "WEB_REDIRECT",
    }
    assert (opened.provider_ref, opened.url, opened.qr_url) == (THERE, "https://pay.example/1", None)


async def test_a_token_is_asked_for_once_while_it_lives(receiver: Receiver) -> None:
    receiver.will_answer(TOKEN, told(payment()))
    mobilepay = at(receiver)
    await asyncio.gather(*(mobilepay.get(THERE) for _ in range(3)))
    assert [each.path for each in receiver.book].count("/accesstoken/get") == 1


async def test_a_token_near_its_end_is_not_used(receiver: Receiver) -> None:
    short = told({"access_token": "short", "expires_in": 30})
    receiver.will_answer(short, told(payment()), short, told(payment()))
    mobilepay = at(receiver)
    await mobilepay.get(THERE)
    await mobilepay.get(THERE)
    assert [each.path for each in receiver.book].count("/accesstoken/get") == 2


async def test_a_token_that_is_refused_is_got_anew_once(receiver: Receiver) -> None:
    fresh = told({"access_token": "fresh", "expires_in": "3600"})
    receiver.will_answer(TOKEN, Answer(401), fresh, told(payment()))
    assert (await at(receiver).get(THERE)).standing is Standing.AUTHORISED
    assert receiver.book[-1].headers["authorization"] == "Bearer fresh"


async def test_keys_that_are_wrong_are_no_refusal_of_the_payment(receiver: Receiver) -> None:
    receiver.will_answer(TOKEN, Answer(401), TOKEN, Answer(401))
    with pytest.raises(ProviderUnreachable, match="unauthorised"):
        await at(receiver).capture(THERE, SUM, key="capture-key-1")


@pytest.mark.parametrize("answer", [Answer(500), Answer(drops=True), Answer(body=b"no token")])
async def test_without_a_token_nothing_was_sent(receiver: Receiver, answer: Answer) -> None:
    receiver.will_answer(answer)
    with pytest.raises(ProviderUnreachable, match="no_token"):
        await at(receiver).create(a_payment())
    assert [each.path for each in receiver.book] == ["/accesstoken/get"]


async def test_where_nobody_listens_nothing_was_sent() -> None:
    async with Receiver().listening() as gone:
        pass
    with pytest.raises(ProviderUnreachable, match="no_token"):
        await at(gone).create(a_payment())


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(drops=True), "cut"),
        (Answer(500), "status"),
        (Answer(504), "status"),
        (Answer(302, headers={"Location": "https://elsewhere.example"}), "status"),
        (Answer(429), "rate_limited"),
        (Answer(body=b"{}"), "garbage"),
        (Answer(body=b"<html>"), "garbage"),
        (Answer(pad_bytes=300_000), "too_large"),
        (told({**payment(), "reference": "pay-another000000000000000000"}), "garbage"),
        (told(payment("A_STATE_OF_NEXT_YEAR")), "garbage"),
        (told(payment(captured=-1)), "garbage"),
    ],
)
async def test_a_capture_without_an_answer_that_can_be_read_is_unknown(
    receiver: Receiver, answer: Answer, reason: str
) -> None:
    receiver.will_answer(TOKEN, answer)
    with pytest.raises(ProviderUnreachable, match=reason):
        await at(receiver).capture(THERE, SUM, key="capture-key-1")


async def test_an_answer_that_never_comes_is_unknown_after_the_adapters_own_seconds(
    receiver: Receiver,
) -> None:
    receiver.will_answer(TOKEN, Answer(hangs=True))
    with pytest.raises(ProviderUnreachable, match="timeout"):
        await at(receiver, timeout_s=0.3).capture(THERE, SUM, key="capture-key-1")


async def test_a_refusal_carries_the_number_of_the_error_and_no_text(receiver: Receiver) -> None:
    problem = {
        "title": "Cannot capture before reservation",
        "extraDetails": [{"name": "ErrorCode", "reason": "6080"}],
    }
    receiver.will_answer(TOKEN, told(problem, 400))
    with pytest.raises(ProviderRefused) as refused:
        await at(receiver).capture(THERE, SUM, key="capture-key-1")
    assert refused.value.reason == "code_6080"


@pytest.mark.parametrize("body", [b"", b"no json", b'{"extraDetails": [{"name": "x"}]}'])
async def test_a_refusal_without_a_number_is_named_by_its_status(receiver: Receiver, body: bytes) -> None:
    receiver.will_answer(TOKEN, Answer(400, body=body))
    with pytest.raises(ProviderRefused, match="status_400"):
        await at(receiver).capture(THERE, SUM, key="capture-key-1")


async def test_a_payment_that_is_not_known_there_is_a_refusal_of_its_own(receiver: Receiver) -> None:
    receiver.will_answer(TOKEN, Answer(404))
    with pytest.raises(ProviderRefused, match="not_found"):
        await at(receiver).get(THERE)


async def test_letting_go_that_is_refused_because_all_has_ended_is_no_failure(receiver: Receiver) -> None:
    receiver.will_answer(TOKEN, Answer(400), told(payment("EXPIRED")))
    assert (await at(receiver).cancel(THERE, key="cancel-key-1")).standing is Standing.EXPIRED


async def test_letting_go_that_is_refused_while_money_is_set_aside_stays_a_refusal(
    receiver: Receiver,
) -> None:
    receiver.will_answer(TOKEN, Answer(400), told(payment()))
    with pytest.raises(ProviderRefused):
        await at(receiver).cancel(THERE, key="cancel-key-1")


async def test_a_conflict_over_a_reference_without_an_address_is_asked_again_later(
    receiver: Receiver,
) -> None:
    receiver.will_answer(TOKEN, Answer(409), told(payment("CREATED")))
    with pytest.raises(ProviderUnreachable, match="conflict"):
        await at(receiver).create(a_payment())


async def test_a_probe_is_content_with_a_payment_that_nobody_made(receiver: Receiver) -> None:
    receiver.will_answer(TOKEN, Answer(404))
    await at(receiver).probe()


@pytest.mark.parametrize("answer", [Answer(500), Answer(401), Answer(drops=True)])
async def test_a_probe_tells_what_is_not_well(receiver: Receiver, answer: Answer) -> None:
    receiver.will_answer(TOKEN, answer)
    with pytest.raises(ProviderUnreachable):
        await at(receiver).probe()


def later_charge(status: str) -> Answer:
    sums = {"captured": 0, "refunded": 0, "cancelled": 0}
    return told({"id": "pay-later1", "amount": 990, "currency": "EUR", "status": status, "summary": sums})


@pytest.mark.parametrize("status", ["DUE", "PROCESSING"])
async def test_a_charge_that_is_taken_and_still_under_way_waits(receiver: Receiver, status: str) -> None:
    receiver.will_answer(TOKEN, told({"chargeId": "pay-later1"}, 201), later_charge(status))
    new = NewCharge("charge-key-1", "pay_later1", Money(990, "EUR"), "March", "agr_1")
    found = await at(receiver).charge(new)
    assert (found.standing, found.provider_ref) == (Standing.PENDING, "agr_1/pay-later1")


async def test_letting_go_of_a_later_charge_leaves_the_agreement_to_the_next_one(receiver: Receiver) -> None:
    agreement = told({"status": "ACTIVE", "externalId": "pay-first001"})
    receiver.will_answer(TOKEN, later_charge("DUE"), agreement, Answer(204), later_charge("CANCELLED"))
    gone = await at(receiver).cancel("agr_1/pay-later1", key="cancel-key-1")
    assert gone.standing is Standing.CANCELLED
    charge, agreement_path = (
        "/recurring/v3/agreements/agr_1/charges/pay-later1",
        "/recurring/v3/agreements/agr_1",
    )
    asked = [call.path for call in receiver.book[1:]]
    assert asked == [charge, agreement_path, charge, charge], (
        "the third lets go, and nothing stops the agreement"
    )


@pytest.mark.parametrize("reference", ["pay 1234567", "../payments", "short", "pay-with-hyphens"])
async def test_a_reference_that_could_not_be_told_back_never_leaves(
    receiver: Receiver, reference: str
) -> None:
    with pytest.raises(ProviderRefused, match="reference"):
        await at(receiver).create(a_payment(reference=reference))
    assert receiver.book == []


@pytest.mark.parametrize("token", ["", "../charges", "agr 1", "agr_1/x"])
async def test_a_token_that_is_no_agreement_never_stands_in_an_address(
    receiver: Receiver, token: str
) -> None:
    with pytest.raises(ProviderRefused, match="token"):
        await at(receiver).forget(token, key="forget-key-1")
    assert receiver.book == []


def test_a_key_that_is_too_long_becomes_a_shorter_one_of_its_own() -> None:
    long = "payment:pay_0123456789abcdefghjkmnpqrs:refund:ref_0123456789"
    assert sent_key("pay_1:capture") == "pay_1:capture"
    assert sent_key(long) == sent_key(long)
    assert sent_key(long) != sent_key(long + "0")
    assert len(sent_key(long)) <= 40


def test_nothing_that_is_kept_shows_our_secrets() -> None:
    door = MobilePayDoor("https://api", "1", "id", "hidden-1", "hidden-2", ("hidden-3",))
    assert "hidden" not in repr(door)
