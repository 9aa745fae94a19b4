"""What a shopper adds to an order themselves: how it comes, and an insurance that they can give up again."""

from __future__ import annotations

from playwright.sync_api import expect

from e2e import extras_states, flows
from e2e.browsing import Phone
from e2e.pages.bank import BankPage
from e2e.pages.flow import ConfirmPage, MethodPage, OutcomePage
from e2e.sandbox import Sandbox
from e2e.shop import Shop
from e2e.world import World


def test_a_shopper_chooses_delivery_by_postcode_takes_an_insurance_and_gives_it_up(
    any_phone: Phone, world: World, sandbox: Sandbox, shop: Shop
) -> None:
    shopper = sandbox.shopper("first-timer")
    session = extras_states.a_session(world)
    phone = any_phone
    phone.open(session.path)
    phone.sees("Delivery and payment")

    # Who delivers depends on the place; the sum above follows each choice, with scripts or at the press of a button.
    expect(phone.radio(extras_states.PARCEL)).to_have_count(0)
    phone.type(phone.textbox("Postcode of the place to deliver to"), shopper.postcode)
    phone.tap(phone.button("Update").first)
    phone.choose(phone.radio(extras_states.PARCEL))
    _update(phone)
    _total(phone, "€303.90")
    phone.choose(phone.radio(f"Yes, {extras_states.COVER}"))
    _update(phone)
    _total(phone, "€327.82")
    MethodPage(phone).choose_invoice().go_on()

    flows.identifies_at_the_bank(phone, shopper)
    ConfirmPage(phone).shown().fill_in_email(shopper.email).confirm()
    OutcomePage(phone).confirmed()
    order = shop.order_of(session)
    assert [(line["origin"], line["total_minor"]) for line in order["lines"]] == [
        ("shop", 299_00),
        ("shipping", 4_90),
        ("insurance", 23_92),
    ]

    # Two taps, and the money comes off what is owed.
    sandbox.advance(1)
    mails = sandbox.messages(shopper.email, "email")
    assert sum("insurance" in (mail.subject or "").casefold() for mail in mails) == 1
    phone.open("/account")
    phone.tap(phone.link("Identify with my bank"))
    BankPage(phone).identify_as(shopper)
    phone.sees("Purchases")
    phone.open(f"/purchases/{session.order_id}")
    phone.tap(phone.link("Cancel the insurance"))
    phone.tap(phone.button("Cancel the insurance"))
    phone.sees("The insurance is cancelled")
    assert shop.order_of(session)["refundable_minor"] == 303_90


def _update(phone: Phone) -> None:
    """By itself with scripts; without, at the press of a button."""
    if phone.has_script:
        phone.settles()
    else:
        phone.tap(phone.button("Update").first)


def _total(phone: Phone, amount: str) -> None:
    expect(phone.tab.locator(".order .total")).to_have_text(amount)
