"""Our card door before two imitations of Stripe that know nothing of each other: ours, and localstripe.

Of both the same is asked, as far as both know the call. localstripe has no Checkout pages and no idempotency keys, and
does not know the parameter by which a later charge names its kind of payment: those are asked of ours alone.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass

import httpx
import pytest

from app.kernel.money import Money
from app.outside.card import API_VERSION, CardAccount, StripeCards
from app.outside.card_http import CardHttp
from app.payments.errors import ProviderRefused
from app.payments.ports import Aggregate, Refunded, Standing
from app.settings import Settings
from tests.support.localstripe import localstripe
from tests.support.sandbox_stripe import (
    CHALLENGED,
    DECLINED_LATER,
    VISA,
    a_sandbox,
    transport_to,
)

SUM = Money(129_00, "EUR")


@dataclass(frozen=True)
class Stripe:
    """One imitation: a program that speaks its API, and our door before it."""

    api: httpx.AsyncClient
    cards: StripeCards

    async def post(
        self, call: str, fields: Mapping[str, str] | None = None, *, status: int = 200
    ) -> dict[str, object]:
        answer = await self.api.post(f"/v1/{call}", data=dict(fields or {}))
        assert answer.status_code == status, answer.text
        told: dict[str, object] = answer.json()
        return told

    async def intent_for(self, number: str) -> dict[str, str]:
        """What makes an intent with a card that somebody keeps here."""
        customer = str((await self.post("customers"))["id"])
        card = {"number": number, "exp_month": "12", "exp_year": "2034", "cvc": "123"}
        fields = {f"card[{name}]": value for name, value in card.items()}
        method = str((await self.post("payment_methods", {"type": "card", **fields}))["id"])
        await self.post(f"payment_methods/{method}/attach", {"customer": customer})
        return {
            "amount": str(SUM.amount_minor),
            "currency": "eur",
            "customer": customer,
            "payment_method": method,
            "confirm": "true",
            "metadata[reference]": "pay_1",
        }

    async def confirm(self, number: str = VISA) -> str:
        """A card is held for a payment. Returns the intent's id."""
        asked = await self.intent_for(number)
        told = await self.post("payment_intents", {**asked, "capture_method": "manual"})
        return str(told["id"])


@pytest.fixture(scope="module")
def localstripe_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with localstripe(tmp_path_factory.mktemp("localstripe")) as address:
        yield address


@pytest.fixture(params=["ours", "localstripe"])
async def stripe(request: pytest.FixtureRequest, settings: Settings) -> AsyncIterator[Stripe]:
    """Each with a key of its own, and only what is asked for is started."""
    if request.param == "localstripe":
        account = CardAccount(request.getfixturevalue("localstripe_address"), "sk_test_12345", "whsec_x")
        cards = StripeCards(account, http=CardHttp())
        transport: httpx.AsyncBaseTransport = httpx.AsyncHTTPTransport()
    else:
        sandbox = a_sandbox(settings)
        account = CardAccount(sandbox.branch.twin.address, sandbox.branch.secret_key, "whsec_x")
        cards = sandbox.cards
        transport = transport_to(sandbox.app)
    headers = {"Authorization": f"Bearer {account.secret_key}", "Stripe-Version": API_VERSION}
    async with httpx.AsyncClient(
        transport=transport, base_url=account.address, headers=headers, trust_env=False
    ) as api:
        yield Stripe(api, cards)


async def test_what_is_held_is_captured_and_refunded_in_parts(stripe: Stripe) -> None:
    intent = await stripe.confirm()
    held = Aggregate(intent, "pay_1", Standing.AUTHORISED, "EUR", 129_00)
    assert await stripe.cards.get(intent) == held
    captured = Aggregate(intent, "pay_1", Standing.AUTHORISED, "EUR", 129_00, captured_minor=129_00)
    assert await stripe.cards.capture(intent, SUM, key="capture") == captured
    assert await stripe.cards.get(intent) == captured
    for part_minor, refunded_minor in ((29_00, 29_00), (50_00, 79_00)):
        part = Money(part_minor, "EUR")
        refunded = await stripe.cards.refund(intent, part, key=f"refund-{part_minor}")
        assert refunded == Refunded(refunded.provider_ref, part)
        assert (await stripe.cards.get(intent)).refunded_minor == refunded_minor


async def test_a_second_capture_takes_nothing_more(stripe: Stripe) -> None:
    intent = await stripe.confirm()
    first = await stripe.cards.capture(intent, SUM, key="capture-1")
    assert await stripe.cards.capture(intent, SUM, key="capture-2") == first


async def test_what_is_held_is_let_go(stripe: Stripe) -> None:
    intent = await stripe.confirm()
    gone = Aggregate(intent, "pay_1", Standing.CANCELLED, "EUR", 129_00, cancelled_minor=129_00)
    assert await stripe.cards.cancel(intent, key="cancel-1") == gone
    assert await stripe.cards.get(intent) == gone
    assert await stripe.cards.cancel(intent, key="cancel-2") == gone


async def test_what_is_captured_is_not_let_go(stripe: Stripe) -> None:
    intent = await stripe.confirm()
    await stripe.cards.capture(intent, SUM, key="capture")
    with pytest.raises(ProviderRefused):
        await stripe.cards.cancel(intent, key="cancel")
    assert (await stripe.cards.get(intent)).captured_minor == 129_00


async def test_a_card_that_is_declined_holds_nothing(stripe: Stripe) -> None:
    """The bank of this one agrees to keep it, and to nothing after that."""
    asked = await stripe.intent_for(DECLINED_LATER)
    told = await stripe.post("payment_intents", {**asked, "off_session": "true"}, status=402)
    error = told["error"]
    assert isinstance(error, dict)
    assert error["code"] == "card_declined"
    listed = (await stripe.api.get("/v1/payment_intents")).json()["data"]
    known_as = next(each["id"] for each in listed if each["customer"] == asked["customer"])
    failed = Aggregate(known_as, "pay_1", Standing.FAILED, "EUR", 0, failure="declined")
    assert await stripe.cards.get(known_as) == failed


async def test_a_card_whose_bank_wants_to_see_the_shopper_holds_nothing_yet(stripe: Stripe) -> None:
    intent = await stripe.confirm(CHALLENGED)
    assert await stripe.cards.get(intent) == Aggregate(intent, "pay_1", Standing.PENDING, "EUR", 0)
    assert (await stripe.cards.cancel(intent, key="cancel")).standing is Standing.CANCELLED


async def test_what_nobody_knows_is_refused(stripe: Stripe) -> None:
    for call in (stripe.cards.get("pi_none"), stripe.cards.capture("pi_none", SUM, key="capture")):
        with pytest.raises(ProviderRefused):
            await call


async def test_a_probe_finds_somebody_there(stripe: Stripe) -> None:
    await stripe.cards.probe()
