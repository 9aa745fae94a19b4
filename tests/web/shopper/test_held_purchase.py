"""A purchase that a person looks at, as the shopper's browser, phone and letterbox get it."""

from __future__ import annotations

import re
from datetime import datetime

import httpx
import pytest

from app import doors
from app.cases.queries import CaseView, newest_of_session
from app.checkout.actions import Answer, answer_case, expire_due
from app.checkout.queries import flow as read_flow
from app.kernel import clock, db, outbox
from app.kernel.jobs import Done, TryAgain
from app.merchants.queries import Merchant
from app.messages import answers
from app.messages.ports import Mail, Sms
from app.reactions import react
from tests.factories.checkout import PHONE, POSTCODE, a_merchant, a_session
from tests.factories.held_purchases import HELD, STOPPED
from tests.support.providers import FakeProvider
from tests.web.shopper.test_flow import a_known_register_entry, hidden, the_code

# What nobody is told who is looked at: it would be no help, and an insult to most.
NEVER_SAID = re.compile(r"fraud|risk|suspic|decline score", re.IGNORECASE)


class Doorsteps:
    """Where answers arrive."""

    def __init__(self) -> None:
        self.sms: list[Sms] = []
        self.mails: list[Mail] = []

    async def send(self, message: Sms | Mail, timeout_s: float = 0) -> None:
        del timeout_s
        if isinstance(message, Sms):
            self.sms.append(message)
        else:
            self.mails.append(message)


async def at_confirm(client: httpx.AsyncClient, merchant: Merchant, email: str = HELD) -> tuple[str, str]:
    """A session, and its page of step 3, with an invoice chosen and the check passed."""
    await a_known_register_entry()
    session = await a_session(merchant, email=email)
    await client.post(f"/pay/{session}", data={"method": "invoice", "delivery": "email"})
    await client.post(f"/pay/{session}/code", data={"phone": PHONE, "postcode": POSTCODE})
    await client.post(f"/pay/{session}/identify", data={"code": await the_code()})
    return session, (await client.get(f"/pay/{session}/confirm")).text


async def confirmed(client: httpx.AsyncClient, merchant: Merchant, email: str = HELD) -> str:
    session, page = await at_confirm(client, merchant, email)
    await client.post(f"/pay/{session}/confirm", data={"shown": hidden(page, "shown")})
    return session


async def case_of(merchant: Merchant, session: str) -> CaseView:
    flow = await read_flow(session, b"")
    assert flow is not None
    case = await newest_of_session(merchant.id, flow.session_id)
    assert case is not None
    return case


async def answered(merchant: Merchant, session: str, *, yes: bool) -> None:
    case = await case_of(merchant, session)
    said = Answer("approved" if yes else "declined", "stf_1", "Looked at")
    await answer_case(merchant, case.public_id, said, await clock.business_now())


async def test_the_page_says_that_a_person_checks_until_when_and_what_happens_then(
    client: httpx.AsyncClient,
) -> None:
    merchant = await a_merchant()
    session = await confirmed(client, merchant)
    page = (await client.get(f"/pay/{session}/outcome")).text
    assert "A person is checking your order" in page
    assert "You have an answer by" in page
    assert "Nothing is charged while your order is checked." in page
    assert "You get the answer by text message to" in page
    assert "the purchase is made just as you confirmed it" in page
    assert "Choose another plan instead" not in page
    assert "How this was decided" not in page
    assert 'hx-trigger="every' in page
    assert f'action="/pay/{session}/cancel"' in page
    assert not NEVER_SAID.search(page)


async def test_another_browser_is_told_that_somebody_checks_and_nothing_else(
    client: httpx.AsyncClient,
) -> None:
    session = await confirmed(client, await a_merchant())
    client.cookies.clear()
    page = (await client.get(f"/pay/{session}/outcome")).text
    assert "A person is checking your order" in page
    for secret in ("You get the answer by", "•••", HELD, "/cancel", "Wool blanket"):
        assert secret not in page


