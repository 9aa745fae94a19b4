"""A file of orders: it is looked through by a worker, decided by a person, and each of its rows makes one order."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest

from app.checkout.actions import expire_orders
from app.checkout.books import check_books
from app.kernel import clock, db
from app.kernel.jobs import Done, Outcome
from app.kernel.outbox import Job
from app.links import actions as links
from app.links.bulk import actions, jobs, queries, row_actions
from app.links.bulk.actions import JOB_KIND, Upload
from app.links.bulk.errors import ImportMoved, ImportUnknown
from app.links.bulk.queries import ImportRow, ImportView
from app.links.bulk.states import ImportState, RowState
from app.links.queries import LinkView, link_of_order
from app.merchants.queries import Merchant
from app.orders.queries import OrderView, order_for_api
from app.orders.states import OrderState
from app.worker import Worker
from tests.factories.checkout import a_merchant

pytestmark = pytest.mark.usefixtures("db")

HEAD = "reference,item,price,vat,email"
STAFF = "staff:st_1"


async def _nothing(_job: Job) -> Outcome:
    return Done()


async def work() -> int:
    """Let a worker do all that is due."""
    return await Worker({JOB_KIND: jobs.work, "event": _nothing}).run_once()


async def take_in(
    merchant: Merchant, content: str, *, key: UUID | None = None, valid_days: int | None = None
) -> str:
    upload = Upload(key or uuid4(), "orders.csv", valid_days, content)
    return await actions.take_in(merchant.id, upload, actor=STAFF, now=await clock.business_now())


async def checked(merchant: Merchant, *rows: str, valid_days: int | None = None) -> ImportView:
    public_id = await take_in(merchant, "\n".join((HEAD, *rows)), valid_days=valid_days)
    await work()
    return await seen(merchant, public_id)


async def started(merchant: Merchant, found: ImportView) -> ImportView:
    await actions.start(merchant.id, found.public_id, actor=STAFF, now=await clock.business_now())
    await work()
    return await seen(merchant, found.public_id)


async def seen(merchant: Merchant, public_id: str) -> ImportView:
    found = await queries.import_of(merchant.id, public_id)
    assert found is not None
    return found


async def rows(merchant: Merchant, found: ImportView) -> tuple[ImportRow, ...]:
    return await queries.rows_of(merchant.id, found.id, limit=500)


async def orders(merchant: Merchant) -> list[OrderView]:
    found = await db.fetch_all(
        "SELECT public_id FROM orders WHERE merchant_id = $1 ORDER BY created_at DESC, id DESC", merchant.id
    )
    views = [await order_for_api(merchant.id, row["public_id"]) for row in found]
    return [view for view in views if view is not None]


async def the_link(merchant: Merchant, order: OrderView) -> LinkView:
    link = await link_of_order(merchant.id, order.id)
    assert link is not None
    return link


def a_row(number: int = 1, price: str = "129.00") -> str:
    return f"R-{number},Wool blanket,{price},25.5,aino@example.test"


async def test_a_sign_that_turns_a_line_around_turns_no_list_of_faults_around() -> None:
    merchant = await a_merchant()
    found = await checked(merchant, "R-\u202e3,Cup,,25.5,aino@example.test")
    [row] = await rows(merchant, found)
    assert row.state is RowState.FAULTY
    assert row.reference == "R-3"


async def test_a_file_is_looked_through_and_makes_nothing_by_itself() -> None:
    merchant = await a_merchant()
    found = await checked(merchant, a_row(1), a_row(2), "R-3,Cup,,25.5,nobody")
    assert found.state is ImportState.CHECKED
    assert found.counts == {RowState.READY: 2, RowState.FAULTY: 1}
    assert (found.ready_minor, found.rows_total) == (258_00, 3)
    third = (await rows(merchant, found))[2]
    assert (third.line, third.reference) == (4, "R-3")
    assert [(fault.column, fault.code) for fault in third.faults] == [
        ("price", "missing"),
        ("email", "malformed"),
    ]
    assert await orders(merchant) == []


async def test_every_row_that_is_ready_makes_one_open_order_with_a_link() -> None:
    merchant = await a_merchant()
    done = await started(merchant, await checked(merchant, a_row(1), "broken", a_row(2), valid_days=14))
    assert done.state is ImportState.DONE
    assert done.counts == {RowState.MADE: 2, RowState.FAULTY: 1}
    made = await orders(merchant)
    assert {(order.reference, order.state, order.total_minor) for order in made} == {
        ("R-1", OrderState.OPEN, 129_00),
        ("R-2", OrderState.OPEN, 129_00),
    }
    assert {order.contact.email for order in made} == {"aino@example.test"}
    link = await the_link(merchant, made[0])
    today = merchant.local_date(await clock.business_now())
    assert link.created_by == STAFF
    assert link.expires_at is not None
    # It holds through the fourteenth day: until the midnight after it.
    assert merchant.local_date(link.expires_at - timedelta(seconds=1)) == today + timedelta(days=14)
    tokens = {row.token for row in await rows(merchant, done) if row.state is RowState.MADE}
    assert tokens == {(await the_link(merchant, order)).token for order in made}


async def test_links_go_out_by_e_mail_if_the_file_was_sent_so() -> None:
    merchant = await a_merchant()
    content = "\n".join((HEAD, a_row(1), "R-2,Cup,5,25.5,"))
    for sends in (False, True):
        upload = Upload(uuid4(), None, None, content.replace("R-", f"{sends}-"), sends)
        public_id = await actions.take_in(merchant.id, upload, actor=STAFF, now=await clock.business_now())
        await work()
        await started(merchant, await seen(merchant, public_id))
    sent = await db.fetch_all(
        "SELECT o.reference, s.recipient FROM link_sends s"
        " JOIN payment_links l ON l.merchant_id = s.merchant_id AND l.id = s.link_id"
        " JOIN orders o ON o.merchant_id = l.merchant_id AND o.id = l.order_id WHERE s.merchant_id = $1",
        merchant.id,
    )
    assert [(row["reference"], row["recipient"]) for row in sent] == [("True-1", "aino@example.test")]


async def test_a_row_may_say_until_when_its_link_holds() -> None:
    merchant = await a_merchant()
    last_day = merchant.local_date(await clock.business_now()) + timedelta(days=3)
    content = f"{HEAD},valid until\n{a_row()},{last_day.isoformat()}\n"
    public_id = await take_in(merchant, content, valid_days=90)
    await work()
    await started(merchant, await seen(merchant, public_id))
    [order] = await orders(merchant)
    expires_at = (await the_link(merchant, order)).expires_at
    assert expires_at is not None
    assert merchant.local_date(expires_at - timedelta(seconds=1)) == last_day


async def test_the_same_file_again_makes_nothing_again() -> None:
    merchant = await a_merchant()
    await started(merchant, await checked(merchant, a_row(1), a_row(2)))
    again = await checked(merchant, a_row(2), a_row(1), a_row(3))
    assert again.counts == {RowState.KNOWN: 2, RowState.READY: 1}
    known = (await rows(merchant, again))[0]
    assert known.order_public_id in {order.public_id for order in await orders(merchant)}
    await started(merchant, again)
    assert {order.reference for order in await orders(merchant)} == {"R-1", "R-2", "R-3"}


async def test_a_row_that_stands_twice_in_a_file_makes_one_order() -> None:
    merchant = await a_merchant()
    found = await checked(merchant, a_row(1), a_row(1), a_row(1, price="5"))
    assert found.counts == {RowState.READY: 2, RowState.KNOWN: 1}
    await started(merchant, found)
    assert sorted(order.total_minor for order in await orders(merchant)) == [5_00, 129_00]
    one, twin, _ = await rows(merchant, found)
    assert twin.token == one.token


async def test_a_reference_that_another_order_has_is_pointed_out() -> None:
    merchant = await a_merchant()
    await started(merchant, await checked(merchant, a_row(1)))
    found = await checked(merchant, a_row(1, price="99"), a_row(2))
    assert [row.reference_used for row in await rows(merchant, found)] == [True, False]
    assert await queries.reused_references(merchant.id, found.id) == 1


async def test_what_another_shop_sent_is_not_known_here() -> None:
    one, other = await a_merchant(), await a_merchant()
    await started(one, await checked(one, a_row()))
    found = await checked(other, a_row())
    assert found.counts == {RowState.READY: 1}
    assert await queries.import_of(one.id, found.public_id) is None
    with pytest.raises(ImportUnknown):
        await actions.start(one.id, found.public_id, actor=STAFF, now=clock.wall())


async def test_a_file_that_is_none_is_refused_with_its_reason() -> None:
    merchant = await a_merchant()
    public_id = await take_in(merchant, "reference,item\nA,B\n")
    await work()
    found = await seen(merchant, public_id)
    assert (found.state, found.refusal, found.refusal_detail) == (
        ImportState.REFUSED,
        "missing_column",
        "price",
    )


async def test_the_form_sent_twice_is_one_import_and_other_contents_are_another() -> None:
    merchant, key = await a_merchant(), uuid4()
    first = await take_in(merchant, f"{HEAD}\n{a_row()}", key=key)
    assert await take_in(merchant, f"{HEAD}\n{a_row()}", key=key) == first
    assert await take_in(merchant, f"{HEAD}\n{a_row(2)}", key=key) != first
    assert len(await queries.latest_imports(merchant.id)) == 2


async def test_pressed_twice_it_is_started_once() -> None:
    merchant = await a_merchant()
    found = await checked(merchant, a_row())
    now = clock.wall()
    await asyncio.gather(
        *(actions.start(merchant.id, found.public_id, actor=STAFF, now=now) for _ in range(3))
    )
    await work()
    assert len(await orders(merchant)) == 1


async def test_a_file_that_is_thrown_away_makes_nothing_and_is_forgotten() -> None:
    merchant = await a_merchant()
    found = await checked(merchant, a_row())
    await actions.drop(merchant.id, found.public_id, actor=STAFF, now=clock.wall())
    with pytest.raises(ImportMoved):
        await actions.start(merchant.id, found.public_id, actor=STAFF, now=clock.wall())
    assert (await rows(merchant, found))[0].cells == ()
    assert (await seen(merchant, found.public_id)).forgotten


async def test_a_stopped_import_makes_no_more_and_can_go_on() -> None:
    merchant = await a_merchant()
    found = await checked(merchant, a_row(1), a_row(2))
    now = clock.wall()
    await actions.start(merchant.id, found.public_id, actor=STAFF, now=now)
    await actions.stop(merchant.id, found.public_id, actor=STAFF, now=now)
    await work()
    assert await orders(merchant) == []
    done = await started(merchant, found)
    assert (done.state, len(await orders(merchant))) == (ImportState.DONE, 2)


async def test_work_goes_on_where_its_time_ran_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "TRY_LASTS_S", 0.0)
    monkeypatch.setattr(jobs, "ROWS_AT_ONCE", 2)
    merchant = await a_merchant()
    found = await checked(merchant, *(a_row(number) for number in range(5)))
    assert found.counts == {RowState.READY: 5}
    done = await started(merchant, found)
    assert (done.state, len(await orders(merchant))) == (ImportState.DONE, 5)


async def test_the_books_read_every_history_of_an_import() -> None:
    merchant = await a_merchant()
    await started(merchant, await checked(merchant, a_row()))
    await take_in(merchant, "reference,item\nA,B\n")
    await work()
    assert await check_books() == []


async def test_two_workers_at_one_import_make_each_order_once() -> None:
    merchant = await a_merchant()
    found = await checked(merchant, *(a_row(number) for number in range(6)))
    now = await clock.business_now()
    await actions.start(merchant.id, found.public_id, actor=STAFF, now=now)
    shop = jobs.shop_of(merchant, now)

    async def make_all() -> None:
        for position in range(1, 7):
            await row_actions.make_row(merchant.id, found.id, position, shop, actor=STAFF, now=now)

    await asyncio.gather(make_all(), make_all())
    assert len(await orders(merchant)) == 6


@pytest.mark.parametrize("waits", ["first", "second"])
async def test_the_same_row_of_two_imports_at_once_makes_one_order(waits: str) -> None:
    merchant = await a_merchant()
    found = [await checked(merchant, a_row()) for _ in range(2)]
    assert [each.counts for each in found] == [{RowState.READY: 1}] * 2
    now = await clock.business_now()
    for each in found:
        await actions.start(merchant.id, each.public_id, actor=STAFF, now=now)
    shop = jobs.shop_of(merchant, now)
    ordered = found if waits == "second" else found[::-1]
    await asyncio.gather(
        *(row_actions.make_row(merchant.id, each.id, 1, shop, actor=STAFF, now=now) for each in ordered)
    )
    assert len(await orders(merchant)) == 1
    states = sorted([(await rows(merchant, each))[0].state for each in found])
    assert states == [RowState.KNOWN, RowState.MADE]


async def test_a_row_that_goes_wrong_leaves_nothing_and_the_others_are_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    merchant = await a_merchant()
    found = await checked(merchant, a_row(1), a_row(2), a_row(3))
    make = links.make_in_tx

    async def break_at_the_second(
        merchant_id: UUID, order_public_id: str, *, expires_at: datetime | None, actor: str, now: datetime
    ) -> LinkView:
        link = await make(merchant_id, order_public_id, expires_at=expires_at, actor=actor, now=now)
        if link.reference == "R-2":
            raise RuntimeError("nobody thought of this")
        return link

    monkeypatch.setattr(links, "make_in_tx", break_at_the_second)
    done = await started(merchant, found)
    assert done.counts == {RowState.MADE: 2, RowState.FAILED: 1}
    assert {order.reference for order in await orders(merchant)} == {"R-1", "R-3"}


async def test_wherever_a_row_breaks_off_it_is_made_whole_later_or_not_at_all() -> None:
    merchant = await a_merchant()
    found = await checked(merchant, a_row())
    now = await clock.business_now()
    await actions.start(merchant.id, found.public_id, actor=STAFF, now=now)
    shop = jobs.shop_of(merchant, now)
    broke_off = 0

    async def try_once(last: int) -> bool:
        """One try that ends before statement `last`; whether it came to its end."""
        statements = 0

        def probe(_sql: str) -> None:
            nonlocal statements
            statements += 1
            if statements == last:
                raise RuntimeError("the end")

        db.set_statement_probe(probe)
        try:
            await row_actions.make_row(merchant.id, found.id, 1, shop, actor=STAFF, now=now)
        except RuntimeError:
            return False
        finally:
            db.set_statement_probe(None)
        return True

    while not await try_once(broke_off + 1):
        broke_off += 1
        assert await orders(merchant) == []
        assert (await rows(merchant, found))[0].state is RowState.READY
    assert broke_off > 5
    [order] = await orders(merchant)
    await the_link(merchant, order)
    assert (await rows(merchant, found))[0].order_public_id == order.public_id


async def test_a_last_day_that_passed_while_nobody_decided_is_a_fault_then() -> None:
    merchant = await a_merchant()
    today = merchant.local_date(await clock.business_now())
    public_id = await take_in(merchant, f"{HEAD},valid_until\n{a_row()},{today.isoformat()}\n")
    await work()
    found = await seen(merchant, public_id)
    assert found.counts == {RowState.READY: 1}
    later = await clock.business_now() + timedelta(days=2)
    await actions.start(merchant.id, public_id, actor=STAFF, now=later)
    shop = jobs.shop_of(merchant, later)
    await row_actions.make_row(merchant.id, found.id, 1, shop, actor=STAFF, now=later)
    [row] = await rows(merchant, found)
    assert (row.state, [fault.code for fault in row.faults]) == (RowState.FAULTY, ["passed"])


async def test_what_files_say_is_forgotten_after_thirty_days_and_their_orders_stay_known() -> None:
    merchant = await a_merchant()
    done = await started(merchant, await checked(merchant, a_row()))
    now = await clock.business_now()
    assert await db.in_tx(lambda: actions.forget_imports(now + timedelta(days=29), 100)) == 0
    assert await db.in_tx(lambda: actions.forget_imports(now + timedelta(days=31), 100)) >= 1
    assert (await rows(merchant, done))[0].cells == ()
    assert (await checked(merchant, a_row())).counts == {RowState.KNOWN: 1}
    assert await db.in_tx(lambda: actions.forget_keys(now + timedelta(days=1), 100)) >= 1
    assert (await checked(merchant, a_row())).counts == {RowState.READY: 1}


async def test_what_files_say_of_an_order_goes_with_it() -> None:
    merchant = await a_merchant()
    done = await started(merchant, await checked(merchant, a_row(1), a_row(1), a_row(2), valid_days=7))
    kept = next(order for order in await orders(merchant) if order.reference == "R-2")
    later = await clock.business_now() + timedelta(days=9)
    await links.extend(merchant.id, kept.public_id, expires_at=None, actor=STAFF, now=clock.wall())
    assert await expire_orders(later) == 1
    assert [bool(row.cells) for row in await rows(merchant, done)] == [False, False, True]


async def test_the_number_of_a_card_is_kept_nowhere() -> None:
    merchant = await a_merchant()
    await checked(merchant, "4111 1111 1111 1111,Cup,1,0,", a_row())
    kept = await db.fetch_all(
        "SELECT i.content, r.reference, r.cells::text AS cells FROM order_imports i"
        " JOIN order_import_rows r ON r.import_id = i.id WHERE i.merchant_id = $1",
        merchant.id,
    )
    assert len(kept) == 2
    assert not any("4111" in str(value) for row in kept for value in row.values())
