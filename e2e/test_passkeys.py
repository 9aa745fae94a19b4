"""Passkeys in a real browser: saved once after the bank, then a purchase without a single character typed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from e2e import flows
from e2e.browsing import Phone
from e2e.conftest import Phones
from e2e.pages.flow import ConfirmPage, IdentifyPage, MethodPage, OutcomePage
from e2e.pages.passkeys import CHALLENGE, Holder, PasskeyPages
from e2e.sandbox import Sandbox
from e2e.shop import Shop


@pytest.fixture
def a_saved_passkey(phone: Phone, sandbox: Sandbox, shop: Shop) -> Callable[[], Holder]:
    """The phone's owner has bought once by bank, and saved a passkey after it."""

    def buy() -> Holder:
        shopper = sandbox.shopper("first-timer")
        holder = Holder.of(phone)
        phone.open(shop.open_session(knows=shopper).path)
        flows.chooses_invoice(phone)
        flows.identifies_at_the_bank(phone, shopper)
        ConfirmPage(phone).shown().confirm()
        PasskeyPages(phone).save()
        return holder

    return buy


def test_the_second_purchase_needs_no_character_typed(
    phone: Phone, shop: Shop, a_saved_passkey: Callable[[], Holder]
) -> None:
    holder = a_saved_passkey()
    assert len(holder.passkeys) == 1
    holder.is_touched(at_once=False)
    session = shop.open_session()
    phone.open(session.path)
    phone.typed = 0

    # What the browser offers by itself has asked, and waits: touched before the press, it would lead on without one.
    with phone.tab.expect_response(CHALLENGE):
        flows.chooses_invoice(phone)
    PasskeyPages(phone).use_and_touch(holder)
    ConfirmPage(phone).shown().confirm()
    OutcomePage(phone).confirmed()

    assert phone.typed == 0
    assert shop.order_of(session)["state"] == "paid"
    expect(PasskeyPages(phone).offer).to_have_count(0)


def test_the_browser_offers_the_passkey_where_the_phone_number_would_be_typed(
    phone: Phone, shop: Shop, a_saved_passkey: Callable[[], Holder]
) -> None:
    """Nobody presses anything of ours: what stands in for the shopper picks what the browser offers."""
    a_saved_passkey()
    session = shop.open_session()
    phone.open(session.path)

    MethodPage(phone).shown().choose_invoice().go_on()

    ConfirmPage(phone).shown().confirm()
    OutcomePage(phone).confirmed()
    assert shop.order_of(session)["state"] == "paid"


def test_a_passkey_that_is_removed_opens_nothing_any_more(
    phone: Phone, shop: Shop, a_saved_passkey: Callable[[], Holder]
) -> None:
    holder = a_saved_passkey()
    PasskeyPages(phone).see_all()
    PasskeyPages(phone).remove()
    expect(phone.text("You have no passkeys here.")).to_be_visible()
    phone.tap(phone.link("Back"))
    OutcomePage(phone).confirmed()

    holder.is_touched(at_once=False)
    phone.open(shop.open_session().path)
    flows.chooses_invoice(phone)
    expect(PasskeyPages(phone).link).to_be_visible()
    holder.is_touched(at_once=True)
    PasskeyPages(phone).use()

    expect(phone.tab.get_by_text("We do not know this passkey.")).to_be_visible()
    IdentifyPage(phone).shown()


def test_whoever_cannot_unlock_the_device_is_told_and_every_other_way_stays(
    phone: Phone, sandbox: Sandbox, shop: Shop, a_saved_passkey: Callable[[], Holder]
) -> None:
    holder = a_saved_passkey()
    holder.unlocks(right=False)
    shopper = sandbox.shopper("returning")
    phone.open(shop.open_session(knows=shopper).path)
    flows.chooses_invoice(phone)

    PasskeyPages(phone).use()
    told = phone.words("No passkey was used. Try again, or choose another way.")
    expect(phone.tab.get_by_text(told)).to_be_visible()

    flows.proves_the_phone(phone, sandbox, shopper)
    ConfirmPage(phone).shown()


def test_without_scripts_or_without_passkeys_in_the_browser_nothing_of_them_is_seen(
    new_phone: Phones, sandbox: Sandbox, shop: Shop
) -> None:
    shopper = sandbox.shopper("first-timer")
    plain, old = new_phone(has_script=False), new_phone(fresh=True)
    old.tab.add_init_script("delete window.PublicKeyCredential")
    for phone in (plain, old):
        phone.open(shop.open_session(knows=shopper).path)
        flows.chooses_invoice(phone)
        expect(PasskeyPages(phone).link).to_be_hidden()
        flows.identifies_at_the_bank(phone, shopper)
        ConfirmPage(phone).shown().confirm()
        OutcomePage(phone).confirmed()
        expect(PasskeyPages(phone).offer).to_be_hidden()
