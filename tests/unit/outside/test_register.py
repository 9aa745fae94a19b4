"""The credit register's twin and its adapter over HTTP."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import msgspec
import pytest

from app.credit.ports import CreditRegister, RegisterLoan, RegisterUnavailable
from app.credit.rules import Facts, decide
from app.kernel import db as database
from app.kernel.clock import wall
from app.messages.sandbox_shoppers import SandboxShopper, make_shopper, set_register
from app.outside.register import HttpRegister, RegisterProfile, SandboxRegister

AN_EXTRACT = {
    "id": "extract-7",
    "income_minor_month": 310_000,
    "loans": [{"outstanding_minor": 500_000, "monthly_minor": 20_000}],
    "credit_ban": False,
}


def a_register(answer: Callable[[httpx.Request], httpx.Response]) -> HttpRegister:
    profile = RegisterProfile(url="https://register.example/extracts", token="token-of-ours")
    return HttpRegister(profile, transport=httpx.MockTransport(answer))


async def test_the_adapter_sends_the_number_in_the_body_and_the_token_in_its_header() -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json=AN_EXTRACT)

    found = await a_register(answer).look_up("131052-308T", wall())

    assert (found.id, found.income_minor_month, found.credit_ban) == ("extract-7", 310_000, False)
    assert found.loans == (RegisterLoan(500_000, 20_000),)
    assert asked[0].headers["authorization"] == "Bearer token-of-ours"
    assert "131052" not in str(asked[0].url)
    assert msgspec.json.decode(asked[0].content)["national_number"] == "131052-308T"


async def test_a_server_that_fails_once_is_asked_once_more() -> None:
    answers = iter([httpx.Response(503), httpx.Response(200, json=AN_EXTRACT)])

    assert (await a_register(lambda _: next(answers)).look_up("x", wall())).id == "extract-7"


async def test_a_server_that_fails_twice_is_left_alone() -> None:
    asked = 0

    def answer(_: httpx.Request) -> httpx.Response:
        nonlocal asked
        asked += 1
        return httpx.Response(500)

    with pytest.raises(RegisterUnavailable) as caught:
        await a_register(answer).look_up("x", wall())
    assert (caught.value.reason, asked) == ("status", 2)


def _unreachable(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("no route", request=request)


def _slow(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("slow", request=request)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (lambda _: httpx.Response(401), "status"),
        (lambda _: httpx.Response(302, headers={"Location": "https://elsewhere.example"}), "status"),
        (lambda _: httpx.Response(200, content=b"<html>"), "garbage"),
        (lambda _: httpx.Response(200, json={**AN_EXTRACT, "income_minor_month": -1}), "garbage"),
        (lambda _: httpx.Response(200, json={**AN_EXTRACT, "income_minor_month": 10**13}), "garbage"),
        (lambda _: httpx.Response(200, json={**AN_EXTRACT, "id": ""}), "garbage"),
        (lambda _: httpx.Response(200, content=b"[" * 20_000), "garbage"),
        (lambda _: httpx.Response(200, content=b" " * 70_000), "too_large"),
        (_unreachable, "unreachable"),
        (_slow, "timeout"),
    ],
)
async def test_whatever_else_comes_back_is_no_answer(
    answer: Callable[[httpx.Request], httpx.Response], reason: str
) -> None:
    with pytest.raises(RegisterUnavailable) as caught:
        await a_register(answer).look_up("x", wall())
    assert caught.value.reason == reason


@pytest.mark.parametrize("register", [a_register(lambda _: httpx.Response(500)), SandboxRegister()])
async def test_no_register_is_asked_inside_a_transaction(db: str, register: CreditRegister) -> None:
    async with database.tx():
        with pytest.raises(database.NetworkInTransaction):
            await register.look_up("x", wall())


async def decision_for(shopper: SandboxShopper) -> tuple[str, tuple[str, ...]]:
    answer = await SandboxRegister().look_up(shopper.national_number, wall())
    facts = Facts(amount_minor=250_00, currency="EUR", exposure_minor=0, limit_minor=3_000_00, answer=answer)
    decision = decide(facts)
    return decision.outcome, decision.reasons


async def test_changing_what_the_twin_answers_changes_the_decision(db: str) -> None:
    shopper = await make_shopper("returning", wall())
    before = await decision_for(shopper)

    await set_register(shopper.subject, {"income_minor_month": 3_200_00, "credit_ban": True})

    assert before == ("approved", ())
    assert await decision_for(shopper) == ("declined", ("credit_ban",))


async def test_one_kind_of_shopper_is_declined_because_too_little_is_left(db: str) -> None:
    assert await decision_for(await make_shopper("declined", wall())) == ("declined", ("too_little_left",))


async def test_a_twin_that_is_closed_gives_no_answer(db: str) -> None:
    shopper = await make_shopper("returning", wall())
    await set_register(shopper.subject, {**shopper.register, "closed": True})

    with pytest.raises(RegisterUnavailable):
        await decision_for(shopper)


async def test_the_twin_knows_no_income_of_somebody_it_never_met(db: str) -> None:
    answer = await SandboxRegister().look_up("131052-308T", wall())

    assert (answer.income_minor_month, answer.loans) == (0, ())
