"""Where no electronic identity exists: a shopper, their phone, and the person who says who they are."""

from __future__ import annotations

import pytest

from e2e import flows
from e2e.abroad import NAME, POSTCODE, a_shop_abroad, new_phone_number
from e2e.browsing import Phone
from e2e.pages.flow import ConfirmPage, IdentifyPage, OutcomePage
from e2e.world import World

# The first one makes the shop too, by three commands that each start the program anew.
pytestmark = pytest.mark.timeout(180)


def test_a_shopper_abroad_waits_for_a_person_and_buys_under_the_name_that_was_checked(
    any_phone: Phone, world: World
) -> None:
    abroad = a_shop_abroad(world)
    session, number = abroad.shop.open_session(), new_phone_number()
    any_phone.open(session.path)
    flows.chooses_invoice(any_phone)
    page = IdentifyPage(any_phone).fill_in(POSTCODE, number).send_code()
    page.type_code(abroad.code_to(number))
    any_phone.type(any_phone.textbox("Your full name"), "Ivanka P.")
    any_phone.tap(any_phone.button("Let a person check"))
    OutcomePage(any_phone).waiting()
    assert (abroad.shop.state_of(session), abroad.shop.order_of(session)["state"]) == ("held", "held")

    checked = ["I have seen a passport or identity card"]
    checked.append("I have seen papers on income and debts, and this plan can be repaid")
    abroad.at_the_case(session).press("Approve", {"Name, as you have checked it": NAME}, chosen=checked)

    told = abroad.sandbox.next_message(number, "sms")
    assert told.body.endswith(f"{session.path}/outcome")
    any_phone.open(f"{session.path}/outcome")
    confirm = ConfirmPage(any_phone).shown()
    assert any_phone.text(NAME).is_visible()
    confirm.fill_in_email("ivanka@example.test").confirm()
    OutcomePage(any_phone).confirmed()
    assert abroad.shop.order_of(session)["state"] == "paid"


def test_declined_abroad_the_shopper_reads_that_nothing_was_decided_about_credit(
    any_phone: Phone, world: World
) -> None:
    abroad = a_shop_abroad(world)
    session = abroad.shop.open_session()
    cookies = abroad.to_wait(session).cookies
    abroad.at_the_case(session).press("Decline", {"Note": "Did not pick up."})
    any_phone.tab.context.add_cookies(
        [{"name": name, "value": value, "url": world.base_url} for name, value in cookies.items()]
    )
    any_phone.open(f"{session.path}/outcome")
    OutcomePage(any_phone).declined()
    text = "A person could not make sure who you are. This says nothing about your finances: "
    any_phone.text(f"{text}nothing was decided about credit.").wait_for()
    assert abroad.shop.state_of(session) == "declined"