async def test_a_shopper_may_cancel_while_they_wait(client: httpx.AsyncClient) -> None:
    merchant = await a_merchant()
    session = await confirmed(client, merchant)
    asked = await client.get(f"/pay/{session}/cancel")
    assert "Cancel this purchase?" in asked.text
    assert "Go on waiting" in asked.text
    page = await client.post(f"/pay/{session}/cancel", headers={"HX-Request": "true"})
    assert "The purchase was cancelled" in page.text
    assert "comes free again" in page.text
    assert (await case_of(merchant, session)).state == "withdrawn"


async def test_whoever_waited_in_vain_reads_that_nobody_came_in_time(client: httpx.AsyncClient) -> None:
    merchant = await a_merchant()
    session = await confirmed(client, merchant)
    assert await expire_due((await case_of(merchant, session)).due_at) == 1
    page = (await client.get(f"/pay/{session}/outcome")).text
    assert "Nobody could check your order in time" in page
    assert "comes free again" in page


async def test_nobody_goes_around_the_person_with_another_plan(client: httpx.AsyncClient) -> None:
    session = await confirmed(client, await a_merchant())
    await client.post(f"/pay/{session}/another-plan")
    assert "A person is checking your order" in (await client.get(f"/pay/{session}")).text or (
        await client.get(f"/pay/{session}")
    ).headers["location"].endswith("/outcome")


async def test_approved_the_page_shows_the_purchase_and_a_message_tells_of_it(
    client: httpx.AsyncClient,
) -> None:
    merchant = await a_merchant()
    session = await confirmed(client, merchant)
    await answered(merchant, session, yes=True)
    assert "Purchase confirmed" in (await client.get(f"/pay/{session}/outcome")).text
    arrived, _ = await delivered()
    [sms] = arrived.sms
    assert "The purchase is made" in sms.text
    assert sms.text.endswith(f"/pay/{session}/outcome")


async def test_declined_the_page_says_no_word_of_credit_and_names_who_can_look_again(
    client: httpx.AsyncClient,
) -> None:
    merchant = await a_merchant()
    session = await confirmed(client, merchant)
    await answered(merchant, session, yes=False)
    page = (await client.get(f"/pay/{session}/outcome")).text
    assert "The purchase was declined" in page
    assert "they can look at it once more" in page
    assert "Would you like to talk to a person?" in page
    for word in ("plan", "debts", "How this was decided", "who you are"):
        assert word not in page
    assert not NEVER_SAID.search(page)
    arrived, _ = await delivered()
    assert "could not accept it" in arrived.sms[0].text


async def test_declined_at_the_press_the_page_says_the_same(client: httpx.AsyncClient) -> None:
    merchant = await a_merchant()
    session, page = await at_confirm(client, merchant, STOPPED)
    answer = await client.post(
        f"/pay/{session}/confirm", data={"shown": hidden(page, "shown")}, headers={"HX-Request": "true"}
    )
    assert answer.status_code == 200
    assert "they can look at it once more" in answer.text
    assert await db.fetch_value("SELECT count(*) FROM cases") == 0


async def test_a_shop_whose_orders_are_all_plain_sees_nothing_new(client: httpx.AsyncClient) -> None:
    merchant = await a_merchant()
    session = await confirmed(client, merchant, "aino@example.test")
    assert "Purchase confirmed" in (await client.get(f"/pay/{session}/outcome")).text
    assert await db.fetch_value("SELECT count(*) FROM cases") == 0


@pytest.mark.parametrize(
    ("address", "is_told"), [("8.8.8.8", True), ("127.0.0.1", False), ("10.1.2.3", False)]
)
async def test_where_the_press_came_from_is_kept_as_digests_and_only_where_it_says_something(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, address: str, is_told: bool
) -> None:
    monkeypatch.setattr("app.web.shopper.visit.client_address", lambda *_: address)
    await confirmed(client, await a_merchant(), "aino@example.test")
    row = await db.fetch_one("SELECT network, device FROM risk_decisions")
    assert row is not None
    assert (row["network"] is not None, row["device"] is not None) == (is_told, is_told)
    assert not is_told or (len(row["network"]) >= 16 and address.encode() not in row["network"])


# --- by card ------------------------------------------------------------------------------------------------


@pytest.fixture
def cards(monkeypatch: pytest.MonkeyPatch) -> FakeProvider:
    card = FakeProvider("card")
    monkeypatch.setattr(doors, "providers", lambda _settings: {"card": card})
    return card


