"""The shop edits an order while somebody pays it: they are told what is new, and asked again."""

from __future__ import annotations

import re
from dataclasses import replace

import httpx
import pytest

from app.checkout import actions as checkout
from app.kernel import db
from app.merchants.queries import Merchant
from app.orders.queries import OrderView, order_timeline, versions_of_order
from app.orders.states import OrderState
from tests.factories.checkout import PHONE, POSTCODE, a_merchant, a_session
from tests.factories.links import a_link
from tests.factories.orders import contents_of, edited, the_order, with_socks
from tests.web.shopper.test_flow import HTMX, a_known_register_entry, hidden, the_code

INVOICE = {"method": "invoice", "delivery": "email"}
TOLD = "The shop has changed your order"


class Visitor:
    """A browser that pays, with htmx or without, and the shop that edits behind its back."""

    def __init__(self, client: httpx.AsyncClient, merchant: Merchant, session: str, *, htmx: bool) -> None:
        self.client, self.merchant, self.session, self.htmx = client, merchant, session, htmx
        self.page = ""

    async def see(self, path: str = "") -> int:
        return await self._take(await self.client.get(f"/pay/{self.session}{path}", headers=self._headers()))

    async def post(self, path: str, **form: str) -> int:
        address = f"/pay/{self.session}{path}"
        return await self._take(await self.client.post(address, data=form, headers=self._headers()))

    async def to_confirm(self) -> None:
        await self.see()
        await self.post("", **INVOICE, version=hidden(self.page, "version"))
        await self.post("/code", phone=PHONE, postcode=POSTCODE)
        await self.post("/identify", code=await the_code())
        assert "Check and confirm" in self.page

    async def order(self) -> OrderView:
        found = await db.fetch_value(
            """SELECT o.public_id FROM checkout_sessions s JOIN orders o ON o.merchant_id = s.merchant_id
               AND o.id = s.order_id WHERE s.public_id = $1""",
            self.session,
        )
        return await the_order(self.merchant, found)

    def _headers(self) -> dict[str, str]:
        return HTMX if self.htmx else {}

    async def _take(self, answer: httpx.Response) -> int:
        if answer.status_code == 303:
            return await self._take(await self.client.get(answer.headers["location"]))
        self.page = answer.text
        return answer.status_code


