"""The shopper's stories in a real browser, as a phone shows them, each with JavaScript on and off."""

from __future__ import annotations

import re

from playwright.sync_api import Route, expect

from e2e import flows
from e2e.browsing import Phone
from e2e.conftest import Phones
from e2e.pages.bank import BankPage
from e2e.pages.flow import ConfirmPage, IdentifyPage, MethodPage, OutcomePage, WayOut
from e2e.sandbox import Sandbox
from e2e.shop import Shop


def test_a_returning_shopper_pays_by_code(any_phone: Phone, sandbox: Sandbox, shop: Shop) -> None:
    shopper = sandbox.shopper("returning")
    session = shop.open_session(knows=shopper)
    any_phone.open(session.path)

    flows.a_returning_shopper_pays_by_code(any_phone, sandbox, shopper)

    assert shop.state_of(session) == "confirmed"
    assert shop.order_of(session)["state"] == "paid"


def test_a_returning_shopper_whom_the_shop_does_not_know_types_postcode_and_phone(
    any_phone: Phone, sandbox: Sandbox, shop: Shop
) -> None:
    shopper = sandbox.shopper("returning")
    session = shop.open_session()
    any_phone.open(session.path)

    flows.a_returning_shopper_types_everything(any_phone, sandbox, shopper)

    assert shop.order_of(session)["state"] == "paid"


def test_a_first_timer_pays_by_bank_and_the_next_time_the_code_is_enough(
    any_phone: Phone, sandbox: Sandbox, shop: Shop
) -> None:
    shopper = sandbox.shopper("first-timer")
    any_phone.open(shop.open_session(knows=shopper).path)
    flows.a_first_timer_pays_by_code_and_bank(any_phone, sandbox, shopper)

    # The next code for this phone may be asked for a minute later.
    sandbox.advance(61)
    again = shop.open_session(knows=shopper)
    any_phone.open(again.path)
    flows.a_returning_shopper_pays_by_code(any_phone, sandbox, shopper)

    assert shop.order_of(again)["state"] == "paid"


def test_somebody_without_a_phone_pays_by_bank(any_phone: Phone, sandbox: Sandbox, shop: Shop) -> None:
    shopper = sandbox.shopper("no-phone")
    session = shop.open_session()
    any_phone.open(session.path)

    flows.somebody_without_phone_pays_by_bank(any_phone, shopper)

    assert shop.order_of(session)["state"] == "paid"


def test_a_refusal_says_why_what_would_pass_and_leads_on(
    any_phone: Phone, sandbox: Sandbox, shop: Shop
) -> None:
    shopper = sandbox.shopper("declined")
    session = shop.open_session(450_00, knows=shopper)
    any_phone.open(session.path)

    flows.a_shopper_is_refused(any_phone, sandbox, shopper)

    expect(any_phone.text("Nothing was bought and nothing is charged.")).to_be_visible()
    expect(any_phone.heading("Why")).to_be_visible()
    expect(any_phone.heading("What would be possible")).to_be_visible()
    expect(any_phone.tab.get_by_text("hello@havu-kivi.example")).to_be_visible()
    assert shop.state_of(session) == "open"
    OutcomePage(any_phone).choose_another_plan()
    MethodPage(any_phone).shown()


def test_a_purchase_in_instalments(any_phone: Phone, sandbox: Sandbox, shop: Shop) -> None:
    shopper = sandbox.shopper("returning")
    session = shop.open_session(360_00, knows=shopper)
    any_phone.open(session.path)

    flows.a_returning_shopper_pays_in_instalments(any_phone, sandbox, shopper, months=6)

    quote = shop.order_of(session)["quote"]
    assert (quote["method"], quote["months"]) == ("instalments", 6)


def test_months_and_monthly_amount_follow_each_other_and_every_figure_is_there_before_going_on(
    any_phone: Phone, shop: Shop
) -> None:
    any_phone.open(shop.open_session(360_00).path)
    page = MethodPage(any_phone).choose_instalments()
    page.pick_months(12)
    by_months = page.monthly.input_value()
    expect(page.figure("Last payment")).to_have_count(1)

    page.pick_months(3)
    expect(page.monthly).not_to_have_value(by_months)
    page.pick_monthly(by_months)
    expect(page.months).to_have_value("12")

    expect(page.months).to_be_visible()
    for term in ("Fees", "Annual percentage rate (APR)", "First payment", "Last payment"):
        expect(page.figure(term)).to_have_text(re.compile(r"\d"))
    expect(any_phone.tab.get_by_text(re.compile(r"^€[\d.]+ in all$")).filter(visible=True)).to_have_count(1)


def test_figures_of_a_term_that_is_no_longer_chosen_are_let_go_of_however_late_they_come(
    phone: Phone, shop: Shop
) -> None:
    phone.open(shop.open_session(360_00).path)
    page = MethodPage(phone).choose_instalments()
    page.pick_months(12)
    by_months = page.monthly.input_value()
    phone.worn = True  # what holds a request back stays with the tab
    late: list[Route] = []
    phone.tab.route(re.compile(r"[?&]months=3(&|$)"), lambda route: late.append(route))  # noqa: PLW0108 - the browser's library marks what it is given
    with phone.tab.expect_request(re.compile(r"[?&]months=3(&|$)")):
        page.pick_months(3)

    # Held back above, it never comes to an end but by being given up.
    with phone.tab.expect_event("requestfailed", lambda request: "months=3" in request.url):
        page.pick_monthly(by_months)

    expect(phone.tab.locator("#figures")).to_have_attribute("data-months", "12")
    expect(page.months).to_have_value("12")


