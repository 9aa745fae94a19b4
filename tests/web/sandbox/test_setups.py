"""Ways to pay that are saved without a payment: our doors at the sandbox's Stripe and at its MobilePay."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.kernel import clock
from app.kernel.money import Money
from app.payments.errors import ProviderRefused
from app.payments.ports import NewCharge, NewSetup, SavedMethod, Standing
from app.settings import Settings
from tests.support import sandbox_mobilepay, sandbox_stripe
from tests.support.sandbox_stripe import CHALLENGED, DECLINED, VISA

BACK = "http://localhost:8000/purchases/subscriptions/sub_1/way"


def a_setup(reference: str = "sx_0123456789abcdefghjkmnpqrs", currency: str = "EUR") -> NewSetup:
    ends = clock.wall() + timedelta(minutes=30)
    return NewSetup(reference, reference, "Birch & Co. Coffee", currency, BACK, BACK, "en", "FI", ends)


def a_charge(saved: SavedMethod | None) -> NewCharge:
    assert saved is not None
    return NewCharge("pay_later1:key", "pay_later1", Money(19_90, "EUR"), "March", saved.token)


@pytest.fixture
def stripe(settings: Settings) -> sandbox_stripe.Sandbox:
    return sandbox_stripe.a_sandbox(settings)


@pytest.fixture
def mobilepay(settings: Settings) -> sandbox_mobilepay.Sandbox:
    return sandbox_mobilepay.a_sandbox(settings)


async def test_a_card_is_saved_on_the_page_without_a_sum_and_charged_later(
    stripe: sandbox_stripe.Sandbox,
) -> None:
    setup = a_setup()
    opened = await stripe.cards.set_up(setup)
    assert await stripe.cards.set_up(setup) == opened, "the same key is the same page"
    assert (await stripe.cards.get_setup(opened.provider_ref)).standing is Standing.PENDING
    async with stripe.browser() as browser:
        page = await browser.get(opened.url)
        assert "Nothing is paid now." in page.text
        assert "Save Visa 4242" in page.text
        refused = await browser.post(opened.url, data={"card": DECLINED})
        assert refused.headers["location"] == opened.url, "another card may be tried"
        assert (await stripe.cards.get_setup(opened.provider_ref)).standing is Standing.PENDING
        back = await browser.post(opened.url, data={"card": VISA})
        assert back.headers["location"] == BACK
    told = await stripe.cards.get_setup(opened.provider_ref)
    assert (told.standing, told.reference) == (Standing.AUTHORISED, a_setup().reference)
    assert told.saved is not None
    assert told.saved.label == "Visa 4242"
    assert stripe.teller.types == ["checkout.session.completed"], "a card that is saved is no payment"
    charged = await stripe.cards.charge(a_charge(told.saved))
    assert charged.captured_minor == 19_90
    assert await stripe.cards.charge(a_charge(told.saved)) == charged


async def test_a_bank_that_asks_first_saves_a_card_once_it_is_answered(
    stripe: sandbox_stripe.Sandbox,
) -> None:
    opened = await stripe.cards.set_up(a_setup())
    async with stripe.browser() as browser:
        to_bank = (await browser.post(opened.url, data={"card": CHALLENGED})).headers["location"]
        assert "Do you confirm that this card is saved?" in (await browser.get(to_bank)).text
        await browser.post(to_bank, data={"answer": "refuse"})
        assert (await stripe.cards.get_setup(opened.provider_ref)).standing is Standing.PENDING
        await browser.post(to_bank, data={"answer": "confirm"})
    assert (await stripe.cards.get_setup(opened.provider_ref)).standing is Standing.AUTHORISED


async def test_a_mobilepay_agreement_without_a_first_charge_is_charged_later(
    mobilepay: sandbox_mobilepay.Sandbox,
) -> None:
    door = mobilepay.mobilepay
    setup = a_setup()
    opened = await door.set_up(setup)
    assert await door.set_up(setup) == opened, "the same key is the same agreement"
    assert (await door.get_setup(opened.provider_ref)).standing is Standing.PENDING
    assert "Nothing is paid now." in (await mobilepay.look(opened.url)).text
    back = await mobilepay.answer(opened.url, "approve")
    assert back.headers["location"] == BACK
    told = await door.get_setup(opened.provider_ref)
    assert (told.standing, told.reference) == (Standing.AUTHORISED, a_setup().reference)
    assert mobilepay.book.names() == ["recurring.agreement-activated.v1"]
    charged = await door.charge(a_charge(told.saved))
    assert charged.captured_minor == 19_90
    assert told.saved is not None
    await door.forget(told.saved.token, key="forget-1")
    assert (await door.get_setup(opened.provider_ref)).standing is Standing.CANCELLED


@pytest.mark.parametrize(
    ("answer", "standing"), [("reject", Standing.CANCELLED), ("expire", Standing.EXPIRED)]
)
async def test_an_agreement_that_nobody_approves_is_none(
    mobilepay: sandbox_mobilepay.Sandbox, answer: str, standing: Standing
) -> None:
    opened = await mobilepay.mobilepay.set_up(a_setup())
    await mobilepay.answer(opened.url, answer)
    told = await mobilepay.mobilepay.get_setup(opened.provider_ref)
    assert (told.standing, told.saved) == (standing, None)


async def test_a_currency_that_mobilepay_does_not_settle_is_refused_before_anything_is_sent(
    mobilepay: sandbox_mobilepay.Sandbox,
) -> None:
    with pytest.raises(ProviderRefused, match="currency"):
        await mobilepay.mobilepay.set_up(a_setup(currency="SEK"))
