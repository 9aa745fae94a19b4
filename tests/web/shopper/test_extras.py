"""What a shopper adds to an order at step 1: how it comes, an insurance, and what a way to pay costs or saves."""

from __future__ import annotations

import re
from dataclasses import replace
from uuid import uuid4

import httpx

from app.checkout.offering import Doors
from app.checkout.queries import Flow
from app.checkout.queries import flow as read_flow
from app.extras.rules import MethodFee, ShippingOption, shipping_line
from app.kernel import clock, db
from app.merchants.queries import Merchant
from app.orders import actions as orders
from app.orders.actions import Contact, Contents
from app.orders.extras import put_extras
from app.orders.queries import OrderView, order_for_api
from app.orders.rules import lines_of_shop
from app.payments.ports import ProviderMethod
from app.web.shopper.extras import extras_for
from app.web.shopper.offers import offers_for
from tests.factories.checkout import PHONE, POSTCODE, a_line, a_merchant, a_session
from tests.factories.extras import (
    OPTIONS,
    PARCEL,
    PICKUP,
    a_phone,
    a_session_to_steer,
    an_insurance_offer,
    fees,
)
from tests.factories.link_shoppers import press
from tests.factories.links import a_link
from tests.factories.orders import contents_of
from tests.factories.orders import edited as edited_to
from tests.factories.wallets import switched
from tests.web.shopper.test_changed import words
from tests.web.shopper.test_flow import a_known_register_entry, hidden, the_code

CARD = Doors(live=False, providers=frozenset[ProviderMethod]({"card"}))
INVOICE = {"method": "invoice", "delivery": "email"}


async def the_order(merchant: Merchant, session: str) -> OrderView:
    flow = await the_flow(session)
    order = await order_for_api(merchant.id, flow.order_public_id)
    assert order is not None
    return order


async def the_flow(session: str) -> Flow:
    flow = await read_flow(session, b"")
    assert flow is not None
    return flow


def lines_of(order: OrderView) -> list[tuple[str, str, int]]:
    return [(line.origin, line.name, line.total_minor) for line in order.lines]


def total_above(page: str) -> str:
    found = re.search(r'<span class="total money">([^<]*)</span>', page)
    assert found is not None
    return found[1].replace("\N{NO-BREAK SPACE}", " ")


async def identified(client: httpx.AsyncClient, session: str) -> str:
    """The page of step 3, on the way through step 2."""
    await client.post(f"/pay/{session}/code", data={"phone": PHONE, "postcode": POSTCODE})
    await client.post(f"/pay/{session}/identify", data={"code": await the_code()})
    return (await client.get(f"/pay/{session}/confirm")).text


# --- how it comes ------------------------------------------------------------------------------------------------


async def test_what_was_chosen_stands_on_the_last_page_before_buying_each_with_its_vat(
    client: httpx.AsyncClient,
) -> None:
    await a_known_register_entry()
    merchant = await a_merchant()
    offer = await an_insurance_offer(merchant)
    session = await a_session_to_steer(merchant, options=OPTIONS)
    await client.post(f"/pay/{session}", data={**INVOICE, "shipping": "parcel", "insurance": offer})
    page = words((await identified(client, session)).partition('id="title"')[2])
    assert "Your choices Change Posti, Parcel locker VAT 25.5% included €4.90" in page
    assert "Accident and theft (Turva) Free of VAT €23.92" in page


async def test_the_ways_that_reach_the_postcode_are_shown_with_their_prices_and_none_is_chosen(
    client: httpx.AsyncClient,
) -> None:
    session = await a_session_to_steer(await a_merchant(), options=OPTIONS)
    page = (await client.get(f"/pay/{session}")).text
    for text in ("Posti, Parcel locker", "4.90", "Budbee, To the door tonight", "9.90", "Free"):
        assert text in page
    assert not re.search(r'name="shipping"[^>]* checked', page)


async def test_another_postcode_shows_other_ways_and_is_asked_for_where_nobody_knows_it(
    client: httpx.AsyncClient,
) -> None:
    session = await a_session_to_steer(await a_merchant(), options=OPTIONS, postcode=None)
    page = (await client.get(f"/pay/{session}")).text
    assert "Pick-up in the shop" in page
    assert "Parcel locker" not in page
    assert 'name="postcode"' in page
    page = (await client.get(f"/pay/{session}", params={"postcode": "00500"})).text
    assert "Parcel locker" in page
    assert "To the door tonight" not in page


