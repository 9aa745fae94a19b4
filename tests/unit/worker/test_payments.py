"""What follows a purchase that a provider took the money for, done by the worker: documents, mails, looks, refunds."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.checkout import paying
from app.checkout.books import check_books
from app.doors import WorkerDoors
from app.kernel import clock, db
from app.merchants.queries import Merchant, forget_kept_merchants
from app.messages.sandbox_outbox import messages
from app.outside.mail import SandboxLetterbox
from app.payments.states import PaymentState
from app.webhooks.ports import OutgoingWebhook, WebhookReply
from app.worker import Worker, chores, handlers
from tests.factories.checkout import a_merchant
from tests.factories.payments import BASE_URL, a_guest_at_provider, a_paid_order, as_it_is
from tests.factories.returns import refunded
from tests.support.providers import FakeProvider

PRICE = 12_900


class NoWebhooks:
    async def post(self, webhook: OutgoingWebhook) -> WebhookReply:
        raise AssertionError(f"nobody listens, and yet {webhook.url} was to be told")


@pytest.fixture
async def merchant(db: str) -> Merchant:
    forget_kept_merchants()
    return await a_merchant()


@pytest.fixture
def provider() -> FakeProvider:
    return FakeProvider("mobilepay")


@pytest.fixture
def worker(provider: FakeProvider) -> Worker:
    through = WorkerDoors(
        SandboxLetterbox(), NoWebhooks(), base_url=BASE_URL, providers={provider.method: provider}
    )
    return Worker(handlers(through), chores())


async def not_done() -> list[str]:
    rows = await db.fetch_all(
        """SELECT kind || ' ' || coalesce((SELECT max(detail) FROM outbox_tries t WHERE t.outbox_id = o.id), '') AS job
           FROM outbox o WHERE failed_at IS NOT NULL OR (attempts > 0 AND done_at IS NULL)"""
    )
    return [row["job"] for row in rows]


async def a_while_passes(by: timedelta = timedelta(hours=2)) -> None:
    """On the wall's clock, by which providers are asked."""
    for table in ("payments", "payment_refunds"):
        await db.execute_alone(
            f"UPDATE {table} SET next_check_at = next_check_at - $1::interval, leased_until = NULL",
            by,
        )


async def test_everything_that_follows_a_guests_purchase_is_done(
    merchant: Merchant, provider: FakeProvider, worker: Worker
) -> None:
    order, _ = await a_paid_order(merchant, provider)
    await worker.run_once()
    assert await not_done() == []
    assert {each.to for each in await messages(channel="email")} == {"aino@example.test"}
    await refunded(merchant, order, 5_000)
    await worker.run_once()
    assert await not_done() == []
    assert any("Back to you in MobilePay" in each.body for each in await messages(channel="email"))
    assert provider.taken_minor() == PRICE - 5_000
    await refunded(merchant, order)
    await worker.run_once()
    assert provider.taken_minor() == 0
    assert await not_done() == []
    assert await check_books() == []


async def test_the_reconciler_finds_what_nobody_came_back_from(
    merchant: Merchant, provider: FakeProvider, worker: Worker
) -> None:
    _, payment = await a_guest_at_provider(merchant, provider)
    provider.approve(payment.provider_ref)
    await a_while_passes()
    await worker.run_once()
    assert (await as_it_is(payment)).state is PaymentState.CAPTURED
    assert await check_books() == []


async def test_two_rounds_of_the_reconciler_ask_once(
    merchant: Merchant, provider: FakeProvider, worker: Worker
) -> None:
    await a_guest_at_provider(merchant, provider)
    await worker.run_once()
    assert provider.asked == ["create"], "it is not due yet"
    await a_while_passes()
    await worker.run_once()
    await worker.run_once()
    assert provider.asked == ["create", "get"]


async def test_who_was_to_pay_is_forgotten_where_nobody_hears_of_the_end(
    merchant: Merchant, provider: FakeProvider, worker: Worker
) -> None:
    _, payment = await a_guest_at_provider(merchant, provider)
    for _ in range(9):
        provider.cut("get", after=False)
    await db.in_tx(lambda: clock.set_offset_s(31 * 86_400))
    await worker.run_once()
    forgotten = await as_it_is(payment)
    assert (forgotten.state, forgotten.contact) == (PaymentState.PENDING, None)
    assert paying.CHECK_JOB in {row["kind"] for row in await db.fetch_all("SELECT kind FROM outbox")}
