"""Each call of the card door is cut, before it arrives and after its effect, and then asked for again.

However it is cut, the door says that nobody knows; whoever asks again with the same key finds the one effect there is.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import httpx
import pytest

from app.kernel.money import Money
from app.outside.card import CardAccount, StripeCards
from app.outside.card_http import CardHttp
from app.payments.errors import ProviderUnreachable
from app.payments.ports import NewCharge, NewSetup
from app.settings import Settings
from tests.support.sandbox_stripe import VISA, Sandbox, a_payment, a_sandbox, paid, transport_to

SUM = Money(129_00, "EUR")
Verb = Callable[[StripeCards], Awaitable[object]]
CUTS = [(call, when) for call in range(3) for when in ("before", "after")]


@dataclass
class Cut(httpx.AsyncBaseTransport):
    """A line to the twin that breaks once: at the call of that number, before or after it."""

    inner: httpx.AsyncBaseTransport
    at: int = -1
    when: str = ""
    calls: list[str] = field(default_factory=list)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        here = len(self.calls) == self.at
        self.calls.append(f"{request.method} {request.url.path}")
        if here and self.when == "before":
            raise httpx.ConnectError("cut", request=request)
        answer = await self.inner.handle_async_request(request)
        if here and self.when == "after":
            raise httpx.ReadError("cut", request=request)
        return answer


@pytest.fixture
def sandbox(settings: Settings) -> Sandbox:
    return a_sandbox(settings)


def through(sandbox: Sandbox, line: httpx.AsyncBaseTransport) -> StripeCards:
    branch = sandbox.branch
    account = CardAccount(branch.twin.address, branch.secret_key, branch.webhook_secret)
    return StripeCards(account, http=CardHttp(transport=line))


async def captured(sandbox: Sandbox, reference: str) -> str:
    provider_ref = await paid(sandbox, a_payment(reference, save=True))
    await sandbox.cards.capture(provider_ref, SUM, key=f"{reference}:capture")
    return provider_ref


async def opening(sandbox: Sandbox, reference: str) -> Verb:
    new = a_payment(reference)
    return lambda cards: cards.create(new)


async def capturing(sandbox: Sandbox, reference: str) -> Verb:
    provider_ref = await paid(sandbox, a_payment(reference))
    return lambda cards: cards.capture(provider_ref, SUM, key=f"{reference}:capture")


async def closing(sandbox: Sandbox, reference: str) -> Verb:
    provider_ref = (await sandbox.cards.create(a_payment(reference))).provider_ref
    return lambda cards: cards.cancel(provider_ref, key=f"{reference}:cancel")


async def letting_go(sandbox: Sandbox, reference: str) -> Verb:
    provider_ref = await paid(sandbox, a_payment(reference))
    return lambda cards: cards.cancel(provider_ref, key=f"{reference}:cancel")


async def giving_back(sandbox: Sandbox, reference: str) -> Verb:
    provider_ref = await captured(sandbox, reference)
    return lambda cards: cards.refund(provider_ref, Money(29_00, "EUR"), key=f"{reference}:refund")


async def charging(sandbox: Sandbox, reference: str) -> Verb:
    saved = (await sandbox.cards.get(await captured(sandbox, reference))).saved
    assert saved is not None
    new = NewCharge(f"{reference}:charge", f"{reference}-later", SUM, "Coffee, monthly", saved.token)
    return lambda cards: cards.charge(new)


async def setting_up(sandbox: Sandbox, reference: str) -> Verb:
    del sandbox
    payment = a_payment(reference)
    new = NewSetup(
        payment.key,
        reference,
        payment.description,
        "EUR",
        payment.return_url,
        payment.cancel_url,
        "fi",
        "FI",
        payment.expires_at,
    )
    return lambda cards: cards.set_up(new)


@pytest.mark.parametrize(
    ("begin", "effect"),
    [
        (opening, None),
        (setting_up, None),
        (capturing, "payment_intent.succeeded"),
        (closing, "checkout.session.expired"),
        (letting_go, "payment_intent.canceled"),
        (giving_back, "refund.created"),
        (charging, "payment_intent.succeeded"),
    ],
    ids=["create", "set_up", "capture", "close", "cancel", "refund", "charge"],
)
async def test_a_call_that_is_cut_has_one_effect_when_it_is_asked_for_again(
    sandbox: Sandbox, begin: Callable[[Sandbox, str], Awaitable[Verb]], effect: str | None
) -> None:
    whole = Cut(transport_to(sandbox.app))
    await (await begin(sandbox, "pay_whole"))(through(sandbox, whole))
    calls, cut_at = whole.calls, set()
    for number, (at, when) in enumerate(CUTS):
        verb = await begin(sandbox, f"pay_{number}")
        sandbox.teller.events.clear()
        try:
            await verb(through(sandbox, Cut(transport_to(sandbox.app), at, when)))
        except ProviderUnreachable:
            cut_at.add((at, when))
        assert await verb(sandbox.cards) == await verb(sandbox.cards), (at, when)
        if effect is not None:
            assert sandbox.teller.types.count(effect) == 1, (at, when)
    # Every call that the verb makes was cut, on both sides, and none of them in silence.
    assert cut_at == {(at, when) for at, when in CUTS if at < len(calls)}


async def test_a_payment_that_is_opened_twice_by_a_cut_is_paid_once(sandbox: Sandbox) -> None:
    new = a_payment()
    with pytest.raises(ProviderUnreachable):
        await through(sandbox, Cut(transport_to(sandbox.app), 0, "after")).create(new)
    opened = await sandbox.cards.create(new)
    async with sandbox.browser() as browser:
        await browser.post(opened.url, data={"card": VISA})
        # A second tab of the same page finds it closed.
        assert (await browser.post(opened.url, data={"card": VISA})).status_code == 410
    await sandbox.cards.capture(opened.provider_ref, SUM, key="capture")
    assert sandbox.teller.types.count("payment_intent.succeeded") == 1
