"""The sandbox's MobilePay by itself: what it refuses, what time does, and what it calls back with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import msgspec
import pytest

from app.outside.mobilepay_signature import check_signature
from app.settings import Settings
from app.web.sandbox import mobilepay_rules as rules
from app.web.sandbox.mobilepay_rules import WAITS_S, Deal, Pact, Refused
from app.web.sandbox.mobilepay_twin import SignedCaller, is_token, keys_from, new_token
from tests.support.receiver import Receiver
from tests.support.sandbox_mobilepay import Sandbox, a_payment, a_sandbox, transport_to

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
BODY = {
    "amount": {"currency": "EUR", "value": 100},
    "paymentMethod": {"type": "WALLET"},
    "reference": "pay-00000001",
    "returnUrl": "http://localhost:8000/return",
    "paymentDescription": "A shop",
    "userFlow": "WEB_REDIRECT",
}


@pytest.fixture
def sandbox(settings: Settings) -> Sandbox:
    return a_sandbox(settings)


def a_deal() -> Deal:
    return Deal("pay-00000001", 100, "EUR", "A shop", "http://localhost", "key-1", NOON)


async def asked(sandbox: Sandbox, body: object = BODY, **headers: str) -> httpx.Response:
    door = sandbox.twin.door
    sent = {
        "Authorization": f"Bearer {new_token(sandbox.twin.keys)}",
        "Ocp-Apim-Subscription-Key": door.subscription_key,
        "Merchant-Serial-Number": door.msn,
        "Idempotency-Key": "key-1",
        **headers,
    }
    async with httpx.AsyncClient(transport=transport_to(sandbox.app)) as client:
        content = msgspec.json.encode(body)
        return await client.post(f"{door.url}/epayment/v1/payments", content=content, headers=sent)


async def test_a_call_that_fits_is_taken(sandbox: Sandbox) -> None:
    answer = await asked(sandbox)
    assert (answer.status_code, answer.json()["reference"]) == (201, "pay-00000001")


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": {"currency": "SEK", "value": 100}},
        {"amount": {"currency": "EUR", "value": 0}},
        {"reference": "pay_00000001"},
        {"reference": "short"},
        {"returnUrl": ""},
        {"paymentDescription": "x"},
        {"userFlow": "PUSH_MESSAGE"},
        {"somethingNew": 1},
    ],
)
async def test_a_body_that_does_not_fit_is_refused(sandbox: Sandbox, changes: dict[str, object]) -> None:
    assert (await asked(sandbox, {**BODY, **changes})).status_code == 400


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Idempotency-Key": ""}, 400),
        ({"Idempotency-Key": "k" * 51}, 400),
        ({"Authorization": "Bearer 9999999999.0"}, 401),
        ({"Ocp-Apim-Subscription-Key": "another"}, 401),
        ({"Merchant-Serial-Number": "1"}, 401),
    ],
)
async def test_a_call_of_somebody_else_or_without_a_key_is_refused(
    sandbox: Sandbox, headers: dict[str, str], status: int
) -> None:
    assert (await asked(sandbox, BODY, **headers)).status_code == status


async def test_a_page_of_a_payment_that_nobody_made_is_not_found(sandbox: Sandbox) -> None:
    for path in ("pay/pay-00000009", "agree/agr_000000009", "qr/pay-00000009.svg"):
        assert (await sandbox.look(f"{sandbox.twin.address}/{path}")).status_code == 404


async def test_another_site_cannot_answer_for_the_person(sandbox: Sandbox) -> None:
    opened = await sandbox.mobilepay.create(a_payment())
    headers = {"Sec-Fetch-Site": "cross-site"}
    async with httpx.AsyncClient(transport=transport_to(sandbox.app), headers=headers) as foreign:
        answer = await foreign.post(opened.url, data={"answer": "approve"})
    assert answer.status_code == 403


def test_a_payment_that_nobody_answers_ends_after_its_time() -> None:
    deal = a_deal()
    assert not rules.let_time_pass(deal, NOON + timedelta(seconds=WAITS_S - 1))
    assert rules.let_time_pass(deal, NOON + timedelta(seconds=WAITS_S))
    assert (deal.state, [event.name for event in deal.events]) == ("EXPIRED", ["EXPIRED"])
    with pytest.raises(Refused):
        rules.approve(deal, NOON)


def test_an_agreement_that_nobody_answers_ends_after_its_time() -> None:
    kept = rules.kept_of(Pact("agr_00000001", "pay-00000001", "Box", "EUR", "http://localhost", "k", NOON))
    assert rules.pact_in(kept, NOON + timedelta(seconds=WAITS_S - 1)).status == "PENDING"
    assert rules.pact_in(kept, NOON + timedelta(seconds=WAITS_S)).status == "EXPIRED"


def test_a_key_that_comes_again_with_another_sum_is_a_conflict() -> None:
    deal = a_deal()
    rules.approve(deal, NOON)
    rules.capture(deal, 50, "EUR", "key-2", NOON)
    with pytest.raises(Refused) as refused:
        rules.capture(deal, 51, "EUR", "key-2", NOON)
    assert refused.value.status == 409


def test_a_token_is_good_for_its_own_deployment_alone() -> None:
    token = new_token(keys_from(b"one"))
    assert is_token(token, keys_from(b"one"))
    assert not is_token(token, keys_from(b"another"))
    assert not is_token(f"9{token}", keys_from(b"one"))


async def test_its_calls_are_signed_so_that_our_door_believes_them() -> None:
    async with Receiver().listening() as shop:
        caller = SignedCaller(f"http://127.0.0.1:{shop.port}/callbacks/mobilepay", "pay.shop.example", "hook")
        await caller.call([{"name": "AUTHORIZED"}])
    (call,) = shop.book
    assert call.headers["host"] == "pay.shop.example"
    check_signature(
        call.headers,
        call.body,
        secrets=["hook"],
        host="pay.shop.example",
        path="/callbacks/mobilepay",
        wall=datetime.now(UTC),
    )


async def test_a_shop_that_does_not_listen_disturbs_nobody() -> None:
    async with Receiver().listening() as gone:
        url = f"http://127.0.0.1:{gone.port}/callbacks/mobilepay"
    await SignedCaller(url, "pay.shop.example", "hook").call([{"name": "AUTHORIZED"}])
