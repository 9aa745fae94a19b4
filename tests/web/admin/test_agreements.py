"""The signed agreement on an order's page: what it says, the document, and nobody else's."""

from __future__ import annotations

import httpx

from app.agreements.queries import agreement_of_order, document_of_order
from app.doors import WorkerDoors
from app.merchants.queries import Merchant
from app.outside.mail import SandboxLetterbox
from app.webhooks.ports import OutgoingWebhook, WebhookReply
from app.worker import Worker, chores, handlers
from tests.factories.checkout import a_merchant
from tests.factories.invoices import a_purchase


class NoWebhooks:
    async def post(self, webhook: OutgoingWebhook) -> WebhookReply:
        raise AssertionError(f"nobody listens, and yet {webhook.url} was to be told")


async def bought(merchant: Merchant) -> str:
    order = await a_purchase(merchant)
    await Worker(handlers(WorkerDoors(SandboxLetterbox(), NoWebhooks())), chores()).run_once()
    return order


async def test_the_page_of_an_order_leads_to_its_agreement(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    order = await bought(merchant)
    agreement, kept = (
        await agreement_of_order(merchant.id, order),
        await document_of_order(merchant.id, order),
    )
    assert agreement is not None
    assert kept is not None
    page = (await desk.get(f"/admin/orders/{order}")).text
    assert agreement.document_hash in page
    assert "Reminder of the right to withdraw" in page
    assert "Planned for" in page
    answer = await desk.get(f"/admin/orders/{order}/agreement")
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.content == kept.data


async def test_an_agreement_of_another_shop_and_one_that_is_not_there_are_not_found(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    foreign = await bought(await a_merchant("Pihla Oy"))
    unsigned = await a_purchase(merchant)
    for order in (foreign, unsigned, "ord_x"):
        assert (await desk.get(f"/admin/orders/{order}/agreement")).status_code == 404


async def test_nobody_reads_an_agreement_without_signing_in(
    stranger: httpx.AsyncClient, merchant: Merchant
) -> None:
    order = await bought(merchant)
    answer = await stranger.get(f"/admin/orders/{order}/agreement")
    assert answer.status_code == 303
    assert b"%PDF" not in answer.content
