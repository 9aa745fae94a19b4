"""kill -9 while an order is removed: before every statement, and after the COMMIT that nobody heard of."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from app.checkout import actions
from app.checkout.books import check_books
from app.kernel import clock
from app.kernel import db as database
from app.links.queries import LinkView
from app.orders.queries import order_by_id
from tests.factories.checkout import a_merchant
from tests.factories.link_shoppers import press
from tests.factories.links import a_link
from tests.faults.mortal import Command, End, Nursery
from tests.support.waiting import until

pytestmark = pytest.mark.timeout(300)


async def a_lapsed_link(merchant_name: str) -> LinkView:
    """Its order was on the way to be paid, and all of that time is over."""
    await database.in_tx(lambda: database.execute("UPDATE business_clock SET offset_s = 0"))
    link = await a_link(await a_merchant(merchant_name), lasts=timedelta(hours=1))
    shopper = await press(link)
    await shopper.choose()
    await database.in_tx(lambda: database.execute("UPDATE business_clock SET offset_s = 86400"))
    return link


async def what_is_left(link: LinkView) -> tuple[bool, int, int, int]:
    """Whether the order is removed; how many lines, events of its end and lines in the audit log there are."""
    order = await order_by_id(link.merchant_id, link.order_id)
    assert order is not None
    counts = [
        await database.fetch_value(
            f"SELECT count(*) FROM {table} WHERE merchant_id = $1 {which}", link.merchant_id
        )
        for table, which in (
            ("order_lines", ""),
            ("events", "AND type = 'order.expired'"),
            ("audit_log", "AND action = 'order.removed'"),
        )
    ]
    return order.removed, counts[0], counts[1], counts[2]


async def killed(nursery: Nursery, environ: dict[str, str], die_at: int | None) -> End:
    end = await nursery.run(Command("expire", environ, die_at=die_at))

    async def gone() -> bool:
        """The database has noticed, and let go of what the dead one held."""
        found = "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $1)"
        return bool(await database.fetch_value(found, end.backend))

    await until(gone)
    return end


async def test_an_order_is_removed_whole_or_not_at_all_wherever_the_worker_dies(
    db: str, open_folder: Path
) -> None:
    environ = {"DATABASE_URL": db, "KOLME_VAR_DIR": str(open_folder)}
    gone, untouched = (True, 0, 1, 1), (False, 2, 0, 0)
    async with Nursery.opened() as nursery:
        link = await a_lapsed_link("The one that shows how many")
        statements = len((await killed(nursery, environ, None)).statements)
        assert await what_is_left(link) == gone
        for k in range(1, statements + 2):
            link = await a_lapsed_link(f"Dies before statement {k}")
            end = await killed(nursery, environ, k)
            assert end.killed
            assert not end.acknowledged
            assert await what_is_left(link) == (gone if k > statements else untouched), k
            assert await check_books() == []
            again = await actions.expire_orders(await clock.business_now())
            assert again == (0 if k > statements else 1)
            assert await what_is_left(link) == gone
    assert await check_books() == []
    print(f"\nexpiry: {statements} statements, killed before each and after the last")
