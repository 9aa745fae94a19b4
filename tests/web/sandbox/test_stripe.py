"""The sandbox's Stripe: our adapter at its API, and a shopper at its card page."""

from __future__ import annotations

import pytest

from app.kernel.money import Money
from app.payments.ports import Aggregate, Standing
from app.settings import Settings
from tests.support.sandbox_stripe import RETURN_URL, Sandbox, a_payment, a_sandbox, paid


@pytest.fixture
def sandbox(settings: Settings) -> Sandbox:
    return a_sandbox(settings)


async def test_a_card_payment_is_authorised_by_the_shopper_and_captured_by_us(sandbox: Sandbox) -> None:
    opened = await sandbox.cards.create(a_payment())
    waiting = Aggregate(opened.provider_ref, "pay_1", Standing.PENDING, "EUR", 0)
    assert await sandbox.cards.get(opened.provider_ref) == waiting
    async with sandbox.browser() as browser:
        page = await browser.get(opened.url)
        assert page.status_code == 200
        assert "129,00" in page.text
        assert "Birch &amp; Co., order 1042" in page.text
        answer = await browser.post(opened.url, data={"card": "4242424242424242"})
    assert answer.headers["location"] == RETURN_URL
    held = Aggregate(opened.provider_ref, "pay_1", Standing.AUTHORISED, "EUR", 129_00)
    assert await sandbox.cards.get(opened.provider_ref) == held
    captured = await sandbox.cards.capture(opened.provider_ref, Money(129_00, "EUR"), key="pay_1:capture")
    assert captured == await sandbox.cards.get(opened.provider_ref)
    assert (captured.standing, captured.captured_minor) == (Standing.AUTHORISED, 129_00)
    assert await paid(sandbox, a_payment("pay_2"))
