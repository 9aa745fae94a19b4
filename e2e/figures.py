"""Purchases on random plans in a running product, and what it keeps of them: its books, its documents, what it sent.

The steps of a purchase that show no figures are taken by the verbs of the pages, beside the web process; the pages
that show some are left to a real browser, which goes on with the cookie of the one who was identified.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from typing import Final, TypeVar

from app import doors
from app.agreements.queries import document_of_order
from app.checkout import actions
from app.identity.actions import browsers
from app.invoices import actions as invoicing
from app.invoices.actions import NewPayment
from app.invoices.pdf import file_name
from app.invoices.queries import InvoiceView, invoices_of_order
from app.kernel import clock, db
from app.kernel.keys import use_keyring
from app.kernel.money import Money
from app.merchants.actions import NewMerchant, create_api_key, create_merchant
from app.merchants.queries import Merchant
from app.orders.rules import Line
from app.plans.actions import create_plan
from app.plans.quote import Plan, Quote, make_quote
from app.settings import load
from e2e.world import World
from tests.factories.checkout import Shopper, a_session, an_identity
from tests.factories.plans import lawful_plans

# Waited for on a machine that does other work beside, and never waited out by a test that passes.
SENT_WAIT_S: Final = 120.0
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ready:
    """Somebody who is identified and approved, before the last step. `cookie` is the browser's."""

    quote: Quote
    session: str
    order: str
    cookie: str


@dataclass(frozen=True, slots=True)
class Batch:
    merchant: Merchant
    api_key: str
    ready: tuple[Ready, ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """What the product keeps of one purchase. `documents` are in the order of the instalments, the sale's first.

    `sent` is the PDF of the sale as it came by mail or post, `agreement` that of the signed agreement; `posted` holds
    sums by kind of account, once all is paid.
    """

    documents: tuple[InvoiceView, ...]
    sent: bytes
    agreement: bytes
    posted: Mapping[str, int]


def inside(world: World, work: Callable[[], Awaitable[T]]) -> T:
    """Runs verbs and queries on the running product's database, with its keys. In a thread: the browser's event loop
    runs in this one."""
    settings = load({"KOLME_VAR_DIR": str(world.product.var_dir), "PORT": str(world.product.port)})

    async def run() -> T:
        doors.turn_keys(settings)
        await db.start_pool(settings.database_url, min_size=1, max_size=2)
        try:
            return await work()
        finally:
            await db.close_pool()
            use_keyring(None)

    with ThreadPoolExecutor(1) as aside:
        return aside.submit(asyncio.run, run()).result()


async def get_ready(seed: int, count: int) -> Batch:
    """A shop of its own with so many random plans, and one purchase on each that waits for its last button."""
    rng = random.Random(seed)
    now = clock.wall()
    merchant = await create_merchant(
        NewMerchant("Havu & Kivi", "FI", "shop@havu.example", credit_limit_minor=10**11), now=now
    )
    key = await create_api_key(merchant.id, "shop", mode="test", now=now)
    plans = list(islice(lawful_plans(rng, merchant.local_date(now)), count))
    for plan in plans:
        await create_plan(merchant.id, plan, now=now)
    ready = [await _ready(merchant, plan, rng.choice(("email", "paper")), n) for n, plan in enumerate(plans)]
    return Batch(merchant, key, tuple(ready))


async def _ready(merchant: Merchant, plan: Plan, delivery: str, number: int) -> Ready:
    """`number`: each is bought by a person of its own, or a person of the shop would look at so many alike."""
    line = Line("item", f"Blanket {number}", 1, plan.min_amount_minor, Decimal("25.5"))
    contact = {"email": f"person-{number}@example.test", "phone": f"+35850{number:07d}"}
    shopper = Shopper.at(await a_session(merchant, line, **contact))
    flow = await shopper.flow()
    quote = make_quote(
        plan,
        flow.total_minor,
        flow.currency,
        merchant.country,
        merchant.local_date(flow.now),
        plan.max_months,
        merchant=merchant.public_id,
        delivery=delivery if plan.kind == "invoice" else "email",
    )
    await actions.choose_plan(flow, quote, shopper.browser, clock.wall())
    await shopper.return_from_bank(an_identity(subject=f"{merchant.public_id}-{number}"))
    assert await shopper.be_decided(income_minor=10**9) == "approved"
    cookie = browsers.write(shopper.browser.token, wall=clock.wall())
    return Ready(quote, shopper.session, flow.order_public_id, cookie)


async def kept_of(batch: Batch) -> dict[str, Kept]:
    """By order. Waits until the worker has sent the documents, then pays each, which posts what is still unposted."""
    sent = await _sent(batch)
    kept: dict[str, Kept] = {}
    for each in batch.ready:
        documents = await invoices_of_order(batch.merchant.id, each.order)
        for document in documents:
            if document.kind in {"invoice", "notice"}:
                await _pay(batch.merchant, document)
        kept[each.order] = Kept(
            tuple(sorted(documents, key=lambda document: document.instalment)),
            sent[each.order],
            await _agreement(batch.merchant, each.order),
            await _posted(each.order),
        )
    return kept


async def _sent(batch: Batch) -> dict[str, bytes]:
    """The PDF of each sale, by order. Waits for the last."""
    ends = time.monotonic() + SENT_WAIT_S
    while True:
        names = {
            file_name(document.content): each.order
            for each in batch.ready
            for document in (await invoices_of_order(batch.merchant.id, each.order))
            if document.kind in {"invoice", "receipt"}
        }
        rows = await db.fetch_all(
            """SELECT a.name, a.data FROM sandbox_attachments a JOIN sandbox_messages m ON m.id = a.message_id
               WHERE m.merchant_id = $1""",
            batch.merchant.id,
        )
        found = {names[row["name"]]: bytes(row["data"]) for row in rows if row["name"] in names}
        if len(found) == len(batch.ready):
            return found
        assert time.monotonic() < ends, f"{len(batch.ready) - len(found)} documents were not sent"
        await asyncio.sleep(0.2)


async def _agreement(merchant: Merchant, order: str) -> bytes:
    """The PDF that was signed. Waits for it."""
    ends = time.monotonic() + SENT_WAIT_S
    while True:
        found = await document_of_order(merchant.id, order)
        if found is not None:
            return found.data
        assert time.monotonic() < ends, f"no agreement of {order} was drawn"
        await asyncio.sleep(0.2)


async def _pay(merchant: Merchant, document: InvoiceView) -> None:
    now = await clock.business_now()
    payment = NewPayment(
        Money(document.amount_minor, document.currency),
        merchant.local_date(now),
        "api",
        "test",
        document.public_id,
    )
    await db.in_tx(lambda: invoicing.record_payment(merchant, document.public_id, payment, now))


async def _posted(order: str) -> dict[str, int]:
    """Credits are positive, but for what came into the bank. What a payment took from the receivable has gone."""
    rows = await db.fetch_all(
        """SELECT a.kind, sum(p.amount_minor)::bigint AS amount_minor
           FROM postings p JOIN transfers t ON t.merchant_id = p.merchant_id AND t.id = p.transfer_id
           JOIN ledger_accounts a ON a.merchant_id = p.merchant_id AND a.id = p.account_id
           WHERE t.about = $1 GROUP BY a.kind""",
        order,
    )
    signed = {row["kind"]: row["amount_minor"] * (1 if row["kind"] == "bank" else -1) for row in rows}
    return {kind: amount_minor for kind, amount_minor in signed.items() if amount_minor}