async def test_a_way_to_deliver_must_be_chosen_and_nothing_typed_is_lost(client: httpx.AsyncClient) -> None:
    session = await a_session_to_steer(await a_merchant(), options=OPTIONS, postcode=None)
    answer = await client.post(f"/pay/{session}", data={**INVOICE, "postcode": "00150"})
    assert answer.status_code == 422
    assert "Choose how it shall be delivered." in answer.text
    assert 'value="00150"' in answer.text
    assert re.search(r'value="invoice"[^>]* checked', answer.text)
    nowhere = await client.post(f"/pay/{session}", data={**INVOICE, "postcode": "0015"})
    assert nowhere.status_code == 422
    assert "Check the postcode." in nowhere.text


async def test_a_shop_that_delivers_nothing_there_says_so(client: httpx.AsyncClient) -> None:
    session = await a_session_to_steer(await a_merchant(), options=OPTIONS[:2], postcode="99999")
    page = (await client.get(f"/pay/{session}")).text
    assert "The shop delivers nothing to this postcode." in page
    answer = await client.post(f"/pay/{session}", data={**INVOICE, "postcode": "99999", "shipping": "parcel"})
    assert answer.status_code == 422
    assert "The shop delivers nothing to this postcode." in answer.text


async def test_the_sum_above_and_the_figures_follow_what_is_chosen(client: httpx.AsyncClient) -> None:
    session = await a_session_to_steer(await a_merchant(), options=OPTIONS)
    assert total_above((await client.get(f"/pay/{session}")).text) == "€299.00"
    page = (await client.get(f"/pay/{session}", params={"shipping": "courier"})).text
    assert total_above(page) == "€308.90"
    assert await db.fetch_value("SELECT count(*) FROM order_versions") == 1


async def test_the_choice_becomes_a_line_of_the_order_and_the_quote_is_of_the_sum(
    client: httpx.AsyncClient,
) -> None:
    merchant = await a_merchant()
    session = await a_session_to_steer(merchant, options=OPTIONS)
    answer = await client.post(
        f"/pay/{session}", data={**INVOICE, "shipping": "parcel", "postcode": POSTCODE}
    )
    assert answer.headers["location"] == f"/pay/{session}/identify"
    order, flow = await the_order(merchant, session), await the_flow(session)
    assert lines_of(order) == [("shop", "Phone", 29_900), ("shipping", "Posti, Parcel locker", 490)]
    assert (order.version, order.total_minor) == (2, 30_390)
    assert flow.quote is not None
    assert flow.quote.price_minor == 30_390
    assert not flow.changed


async def test_choosing_again_replaces_it_and_the_same_choice_makes_no_version(
    client: httpx.AsyncClient,
) -> None:
    merchant = await a_merchant()
    session = await a_session_to_steer(merchant, options=OPTIONS)
    for option in ("parcel", "courier", "courier", "pickup"):
        answer = await client.post(f"/pay/{session}", data={**INVOICE, "shipping": option})
        assert answer.status_code == 303, answer.text
    order = await the_order(merchant, session)
    assert lines_of(order)[1:] == [("shipping", PICKUP.name if "Havu" in PICKUP.name else PICKUP.title, 0)]
    assert (order.version, order.total_minor) == (4, 29_900)


async def test_back_at_step_1_shows_what_was_chosen(client: httpx.AsyncClient) -> None:
    session = await a_session_to_steer(await a_merchant(), options=OPTIONS)
    await client.post(f"/pay/{session}", data={**INVOICE, "shipping": "courier"})
    page = (await client.get(f"/pay/{session}")).text
    assert re.search(r'value="courier"[^>]* checked', page)
    assert total_above(page) == "€308.90"


async def test_a_purchase_with_delivery_is_paid_as_it_was_shown(client: httpx.AsyncClient) -> None:
    await a_known_register_entry()
    merchant = await a_merchant()
    session = await a_session_to_steer(merchant, options=OPTIONS)
    await client.post(f"/pay/{session}", data={**INVOICE, "shipping": "parcel"})
    page = await identified(client, session)
    assert "303.90" in page
    answer = await client.post(f"/pay/{session}/confirm", data={"shown": hidden(page, "shown")})
    assert answer.headers["location"] == f"/pay/{session}/outcome"
    order = await the_order(merchant, session)
    assert (order.state, order.total_minor, order.refundable_minor) == ("paid", 30_390, 30_390)


