"""Where no electronic identity exists: the phone is proved by a code, and a person makes sure who holds it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.cases.queries import CaseView, waiting
from app.checkout import actions
from app.checkout.actions import Answer, Details, answer_case, cancel_session, go_on_without
from app.checkout.actions.vouching import Checked, ask_who
from app.checkout.books import check_books
from app.checkout.errors import ApprovalImpossible, IdentityUnchecked, StepNotReached
from app.checkout.policy import code_is_enough, may_save_passkey, passkey_is_enough
from app.checkout.steps import Page, where_now
from app.credit.queries import last_machine_decision, stored_decision
from app.identity.actions.browsers import BrowserToken
from app.kernel import clock, db
from app.merchants.queries import Merchant
from tests.factories.checkout import ADDRESS, Shopper, a_known_person, a_line, a_merchant, a_session
from tests.factories.wallets import given, switched
from tests.factories.wallets_in_flow import pay_all_from_wallet

pytestmark = pytest.mark.usefixtures("db")

PHONE = "+359888123456"
POSTCODE = "1000"
NAME = "Иванка Петрова"


async def a_shop(**more: object) -> Merchant:
    return await a_merchant("Магазин", country="BG", **more)  # type: ignore[arg-type]


async def prove_phone(shopper: Shopper, phone: str = PHONE) -> actions.Identification:
    """A right code, in a country where none is enough."""
    code = await shopper.ask_code(phone, POSTCODE)
    flow = await shopper.flow()
    tried = await actions.identify_by_code(
        flow, code, code_is_enough=code_is_enough(flow), address=ADDRESS, wall=clock.wall()
    )
    if tried.token is not None:
        shopper.browser = BrowserToken(tried.token, clock.wall(), fresh=False)
    return tried


async def ask(shopper: Shopper, name: str = NAME) -> None:
    token = await ask_who(await shopper.flow(), shopper.browser, name, lang="bg")
    shopper.browser = BrowserToken(token, clock.wall(), fresh=False)


async def a_shopper_with_a_proved_phone(merchant: Merchant, price: str = "129.00") -> Shopper:
    shopper = Shopper.at(await a_session(merchant, a_line(price=price)))
    await shopper.choose()
    await prove_phone(shopper)
    return shopper


async def a_shopper_who_waits(merchant: Merchant, price: str = "129.00") -> tuple[Shopper, CaseView]:
    shopper = await a_shopper_with_a_proved_phone(merchant, price)
    await ask(shopper)
    [case] = await waiting(merchant.id)
    return shopper, case


def approved(name: str = NAME) -> Answer:
    return Answer("approved", "stf_1", None, Checked(name, "document"))


async def approve(merchant: Merchant, case: CaseView, answer: Answer | None = None) -> None:
    await answer_case(merchant, case.public_id, answer or approved(), await clock.business_now())


async def test_a_right_code_alone_identifies_nobody_and_no_passkey_counts() -> None:
    shopper = Shopper.at(await a_session(await a_shop()))
    await shopper.choose()
    assert (await prove_phone(shopper)).outcome == "needs_bank"
    flow = await shopper.flow()
    assert not flow.identified
    assert not code_is_enough(flow)
    assert not passkey_is_enough(flow)
    assert where_now(flow.state, flow.progress) is Page.IDENTIFY


async def test_whoever_asks_waits_with_session_and_order_held_and_staff_see_whom_to_call() -> None:
    merchant = await a_shop()
    shopper, case = await a_shopper_who_waits(merchant)
    flow = await shopper.flow()
    assert (flow.state, flow.order_state, flow.ours) == ("held", "held", True)
    assert (case.kind, case.name, case.phone, case.decision_id) == ("identity", NAME, PHONE, None)
    assert case.due_at == flow.held_until
    assert await check_books() == []


async def test_nobody_is_held_without_a_proved_phone() -> None:
    shopper = Shopper.at(await a_session(await a_shop()))
    await shopper.choose()
    await shopper.ask_code(PHONE, POSTCODE)
    with pytest.raises(StepNotReached):
        await ask(shopper)
    assert (await shopper.flow()).state == "open"


async def test_where_a_bank_can_say_it_no_person_is_asked() -> None:
    shopper = Shopper.at(await a_session(await a_merchant()))
    await shopper.choose()
    await prove_phone(shopper, "+358480000199")
    with pytest.raises(StepNotReached):
        await ask(shopper)


async def test_a_second_tap_opens_no_second_case() -> None:
    merchant = await a_shop()
    shopper = await a_shopper_with_a_proved_phone(merchant)
    before = await shopper.flow()
    browser = shopper.browser
    await ask(shopper)
    with pytest.raises(StepNotReached):
        await ask_who(before, browser, NAME, lang="bg")
    assert len(await waiting(merchant.id)) == 1


async def test_the_secret_from_before_the_wait_does_not_buy_after_it() -> None:
    merchant = await a_shop()
    shopper = await a_shopper_with_a_proved_phone(merchant)
    planted = shopper.browser
    await ask(shopper)
    [case] = await waiting(merchant.id)
    await approve(merchant, case)
    thief = Shopper(shopper.session, planted)
    assert not (await thief.flow()).identified


async def test_approved_the_shopper_is_known_by_the_checked_name_and_buys() -> None:
    merchant = await a_shop()
    shopper, case = await a_shopper_who_waits(merchant)
    await approve(merchant, case, approved("Иванка Петрова-Георгиева"))
    flow = await shopper.flow()
    assert where_now(flow.state, flow.progress) is Page.CONFIRM
    assert flow.customer is not None
    assert (flow.customer.name, flow.customer.phone) == ("Иванка Петрова-Георгиева", PHONE)
    assert flow.identified_by == "person"
    confirmed = await shopper.confirm()
    assert (confirmed.state, confirmed.order_state) == ("confirmed", "paid")
    assert await check_books() == []


async def test_who_vouched_when_and_how_is_written_down() -> None:
    merchant = await a_shop()
    _, case = await a_shopper_who_waits(merchant)
    await approve(merchant, case)
    identity = await db.fetch_one("SELECT issuer, acr, national_number, verified_at FROM verified_identities")
    assert identity is not None
    assert identity["issuer"] == f"staff:{merchant.public_id}"
    assert (identity["acr"], identity["national_number"]) == ("document", None)
    noted = await db.fetch_one("SELECT actor, detail FROM audit_log WHERE action = 'case.approved'")
    assert noted is not None
    assert (noted["actor"], noted["detail"]) == ("staff:stf_1", {"how": "document"})


async def test_the_credit_decision_runs_as_usual_and_the_same_person_answers_it() -> None:
    merchant = await a_shop()
    shopper, case = await a_shopper_who_waits(merchant)
    await approve(merchant, case)
    flow = await shopper.flow()
    assert flow.decision is not None
    assert (flow.decision.outcome, flow.decision.by_person) == ("approved", True)
    machine_id = await last_machine_decision(merchant.id, flow.session_id)
    assert machine_id is not None
    machine = await stored_decision(merchant.id, machine_id)
    assert machine is not None
    assert (machine.outcome, machine.reasons) == ("referred", ("no_national_number",))


async def test_nobody_is_approved_without_saying_how_it_was_checked() -> None:
    merchant = await a_shop()
    shopper, case = await a_shopper_who_waits(merchant)
    with pytest.raises(IdentityUnchecked):
        await approve(merchant, case, replace(approved(), checked=None))
    assert (await shopper.flow()).state == "held"
    assert await db.fetch_value("SELECT count(*) FROM customers") == 0


async def test_no_person_approves_past_the_creditors_limit() -> None:
    merchant = await a_shop(credit_limit_minor=10_000)
    shopper, case = await a_shopper_who_waits(merchant)
    with pytest.raises(ApprovalImpossible):
        await approve(merchant, case)
    assert (await shopper.flow()).state == "held"
    assert await db.fetch_value("SELECT count(*) FROM verified_identities") == 0


async def test_the_same_name_on_the_same_phone_is_one_customer_whose_debts_add_up() -> None:
    merchant = await a_shop(credit_limit_minor=20_000)
    shopper, case = await a_shopper_who_waits(merchant)
    await approve(merchant, case)
    await shopper.confirm()
    await clock_on()
    _, again = await a_shopper_who_waits(merchant)
    with pytest.raises(ApprovalImpossible):
        await approve(merchant, again, approved(NAME.upper()))


async def test_the_next_purchase_waits_for_a_person_again() -> None:
    merchant = await a_shop()
    shopper, case = await a_shopper_who_waits(merchant)
    await approve(merchant, case)
    await shopper.confirm()
    await clock_on()
    again = Shopper.at(await a_session(merchant))
    await again.choose()
    assert (await prove_phone(again)).outcome == "needs_bank"


async def test_a_code_never_recognises_whom_only_a_shops_staff_has_seen() -> None:
    bulgarian = await a_shop()
    shopper, case = await a_shopper_who_waits(bulgarian)
    await approve(bulgarian, case)
    await shopper.confirm()
    await clock_on()
    elsewhere = Shopper.at(await a_session(await a_merchant()))
    await elsewhere.choose()
    tried = await elsewhere.type_code(await elsewhere.ask_code(PHONE, POSTCODE))
    assert tried.outcome == "needs_bank"


async def test_a_shops_staff_takes_a_phone_from_nobody() -> None:
    await a_known_person(phone=PHONE)
    merchant = await a_shop()
    shopper, case = await a_shopper_who_waits(merchant)
    await approve(merchant, case)
    holder = await db.fetch_value("SELECT name FROM customers WHERE phone = $1", PHONE)
    assert holder == "Aino Virta"
    flow = await shopper.flow()
    assert flow.customer is not None
    assert flow.customer.name == NAME


async def test_whoever_a_person_identified_saves_no_passkey() -> None:
    merchant = await a_shop()
    shopper, case = await a_shopper_who_waits(merchant)
    await approve(merchant, case)
    assert not may_save_passkey(await shopper.flow())


async def test_the_answer_is_read_on_the_phone_and_a_code_goes_on_there() -> None:
    merchant = await a_shop()
    desk, case = await a_shopper_who_waits(merchant)
    await approve(merchant, case)
    await clock_on()
    phone = Shopper.at(desk.session)
    assert where_now((await phone.flow()).state, (await phone.flow()).progress) is Page.IDENTIFY
    assert (await prove_phone(phone)).outcome == "identified"
    # What the shop passed was for the browser at the desk.
    details = actions.Details(email="ivanka@example.test")
    assert (await phone.confirm(details)).order_state == "paid"


async def test_another_phone_does_not_go_on_with_what_was_approved() -> None:
    merchant = await a_shop()
    desk, case = await a_shopper_who_waits(merchant)
    await approve(merchant, case)
    stranger = Shopper.at(desk.session)
    assert (await prove_phone(stranger, "+359888999888")).outcome == "needs_bank"
    with pytest.raises(StepNotReached):
        await ask(stranger)
    assert (await desk.flow()).identified


async def test_declined_it_is_over_and_nobody_became_a_customer() -> None:
    merchant = await a_shop()
    shopper, case = await a_shopper_who_waits(merchant)
    await approve(merchant, case, Answer("declined", "stf_1", "Did not answer"))
    flow = await shopper.flow()
    assert (flow.state, flow.order_state) == ("declined", "cancelled")
    assert await db.fetch_value("SELECT count(*) FROM customers") == 0
    assert await db.fetch_value("SELECT count(*) FROM credit_decisions") == 0
    assert await check_books() == []


async def test_the_shopper_may_choose_another_plan_or_cancel_while_waiting() -> None:
    merchant = await a_shop()
    shopper, _ = await a_shopper_who_waits(merchant)
    await go_on_without(shopper.session, shopper.browser)
    await shopper.choose("instalments", months=6)
    await ask(shopper)
    flow = await shopper.flow()
    assert await cancel_session(merchant.id, shopper.session, actor="shopper", now=flow.now)
    assert await waiting(merchant.id) == ()
    assert await check_books() == []


async def clock_on() -> None:
    """A phone gets a code a minute."""
    await db.in_tx(lambda: clock.set_offset_s(61))


async def test_a_wallet_needs_somebody_who_says_who_is_paying_and_no_decision_on_credit() -> None:
    merchant = await switched(await a_shop())
    shopper, case = await a_shopper_who_waits(merchant)
    await approve(merchant, case)
    customer = (await shopper.flow()).customer
    assert customer is not None
    await shopper.confirm(Details(email="ivanka@example.test"))
    await given(merchant, customer.public_id, 20_000)
    decided = await db.fetch_value("SELECT count(*) FROM credit_decisions")

    again = Shopper.at(await a_session(merchant))
    await pay_all_from_wallet(again)
    await db.in_tx(lambda: clock.set_offset_s(61))
    await prove_phone(again)
    await ask(again)
    [case] = await waiting(merchant.id)
    await approve(merchant, case)
    after = await actions.set_aside(await again.flow())
    assert after.money_aside
    await again.confirm(Details(email="ivanka@example.test"))
    assert await db.fetch_value("SELECT count(*) FROM credit_decisions") == decided
    assert await check_books() == []
