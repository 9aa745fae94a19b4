"""What is chosen beside the way to pay goes onto the order with it: all or nothing, and for its own session alone."""

from __future__ import annotations

import pytest

from app.checkout.actions import Added, cancel_session, choose_plan
from app.checkout.errors import SessionEnded
from app.checkout.queries import Flow
from app.checkout.steps import Progress
from app.extras.rules import Choice, ShippingOption, shipping_line
from app.kernel import clock, db
from app.merchants.queries import Merchant
from app.orders.queries import OrderView, order_for_api
from app.orders.rules import extras_of
from app.plans.queries import plans_of
from app.plans.quote import Quote, make_quote
from tests.factories.checkout import Shopper, a_merchant
from tests.factories.extras import COURIER, PARCEL, a_session_to_steer
from tests.factories.link_shoppers import press
from tests.factories.links import a_link, an_open_order

pytestmark = pytest.mark.usefixtures("db")
OTHER = ShippingOption("other", "DHL", "Shop", PARCEL.price_minor, PARCEL.vat_percent)
WAYS = (PARCEL, COURIER, OTHER)


async def an_invoice_of(flow: Flow, amount_minor: int) -> Quote:
    plan = next(plan for plan in await plans_of(flow.merchant.id) if plan.kind == "invoice")
    today = flow.merchant.local_date(flow.now)
    return make_quote(
        plan, amount_minor, "EUR", "FI", today, 0, merchant=flow.merchant.public_id, delivery="email"
    )


async def choose(shopper: Shopper, option: ShippingOption | None) -> Flow:
    """An invoice, delivered so; None is with nothing beside it."""
    flow = await shopper.flow()
    lines = () if option is None else (shipping_line(option),)
    shop_minor = flow.total_minor - sum(line.total_minor for line in extras_of(flow.lines))
    quote = await an_invoice_of(flow, shop_minor + sum(line.total_minor for line in lines))
    added = Added(lines, Choice(None if option is None else option.id))
    return await choose_plan(flow, quote, shopper.browser, clock.wall(), added)


async def order_of(merchant: Merchant, shopper: Shopper) -> OrderView:
    found = await order_for_api(merchant.id, (await shopper.flow()).order_public_id)
    assert found is not None
    return found


async def test_one_transaction_puts_the_line_the_quote_and_the_choice_and_nobody_is_told_of_a_change() -> (
    None
):
    merchant = await a_merchant()
    shopper = Shopper.at(await a_session_to_steer(merchant, options=WAYS))
    with db.counting() as counts:
        await choose(shopper, PARCEL)
    assert counts.commits == 1
    flow, order = await shopper.flow(), await order_of(merchant, shopper)
    assert (order.version, order.total_minor, flow.total_minor) == (2, 30_390, 30_390)
    assert (flow.choice.shipping, flow.changed, flow.progress) == ("parcel", False, Progress.CHOSEN)


async def test_a_quote_of_another_sum_than_the_one_with_everything_chosen_is_a_mistake() -> None:
    shopper = Shopper.at(await a_session_to_steer(await a_merchant(), options=WAYS))
    flow = await shopper.flow()
    quote = await an_invoice_of(flow, flow.total_minor)
    with pytest.raises(ValueError, match="with everything that was chosen"):
        await choose_plan(flow, quote, shopper.browser, clock.wall(), Added((shipping_line(PARCEL),)))
    assert (await shopper.flow()).quote is None


async def test_choosing_without_a_word_of_it_keeps_what_was_chosen() -> None:
    shopper = Shopper.at(await a_session_to_steer(await a_merchant(), options=WAYS))
    await choose(shopper, PARCEL)
    await shopper.choose()
    flow = await shopper.flow()
    assert [line.sku for line in extras_of(flow.lines)] == ["parcel"]
    assert flow.choice.shipping == "parcel"


async def test_of_two_shoppers_of_one_link_each_pays_what_they_chose_themselves() -> None:
    merchant = await a_merchant()
    link = await a_link(merchant, await an_open_order(merchant, ways=WAYS))
    first, second = await press(link), await press(link)
    await choose(first, PARCEL)
    assert (await second.flow()).progress is Progress.NOTHING
    await choose(second, COURIER)
    assert [line.sku for line in extras_of((await order_of(merchant, second)).lines)] == ["courier"]
    flow = await first.flow()
    assert (flow.quote_stands, flow.changed, flow.progress) == (False, False, Progress.NOTHING)
    assert (await second.flow()).progress is Progress.CHOSEN


async def test_at_the_same_price_somebody_elses_choice_is_not_ones_own() -> None:
    merchant = await a_merchant()
    link = await a_link(merchant, await an_open_order(merchant, ways=WAYS))
    first, second = await press(link), await press(link)
    await choose(first, PARCEL)
    await choose(second, OTHER)
    assert not (await first.flow()).quote_stands


async def test_what_was_chosen_goes_with_the_last_shopper_who_gives_up() -> None:
    merchant = await a_merchant()
    link = await a_link(merchant, await an_open_order(merchant, ways=WAYS))
    shopper = await press(link)
    before = await order_of(merchant, shopper)
    await choose(shopper, PARCEL)
    await cancel_session(merchant.id, shopper.session, actor="shopper", now=await clock.business_now())
    after = await order_of(merchant, shopper)
    assert (after.lines, after.total_minor, after.state) == (before.lines, before.total_minor, "open")


async def test_nothing_is_put_on_an_order_for_which_somebody_elses_money_is_on_its_way() -> None:
    merchant = await a_merchant()
    link = await a_link(merchant, await an_open_order(merchant, ways=WAYS))
    first, second = await press(link), await press(link)
    await choose(first, PARCEL)
    flow = await second.flow()
    await db.in_tx(
        lambda: db.execute(
            "UPDATE checkout_sessions SET state = 'processing' WHERE public_id = $1", first.session
        )
    )
    quote = await an_invoice_of(flow, flow.total_minor - PARCEL.price_minor)
    with pytest.raises(SessionEnded):
        await choose_plan(flow, quote, second.browser, clock.wall(), Added())
    assert [line.sku for line in extras_of((await order_of(merchant, second)).lines)] == ["parcel"]