def words(page: str) -> str:
    """What a page says, without its tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page.partition("<main>")[2] or page))


@pytest.fixture(params=[True, False], ids=["htmx", "plain"])
async def visitor(request: pytest.FixtureRequest, client: httpx.AsyncClient) -> Visitor:
    await a_known_register_entry()
    merchant = await a_merchant()
    return Visitor(client, merchant, await a_session(merchant), htmx=request.param)


async def test_who_confirms_an_edited_order_is_shown_the_difference_and_buys_the_new_one(
    visitor: Visitor,
) -> None:
    await visitor.to_confirm()
    field = hidden(visitor.page, "shown")
    order = await with_socks(visitor.merchant, await visitor.order())
    await visitor.post("/confirm", shown=field)
    said = words(visitor.page)
    assert TOLD in said
    assert "Added: 1 \N{MULTIPLICATION SIGN} Socks €7.00" in said
    assert "before €129.00 → , now €136.00" in said
    assert (await visitor.order()).state is OrderState.IN_PAYMENT
    await visitor.post("/changed", shown=hidden(visitor.page, "shown"))
    assert "Check and confirm" in visitor.page
    assert "€136.00" in visitor.page
    assert hidden(visitor.page, "shown") != field
    await visitor.post("/confirm", shown=field)
    assert "Purchase confirmed" not in visitor.page, "the old total can never be paid"
    await visitor.post("/confirm", shown=hidden(visitor.page, "shown"))
    assert "Purchase confirmed" in visitor.page
    paid = await the_order(visitor.merchant, order.public_id)
    assert (paid.state, paid.version, paid.total_minor) == (OrderState.PAID, 2, 13_600)


async def test_what_was_typed_for_the_old_order_is_kept_for_the_new_one(visitor: Visitor) -> None:
    session = await a_session(visitor.merchant, email=None)
    await db.in_tx(lambda: db.execute("UPDATE customers SET email = NULL"))
    visitor.session = session
    await visitor.to_confirm()
    await with_socks(visitor.merchant, await visitor.order())
    await visitor.post("/confirm", shown=hidden(visitor.page, "shown"), email="aino.virta@example.test")
    assert TOLD in visitor.page
    await visitor.post("/changed", shown=hidden(visitor.page, "shown"), email=hidden(visitor.page, "email"))
    assert "Check and confirm" in visitor.page
    assert "aino.virta@example.test" in visitor.page


async def test_at_every_step_the_change_is_told_first(visitor: Visitor) -> None:
    await visitor.see()
    await visitor.post("", **INVOICE, version="1")
    await with_socks(visitor.merchant, await visitor.order())
    for path in ("", "/identify", "/confirm", "/changed"):
        await visitor.see(path)
        assert TOLD in visitor.page or visitor.htmx, path
    await visitor.post("/code", phone="+358480000199", postcode="00200")
    assert TOLD in visitor.page
    assert await db.fetch_value("SELECT count(*) FROM code_challenges") == 0
    kept = {name: hidden(visitor.page, name) for name in ("shown", "phone", "postcode")}
    await visitor.post("/changed", **kept)
    assert "Who is paying?" in visitor.page
    assert 'value="+358480000199"' in visitor.page
    assert 'value="00200"' in visitor.page


async def test_a_code_that_was_sent_for_the_old_order_approves_no_new_one(visitor: Visitor) -> None:
    await visitor.see()
    await visitor.post("", **INVOICE, version="1")
    await visitor.post("/code", phone=PHONE, postcode=POSTCODE)
    code = await the_code()
    await with_socks(visitor.merchant, await visitor.order())
    await visitor.post("/identify", code=code)
    assert TOLD in visitor.page
    await visitor.post("/changed", shown=hidden(visitor.page, "shown"))
    assert 'name="code"' not in visitor.page, "the field of a code that is worth nothing"
    assert f'value="{PHONE}"' in visitor.page
    await visitor.post("/identify", code=code)
    assert "The purchase has changed since this code was sent" in visitor.page


async def test_a_plan_is_not_chosen_from_the_figures_of_an_older_order(visitor: Visitor) -> None:
    await visitor.see()
    version = hidden(visitor.page, "version")
    await with_socks(visitor.merchant, await visitor.order())
    await visitor.post("", **INVOICE, version=version)
    assert TOLD in visitor.page
    assert (await visitor.order()).state is OrderState.DRAFT, "nothing was chosen"
    await visitor.post("/changed", shown=hidden(visitor.page, "shown"))
    assert "How do you want to pay?" in visitor.page
    assert "€136.00" in visitor.page


async def test_a_plan_that_does_not_take_the_new_sum_is_chosen_anew(visitor: Visitor) -> None:
    await visitor.see()
    await visitor.post("", method="instalments", months="3", version="1")
    order = await visitor.order()
    cheap = replace(order.lines[0], unit_price_minor=1_000)
    await edited(visitor.merchant, order, replace(contents_of(order), lines=(cheap,)))
    await visitor.see("/changed")
    if visitor.htmx:
        assert TOLD in visitor.page
    assert "You choose how to pay the new total next." in visitor.page
    await visitor.post("/changed", shown=hidden(visitor.page, "shown"))
    assert "How do you want to pay?" in visitor.page


async def test_a_second_edit_while_the_first_is_looked_at_is_told_as_well(visitor: Visitor) -> None:
    await visitor.to_confirm()
    order = await with_socks(visitor.merchant, await visitor.order())
    await visitor.see("/changed")
    first = hidden(visitor.page, "shown")
    hat = replace(order.lines[0], name="Felt hat", sku="H-1", unit_price_minor=3_000)
    order = await edited(visitor.merchant, order, replace(contents_of(order), lines=(*order.lines, hat)))
    await visitor.post("/changed", shown=first)
    said = words(visitor.page)
    assert "1 \N{MULTIPLICATION SIGN} Socks" in said
    assert "1 \N{MULTIPLICATION SIGN} Felt hat" in said
    assert "now €166.00" in said
    await visitor.post("/changed", shown=hidden(visitor.page, "shown"))
    assert "Check and confirm" in visitor.page


async def test_the_same_total_for_something_else_is_told_too(visitor: Visitor) -> None:
    await visitor.to_confirm()
    order = await visitor.order()
    linen = replace(order.lines[0], name="Linen blanket")
    await edited(visitor.merchant, order, replace(contents_of(order), lines=(linen,)))
    await visitor.post("/confirm", shown=hidden(visitor.page, "shown"))
    said = words(visitor.page)
    assert TOLD in said
    assert "before Wool blanket → , now Linen blanket" in said
    assert "can no longer be paid" not in said
    await visitor.post("/changed", shown=hidden(visitor.page, "shown"))
    await visitor.post("/confirm", shown=hidden(visitor.page, "shown"))
    assert "Purchase confirmed" in visitor.page


async def test_a_note_of_the_shops_own_disturbs_nobody(visitor: Visitor) -> None:
    await visitor.to_confirm()
    order = await visitor.order()
    await edited(visitor.merchant, order, replace(contents_of(order), note="Ring twice"))
    await visitor.post("/confirm", shown=hidden(visitor.page, "shown"))
    assert "Purchase confirmed" in visitor.page


async def test_an_open_page_that_asks_is_told_only_what_is_new_to_it(client: httpx.AsyncClient) -> None:
    await a_known_register_entry()
    merchant = await a_merchant()
    visitor = Visitor(client, merchant, await a_session(merchant), htmx=True)
    assert await visitor.see("/changed?page=method&since=1") == 204
    await visitor.to_confirm()
    assert await visitor.see("/changed?page=confirm&since=1") == 204
    await with_socks(merchant, await visitor.order())
    assert await visitor.see("/changed?page=confirm&since=1") == 200
    assert TOLD in visitor.page
    assert await visitor.see("/changed?page=changed&since=1") == 200
    assert await visitor.see("/changed?page=changed&since=2") == 204


async def test_a_first_page_hears_of_an_edit_before_anything_was_chosen(client: httpx.AsyncClient) -> None:
    merchant = await a_merchant()
    visitor = Visitor(client, merchant, await a_session(merchant), htmx=True)
    await visitor.see()
    await with_socks(merchant, await visitor.order())
    with db.counting() as counts:
        assert await visitor.see("/changed?page=method&since=1") == 200
    assert counts.writes == 0
    assert TOLD in visitor.page
    await visitor.post("/changed", shown=hidden(visitor.page, "shown"))
    assert "How do you want to pay?" in visitor.page


@pytest.mark.parametrize("said", ["0", "-1", "x", "1" * 40, "2.0", "9"])
async def test_a_version_that_never_was_changes_nothing(client: httpx.AsyncClient, said: str) -> None:
    merchant = await a_merchant()
    visitor = Visitor(client, merchant, await a_session(merchant), htmx=True)
    assert await visitor.see(f"/changed?page=method&since={said}") == 204
    assert await visitor.post("", **INVOICE, version=said) == 200
    assert "Who is paying?" in visitor.page


async def test_a_forged_acceptance_accepts_nothing(client: httpx.AsyncClient) -> None:
    await a_known_register_entry()
    merchant = await a_merchant()
    visitor = Visitor(client, merchant, await a_session(merchant), htmx=True)
    await visitor.to_confirm()
    await with_socks(merchant, await visitor.order())
    for forged in ("", "x", "a.b.c"):
        await visitor.post("/changed", shown=forged)
        assert TOLD in visitor.page


async def test_once_it_is_over_there_is_nothing_to_accept(client: httpx.AsyncClient) -> None:
    merchant = await a_merchant()
    visitor = Visitor(client, merchant, await a_session(merchant), htmx=True)
    await visitor.see()
    await visitor.post("", **INVOICE, version="1")
    await with_socks(merchant, await visitor.order())
    await visitor.see("/changed")
    field = hidden(visitor.page, "shown")
    now = (await visitor.order()).created_at
    await checkout.cancel_session(merchant.id, visitor.session, actor="merchant", now=now)
    await visitor.post("/changed", shown=field)
    assert "The purchase was cancelled" in visitor.page


async def test_who_is_told_of_an_edit_in_another_browser_sees_nothing_of_the_shopper(
    visitor: Visitor, client: httpx.AsyncClient
) -> None:
    await visitor.to_confirm()
    await with_socks(visitor.merchant, await visitor.order())
    client.cookies.clear()
    await visitor.see("/changed")
    assert "Aino" not in visitor.page
    assert TOLD not in visitor.page


async def test_who_proceeds_from_a_link_page_that_showed_less_is_told_before_the_first_step(
    client: httpx.AsyncClient,
) -> None:
    merchant = await a_merchant()
    link = await a_link(merchant)
    page = await client.get(f"/link/{link.token}")
    version = hidden(page.text, "version")
    await with_socks(merchant, await the_order(merchant, link.order_public_id))
    answer = await client.post(f"/link/{link.token}", data={"version": version})
    visitor = Visitor(client, merchant, answer.headers["location"].rpartition("/")[2], htmx=False)
    await visitor.see()
    assert TOLD in visitor.page
    assert "Added: 1 \N{MULTIPLICATION SIGN} Socks" in words(visitor.page)
    await visitor.post("/changed", shown=hidden(visitor.page, "shown"))
    assert "How do you want to pay?" in visitor.page
    assert f'data-live="/pay/{visitor.session}/live"' in visitor.page


async def test_a_checkout_that_nobody_edits_by_hand_opens_no_stream(client: httpx.AsyncClient) -> None:
    session = await a_session(await a_merchant())
    assert "data-live" not in (await client.get(f"/pay/{session}")).text
    answer = await client.get(f"/pay/{session}/live")
    assert (answer.status_code, answer.content) == (204, b"")


async def test_staff_see_which_version_was_before_whose_eyes(client: httpx.AsyncClient) -> None:
    await a_known_register_entry()
    merchant = await a_merchant()
    visitor = Visitor(client, merchant, await a_session(merchant), htmx=True)
    await visitor.to_confirm()
    order = await with_socks(merchant, await visitor.order())
    versions = await versions_of_order(merchant.id, order.id)
    assert [[session for _, session in each.seen] for each in versions] == [[visitor.session], []]
    await visitor.see("/changed")
    assert (await versions_of_order(merchant.id, order.id))[1].seen == (), (
        "a page that is opened says nothing"
    )
    await visitor.post("/changed", shown=hidden(visitor.page, "shown"))
    versions = await versions_of_order(merchant.id, order.id)
    assert [[session for _, session in each.seen] for each in versions] == [[visitor.session]] * 2
    told = [(entry.what, entry.detail) for entry in await order_timeline(merchant.id, order.id)]
    assert ("order.seen", {"version": 1}) in told
    assert ("order.seen", {"version": 2}) in told