async def test_what_another_tab_chose_is_not_bought_by_the_page_that_did_not_show_it(
    client: httpx.AsyncClient,
) -> None:
    """At the same price, too: the way it comes is another one."""
    await a_known_register_entry()
    merchant = await a_merchant()
    same_price = (
        OPTIONS[0],
        OPTIONS[2],
        OPTIONS[0].__class__("other", "DHL", "Shop", 490, OPTIONS[0].vat_percent),
    )
    session = await a_session_to_steer(merchant, options=same_price)
    await client.post(f"/pay/{session}", data={**INVOICE, "shipping": "parcel"})
    first = await identified(client, session)
    await client.post(f"/pay/{session}", data={**INVOICE, "shipping": "other"})
    answer = await client.post(f"/pay/{session}/confirm", data={"shown": hidden(first, "shown")})
    assert (await the_order(merchant, session)).state == "in_payment"
    page = answer.text if answer.status_code != 303 else (await client.get(answer.headers["location"])).text
    assert "DHL, Shop" in page


async def test_an_edit_by_the_shop_keeps_what_was_chosen_and_is_told_without_it(
    client: httpx.AsyncClient,
) -> None:
    merchant = await a_merchant()
    session = await a_session_to_steer(merchant, options=OPTIONS)
    await client.post(f"/pay/{session}", data={**INVOICE, "shipping": "parcel"})
    await edited(merchant, session, a_phone(19_900))
    order = await the_order(merchant, session)
    assert lines_of(order) == [("shop", "Phone", 19_900), ("shipping", "Posti, Parcel locker", 490)]
    page = (await client.get(f"/pay/{session}/changed")).text
    for text in ("303.90", "203.90"):
        assert text in page
    assert "Parcel locker" not in page.split('id="title"')[1]
    answer = await client.post(f"/pay/{session}/changed", data={"shown": hidden(page, "shown")})
    assert answer.headers["location"] == f"/pay/{session}/identify"


async def test_another_price_of_the_chosen_way_is_told_and_the_old_total_is_never_paid(
    client: httpx.AsyncClient,
) -> None:
    await a_known_register_entry()
    merchant = await a_merchant()
    session = await a_session_to_steer(merchant, options=OPTIONS)
    await client.post(f"/pay/{session}", data={**INVOICE, "shipping": "parcel"})
    field = hidden(await identified(client, session), "shown")
    await delivered_by(merchant, session, replace(PARCEL, price_minor=590), PICKUP)
    await client.post(f"/pay/{session}/confirm", data={"shown": field})
    page = (await client.get(f"/pay/{session}/changed")).text
    for text in ("4.90", "5.90", "303.90", "304.90", "The shop delivers in other ways now."):
        assert text in page
    answer = await client.post(f"/pay/{session}/changed", data={"shown": hidden(page, "shown")})
    assert answer.headers["location"] == f"/pay/{session}"
    await client.post(f"/pay/{session}/confirm", data={"shown": field})
    assert (await the_flow(session)).state == "open", "the old total can never be paid"
    page = (await client.get(f"/pay/{session}")).text
    assert re.search(r'value="parcel"[^>]* checked', page)
    await client.post(f"/pay/{session}", data={**INVOICE, "shipping": "parcel"})
    page = (await client.get(f"/pay/{session}/confirm")).text
    await client.post(f"/pay/{session}/confirm", data={"shown": hidden(page, "shown")})
    order = await the_order(merchant, session)
    assert (order.state, order.total_minor) == ("paid", 30_490)


async def test_without_the_chosen_way_the_same_total_is_not_paid_either(client: httpx.AsyncClient) -> None:
    merchant = await a_merchant()
    session = await a_session_to_steer(merchant, options=OPTIONS)
    await client.post(f"/pay/{session}", data={**INVOICE, "shipping": "pickup"})
    await delivered_by(merchant, session, PARCEL)
    page = (await client.get(f"/pay/{session}/changed")).text
    assert "Pick-up in the shop" in page
    assert "You choose one of them next." in page
    answer = await client.post(f"/pay/{session}/changed", data={"shown": hidden(page, "shown")})
    assert answer.headers["location"] == f"/pay/{session}"