async def a_guest_by_card(client: httpx.AsyncClient, merchant: Merchant, email: str = HELD) -> str:
    session = await a_session(merchant, email=email)
    await client.post(f"/pay/{session}", data={"method": "card"})
    page = (await client.get(f"/pay/{session}/confirm")).text
    form = {"shown": hidden(page, "shown"), "name": "Aino Virta"}
    await client.post(f"/pay/{session}/confirm", data=form)
    return session


async def test_a_guest_by_card_waits_with_the_money_reserved_and_is_led_there_from_the_bank(
    cards: FakeProvider, client: httpx.AsyncClient
) -> None:
    session = await a_guest_by_card(client, await a_merchant())
    [ref] = cards.book
    cards.approve(ref)
    await client.post(f"/pay/{session}/check", data={"asked": "1", "seen": "pending"})
    page = (await client.get(f"/pay/{session}/outcome")).text
    assert "A person is checking your order" in page
    assert "Your bank keeps €129.00 reserved on your card. It is not taken" in page
    assert cards.taken_minor() == 0


async def test_a_guest_whose_order_is_declined_is_not_told_that_nobody_knows_them(
    cards: FakeProvider, client: httpx.AsyncClient
) -> None:
    session = await a_guest_by_card(client, await a_merchant(), STOPPED)
    page = (await client.get(f"/pay/{session}/outcome")).text
    assert "they can look at it once more" in page
    assert "who you are" not in page
    assert cards.book == {}


async def test_no_message_says_that_it_is_bought_before_the_money_is_there(
    cards: FakeProvider, client: httpx.AsyncClient
) -> None:
    merchant = await a_merchant()
    session = await a_guest_by_card(client, merchant)
    [ref] = cards.book
    cards.approve(ref)
    await client.post(f"/pay/{session}/check", data={"asked": "1", "seen": "pending"})
    await answered(merchant, session, yes=True)
    arrived, outcomes = await delivered()
    assert (arrived.sms, arrived.mails, [type(each) for each in outcomes]) == ([], [], [TryAgain])
    await client.post(f"/pay/{session}/check", data={"asked": "1", "seen": "checking"})
    arrived, outcomes = await delivered(again=True)
    assert [type(each) for each in outcomes] == [Done]
    [sms] = arrived.sms
    assert "The purchase is made" in sms.text


async def test_whoever_waited_in_vain_by_card_is_told_that_the_reservation_goes(
    cards: FakeProvider, client: httpx.AsyncClient
) -> None:
    merchant = await a_merchant()
    session = await a_guest_by_card(client, merchant)
    [ref] = cards.book
    cards.approve(ref)
    await client.post(f"/pay/{session}/check", data={"asked": "1", "seen": "pending"})
    due_at = (await case_of(merchant, session)).due_at
    assert await expire_due(due_at) == 1
    arrived, _ = await delivered(at=due_at)
    [sms] = arrived.sms
    assert "nobody could check your purchase of €129.00 in time" in sms.text
    assert "The reservation on your card is being released. It can take some days" in sms.text


async def test_where_nothing_was_reserved_no_message_speaks_of_it(client: httpx.AsyncClient) -> None:
    merchant = await a_merchant()
    session = await confirmed(client, merchant)
    due_at = (await case_of(merchant, session)).due_at
    assert await expire_due(due_at) == 1
    arrived, _ = await delivered(at=due_at)
    assert "reservation" not in arrived.sms[0].text


_jobs: list[outbox.Job] = []


async def delivered(*, again: bool = False, at: datetime | None = None) -> tuple[Doorsteps, list[object]]:
    """What the worker hands over now, or at another time, and how each try ends."""
    arrived = Doorsteps()
    if not again:
        _jobs.clear()
        for job in await outbox.claim(50, 30, now=at or await clock.business_now()):
            if job.kind == "event":
                await react(job)
        _jobs.extend(
            job
            for job in await outbox.claim(50, 30, now=at or await clock.business_now())
            if job.kind == answers.JOB_KIND
        )
    places = answers.Doors(arrived, arrived, "http://localhost:9")
    return arrived, [await answers.deliver(job, places) for job in _jobs]
