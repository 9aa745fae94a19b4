"""The refund door and the returns queue at the desk: a look before the deed, two people above a limit, bad input."""

from __future__ import annotations

import re

import httpx
import pytest
from litestar.types import ASGIApp

from app.checkout.books import check_books
from app.invoices.credits import Pieces
from app.kernel import clock, db
from app.merchants.queries import Merchant, forget_kept_merchants
from app.returns import actions
from app.returns.actions import NewReturn
from app.returns.queries import ReturnView, conditions_of, refunds_of_order
from app.returns.rules import Conditions
from tests.factories.checkout import a_line, a_merchant
from tests.factories.invoices import a_purchase, drawn
from tests.factories.returns import refunded, the_order
from tests.factories.wallets import switched
from tests.support import pages
from tests.web.admin.conftest import a_person, sign_in


def hidden(page: httpx.Response) -> dict[str, str]:
    """What the page's last form carries along."""
    form = page.text[page.text.rindex("<form method") :]
    return dict(re.findall(r'type="hidden" name="([\w-]+)" value="([^"]*)"', form))


async def refunds_of(merchant: Merchant, order: str) -> list[tuple[str, int, int]]:
    found = await refunds_of_order(merchant.id, (await the_order(merchant, order)).id)
    return [(each.state.value, each.amount_minor, each.fee_minor) for each in found]


async def limit_of(merchant: Merchant, above_minor: int) -> None:
    now = await clock.business_now()
    await actions.save_conditions(
        merchant, Conditions(14, approval_above_minor=above_minor), actor="staff:x", now=now
    )


async def an_announced(merchant: Merchant, order: str, fee_minor: int = 0) -> ReturnView:
    now = await clock.business_now()
    await actions.save_conditions(merchant, Conditions(14, fee_minor=fee_minor), actor="staff:x", now=now)
    new = NewReturn((Pieces(0, 1),), "changed_mind", "original", "shopper", "It is too big.")
    return await db.in_tx(lambda: actions.announce(merchant, order, new, now))


async def test_a_refund_is_looked_at_in_euros_before_it_is_made_and_made_once(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    order = await a_purchase(merchant, a_line(), a_line("Soap", "4.50", quantity=3))
    await drawn(merchant, order)
    address = f"/admin/orders/{order}/refund"
    assert '<button class="button second">Refund</button>' in (await desk.get(f"/admin/orders/{order}")).text
    assert "Everything that is left: €142.50" in (await desk.get(address)).text
    look = await desk.post(
        address, data={"what": "lines", "line-0": "0", "line-1": "2", "fee": "1.00", "to": "original"}
    )
    assert look.status_code == 200
    for said in ("€9.00", "-€1.00", "Off what is owed", "€134.50", "Refund €8.00"):
        assert said in look.text
    assert await refunds_of(merchant, order) == []
    made = await desk.post(address, data=hidden(look))
    again = await desk.post(address, data=hidden(look))
    assert made.status_code == 303
    assert made.headers["location"] == again.headers["location"]
    assert await refunds_of(merchant, order) == [("done", 800, 100)]
    page = await desk.get(made.headers["location"])
    for said in ("Refunded", "€8.00", "Credit note"):
        assert said in page.text
    assert "May still be given back: €134.50" in (await desk.get(f"/admin/orders/{order}")).text
    assert await check_books() == []


async def test_right_after_the_purchase_the_documents_are_drawn_for_the_refund(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    order = await a_purchase(merchant)
    look = await desk.post(f"/admin/orders/{order}/refund", data={"what": "all", "to": "original"})
    await desk.post(f"/admin/orders/{order}/refund", data=hidden(look))
    assert (await the_order(merchant, order)).state == "refunded"
    # Nothing is left: the door leads back to the order, which has no button any more.
    assert (await desk.get(f"/admin/orders/{order}/refund")).status_code == 303
    assert ">Refund</button>" not in (await desk.get(f"/admin/orders/{order}")).text


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"what": "amount", "amount": "200"}, "Type a sum between 0.01 and €129.00."),
        ({"what": "amount", "amount": "-1"}, "Type a sum between 0.01 and €129.00."),
        ({"what": "amount", "amount": "0"}, "Type a sum between 0.01 and €129.00."),
        ({"what": "amount", "amount": "ten"}, "Type a sum between 0.01 and €129.00."),
        ({"what": "lines", "line-0": "2"}, "These pieces cannot be taken back"),
        ({"what": "lines", "line-0": "x"}, "These pieces cannot be taken back"),
        ({"what": "lines"}, "These pieces cannot be taken back"),
        ({}, "Choose what to refund."),
        ({"what": "all", "fee": "129"}, "The fee must be a sum below"),
        ({"what": "all", "fee": "-3"}, "The fee must be a sum below"),
        ({"what": "all", "to": ""}, "Choose where the money goes."),
        ({"what": "all", "to": "wallet"}, "Your shop has no wallet."),
    ],
)
async def test_what_cannot_be_refunded_is_refused_and_nothing_typed_is_lost(
    desk: httpx.AsyncClient, merchant: Merchant, typed: dict[str, str], said: str
) -> None:
    order = await a_purchase(merchant)
    await drawn(merchant, order)
    page = await desk.post(f"/admin/orders/{order}/refund", data={"to": "original", **typed})
    assert (page.status_code, said in page.text) == (422, True)
    assert await refunds_of(merchant, order) == []
    for name in ("amount", "fee"):
        if name in typed:
            assert f'value="{typed[name]}"' in page.text


