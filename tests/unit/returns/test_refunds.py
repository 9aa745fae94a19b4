"""Refunds: what goes back where, what is owed after it, and what is refused by name."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import asyncpg
import pytest

from app.checkout.actions import record_payment
from app.checkout.books import check_books
from app.invoices.actions import settle_early
from app.invoices.actions.paying import NewPayment
from app.invoices.credits import EVERYTHING, Pieces, Wanted
from app.invoices.queries import InvoiceView, invoices_of_order, settlement_on
from app.invoices.states import InvoiceState
from app.kernel import clock, db
from app.kernel.money import Money
from app.ledger.queries import balance
from app.ledger.rules import wallet_of
from app.merchants.errors import ModuleOff
from app.merchants.queries import Merchant
from app.orders.errors import OrderUnknown
from app.orders.rules import Line
from app.plans.quote import Quote
from app.returns import actions
from app.returns.actions import NewRefund
from app.returns.errors import (
    NotInvoicedYet,
    NotRefundable,
    RefundableChanged,
    RefundKeyReused,
    RefundRefused,
)
from app.returns.queries import lines_of_refund, refunds_of_order
from app.returns.rules import Conditions, Destination
from tests.factories.checkout import a_line, a_merchant, nobody_has_bought_before
from tests.factories.invoices import a_purchase, again, balances, chores_done, days_later, drawn, paid
from tests.factories.links import an_open_order
from tests.factories.recorded import received
from tests.factories.returns import paid_from_the_wallet, refunded, the_order
from tests.factories.wallets import switched


async def documents(merchant: Merchant, order: str) -> list[InvoiceView]:
    return [
        each for each in await invoices_of_order(merchant.id, order) if each.kind in {"invoice", "notice"}
    ]


async def in_wallet(merchant: Merchant, customer: str) -> int:
    now = await clock.business_now()
    return (await balance(merchant.id, wallet_of(customer), merchant.currency, now)).total


async def events_of(order: str) -> list[dict[str, object]]:
    rows = await db.fetch_all(
        "SELECT data FROM events WHERE type = 'order.refunded' AND data->>'order_id' = $1 ORDER BY id", order
    )
    return [row["data"] for row in rows]


async def test_a_part_of_an_unpaid_invoice_lowers_what_is_owed(merchant: Merchant) -> None:
    order = await a_purchase(merchant)
    await drawn(merchant, order)
    refund = await refunded(merchant, order, 2_900)
    assert (refund.state, refund.lowered_minor, refund.back_minor) == ("done", 2_900, 0)
    now = await the_order(merchant, order)
    assert (now.state, now.refundable_minor) == ("partly_refunded", 10_000)
    assert await balances() == {"customer:receivable": 10_000, "operator:payable:merchant": -10_000}
    [told] = await events_of(order)
    assert told == {
        "order_id": order,
        "refund_id": refund.public_id,
        "amount_minor": 2_900,
        "fee_minor": 0,
        "currency": "EUR",
        "to": "original",
        "refundable_minor": 10_000,
    }
    assert await check_books() == []


async def test_what_was_paid_goes_back_and_the_order_ends_as_refunded(merchant: Merchant) -> None:
    order = await a_purchase(merchant)
    [invoice] = await drawn(merchant, order)
    await paid(merchant, invoice, 12_900)
    await refunded(merchant, order, 900)
    refund = await refunded(merchant, order)
    assert (refund.lowered_minor, refund.back_minor) == (0, 12_000)
    assert (await the_order(merchant, order)).state == "refunded"
    assert await balances() == {"customer:credit": -12_900, "operator:bank": 12_900}
    assert await check_books() == []


async def test_instalments_are_quoted_anew_and_every_figure_agrees(merchant: Merchant) -> None:
    order = await a_purchase(merchant, months=6)
    _, first, *_ = await drawn(merchant, order)
    await paid(merchant, first, first.amount_minor)
    signed = Quote.from_data((await the_order(merchant, order)).quote_content)
    refund = await refunded(merchant, order, 5_000)
    now = await the_order(merchant, order)
    assert now.quote_id == signed.id
    assert now.current_quote_content is not None
    quote = Quote.from_data(now.current_quote_content)
    assert refund.quote_id == quote.id != signed.id
    asked = {
        each.instalment: each.amount_minor - each.reduced_minor for each in await documents(merchant, order)
    }
    assert {row.number: row.amount_minor for row in quote.schedule} == {
        number: amount for number, amount in asked.items() if amount
    }
    assert quote.total_payable_minor == sum(asked.values()) < signed.total_payable_minor - 5_000
    assert quote.amount_minor == signed.amount_minor - 5_000
    assert quote.interest_minor < signed.interest_minor
    assert quote.schedule[-1].balance_after_minor == 0
    # The credit note prints the same plan, without what is paid.
    note = next(each for each in await invoices_of_order(merchant.id, order) if each.kind == "credit_note")
    assert [(row.number, row.amount_minor) for row in note.content.schedule] == [
        (row.number, row.amount_minor) for row in quote.schedule if row.number != 1
    ]
    assert await check_books() == []


async def test_a_plan_may_be_quoted_anew_again_and_again_until_nothing_is_lent(merchant: Merchant) -> None:
    order = await a_purchase(merchant, months=6)
    await drawn(merchant, order)
    for _ in range(3):
        await refunded(merchant, order, 4_000)
        assert await check_books() == []
    await refunded(merchant, order)
    assert (await the_order(merchant, order)).current_quote_content is None
    assert await balances() == {}
    assert await check_books() == []


async def test_the_last_refund_reverses_the_interest_that_was_paid(merchant: Merchant) -> None:
    order = await a_purchase(merchant, months=3)
    _, first, *_ = await drawn(merchant, order)
    await paid(merchant, first, first.amount_minor)
    await refunded(merchant, order, 5_000)
    refund = await refunded(merchant, order)
    assert refund.costs_minor == first.interest_minor
    assert await balances() == {"customer:credit": -first.amount_minor, "operator:bank": first.amount_minor}
    assert await check_books() == []


async def test_interest_that_fell_due_stays_and_the_rest_falls_to_what_the_new_quote_says(
    merchant: Merchant,
) -> None:
    """The example of `docs/returns.md`, to the cent."""
    order = await a_purchase(merchant, months=6)
    await drawn(merchant, order)
    await days_later(40)
    await chores_done()
    before = await documents(merchant, order)
    assert [each.interest_minor for each in before] == [1_60, 1_34, 1_08, 82, 55, 28]
    assert [each.charges_posted_at is not None for each in before] == [True] + [False] * 5
    assert sum(each.open_minor for each in before) == 134_67

    refund = await refunded(merchant, order, 50_00)

    quote = Quote.from_data((await the_order(merchant, order)).current_quote_content or {})
    asked = [each.open_minor for each in await documents(merchant, order)]
    assert [row.interest_minor for row in quote.schedule] == [1_60, 72, 46, 20]
    assert [row.amount_minor for row in quote.schedule] == [each for each in asked if each]
    assert (quote.amount_minor, quote.interest_minor, quote.total_payable_minor) == (79_00, 2_98, 81_98)
    assert (refund.lowered_minor, refund.costs_minor, sum(asked)) == (50_00, 0, 81_98)
    assert (await refunded(merchant, order)).costs_minor == 1_60
    assert await balances() == {}
    assert await check_books() == []


async def test_a_refund_into_the_wallet_leaves_debts_as_they_are(merchant: Merchant) -> None:
    merchant = await switched(merchant)
    order = await a_purchase(merchant)
    [invoice] = await drawn(merchant, order)
    refund = await refunded(merchant, order, 2_900, to="wallet")
    assert (refund.put_minor, refund.lowered_minor, refund.back_minor) == (2_900, 0, 0)
    assert (await again(merchant, invoice)).open_minor == 12_900
    assert await balances() == {
        "customer:receivable": 12_900,
        "customer:wallet": -2_900,
        "operator:payable:merchant": -10_000,
    }
    # The rest goes the way it came: what is owed becomes less by that alone, and nothing ends.
    await refunded(merchant, order)
    assert (await again(merchant, invoice)).open_minor == 2_900
    assert (await the_order(merchant, order)).state == "refunded"
    assert await balances() == {"customer:receivable": 2_900, "customer:wallet": -2_900}
    assert await check_books() == []
    await paid(merchant, invoice, 2_900)
    assert (await again(merchant, invoice)).state is InvoiceState.PAID
    assert await check_books() == []


async def test_the_wallets_part_of_a_price_comes_back_into_the_wallet_in_proportion(
    merchant: Merchant,
) -> None:
    merchant = await switched(merchant)
    order, customer = await paid_from_the_wallet(merchant, 4_000)
    [invoice] = await drawn(merchant, order)
    assert invoice.open_minor == 8_900
    first = await refunded(merchant, order, 1_000)
    # 40.00 of 129.00 was the wallet's: of 10.00 that is 3.10.
    assert (first.restored_minor, first.lowered_minor) == (310, 690)
    assert await in_wallet(merchant, customer) == 310
    last = await refunded(merchant, order)
    assert first.restored_minor + last.restored_minor == 4_000
    assert await in_wallet(merchant, customer) == 4_000
    assert await check_books() == []


async def test_a_purchase_from_the_wallet_alone_goes_back_there(merchant: Merchant) -> None:
    merchant = await switched(merchant)
    order, customer = await paid_from_the_wallet(merchant, 12_900)
    await drawn(merchant, order)
    part = await refunded(merchant, order, 2_900)
    assert (part.restored_minor, part.lowered_minor, part.back_minor) == (2_900, 0, 0)
    await refunded(merchant, order, to="wallet")
    assert await in_wallet(merchant, customer) == 12_900
    assert (await the_order(merchant, order)).state == "refunded"
    assert await check_books() == []


async def test_money_that_staff_recorded_goes_back_from_where_it_lies(merchant: Merchant) -> None:
    merchant = await switched(merchant)
    order = (await an_open_order(merchant)).public_id
    total = (await the_order(merchant, order)).total_minor
    now = await clock.business_now()
    await record_payment(merchant, order, await received(merchant, total), now)
    await drawn(merchant, order)
    with pytest.raises(RefundRefused) as refused:
        await refunded(merchant, order, 1_000, to="wallet")
    assert (refused.value.field, refused.value.reason) == ("to", "no_customer")
    await refunded(merchant, order, 1_000)
    refund = await refunded(merchant, order)
    assert refund.back_minor == total - 1_000
    assert await balances() == {}
    assert await check_books() == []


async def test_a_fee_that_is_kept_stays_refundable(merchant: Merchant) -> None:
    order = await a_purchase(merchant, a_line(), a_line("Soap", "4.50", quantity=3))
    await drawn(merchant, order)
    refund = await refunded(merchant, order, (Pieces(0, 1),), fee_minor=490)
    assert (refund.amount_minor, refund.fee_minor) == (12_410, 490)
    lines = await lines_of_refund(merchant.id, refund.id)
    assert [(line.kind, line.position, line.total_minor) for line in lines] == [
        ("goods", 0, 12_900),
        ("fee", None, -490),
    ]
    assert (await the_order(merchant, order)).refundable_minor == 1_350 + 490
    # The shop thinks better of it: the fee can still be given back, as a sum.
    await refunded(merchant, order, 490)
    await refunded(merchant, order, (Pieces(1, 3),))
    assert (await the_order(merchant, order)).state == "refunded"
    assert await check_books() == []


async def test_goods_come_back_at_what_was_paid_for_them(merchant: Merchant) -> None:
    discount = replace(a_line("Member's discount", "0.00"), type="discount", unit_price_minor=-1_000)
    order = await a_purchase(merchant, a_line("Lamp", "60.00"), a_line("Rug", "40.00"), discount)
    await drawn(merchant, order)
    first = await refunded(merchant, order, (Pieces(0, 1),))
    assert first.amount_minor == 5_400
    last = await refunded(merchant, order, (Pieces(1, 1),))
    assert last.amount_minor == 3_600
    assert (await the_order(merchant, order)).state == "refunded"
    assert await check_books() == []


@pytest.mark.parametrize(
    ("wanted", "field", "reason"),
    [
        (0, "amount_minor", "not_positive"),
        (-1, "amount_minor", "not_positive"),
        (12_901, "amount_minor", "more_than_left"),
        (10**12, "amount_minor", "more_than_left"),
        ((Pieces(0, 2),), "lines", "not_left"),
        ((Pieces(0, 0),), "lines", "not_left"),
        ((Pieces(0, -1),), "lines", "not_left"),
        ((Pieces(1, 1),), "lines", "not_left"),
        ((Pieces(-1, 1),), "lines", "not_left"),
        ((Pieces(0, 1), Pieces(0, 1)), "lines", "not_left"),
        ((), "lines", "not_left"),
    ],
)
async def test_what_cannot_be_refunded_is_refused_by_name(
    merchant: Merchant, wanted: Wanted, field: str, reason: str
) -> None:
    order = await a_purchase(merchant)
    await drawn(merchant, order)
    with pytest.raises(RefundRefused) as refused:
        await refunded(merchant, order, wanted)
    assert (refused.value.field, refused.value.reason) == (field, reason)
    now = await the_order(merchant, order)
    assert (now.state, now.refundable_minor) == ("paid", 12_900)
    assert await check_books() == []


async def test_every_other_refusal_has_its_name(merchant: Merchant) -> None:
    order = await a_purchase(merchant)
    with pytest.raises(NotInvoicedYet):
        await refunded(merchant, order)
    await drawn(merchant, order)
    now = await clock.business_now()
    new = NewRefund(1_000, 12_900, "original", "staff:x", "k", currency="SEK")
    with pytest.raises(RefundRefused) as refused:
        await db.in_tx(lambda: actions.refund(merchant, order, new, now))
    assert (refused.value.field, refused.value.reason) == ("currency", "mismatch")
    for fee in (-1, 1_000, 2_000):
        with pytest.raises(RefundRefused) as refused:
            await refunded(merchant, order, 1_000, fee_minor=fee)
        assert refused.value.field == "return_fee_minor"
    with pytest.raises(RefundableChanged) as changed:
        await refunded(merchant, order, 1_000, seen_minor=12_899)
    assert changed.value.refundable_minor == 12_900
    with pytest.raises(ModuleOff):
        await refunded(merchant, order, 1_000, to="wallet")
    with pytest.raises(OrderUnknown):
        await refunded(await a_merchant("Pihla Oy"), order, 1_000, seen_minor=12_900)
    unpaid = (await an_open_order(merchant)).public_id
    with pytest.raises(NotRefundable):
        await refunded(merchant, unpaid, 100)
    await refunded(merchant, order)
    with pytest.raises(NotRefundable):
        await refunded(merchant, order, 100)
    assert await check_books() == []


async def test_a_piece_comes_back_once_whoever_asks(merchant: Merchant) -> None:
    order = await a_purchase(merchant, a_line("Soap", "4.50", quantity=3))
    await drawn(merchant, order)
    await refunded(merchant, order, (Pieces(0, 2),))
    with pytest.raises(RefundRefused):
        await refunded(merchant, order, (Pieces(0, 2),))
    await refunded(merchant, order, (Pieces(0, 1),))
    assert (await the_order(merchant, order)).state == "refunded"


async def test_a_key_names_one_refund(merchant: Merchant) -> None:
    order = await a_purchase(merchant)
    await drawn(merchant, order)
    first = await refunded(merchant, order, 1_000, key="one")
    # The figure that was seen is no longer true, and need not be: this refund was made.
    assert await refunded(merchant, order, 1_000, key="one", seen_minor=12_900) == first
    with pytest.raises(RefundKeyReused):
        await refunded(merchant, order, 2_000, key="one")
    with pytest.raises(RefundKeyReused):
        await refunded(merchant, order, 1_000, key="one", fee_minor=5)
    with pytest.raises(RefundKeyReused):
        await refunded(merchant, order, (Pieces(0, 1),), key="one")
    assert (await the_order(merchant, order)).refundable_minor == 11_900


async def test_nothing_of_another_currency_than_the_shops_goes_into_a_wallet(merchant: Merchant) -> None:
    merchant = await switched(merchant)
    order = await a_purchase(merchant)
    await drawn(merchant, order)
    elsewhere = replace(merchant, currency="SEK")
    with pytest.raises(RefundRefused) as refused:
        await refunded(elsewhere, order, 1_000, to="wallet")
    assert (refused.value.field, refused.value.reason) == ("to", "other_currency")
    now = await clock.business_now()
    await actions.save_conditions(merchant, Conditions(14, approval_above_minor=0), actor="staff:x", now=now)
    waiting = await refunded(merchant, order, 1_000, to="wallet")
    with pytest.raises(RefundRefused) as refused:
        await db.in_tx(lambda: actions.approve(elsewhere, waiting.public_id, actor="staff:other", now=now))
    assert (refused.value.field, refused.value.reason) == ("to", "other_currency")
    assert (await refunded(elsewhere, order, 1_000)).state == "pending_approval"


async def test_a_key_names_the_pieces_that_came_back_under_it(merchant: Merchant) -> None:
    soaps = [a_line(name, "4.50", quantity=3) for name in ("Soap", "Sponge")]
    order = await a_purchase(merchant, *soaps)
    await drawn(merchant, order)
    pieces = (Pieces(0, 1), Pieces(1, 1))
    first = await refunded(merchant, order, pieces, key="one")
    assert await refunded(merchant, order, pieces[::-1], key="one") == first
    # The first two come to the very same sum.
    for other in ((Pieces(0, 2),), (Pieces(1, 2),), (Pieces(0, 1),), (*pieces, Pieces(2, 1))):
        with pytest.raises(RefundKeyReused):
            await refunded(merchant, order, other, key="one")
    assert (await the_order(merchant, order)).refundable_minor == 1_800


async def test_the_note_on_a_refund_goes_in_time_and_nothing_else_of_it(merchant: Merchant) -> None:
    order = await a_purchase(merchant)
    await drawn(merchant, order)
    now = await clock.business_now()
    new = NewRefund(1_000, 12_900, "original", "staff:x", "k", note="Aino called.")
    made = await db.in_tx(lambda: actions.refund(merchant, order, new, now))
    assert await db.in_tx(lambda: actions.forget_notes(now - timedelta(days=1), 10)) == 0
    with pytest.raises(asyncpg.RestrictViolationError):
        await db.in_tx(lambda: db.execute("UPDATE refunds SET note = 'Other words'"))
    assert await db.in_tx(lambda: actions.forget_notes(now, 10)) == 1
    assert await refunds_of_order(merchant.id, made.order_id) == (replace(made, note=None),)
    assert await db.in_tx(lambda: actions.forget_notes(now, 10)) == 0


async def test_each_of_many_orders_refunded_twice_at_once_is_refunded_once(merchant: Merchant) -> None:
    orders = []
    for _ in range(8):
        await nobody_has_bought_before()
        orders.append(await a_purchase(merchant))
        await drawn(merchant, orders[-1])

    async def press(order: str) -> bool:
        try:
            await refunded(merchant, order, 8_000, seen_minor=12_900)
        except RefundableChanged:
            return False
        return True

    done = await asyncio.gather(*(press(order) for order in orders for _ in range(2)))
    assert (done.count(True), done.count(False)) == (8, 8)
    assert {(await the_order(merchant, order)).refundable_minor for order in orders} == {4_900}
    assert await check_books() == []


@pytest.mark.parametrize("seed", [0, 2, 3, 5])
async def test_any_sequence_of_refunds_ends_at_exactly_nothing(merchant: Merchant, seed: int) -> None:
    """Sums, pieces and fees, to the wallet and back the way it was paid, over each way to pay, with payments, days and
    an early repayment in between."""
    chance = random.Random(seed)
    merchant = await switched(merchant)
    basket = (
        a_line("Lamp", "60.00", quantity=2),
        replace(a_line("Tea", "3.33", quantity=3), vat_percent=Decimal(14)),
        replace(a_line("Discount", "0.00"), type="discount", unit_price_minor=-777),
    )
    order = await a_sale(merchant, chance, seed, basket)
    while (left := (await the_order(merchant, order)).refundable_minor) > 0:
        wanted: Wanted = EVERYTHING
        if chance.random() < 0.8:
            wanted = chance.choice(
                (chance.randint(1, left), (Pieces(chance.randint(0, 1), chance.randint(1, 2)),))
            )
        to: Destination = chance.choice(("original", "wallet"))
        fee = chance.choice((0, 0, 199))
        try:
            await refunded(merchant, order, wanted, to=to, fee_minor=fee)
        except RefundRefused:
            await refunded(merchant, order, chance.randint(1, left), to=to)
        if chance.random() < 0.4:
            await something_else_happens(merchant, order, chance)
        assert await check_books() == []
    assert (await the_order(merchant, order)).state == "refunded"


async def a_sale(merchant: Merchant, chance: random.Random, seed: int, basket: tuple[Line, ...]) -> str:
    total = sum(line.total_minor for line in basket)
    months = 3 if seed % 2 else 0
    if seed < 2:
        order = await a_purchase(merchant, *basket, months=months)
    else:
        wallet = total if seed == 5 else chance.randint(1, total - 7_000)
        order, _ = await paid_from_the_wallet(merchant, wallet, *basket, months=months)
    await drawn(merchant, order)
    return order


async def something_else_happens(merchant: Merchant, order: str, chance: random.Random) -> None:
    together = await invoices_of_order(merchant.id, order)
    owing = [each for each in together if each.open_minor]
    if not owing:
        return
    match chance.choice(("pay", "days", "settle")):
        case "pay":
            each = chance.choice(owing)
            await paid(merchant, each, chance.randint(1, each.open_minor), key=str(chance.random()))
        case "days":
            await days_later(chance.randint(1, 40))
            await chores_done()
        case _:
            now = await clock.business_now()
            today = merchant.local_date(now)
            settled = settlement_on(together, today)
            if settled is not None and settled.figure_minor:
                money = Money(settled.figure_minor, merchant.currency)
                payment = NewPayment(money, today, "api", "api", str(chance.random()))
                await db.in_tx(lambda: settle_early(merchant, order, payment, now))
