"""What people do besides going straight ahead: back, reload, twice, in two tabs, in two browsers, by keyboard."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import expect

from e2e import flows
from e2e.browsing import Phone, storage_of
from e2e.conftest import Phones
from e2e.pages.flow import ConfirmPage, IdentifyPage, MethodPage, OutcomePage
from e2e.sandbox import Sandbox, Shopper
from e2e.shop import Session, Shop
from e2e.world import World


def comes_to_confirm(phone: Phone, sandbox: Sandbox, shop: Shop) -> tuple[Shopper, Session]:
    shopper = sandbox.shopper("returning")
    session = shop.open_session(knows=shopper)
    phone.open(session.path)
    flows.chooses_invoice(phone)
    flows.proves_the_phone(phone, sandbox, shopper)
    ConfirmPage(phone).shown()
    return shopper, session


def test_a_returning_shopper_needs_six_taps_or_fewer_and_types_the_code_alone(
    phone: Phone, sandbox: Sandbox, shop: Shop
) -> None:
    shopper = sandbox.shopper("returning")
    phone.open(shop.open_session(knows=shopper).path)

    flows.a_returning_shopper_pays_by_code(phone, sandbox, shopper)

    assert phone.taps <= 6
    assert phone.typed == 1


def test_every_step_survives_a_reload(any_phone: Phone, sandbox: Sandbox, shop: Shop) -> None:
    shopper = sandbox.shopper("returning")
    any_phone.open(shop.open_session(knows=shopper).path)
    any_phone.reload()
    flows.chooses_invoice(any_phone)
    any_phone.reload()
    page = IdentifyPage(any_phone).shown().send_code()
    any_phone.reload()
    expect(page.code).to_be_visible()
    page.type_code(sandbox.code_of(shopper))
    ConfirmPage(any_phone).shown()
    any_phone.reload()
    ConfirmPage(any_phone).shown().confirm()
    OutcomePage(any_phone).confirmed()
    any_phone.reload()
    OutcomePage(any_phone).confirmed()


def test_the_back_button_leads_through_the_steps_and_never_out_of_the_end(
    any_phone: Phone, sandbox: Sandbox, shop: Shop
) -> None:
    shopper = sandbox.shopper("returning")
    session = shop.open_session(knows=shopper)
    any_phone.open(session.path)
    flows.chooses_invoice(any_phone)
    any_phone.back()
    MethodPage(any_phone).shown()
    flows.chooses_invoice(any_phone, "On paper")
    flows.proves_the_phone(any_phone, sandbox, shopper)
    ConfirmPage(any_phone).shown()

    # Whoever is identified is not asked again: back leads to what there is to check.
    any_phone.back()
    ConfirmPage(any_phone).shown()
    expect(any_phone.tab.get_by_text(shopper.street)).to_be_visible()
    ConfirmPage(any_phone).confirm()
    OutcomePage(any_phone).confirmed()

    any_phone.back()
    OutcomePage(any_phone).confirmed()
    expect(any_phone.tab.get_by_text(shopper.street)).to_have_count(0)


def test_changing_the_plan_at_the_end_asks_nobody_who_they_are_again(
    any_phone: Phone, sandbox: Sandbox, shop: Shop
) -> None:
    _, session = comes_to_confirm(any_phone, sandbox, shop)

    ConfirmPage(any_phone).change_plan()
    MethodPage(any_phone).shown().choose_instalments().pick_months(6).go_on()
    ConfirmPage(any_phone).shown().confirm()

    OutcomePage(any_phone).confirmed()
    assert shop.order_of(session)["quote"]["method"] == "instalments"


def test_a_double_tap_buys_once(any_phone: Phone, sandbox: Sandbox, shop: Shop, world: World) -> None:
    _, session = comes_to_confirm(any_phone, sandbox, shop)

    any_phone.double_tap(ConfirmPage(any_phone).button)

    OutcomePage(any_phone).confirmed()
    # Whatever was due is done when the clock has moved: no second message can be on its way.
    sandbox.advance(1)
    assert sorted(shop.events_of(session)) == ["order.paid", "session.confirmed"]
    told = [
        json.loads(message.body) for message in sandbox.messages("", "webhook") if session.id in message.body
    ]
    assert sorted(one["type"] for one in told) == ["order.paid", "session.confirmed"]
    assert sum(session.reference in mail.body for mail in sandbox.messages("", "email")) <= 1


def test_two_posts_of_one_confirmation_make_one_purchase(phone: Phone, sandbox: Sandbox, shop: Shop) -> None:
    """The same form sent from two tabs at once, below any script that would hold the second one back."""
    _, session = comes_to_confirm(phone, sandbox, shop)
    script = """async () => {
        const form = document.querySelector('input[name=shown]').form;
        const send = () => fetch(form.action, {method: 'POST', body: new URLSearchParams(new FormData(form))});
        const answers = await Promise.all([send(), send()]);
        return answers.map((answer) => [answer.status, new URL(answer.url).pathname]);
    }"""

    answers = phone.tab.evaluate(script)

    assert answers == [[200, f"{session.path}/outcome"]] * 2
    sandbox.advance(1)
    assert sorted(shop.events_of(session)) == ["order.paid", "session.confirmed"]


def test_two_tabs_are_led_to_where_the_purchase_is(any_phone: Phone, sandbox: Sandbox, shop: Shop) -> None:
    shopper = sandbox.shopper("returning")
    session = shop.open_session(knows=shopper)
    any_phone.open(session.path)
    flows.chooses_invoice(any_phone)
    late = any_phone.second_tab()
    late.open(session.path + "/confirm")
    IdentifyPage(late).shown()

    flows.proves_the_phone(any_phone, sandbox, shopper)
    ConfirmPage(any_phone).shown()
    # The other tab still shows step 2; its button leads on instead of asking again.
    late.tap(late.button("Send code"))
    ConfirmPage(late).shown().confirm()
    OutcomePage(late).confirmed()

    # The first tab's confirmation comes too late, and is told how it ended.
    ConfirmPage(any_phone).confirm()
    OutcomePage(any_phone).confirmed()
    assert sorted(shop.events_of(session)) == ["order.paid", "session.confirmed"]


def test_a_confirmation_of_a_plan_that_was_changed_in_another_tab_is_asked_again(
    any_phone: Phone, sandbox: Sandbox, shop: Shop
) -> None:
    _, session = comes_to_confirm(any_phone, sandbox, shop)
    other = any_phone.second_tab()
    other.open(session.path)
    MethodPage(other).shown().choose_instalments().pick_months(6).go_on()
    ConfirmPage(other).shown()

    ConfirmPage(any_phone).confirm()

    ConfirmPage(any_phone).shown()
    expect(any_phone.heading("Instalments")).to_be_visible()
    assert shop.state_of(session) == "open"


def test_another_browser_starts_at_who_is_paying_and_sees_nothing_personal(
    any_phone: Phone, new_phone: Phones, sandbox: Sandbox, shop: Shop
) -> None:
    shopper, session = comes_to_confirm(any_phone, sandbox, shop)
    stranger = new_phone(has_script=any_phone.has_script)

    stranger.open(session.path + "/confirm")
    IdentifyPage(stranger).shown()
    shows_nothing_of(shopper, stranger)

    ConfirmPage(any_phone).confirm()
    OutcomePage(any_phone).confirmed()
    stranger.reload()
    OutcomePage(stranger).confirmed()
    shows_nothing_of(shopper, stranger)


def shows_nothing_of(shopper: Shopper, phone: Phone) -> None:
    shown = phone.tab.content()
    for fact in (
        shopper.name,
        shopper.phone,
        shopper.typed_phone,
        shopper.email,
        shopper.street,
        shopper.postcode,
    ):
        assert fact not in shown, fact


def test_nothing_personal_stays_in_the_browser(phone: Phone, sandbox: Sandbox, shop: Shop) -> None:
    shopper, _ = comes_to_confirm(phone, sandbox, shop)
    assert storage_of(phone.tab.context) == []
    ConfirmPage(phone).confirm()
    OutcomePage(phone).confirmed()

    assert storage_of(phone.tab.context) == []
    kept = " ".join(cookie.get("value", "") for cookie in phone.tab.context.cookies())
    for fact in (shopper.name, shopper.phone, shopper.email):
        assert fact not in kept
    shows_nothing_of(shopper, phone)


def test_the_whole_purchase_by_keyboard_alone(phone: Phone, sandbox: Sandbox, shop: Shop) -> None:
    shopper = sandbox.shopper("returning")
    phone.open(shop.open_session(knows=shopper).path)
    keyboard = phone.tab.keyboard

    # Of a group of radios without a choice, Tab reaches the first; arrow keys look around in it, and nothing is sent
    # by them.
    tab_to(phone, "radio", "Wallet")
    for way in ("Card", "MobilePay", "Invoice", "Instalments"):
        keyboard.press("ArrowDown")
        expect(phone.radio(way)).to_be_checked()
    keyboard.press("ArrowUp")
    expect(phone.radio("Invoice")).to_be_checked()
    tab_to(phone, "radio", "By e-mail")
    keyboard.press("Space")
    tab_to(phone, "button", "Continue")
    keyboard.press("Enter")

    IdentifyPage(phone).shown()
    expect(phone.heading("Who is paying?")).to_be_focused()
    tab_to(phone, "button", "Send code")
    keyboard.press("Enter")
    expect(IdentifyPage(phone).code).to_be_visible()
    tab_to(phone, "textbox", "Code from the SMS")
    keyboard.type(sandbox.code_of(shopper))

    ConfirmPage(phone).shown()
    expect(phone.heading("Check and confirm")).to_be_focused()
    tab_to(phone, "button", "Confirm purchase")
    keyboard.press("Enter")
    OutcomePage(phone).confirmed()
    expect(phone.heading("Purchase confirmed")).to_be_focused()


def tab_to(phone: Phone, role: str, name: str) -> None:
    """Presses Tab until the thing of that name has the focus, as often as it takes a whole page at most."""
    target = phone.tab.get_by_role(role, name=phone.words(name), exact=True)  # type: ignore[arg-type]
    for _ in range(40):
        if target.evaluate("element => element === document.activeElement"):
            return
        phone.tab.keyboard.press("Tab")
    pytest.fail(f"Tab never reaches {role} {name!r}")


def test_wrong_input_stays_as_it_was_typed_and_the_field_says_what_is_wrong(
    any_phone: Phone, shop: Shop
) -> None:
    any_phone.open(shop.open_session().path)
    any_phone.tap(any_phone.button("Continue"))
    expect(any_phone.text("Choose how you want to pay.").first).to_be_visible()
    flows.chooses_invoice(any_phone)

    IdentifyPage(any_phone).fill_in("123", "not a number")
    any_phone.tap(any_phone.button("Send code"))

    expect(any_phone.heading("Something is missing or not right")).to_be_visible()
    expect(any_phone.textbox("Postcode")).to_have_value("123")
    expect(any_phone.textbox("Mobile phone")).to_have_value("not a number")
    expect(any_phone.textbox("Postcode")).to_have_accessible_description(re.compile("Check the postcode"))
