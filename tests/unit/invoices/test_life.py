"""The life of an invoice: drawn once, paid in parts or too much, overdue, taken back; and the books that follow."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import product
from uuid import UUID

import asyncpg
import pytest

from app.checkout.books import check_books
from app.invoices import actions
from app.invoices.actions import NewPayment
from app.invoices.errors import (
    NoAccount,
    NotCreditable,
    NotFound,
    NotPayable,
    PaymentKeyReused,
    PaymentRefused,
)
from app.invoices.queries import InvoiceView, Seller, due_by_clock, invoices_of_order, payments_of
from app.invoices.states import EDGES, MACHINE, InvoiceState
from app.kernel import clock, db
from app.kernel.money import Money
from app.kernel.states import IllegalMove
from app.ledger.queries import postings_about
from app.merchants.queries import Merchant, forget_kept_merchants, merchant_by_id
from app.orders.queries import order_for_api
from app.plans.quote import Quote
from tests.factories.checkout import a_line, nobody_has_bought_before
from tests.factories.invoices import (
    OPERATOR,
    a_purchase,
    again,
    an_invoice,
    balances,
    chores_done,
    days_later,
    drawn,
    paid,
)


async def quote_of(merchant: Merchant, order: str) -> Quote:
    view = await order_for_api(merchant.id, order)
    assert view is not None
    return Quote.from_data(view.quote_content)


async def told(event_type: str) -> list[dict[str, object]]:
    rows = await db.fetch_all("SELECT data FROM events WHERE type = $1 ORDER BY id", event_type)
    return [row["data"] for row in rows]


async def credited(merchant: Merchant, invoice: InvoiceView) -> InvoiceView:
    now = await clock.business_now()
    return await db.in_tx(
        lambda: actions.credit_in_full(merchant, invoice.public_id, actor="staff:x", now=now)
    )


async def test_an_invoice_plan_gives_one_document_with_the_quotes_figures(merchant: Merchant) -> None:
    order = await a_purchase(merchant, a_line(), a_line("Soap", "4.50", quantity=3))
    [invoice] = await drawn(merchant, order)
    quote = await quote_of(merchant, order)
    assert (invoice.kind, invoice.state, invoice.currency) == ("invoice", "issued", "EUR")
    assert (invoice.amount_minor, invoice.due_on) == (quote.total_payable_minor, quote.last_due)
    assert invoice.number == f"{invoice.issue_on.year}-00001"
    content = invoice.content
    assert (content.quote_id, content.quote_hash) == (quote.id, quote.hash)
    assert sum(line.total_minor for line in content.lines) == content.price_minor == 14_250
    assert [group.gross_minor for group in content.vat] == [14_250]
    assert content.payment is not None
    assert (content.payment.iban, content.payment.assigned) == (OPERATOR.iban, True)
    assert content.payment.barcode is not None
    assert content.payment.rf_reference == f"RF{content.payment.rf_reference[2:4]}{invoice.reference}"
    assert await told("invoice.issued") == [
        {
            "invoice_id": invoice.public_id,
            "order_id": order,
            "kind": "invoice",
            "number": invoice.number,
            "amount_minor": 14_250,
            "paid_minor": 0,
            "currency": "EUR",
            "due_on": quote.last_due.isoformat(),
            "reference": invoice.reference,
        }
    ]


async def test_instalments_give_one_document_with_vat_and_one_notice_each_without(merchant: Merchant) -> None:
    order = await a_purchase(merchant, months=6)
    receipt, *notices = await drawn(merchant, order)
    quote = await quote_of(merchant, order)
    assert (receipt.kind, receipt.state, receipt.due_on, receipt.reference) == (
        "receipt",
        "issued",
        None,
        None,
    )
    assert (receipt.amount_minor, receipt.content.vat[0].gross_minor) == (12_900, 12_900)
    assert [(row.due, row.amount_minor) for row in receipt.content.schedule] == [
        (row.due, row.amount_minor) for row in quote.schedule
    ]
    assert [notice.number for notice in notices] == [f"{receipt.number}/{n}" for n in range(1, 7)]
    assert {notice.state for notice in notices} == {InvoiceState.SCHEDULED}
    assert len({notice.reference for notice in notices}) == 6
    for notice, row in zip(notices, quote.schedule, strict=True):
        assert (notice.due_on, notice.amount_minor) == (row.due, row.amount_minor)
        assert (notice.principal_minor, notice.interest_minor) == (row.principal_minor, row.interest_minor)
        assert notice.issue_on == row.due - timedelta(days=14)
        assert (notice.content.lines, notice.content.vat) == ((), ())


async def test_drawing_again_gives_the_same_documents(merchant: Merchant) -> None:
    order = await a_purchase(merchant)
    first = await drawn(merchant, order)
    assert await drawn(merchant, order, lang="fi") == first
    assert len(await told("invoice.issued")) == 1


async def test_everybody_at_once_gets_numbers_without_a_gap_and_an_order_is_drawn_once(
    merchant: Merchant,
) -> None:
    orders = []
    for _ in range(6):
        await nobody_has_bought_before()
        orders.append(await a_purchase(merchant, a_line(price="20.00")))
    await asyncio.gather(*(drawn(merchant, order) for order in orders * 2))
    rows = await db.fetch_all("SELECT series_number FROM invoices ORDER BY series_number")
    assert [row["series_number"] for row in rows] == [1, 2, 3, 4, 5, 6]


async def test_a_drawing_that_fails_leaves_no_gap(merchant: Merchant) -> None:
    order = await a_purchase(merchant)

    async def draw_and_die() -> None:
        await actions.draw(merchant, order, "en", OPERATOR, await clock.business_now())
        raise KeyError

    with pytest.raises(KeyError):
        await db.in_tx(draw_and_die)
    [invoice] = await drawn(merchant, order)
    assert invoice.number.endswith("-00001")


async def test_a_merchant_who_is_the_creditor_is_paid_to_the_own_account(merchant: Merchant) -> None:
    await db.in_tx(lambda: db.execute("UPDATE merchants SET creditor = 'merchant'"))
    forget_kept_merchants()
    selling = await merchant_by_id(merchant.id)
    assert selling is not None
    order = await a_purchase(selling)
    with pytest.raises(NoAccount):
        await drawn(selling, order)
    seller = Seller(company_id="1234567-1", iban="FI4950009420028730")
    await db.in_tx(lambda: actions.set_seller(merchant.id, seller))
    [invoice] = await drawn(selling, order)
    payment = invoice.content.payment
    assert payment is not None
    assert (payment.payee, payment.iban, payment.assigned) == (merchant.name, seller.iban, False)
    assert invoice.content.seller.company_id == "1234567-1"


@pytest.mark.parametrize(
    "change",
    [
        "amount_minor = amount_minor + 1, principal_minor = principal_minor + 1",
        "number = '2026-99999'",
        "content = '{}'",
        "due_on = due_on + 1",
        "reference = '1009'",
    ],
)
async def test_a_drawn_document_never_changes(merchant: Merchant, change: str) -> None:
    await an_invoice(merchant)
    with pytest.raises(asyncpg.RestrictViolationError):
        await db.in_tx(lambda: db.execute(f"UPDATE invoices SET {change}"))


async def test_a_drawn_document_is_never_deleted(merchant: Merchant) -> None:
    await an_invoice(merchant)
    with pytest.raises(asyncpg.PostgresError):
        await db.in_tx(lambda: db.execute("DELETE FROM invoices"))


async def test_a_whole_payment_pays_and_says_so_once(merchant: Merchant) -> None:
    invoice = await an_invoice(merchant)
    payment = await paid(merchant, invoice, 12_900)
    assert (payment.applied_minor, payment.over_minor) == (12_900, 0)
    now = await again(merchant, invoice)
    assert (now.state, now.paid_minor, now.open_minor) == (InvoiceState.PAID, 12_900, 0)
    assert [event["paid_minor"] for event in await told("invoice.paid")] == [12_900]
    assert await balances() == {"operator:bank": 12_900, "operator:payable:merchant": -12_900}
    assert await check_books() == []


async def test_the_same_payment_again_changes_nothing(merchant: Merchant) -> None:
    invoice = await an_invoice(merchant)
    first = await paid(merchant, invoice, 5_000)
    assert await paid(merchant, invoice, 5_000) == first
    assert (await again(merchant, invoice)).paid_minor == 5_000
    with pytest.raises(PaymentKeyReused):
        await paid(merchant, invoice, 5_001)


async def test_the_same_payment_many_times_at_once_counts_once(merchant: Merchant) -> None:
    invoice = await an_invoice(merchant)
    await asyncio.gather(*(paid(merchant, invoice, 5_000) for _ in range(8)))
    assert (await again(merchant, invoice)).paid_minor == 5_000
    assert len(await payments_of(merchant.id, invoice.id)) == 1


async def test_parts_add_up_and_what_is_over_is_the_customers(merchant: Merchant) -> None:
    invoice = await an_invoice(merchant)
    await paid(merchant, invoice, 5_000, "one")
    assert (await again(merchant, invoice)).state is InvoiceState.PARTLY_PAID
    await paid(merchant, invoice, 900, "two")
    last = await paid(merchant, invoice, 8_000, "three")
    assert (last.applied_minor, last.over_minor) == (7_000, 1_000)
    assert (await again(merchant, invoice)).state is InvoiceState.PAID
    late = await paid(merchant, invoice, 300, "four")
    assert (late.applied_minor, late.over_minor) == (0, 300)
    assert (await balances())["customer:credit"] == -1_300
    assert len(await told("invoice.paid")) == 1
    assert await check_books() == []


async def test_a_payment_that_cannot_be_is_refused_by_name(merchant: Merchant) -> None:
    invoice = await an_invoice(merchant)
    today = merchant.local_date(await clock.business_now())
    for amount_minor, on in ((0, today), (-5, today), (100, today + timedelta(days=1))):
        with pytest.raises(PaymentRefused):
            await paid(merchant, invoice, amount_minor, on=on)
    now = await clock.business_now()
    crowns = NewPayment(Money(100, "SEK"), today, "api", "api", "crowns")
    with pytest.raises(PaymentRefused):
        await db.in_tx(lambda: actions.record_payment(merchant, invoice.public_id, crowns, now))
    with pytest.raises(NotFound):
        await db.in_tx(lambda: actions.record_payment(merchant, "inv_0", crowns, now))
    assert await payments_of(merchant.id, invoice.id) == ()


async def test_a_receipt_takes_no_money(merchant: Merchant) -> None:
    receipt, *_ = await drawn(merchant, await a_purchase(merchant, months=3))
    with pytest.raises(NotPayable):
        await paid(merchant, receipt, 100)


async def test_a_notice_is_issued_two_weeks_before_it_is_due(merchant: Merchant) -> None:
    _, first, second, _ = await drawn(merchant, await a_purchase(merchant, months=3))
    today = merchant.local_date(await clock.business_now())
    await days_later((first.issue_on - today).days - 1)
    await chores_done()
    assert (await again(merchant, first)).state is InvoiceState.SCHEDULED
    await days_later(1)
    await chores_done()
    await chores_done()
    assert (await again(merchant, first)).state is InvoiceState.ISSUED
    assert (await again(merchant, second)).state is InvoiceState.SCHEDULED
    assert [event["number"] for event in await told("invoice.issued")][1:] == [first.number]


async def test_interest_enters_the_books_on_the_due_date_and_once(merchant: Merchant) -> None:
    order = await a_purchase(merchant, months=3)
    _, first, *_ = await drawn(merchant, order)
    assert first.due_on is not None
    assert first.interest_minor > 0
    today = merchant.local_date(await clock.business_now())
    await days_later((first.due_on - today).days - 1)
    await chores_done()
    assert "operator:interest" not in await balances()
    await days_later(1)
    await chores_done()
    await chores_done()
    assert (await balances())["operator:interest"] == -first.interest_minor
    causes = [posting.cause for posting in await postings_about(merchant.id, order)]
    assert causes == ["purchase", "purchase", "charges", "charges"]
    assert await check_books() == []


async def test_every_instalment_paid_leaves_nothing_owed_and_all_interest_earned(merchant: Merchant) -> None:
    order = await a_purchase(merchant, months=3)
    _, *notices = await drawn(merchant, order)
    quote = await quote_of(merchant, order)
    # Paid before anything is due: the interest of the schedule is earned with the payment.
    for notice in notices:
        await paid(merchant, notice, notice.amount_minor, notice.number)
    assert await balances() == {
        "operator:bank": quote.total_payable_minor,
        "operator:payable:merchant": -quote.amount_minor,
        "operator:interest": -quote.interest_minor,
    }
    await days_later(120)
    await chores_done()
    assert (await balances())["operator:interest"] == -quote.interest_minor
    assert await check_books() == []


async def test_a_part_of_a_notice_that_waits_issues_it(merchant: Merchant) -> None:
    _, first, *_ = await drawn(merchant, await a_purchase(merchant, months=3))
    await paid(merchant, first, 100)
    assert (await again(merchant, first)).state is InvoiceState.PARTLY_PAID
    assert [event["number"] for event in await told("invoice.issued")][1:] == [first.number]


async def test_an_invoice_is_overdue_the_day_after_its_due_date(merchant: Merchant) -> None:
    invoice = await an_invoice(merchant)
    assert invoice.due_on is not None
    today = merchant.local_date(await clock.business_now())
    await days_later((invoice.due_on - today).days)
    await chores_done()
    assert (await again(merchant, invoice)).state is InvoiceState.ISSUED
    await days_later(1)
    await chores_done()
    await chores_done()
    assert (await again(merchant, invoice)).state is InvoiceState.OVERDUE
    assert [event["invoice_id"] for event in await told("invoice.overdue")] == [invoice.public_id]


async def test_an_invoice_that_cannot_be_moved_holds_no_other_up(merchant: Merchant, db: str) -> None:
    bad, good = await an_invoice(merchant), await an_invoice(merchant)
    connection = await asyncpg.connect(db)
    await connection.execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'broken'; END $$;"
        "CREATE TRIGGER broken BEFORE UPDATE ON invoices FOR EACH ROW"
        f" WHEN (NEW.state = 'overdue' AND NEW.id = '{bad.id}') EXECUTE FUNCTION refuse()"
    )
    await days_later(20)
    await chores_done()
    assert (await again(merchant, good)).state is InvoiceState.OVERDUE
    assert (await again(merchant, bad)).state is InvoiceState.ISSUED
    await connection.execute("DROP TRIGGER broken ON invoices")
    await connection.close()
    await chores_done()
    assert (await again(merchant, bad)).state is InvoiceState.OVERDUE


async def test_a_part_of_an_overdue_invoice_leaves_it_overdue(merchant: Merchant) -> None:
    invoice = await an_invoice(merchant)
    await days_later(20)
    await chores_done()
    await paid(merchant, invoice, 100)
    assert (await again(merchant, invoice)).state is InvoiceState.OVERDUE
    await paid(merchant, invoice, 12_800, "rest")
    assert (await again(merchant, invoice)).state is InvoiceState.PAID


async def test_reminders_climb_the_countrys_ladder_and_stop_after_the_third(merchant: Merchant) -> None:
    invoice = await an_invoice(merchant)
    assert invoice.due_on is not None
    today = merchant.local_date(await clock.business_now())
    days_to_due = (invoice.due_on - today).days
    seen: list[int] = []
    for day in range(60):
        await chores_done()
        count = await db.fetch_value("SELECT count(*) FROM invoice_reminders")
        if count != len(seen):
            seen.append(day - days_to_due)
        await days_later(1)
    # Finland: three days of grace, then 14 days after the due date, then 14 days after the one before.
    assert seen == [3, 17, 31]
    rows = await db.fetch_all("SELECT channel FROM invoice_reminders ORDER BY step")
    assert [row["channel"] for row in rows] == ["sms", "email", "email"]
    jobs = await db.fetch_all("SELECT payload FROM outbox WHERE kind = 'reminder' ORDER BY id")
    assert [job["payload"]["step"] for job in jobs] == [1, 2, 3]


async def test_a_credit_note_opposes_an_unpaid_invoice_and_nothing_is_owed(merchant: Merchant) -> None:
    invoice = await an_invoice(merchant)
    note = await credited(merchant, invoice)
    assert (note.kind, note.amount_minor, note.number[-5:]) == ("credit_note", 12_900, "00002")
    assert note.content.sale_number == invoice.number
    assert [line.total_minor for line in note.content.lines] == [-12_900]
    assert sum(group.vat_minor for group in (*note.content.vat, *invoice.content.vat)) == 0
    assert (await again(merchant, invoice)).state is InvoiceState.CREDITED
    assert await balances() == {}
    assert await check_books() == []
    for asked in (invoice, note):
        with pytest.raises(NotCreditable):
            await credited(merchant, asked)
    with pytest.raises(NotPayable):
        await paid(merchant, invoice, 100)


async def test_a_credited_sale_in_instalments_gives_back_what_was_paid(merchant: Merchant) -> None:
    receipt, first, second, _ = await drawn(merchant, await a_purchase(merchant, months=3))
    await paid(merchant, first, first.amount_minor, "first")
    await paid(merchant, second, 1_000, "second")
    await credited(merchant, receipt)
    back = first.amount_minor + 1_000
    assert await balances() == {"operator:bank": back, "customer:credit": -back}
    states = [each.state for each in await invoices_of_order(merchant.id, receipt.order_public_id)]
    assert states == [InvoiceState.CREDITED] * 4 + [InvoiceState.ISSUED]
    await days_later(200)
    await chores_done()
    assert await balances() == {"operator:bank": back, "customer:credit": -back}
    assert await check_books() == []


async def test_another_merchant_sees_none_of_it(merchant: Merchant) -> None:
    invoice = await an_invoice(merchant)
    assert await invoices_of_order(UUID(int=1), invoice.order_public_id) == ()


STATES = sorted(MACHINE.states)


@pytest.mark.parametrize(("before", "after"), list(product(STATES, STATES)))
def test_only_the_drawn_edges_exist(before: str, after: str) -> None:
    if (before, after) in EDGES:
        assert MACHINE.event(before, after).startswith("invoice.")
    else:
        with pytest.raises(IllegalMove):
            MACHINE.event(before, after)


async def test_what_is_due_by_the_clock_is_counted_until_it_is_done(merchant: Merchant) -> None:
    await drawn(merchant, await a_purchase(merchant, months=3))
    now = await clock.business_now()
    assert await due_by_clock(now) == {}
    now = await days_later(35)
    assert await due_by_clock(now) == {"issue": 1, "charge": 1}
    await chores_done()
    assert await due_by_clock(now) == {}
