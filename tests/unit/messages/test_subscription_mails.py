"""What the owner of a subscription reads, in every language, and what is no longer true is not sent."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from app.invoices.queries import invoices_of_order
from app.kernel import clock, db
from app.kernel.jobs import Done
from app.kernel.outbox import Job
from app.messages import subscription
from app.messages.ports import Mail
from app.messages.receipt import receipt_mail
from app.subscriptions import actions
from app.subscriptions.addresses import address_of
from app.subscriptions.queries import SubscriptionView, periods_of
from tests.factories.checkout import a_merchant
from tests.factories.invoices import drawn
from tests.factories.subscriptions import Days, a_subscription
from tests.support.providers import FakeProvider

pytestmark = pytest.mark.usefixtures("db")

EVERY = (
    "started",
    "failed",
    "last_failed",
    "ended",
    "cancelled",
    "kept",
    "paused",
    "resumed",
    "reminder",
    "revived",
    "revival_failed",
    "changed",
    "change_failed",
    "change_planned",
    "price_asked",
    "price_falls",
    "price_accepted",
    "method_changed",
)
# These lead to where another way to pay is chosen, without signing in.
OWED = ("failed", "last_failed")


class Post:
    """A mail server that keeps what it is handed."""

    def __init__(self) -> None:
        self.sent: list[Mail] = []

    async def send(self, mail: Mail, timeout_s: float) -> None:
        del timeout_s
        self.sent.append(mail)


def a_job(sub: SubscriptionView, what: str, **more: object) -> Job:
    now = clock.wall()
    return Job(
        merchant_id=sub.merchant_id,
        id=sub.id,
        kind="subscription_mail",
        payload={"subscription": sub.public_id, "what": what, **more},
        about=sub.public_id,
        key=None,
        attempt=1,
        run_at=now,
        created_at=now,
        claimed_at=now,
        claimed_wall=now,
    )


@pytest.mark.parametrize("lang", ["fi", "sv", "en", "da", "bg"])
async def test_each_of_them_is_written_in_every_language(lang: str, monkeypatch: pytest.MonkeyPatch) -> None:
    merchant, post = await a_merchant(), Post()
    sub = await a_subscription(merchant, FakeProvider())
    # As if each of them were true now, with another price asked for and a day of its own.
    everything = """UPDATE subscriptions SET lang = $1, asked_version_id = version_id, asked_from = ends_on,
        next_version_id = version_id, next_from = ends_on, resume_on = ends_on, cancel_on = ends_on, ended_on = ends_on,
        end_reason = 'unpaid', paused_days = 3"""
    await db.execute_alone(everything, lang)
    monkeypatch.setattr(subscription, "_still_true", lambda _what, _sub: True)
    on = (clock.wall() + timedelta(days=2)).date().isoformat()
    for what in EVERY:
        more = {"on": on, "reason": "insufficient_funds"} if "failed" in what else {}
        outcome = await subscription.deliver(a_job(sub, what, **more), post, "https://pay.example")
        assert isinstance(outcome, Done)
    assert len(post.sent) == len(EVERY)
    for what, mail in zip(EVERY, post.sent, strict=True):
        path = (
            address_of(merchant.id, sub.id) if what in OWED else f"/purchases/subscriptions/{sub.public_id}"
        )
        assert mail.subject.strip()
        for body in (mail.text, mail.html):
            assert f"https://pay.example{path}" in body
            assert "None" not in body
    ended = post.sent[EVERY.index("ended")]
    assert sub.terms.name(lang) in ended.subject


async def test_what_is_no_longer_so_is_not_sent() -> None:
    merchant, post = await a_merchant(), Post()
    sub = await a_subscription(merchant, FakeProvider())
    await actions.cancel(merchant, sub.public_id, actor="shopper", now=await clock.business_now())
    for what in ("reminder", "failed", "price_asked", "price_falls"):
        outcome = await subscription.deliver(a_job(sub, what), post, "")
        assert outcome == Done("it is no longer so")
    assert post.sent == []


async def test_a_renewal_has_a_receipt_and_a_document_with_vat_like_any_purchase() -> None:
    merchant, provider = await a_merchant(), FakeProvider()
    sub = await a_subscription(merchant, provider)
    await Days(provider).go_to(sub.course.ends_on)
    renewal = (await periods_of(merchant.id, sub.id))[0].order_public_id
    mail = await receipt_mail(merchant.id, renewal, base_url="https://pay.example")
    assert mail is not None
    assert "Coffee, " in mail.text, "in the language that it was begun in"
    assert "19.90" in mail.text
    await drawn(merchant, renewal)
    [receipt] = await invoices_of_order(merchant.id, renewal)
    assert (receipt.kind, receipt.state.value, receipt.amount_minor) == ("receipt", "paid", 19_90)
    assert [Decimal(group.percent) for group in receipt.content.vat] == [Decimal(14)]
