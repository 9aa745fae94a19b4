"""However the credit register fails, the shopper is led to a person and the reason is kept."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from app.checkout import actions
from app.checkout.facts import gather
from app.credit.queries import stored_decision
from app.outside.register import HttpRegister, RegisterProfile
from tests.factories.checkout import Shopper, a_known_person, a_merchant, a_session

pytestmark = pytest.mark.usefixtures("db")


def refused(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused", request=request)


def slow(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("slow", request=request)


EXTRACT = '{"id": "e-1", "income_minor_month": %s, "currency": "%s"}'


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        pytest.param(refused, "unreachable", id="down"),
        pytest.param(slow, "timeout", id="slow"),
        pytest.param(lambda _: httpx.Response(500), "status", id="broken"),
        pytest.param(lambda _: httpx.Response(403), "status", id="forbidden"),
        pytest.param(lambda _: httpx.Response(200, text="<html>"), "garbage", id="not JSON"),
        pytest.param(lambda _: httpx.Response(200, text=EXTRACT % (-1, "EUR")), "garbage", id="not true"),
        pytest.param(lambda _: httpx.Response(200, text=EXTRACT % (300_000, "USD")), None, id="other money"),
    ],
)
async def test_a_register_that_fails_refers_and_never_refuses(
    answer: Callable[[httpx.Request], httpx.Response], failure: str | None
) -> None:
    merchant = await a_merchant()
    await a_known_person()
    shopper = Shopper.at(await a_session(merchant))
    await shopper.choose()
    await shopper.type_code(await shopper.ask_code())
    register = HttpRegister(
        RegisterProfile("https://register.example/extracts", "token"), transport=httpx.MockTransport(answer)
    )
    flow = await shopper.flow()
    decided = await actions.decide(flow, await gather(flow, register), lang="en")
    assert (decided.state, decided.order_state) == ("held", "held")
    assert decided.decision is not None
    stored = await stored_decision(merchant.id, decided.decision.id)
    assert stored is not None
    assert stored.facts is not None
    assert (stored.outcome, stored.facts.register_failure) == ("referred", failure)


async def test_late_payments_come_from_our_own_books() -> None:
    merchant = await a_merchant()
    await a_known_person()
    shopper = Shopper.at(await a_session(merchant))
    await shopper.choose()
    await shopper.type_code(await shopper.ask_code())
    flow = await shopper.flow()
    register = HttpRegister(
        RegisterProfile("https://register.example/extracts", "token"),
        transport=httpx.MockTransport(lambda _: httpx.Response(200, text=EXTRACT % (300_000, "EUR"))),
    )
    facts = await gather(flow, register)
    assert (facts.late_payments, facts.late_in_a_year, facts.overdue_minor) == (0, 0, 0)
    assert (facts.amount_minor, facts.payable_minor, facts.months) == (129_00, 129_00, 0)
    assert facts.answer is not None
    assert facts.answer.id == "e-1"