def test_all_plans_open_side_by_side_in_place_and_the_picture_follows_the_months(
    phone: Phone, shop: Shop
) -> None:
    session = shop.open_session(749_00)
    phone.open(session.path)
    page = MethodPage(phone).choose_instalments()
    columns = phone.tab.locator("svg.columns")
    page.pick_months(3)
    expect(columns).to_have_attribute("viewBox", "0 0 28 100")
    page.pick_months(12)
    expect(columns).to_have_attribute("viewBox", "0 0 118 100")

    phone.tap(phone.tab.get_by_text("Compare all plans"))

    expect(phone.tab.get_by_role("rowheader")).to_have_count(6)
    expect(phone.tab.get_by_role("rowheader", name="36 payments")).to_be_visible()
    expect(page.months).to_have_value("12")
    expect(phone.tab.get_by_role("radio", name="Instalments")).to_be_checked()


def test_a_paper_invoice_asks_for_the_address(any_phone: Phone, sandbox: Sandbox, shop: Shop) -> None:
    shopper = sandbox.shopper("first-timer")
    session = shop.open_session(knows=shopper)
    any_phone.open(session.path)
    flows.chooses_invoice(any_phone, "On paper")
    flows.identifies_at_the_bank(any_phone, shopper)

    ConfirmPage(any_phone).shown().fill_in_address(shopper).confirm()

    OutcomePage(any_phone).confirmed()
    address = shop.order_of(session)["customer"]["address"]
    assert address == {"street": shopper.street, "city": shopper.city}


def test_a_visit_to_the_bank_that_is_given_up_or_fails_leaves_everything_as_it_was(
    any_phone: Phone, sandbox: Sandbox, shop: Shop
) -> None:
    shopper = sandbox.shopper("first-timer")
    any_phone.open(shop.open_session(knows=shopper).path)
    flows.chooses_invoice(any_phone)

    IdentifyPage(any_phone).go_to_bank()
    BankPage(any_phone).give_up()
    IdentifyPage(any_phone).shown()
    expect(any_phone.tab.get_by_text("You came back from your bank before you were done.")).to_be_visible()

    IdentifyPage(any_phone).go_to_bank()
    BankPage(any_phone).fail()
    IdentifyPage(any_phone).shown()
    expect(any_phone.tab.get_by_text("Your bank could not confirm who you are.")).to_be_visible()

    flows.identifies_at_the_bank(any_phone, shopper)
    ConfirmPage(any_phone).shown()


def test_the_purchase_is_cancelled_only_after_a_second_word(any_phone: Phone, shop: Shop) -> None:
    session = shop.open_session()
    any_phone.open(session.path)
    WayOut(any_phone).ask().stay()
    MethodPage(any_phone).shown()
    assert shop.state_of(session) == "open"

    WayOut(any_phone).ask().cancel()

    any_phone.sees("The purchase was cancelled")
    assert shop.state_of(session) == "cancelled"
    any_phone.open(session.path + "/confirm")
    any_phone.sees("The purchase was cancelled")


def test_back_to_the_shop_leads_back_with_the_session_and_nothing_else(
    any_phone: Phone, sandbox: Sandbox, shop: Shop
) -> None:
    shopper = sandbox.shopper("returning")
    session = shop.open_session(knows=shopper)
    any_phone.open(session.path)
    flows.a_returning_shopper_pays_by_code(any_phone, sandbox, shopper)

    OutcomePage(any_phone).back_to_shop()

    expect(any_phone.tab).to_have_url(f"{shop.base_url}/demo?came=back&session={session.id}")


def test_a_wrong_code_tells_how_many_tries_are_left_and_five_need_a_new_code(
    any_phone: Phone, sandbox: Sandbox, shop: Shop
) -> None:
    shopper = sandbox.shopper("returning")
    any_phone.open(shop.open_session(knows=shopper).path)
    flows.chooses_invoice(any_phone)
    page = IdentifyPage(any_phone).send_code()
    right = sandbox.code_of(shopper)
    wrong = "000000" if right != "000000" else "111111"

    for left in ("4 tries", "3 tries", "2 tries", "1 try"):
        page.type_code(wrong)
        expect(any_phone.tab.get_by_text(f"You have {left} left.").last).to_be_visible()
    page.type_code(wrong)
    expect(any_phone.tab.get_by_text("Ask for a new code.").last).to_be_visible()

    sandbox.advance(61)
    IdentifyPage(any_phone).send_code()
    page.type_code(sandbox.code_of(shopper))
    ConfirmPage(any_phone).shown()


def test_an_expired_session_says_so_at_whatever_step(
    new_phone: Phones, sandbox: Sandbox, shop: Shop, moved_clock: object
) -> None:
    shopper = sandbox.shopper("returning")
    session = shop.open_session(knows=shopper, expires_in_s=3600)
    phone = new_phone()
    phone.open(session.path)
    flows.chooses_invoice(phone)

    sandbox.advance(3601)
    phone.tap(phone.button("Send code"))

    phone.sees("This page has expired")
    assert shop.state_of(session) == "expired"
    phone.reload()
    phone.sees("This page has expired")


def test_code_and_receipt_speak_the_language_that_the_shopper_reads(
    new_phone: Phones, sandbox: Sandbox, shop: Shop
) -> None:
    for lang, code, receipt in (("en", "Your code is", "Receipt from"), ("fi", "Koodisi on", "Kuitti: ")):
        shopper = sandbox.shopper("returning")
        phone = new_phone(lang=lang)
        # The shop thinks otherwise; the shopper's own choice goes first.
        phone.open(shop.open_session(knows=shopper, locale="fi" if lang == "en" else "en").path)
        flows.a_returning_shopper_pays_by_code(phone, sandbox, shopper)

        assert code in sandbox.messages(shopper.phone, "sms")[0].body
        assert sandbox.next_message(shopper.email, "email").subject.startswith(receipt)
