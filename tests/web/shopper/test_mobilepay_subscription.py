"""A subscription that MobilePay charges, from its agreement to its end: our pages, our adapter, and the sandbox's
MobilePay over its own API. What happens there comes back as its signed calls."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import msgspec
import pytest

from app import doors
from app.checkout.books import check_books
from app.kernel import clock, db
from app.merchants.queries import Merchant
from app.outside.mobilepay import MobilePay
from app.subscriptions.actions.forgetting import forget_methods
from app.subscriptions.queries import SubscriptionView, history_of
from app.subscriptions.rules import GRACE_DAYS, RETRY_AFTER_DAYS, add_months
from app.subscriptions.states import SubscriptionState as S
from app.web.sandbox import mobilepay_rules
from app.web.sandbox.mobilepay_recurring import agreement
from app.web.sandbox.mobilepay_twin import CALLBACK_PATH, signature_headers
from tests.factories.checkout import PHONE, POSTCODE, a_known_person, a_merchant
from tests.factories.subscriptions import Passing, a_plan, again, paid_periods
from tests.support.pages import BASE_URL, browser, settings_in
from tests.support.sandbox_mobilepay import Sandbox, a_sandbox
from tests.support.whole import whole_product
from tests.web.shopper.test_account import sign_in
from tests.web.shopper.test_flow import hidden, the_code
from tests.web.shopper.test_subscriptions import a_session_of, words


@dataclass
class Story:
    """A shopper's browser, their phone, and the days that pass."""

    client: httpx.AsyncClient
    sandbox: Sandbox
    days: Passing[MobilePay]
    heard: int = 0

    async def hear(self) -> None:
        """What MobilePay called with since, posted to our door, and the work that follows from it."""
        for event in self.sandbox.book.calls[self.heard :]:
            self.heard += 1
            body = msgspec.json.encode(event)
            host = BASE_URL.partition("//")[2]
            secret = self.sandbox.twin.keys.webhook_secret
            headers = signature_headers(body, host, CALLBACK_PATH, secret)
            answer = await self.client.post(CALLBACK_PATH, content=body, headers=headers)
            assert answer.status_code == 204, answer.text
        await self.days.work()

    async def bought(self, merchant: Merchant, approval: str) -> SubscriptionView:
        """The first payment: our flow, then their phone."""
        await a_known_person()
        session = await a_session_of(merchant, await a_plan(merchant))
        await self.client.get(f"/pay/{session}")
        await self.client.post(f"/pay/{session}", data={"method": "mobilepay"})
        await self.client.post(f"/pay/{session}/code", data={"phone": PHONE, "postcode": POSTCODE})
        code = {"code": await the_code()}
        page = await self.client.post(f"/pay/{session}/identify", data=code, follow_redirects=True)
        assert "By confirming you start a subscription" in words(page)
        await self.client.post(f"/pay/{session}/confirm", data={"shown": hidden(page.text, "shown")})
        back = await self.sandbox.answer(await self.phone_page(), approval)
        assert back.headers["location"] == f"{BASE_URL}/pay/{session}/return"
        await self.hear()
        await self.hear()
        return await again(merchant, str(await db.fetch_value("SELECT public_id FROM subscriptions")))

    async def phone_page(self) -> str:
        """Where the agreement is answered, and later changed."""
        ref = await db.fetch_value("SELECT provider_ref FROM payments WHERE kind = 'checkout'")
        return f"{self.sandbox.twin.address}/agree/{str(ref).partition('/')[0]}"

    async def agreed(self) -> mobilepay_rules.Pact:
        return await agreement((await self.phone_page()).rpartition("/")[2])


@pytest.fixture
async def story(db: str, secrets_folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Story]:
    settings = settings_in(secrets_folder, db)
    sandbox = a_sandbox(settings)
    monkeypatch.setattr(doors, "providers", lambda _settings: {"mobilepay": sandbox.mobilepay})
    async with browser(whole_product(settings)) as client:
        yield Story(client, sandbox, Passing(sandbox.mobilepay))


async def test_two_renewals_that_wait_first_then_two_taps_and_the_agreement_ends_too(story: Story) -> None:
    merchant = await a_merchant()
    sub = await story.bought(merchant, "approve-later-waits")
    began = sub.course.starts_on
    assert (sub.state, sub.method, sub.label) == (S.ACTIVE, "mobilepay", "MobilePay")
    for number in (1, 2):
        await story.days.go_to(add_months(began, number))
        assert len(await paid_periods(merchant, sub)) == number, "MobilePay is not done with it"
        await story.hear()
        assert len(await paid_periods(merchant, sub)) == number + 1
    assert await paid_periods(merchant, sub) == [
        (add_months(began, number), add_months(began, number + 1), 19_90) for number in range(3)
    ]
    await sign_in(story.client)
    here = f"/purchases/subscriptions/{sub.public_id}"
    assert f'action="{here}/end"' in (await story.client.get(f"{here}/end")).text
    await story.client.post(f"{here}/end")
    await story.days.go_to(add_months(began, 4))
    assert (await again(merchant, sub)).state is S.ENDED
    assert len(await paid_periods(merchant, sub)) == 3, "nothing was charged after the end"
    later = await clock.business_now() + timedelta(days=93)
    assert await db.in_tx(lambda: forget_methods(later, 10)) == 1
    await story.days.work()
    assert (await story.agreed()).status == "STOPPED", "and their app shows it"
    assert await check_books() == []


async def test_a_declined_charge_is_tried_again_and_goes_through_once_the_phone_has_money(
    story: Story,
) -> None:
    merchant = await a_merchant()
    sub = await story.bought(merchant, "approve-declined")
    await story.days.go_to(sub.course.ends_on)
    await story.hear()
    found = await again(merchant, sub)
    assert (found.state, found.refusals) == (S.PAST_DUE, 1)
    assert (await history_of(merchant.id, sub.id))[-1].detail["reason"] == "declined"
    await story.sandbox.answer(await story.phone_page(), "approve")
    await story.days.pass_(RETRY_AFTER_DAYS[0])
    await story.hear()
    found = await again(merchant, sub)
    assert (found.state, found.refusals, found.course.starts_on) == (S.ACTIVE, 0, sub.course.ends_on)
    assert len(await paid_periods(merchant, sub)) == 2
    assert await check_books() == []


async def test_an_agreement_that_is_ended_in_the_app_is_a_refusal_until_the_subscription_ends(
    story: Story,
) -> None:
    merchant = await a_merchant()
    sub = await story.bought(merchant, "approve")
    await story.sandbox.answer(await story.phone_page(), "stop")
    await story.hear()
    assert (await again(merchant, sub)).state is S.ACTIVE, "what is paid for is had"
    await story.days.go_to(sub.course.ends_on)
    assert (await again(merchant, sub)).state is S.PAST_DUE
    await story.days.pass_(sum(RETRY_AFTER_DAYS) + GRACE_DAYS)
    found = await again(merchant, sub)
    assert (found.state, found.end_reason) == (S.ENDED, "unpaid")
    assert len(await paid_periods(merchant, sub)) == 1
    assert await check_books() == []
