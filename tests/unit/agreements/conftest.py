from __future__ import annotations

import pytest

from app.doors import WorkerDoors
from app.merchants.queries import Merchant, forget_kept_merchants
from app.outside.mail import SandboxLetterbox
from app.webhooks.ports import OutgoingWebhook, WebhookReply
from app.worker import Worker, chores, handlers
from tests.factories.checkout import a_merchant


class NoWebhooks:
    async def post(self, webhook: OutgoingWebhook) -> WebhookReply:
        raise AssertionError(f"nobody listens, and yet {webhook.url} was to be told")


@pytest.fixture
async def merchant(db: str) -> Merchant:
    forget_kept_merchants()
    return await a_merchant()


@pytest.fixture
def worker(db: str) -> Worker:
    return Worker(handlers(WorkerDoors(SandboxLetterbox(), NoWebhooks())), chores())