async def test_a_wallet_of_another_currency_than_the_orders_is_refused_at_its_field(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    order = await a_purchase(merchant)
    await drawn(merchant, order)
    await switched(merchant)
    await db.in_tx(lambda: db.execute("UPDATE merchants SET currency = 'SEK' WHERE id = $1", merchant.id))
    forget_kept_merchants()
    page = await desk.post(f"/admin/orders/{order}/refund", data={"what": "all", "to": "wallet"})
    assert page.status_code == 422
    assert "wallets keep another currency than this order" in page.text
    assert 'id="to-wrong"' in page.text
    assert await refunds_of(merchant, order) == []


async def test_what_was_given_back_meanwhile_is_told_instead_of_given_twice(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    order = await a_purchase(merchant)
    await drawn(merchant, order)
    address = f"/admin/orders/{order}/refund"
    look = await desk.post(address, data={"what": "amount", "amount": "100", "to": "original"})
    await refunded(merchant, order, 5_000)
    late = await desk.post(address, data=hidden(look))
    assert (late.status_code, "€79.00 may still be given back" in late.text) == (409, True)
    assert await refunds_of(merchant, order) == [("done", 5_000, 0)]


async def test_above_the_limit_somebody_else_says_yes(
    app: ASGIApp, desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    order = await a_purchase(merchant)
    await drawn(merchant, order)
    await limit_of(merchant, 5_000)
    look = await desk.post(f"/admin/orders/{order}/refund", data={"what": "all", "to": "original"})
    assert "Ask for €129.00 back" in look.text
    asked = await desk.post(f"/admin/orders/{order}/refund", data=hidden(look))
    address = asked.headers["location"]
    mine = await desk.get(address)
    assert ">Approve" not in mine.text
    own = await desk.post(address, data={"do": "approve"})
    assert (own.status_code, "Whoever asked for a refund does not approve it" in own.text) == (422, True)
    assert await refunds_of(merchant, order) == [("pending_approval", 12_900, 0)]
    for queue in ("/admin/returns", "/admin/reviews"):
        assert f'href="{address}"' in (await desk.get(queue)).text
    colleague = await a_person(merchant, "kuusi@havu.example", role="reviewer")
    async with pages.browser(app) as second:
        await sign_in(second, colleague)
        assert "Approve €129.00" in (await second.get(address)).text
        for _ in range(2):
            assert (await second.post(address, data={"do": "approve"})).status_code == 303
    assert await refunds_of(merchant, order) == [("done", 12_900, 0)]
    assert await check_books() == []


async def labels() -> list[tuple[str, bool]]:
    return [(row["source"], row["is_bad"]) for row in await db.fetch_all("SELECT * FROM risk_labels")]


async def test_the_rules_hear_of_a_purchase_in_somebody_elses_name_once_its_money_goes_back(
    app: ASGIApp, desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    order = await a_purchase(merchant)
    await drawn(merchant, order)
    await limit_of(merchant, 5_000)

    async def refunds(**typed: str) -> httpx.Response:
        look = await desk.post(f"/admin/orders/{order}/refund", data={"to": "original", **typed})
        return await desk.post(f"/admin/orders/{order}/refund", data=hidden(look))

    await refunds(what="amount", amount="10")
    asked = await refunds(what="all", fraud="1")
    assert await labels() == [], "a plain refund says nothing, and one that waits has not happened"
    async with pages.browser(app) as second:
        await sign_in(second, await a_person(merchant, "kuusi@havu.example", role="reviewer"))
        page = await second.get(asked.headers["location"])
        assert "bought by somebody else" in page.text
        await second.post(asked.headers["location"], data={"do": "approve"})
    assert await labels() == [("refund", True)]


async def test_a_refused_refund_gives_the_sum_free_again(desk: httpx.AsyncClient, merchant: Merchant) -> None:
    order = await a_purchase(merchant)
    await drawn(merchant, order)
    await limit_of(merchant, 0)
    waiting = await refunded(merchant, order, 10_000)
    assert (await the_order(merchant, order)).refundable_minor == 2_900
    await desk.post(f"/admin/refunds/{waiting.public_id}", data={"do": "refuse"})
    assert await refunds_of(merchant, order) == [("refused", 10_000, 0)]
    now = await the_order(merchant, order)
    assert (now.state, now.refundable_minor) == ("paid", 12_900)
    assert await check_books() == []


async def test_another_shops_refund_and_return_are_not_there(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    other = await a_merchant("Pihla Oy")
    order = await a_purchase(other)
    await drawn(other, order)
    found = await an_announced(other, order)
    refund = await refunded(other, order, 100)
    for path in (
        f"orders/{order}/refund",
        f"orders/{order}/return",
        f"refunds/{refund.public_id}",
        f"returns/{found.public_id}",
    ):
        assert (await desk.get(f"/admin/{path}")).status_code == 404
        answer = await desk.post(f"/admin/{path}", data={"do": "refund", "what": "all", "to": "original"})
        assert answer.status_code == 404
    assert await refunds_of(other, order) == [("done", 100, 0)]


async def test_a_return_is_received_and_refunded_in_one_tap(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    order = await a_purchase(merchant, a_line(), a_line("Soap", "4.50", quantity=3))
    await drawn(merchant, order)
    found = await an_announced(merchant, order, fee_minor=490)
    page = await desk.get("/admin/returns?state=open")
    assert f'href="/admin/returns/{found.public_id}">R-00001</a>' in page.text
    assert "R-00001" not in (await desk.get("/admin/returns?state=refunded")).text
    assert "R-00001" in (await desk.get("/admin/returns?q=r-1")).text
    address = f"/admin/returns/{found.public_id}"
    page = await desk.get(address)
    for said in ("It is too big.", "€129.00", "-€4.90", "€124.10", "Changed their mind"):
        assert said in page.text
    [seen] = re.findall(r'name="seen" value="(\d+)"', page.text)
    # The customer was told of a fee: more than that nobody keeps.
    more = await desk.post(address, data={"do": "refund", "seen": seen, "fee": "9.90"})
    assert (more.status_code, "or less" in more.text) == (422, True)
    for _ in range(2):
        await desk.post(address, data={"do": "refund", "seen": seen, "fee": "4.90"})
    assert await refunds_of(merchant, order) == [("done", 12_410, 490)]
    assert "R-00001" in (await desk.get("/admin/returns?state=refunded")).text
    assert await check_books() == []


async def test_a_return_that_was_refunded_with_another_fee_is_shown_as_it_stands(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    order = await a_purchase(merchant)
    await drawn(merchant, order)
    address = f"/admin/returns/{(await an_announced(merchant, order, fee_minor=490)).public_id}"
    for fee in ("4.90", "1.90"):
        answer = await desk.post(address, data={"do": "refund", "seen": "12900", "fee": fee})
        assert (answer.status_code, answer.headers["location"]) == (303, address)
    assert await refunds_of(merchant, order) == [("done", 12_410, 490)]


async def test_a_return_is_not_refused_while_somebody_is_asked_to_refund_it(
    app: ASGIApp, desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    order = await a_purchase(merchant)
    await drawn(merchant, order)
    address = f"/admin/returns/{(await an_announced(merchant, order)).public_id}"
    await limit_of(merchant, 100)
    await desk.post(address, data={"do": "refund", "seen": "12900"})
    late = await desk.post(address, data={"do": "refuse", "refusal": "It was used."})
    assert (late.status_code, late.headers["location"]) == (303, address)
    assert "It was used." not in (await desk.get(address)).text
    refund = await db.fetch_value("SELECT public_id FROM refunds")
    colleague = await a_person(merchant, "kuusi@havu.example", role="reviewer")
    async with pages.browser(app) as second:
        await sign_in(second, colleague)
        assert (await second.post(f"/admin/refunds/{refund}", data={"do": "approve"})).status_code == 303
    assert await refunds_of(merchant, order) == [("done", 12_900, 0)]
    assert await db.fetch_value("SELECT state FROM returns") == "refunded"
    assert await check_books() == []


async def test_a_return_is_refused_with_a_reason_that_the_customer_reads(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    order = await a_purchase(merchant)
    await drawn(merchant, order)
    found = await an_announced(merchant, order)
    address = f"/admin/returns/{found.public_id}"
    empty = await desk.post(address, data={"do": "refuse", "refusal": "  "})
    assert (empty.status_code, "Say why: the customer is told." in empty.text) == (422, True)
    await desk.post(address, data={"do": "receive"})
    await desk.post(address, data={"do": "refuse", "refusal": "It was used."})
    assert "It was used." in (await desk.get(address)).text
    told = await db.fetch_value(
        "SELECT payload->>'what' FROM outbox WHERE kind = 'return_mail' ORDER BY id DESC LIMIT 1"
    )
    assert told == "refused"
    assert await refunds_of(merchant, order) == []


async def test_staff_announce_a_return_for_a_shopper_who_calls(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    order = await a_purchase(merchant, a_line("Soap", "4.50", quantity=3))
    address = f"/admin/orders/{order}/return"
    assert "nothing can be credited" in (await desk.get(address)).text
    await drawn(merchant, order)
    none = await desk.post(address, data={"line-0": "0", "reason": "other", "to": "original"})
    assert (none.status_code, "Choose which pieces come back" in none.text) == (422, True)
    made = await desk.post(address, data={"line-0": "2", "reason": "damaged", "to": "original"})
    assert made.status_code == 303
    page = await desk.get(made.headers["location"])
    for said in ("Came damaged", "2 pieces", "€9.00"):
        assert said in page.text
    # Two of three are on their way: another one may be announced, no more.
    more = await desk.post(address, data={"line-0": "2", "reason": "other", "to": "original"})
    assert more.status_code == 422


async def test_conditions_are_saved_and_never_below_the_law(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    address = "/admin/settings/returns"
    typed = {
        "days": "30",
        "delivery_days": "7",
        "fee": "4.90",
        "fee_waived": "1",
        "kept_categories": "Hygiene\n\nMade to measure ",
        "approval_above": "500",
    }
    few = await desk.post(address, data={**typed, "days": "13"})
    assert (few.status_code, "The law gives consumers 14 days" in few.text) == (422, True)
    assert 'value="4.90"' in few.text
    assert (await desk.post(address, data=typed)).status_code == 303
    today = merchant.local_date(await clock.business_now())
    assert await conditions_of(merchant, today) == Conditions(
        30,
        7,
        490,
        fee_waived_to_wallet=True,
        kept_categories=("Hygiene", "Made to measure"),
        approval_above_minor=50_000,
    )
    page = await desk.get(address)
    for said in ('value="30"', 'value="4.90"', "Made to measure", 'value="500.00"'):
        assert said in page.text