async def test_other_ways_beside_the_chosen_one_are_told_and_the_plan_goes_on(
    client: httpx.AsyncClient,
) -> None:
    merchant = await a_merchant()
    session = await a_session_to_steer(merchant, options=OPTIONS)
    await client.post(f"/pay/{session}", data={**INVOICE, "shipping": "parcel"})
    await delivered_by(merchant, session, PARCEL)
    page = (await client.get(f"/pay/{session}/changed")).text
    assert "You choose one of them next." not in page
    answer = await client.post(f"/pay/{session}/changed", data={"shown": hidden(page, "shown")})
    assert answer.headers["location"] == f"/pay/{session}/identify"


async def delivered_by(merchant: Merchant, session: str, *options: ShippingOption) -> None:
    """The shop delivers the order in these ways from now on."""
    order = await the_order(merchant, session)
    contents = replace(contents_of(order), shipping_options=[option.to_data() for option in options])
    await edited_to(merchant, order, contents)


async def edited(merchant: Merchant, session: str, *lines: object) -> None:
    order = await the_order(merchant, session)
    contact = Contact(email=order.contact.email, phone=order.contact.phone, postcode=order.contact.postcode)
    contents = Contents(order.reference, lines, contact, None)  # type: ignore[arg-type]  # lines are lines
    now = await clock.business_now()
    await db.in_tx(
        lambda: orders.edit(
            merchant.id,
            order.public_id,
            contents,
            version=order.version,
            edit_id=uuid4(),
            actor="merchant",
            now=now,
        )
    )


# --- insurance ------------------------------------------------------------------------------------------------------


async def test_the_question_is_asked_calmly_and_neither_answer_is_chosen(client: httpx.AsyncClient) -> None:
    merchant = await a_merchant()
    await an_insurance_offer(merchant)
    page = (await client.get(f"/pay/{await a_session_to_steer(merchant)}")).text
    for text in (
        "Do you want to insure it?",
        "If it breaks or is stolen",
        "No, thank you",
        "23.92",
        "https://turva.example/terms",
    ):
        assert text in page
    assert not re.search(r'name="insurance"[^>]* checked', page)
    assert total_above(page) == "€299.00"


async def test_goods_outside_of_its_value_or_categories_are_not_asked_about(
    client: httpx.AsyncClient,
) -> None:
    merchant = await a_merchant()
    await an_insurance_offer(merchant, categories=("lamps",))
    await an_insurance_offer(merchant, from_minor=30_000)
    page = (await client.get(f"/pay/{await a_session_to_steer(merchant)}")).text
    assert "insure" not in page


async def test_taking_it_adds_its_own_line_without_vat(client: httpx.AsyncClient) -> None:
    merchant = await a_merchant()
    offer = await an_insurance_offer(merchant)
    session = await a_session_to_steer(merchant)
    await client.post(f"/pay/{session}", data={**INVOICE, "insurance": offer})
    order = await the_order(merchant, session)
    assert lines_of(order)[1:] == [("insurance", "Accident and theft (Turva)", 2_392)]
    assert (str(order.lines[1].vat_percent), order.lines[1].type, order.lines[1].sku) == (
        "0.00",
        "fee",
        offer,
    )


async def test_declining_is_remembered_and_no_answer_is_no_insurance(client: httpx.AsyncClient) -> None:
    merchant = await a_merchant()
    await an_insurance_offer(merchant)
    session = await a_session_to_steer(merchant)
    answer = await client.post(f"/pay/{session}", data=INVOICE)
    assert answer.status_code == 303
    assert not re.search(r'name="insurance"[^>]* checked', (await client.get(f"/pay/{session}")).text)
    await client.post(f"/pay/{session}", data={**INVOICE, "insurance": "no"})
    assert re.search(r'value="no"[^>]* checked', (await client.get(f"/pay/{session}")).text)
    assert len((await the_order(merchant, session)).lines) == 1
    answers = await db.fetch_all("SELECT answer FROM insurance_answers ORDER BY id")
    assert [row["answer"] for row in answers] == ["none", "declined"]


async def test_an_insurance_that_no_longer_fits_after_an_edit_is_chosen_anew(
    client: httpx.AsyncClient,
) -> None:
    merchant = await a_merchant()
    offer = await an_insurance_offer(merchant)
    session = await a_session_to_steer(merchant)
    await client.post(f"/pay/{session}", data={**INVOICE, "insurance": offer})
    await edited(merchant, session, a_phone(5_000))
    page = (await client.get(f"/pay/{session}/changed")).text
    answer = await client.post(f"/pay/{session}/changed", data={"shown": hidden(page, "shown")})
    assert answer.headers["location"] == f"/pay/{session}"
    assert "insure" not in (await client.get(f"/pay/{session}")).text
    await client.post(f"/pay/{session}", data=INVOICE)
    assert lines_of(await the_order(merchant, session)) == [("shop", "Phone", 5_000)]


# --- what a way to pay costs ------------------------------------------------------------------------------------------


async def test_a_discount_is_shown_before_choosing_with_its_vat_and_becomes_a_line(
    client: httpx.AsyncClient,
) -> None:
    merchant = await a_merchant()
    await switched(merchant, on=True)
    await fees(merchant, MethodFee("consumer", "wallet", rate_points=-200))
    session = await a_session_to_steer(merchant, options=OPTIONS)
    page = (await client.get(f"/pay/{session}", params={"shipping": "parcel"})).text
    assert "Discount for paying from the wallet" in page
    assert "VAT 25.5" in page
    assert total_above(page) == "€303.90"
    page = (await client.get(f"/pay/{session}", params={"shipping": "parcel", "method": "wallet"})).text
    assert total_above(page) == "€297.82"
    await client.post(f"/pay/{session}", data={"method": "wallet", "shipping": "parcel"})
    order = await the_order(merchant, session)
    assert lines_of(order)[2] == ("method_fee", "Discount for paying from the wallet", -608)
    await client.post(f"/pay/{session}", data={**INVOICE, "shipping": "parcel"})
    order = await the_order(merchant, session)
    assert [line.origin for line in order.lines] == ["shop", "shipping"]
    assert len(lines_of_shop(order.lines)) == 1


async def test_a_wallet_and_a_discount_leave_the_card_what_its_provider_charges(db: str) -> None:
    merchant = await a_merchant()
    await switched(merchant, on=True)
    await fees(merchant, MethodFee("consumer", "card", fixed_minor=-1))
    flow = await the_flow(await a_session(merchant, a_line(price="1.00")))
    quote = (await offers_for(flow, CARD, "en", wallet_minor=50)).paid("card")
    assert (quote.price_minor, quote.wallet_minor, quote.paid_minor) == (99, 49, 50)
    assert "card" not in (await offers_for(flow, CARD, "en", wallet_minor=51)).offering.methods
    flow = await the_flow(await a_session(merchant, a_line(price="0.50")))
    assert "card" not in (await offers_for(flow, CARD, "en")).offering.methods


async def test_a_company_pays_a_fee_for_its_card_with_vat_as_a_line_of_its_own(
    client: httpx.AsyncClient,
) -> None:
    merchant = await a_merchant()
    await fees(
        merchant,
        MethodFee("business", "card", rate_points=150),
        MethodFee("consumer", "card", fixed_minor=-1),
    )
    flow = await the_flow(await a_session_to_steer(merchant, options=OPTIONS, buyer="business"))
    extras = await extras_for(flow, "en", {"shipping": "parcel"})
    offers = await offers_for(flow, CARD, "en", extras=extras)
    assert offers.paid("card").price_minor == 30_846
    *_, fee = offers.extras.added("card").lines
    assert (fee.type, fee.name, fee.total_minor, str(fee.vat_percent)) == (
        "fee",
        "Fee for paying by card",
        456,
        "25.50",
    )


async def test_the_wallet_beside_a_way_to_pay_leaves_it_something_whatever_it_costs(
    client: httpx.AsyncClient,
) -> None:
    merchant = await a_merchant()
    await fees(merchant, MethodFee("consumer", "card", fixed_minor=-500))
    flow = await the_flow(await a_session_to_steer(merchant))
    quote = (await offers_for(flow, CARD, "en", wallet_minor=29_800)).paid("card")
    assert (quote.price_minor, quote.paid_minor, quote.wallet_minor) == (29_400, 50, 29_350)


async def test_the_page_of_a_link_shows_what_the_shop_sells_and_not_what_somebody_else_chose(
    client: httpx.AsyncClient,
) -> None:
    merchant = await a_merchant()
    link = await a_link(merchant)
    shopper = await press(link)
    flow = await shopper.flow()
    lines = (*flow.lines, shipping_line(OPTIONS[0]))
    await db.in_tx(
        lambda: put_extras(
            merchant.id,
            flow.order_id,
            lines,
            shown_version=flow.version,
            chosen_in=flow.session_id,
            now=flow.now,
        )
    )
    page = (await client.get(f"/link/{link.token}")).text
    assert "203.00" in page
    for text in ("207.90", "Parcel locker"):
        assert text not in page
