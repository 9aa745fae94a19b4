"""A customer's own pages: money that came back buys again, points become money, goods go back; nobody else looks."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from e2e import flows, walks
from e2e.browsing import Phone
from e2e.conftest import Phones
from e2e.pages.account import AccountFrame, SignInPage
from e2e.pages.bank import BankPage
from e2e.pages.flow import ConfirmPage, OutcomePage
from e2e.pages.own_wallet import WalletPage
from e2e.pages.purchases import PurchasePage, PurchasesPage
from e2e.sandbox import Sandbox, Shopper
from e2e.shop import Session
from e2e.world import World

A_DAY = 86_400


def bought(world: World, shopper: Shopper, price_minor: int = 129_00) -> Session:
    """By bank: somebody's first purchase in this shop."""
    session = world.shop.open_session(price_minor, knows=shopper)
    walks.to_outcome_by_bank(world, session, shopper)
    return session


def given_back(world: World, session: Session, amount_minor: int) -> None:
    """The shop's program refunds a part of what was paid, into the wallet."""
    asked = {"amount_minor": amount_minor, "refundable_minor": session.total_minor, "to": "wallet"}
    answer = world.shop.client.post(
        f"/api/v1/orders/{session.order_id}/refunds",
        json=asked,
        headers={"Idempotency-Key": f"account-{session.order_id}"},
    )
    assert answer.status_code == 201, answer.text


def signs_in_by_bank(phone: Phone, shopper: Shopper, wanted: str = "/wallet") -> None:
    phone.open(wanted)
    SignInPage(phone).shown()
    phone.tap(phone.link("Identify with my bank"))
    BankPage(phone).identify_as(shopper)


def test_money_that_came_back_buys_again_and_each_cent_is_explained(
    phone: Phone, world: World, sandbox: Sandbox
) -> None:
    """W1, W2, W5, W8, W9, W11."""
    shopper = sandbox.shopper("first-timer")
    first = bought(world, shopper)
    given_back(world, first, 40_00)
    second = world.shop.open_session(30_00, knows=shopper)
    phone.open(second.path)
    flows.chooses_invoice(phone)
    flows.identifies_at_the_bank(phone, shopper)
    ConfirmPage(phone).shown()
    phone.tap(phone.tab.locator('button[form="use-wallet"]'))
    expect(phone.text("Taken from your wallet")).to_be_visible()
    ConfirmPage(phone).confirm()
    OutcomePage(phone).confirmed()

    signs_in_by_bank(phone, shopper)

    wallet = WalletPage(phone).shown().holds("€10.00")
    wallet.tells(
        (f"Paid for a purchase {second.reference}", "-€30.00", "€10.00"),
        (f"Money back for a purchase {first.reference}", "+€40.00", "€40.00"),
    )
    phone.tap(phone.link(second.reference))
    phone.sees(f"Purchase {second.reference}")
    expect(phone.text("Paid from your wallet")).to_be_visible()


def test_the_same_figures_stand_in_the_statement(phone: Phone, world: World, sandbox: Sandbox) -> None:
    shopper = sandbox.shopper("first-timer")
    given_back(world, bought(world, shopper), 25_50)
    signs_in_by_bank(phone, shopper)
    WalletPage(phone).shown().holds("€25.50")
    with phone.tab.expect_download() as coming:
        phone.tap(phone.link("Statement as CSV"))
    text = coming.value.path().read_text(encoding="utf-8-sig")
    rows = list(csv.reader(io.StringIO(text)))
    assert [row[3:] for row in rows[1:]] == [["25.50", "", "25.50", "EUR"]]


def test_points_become_money_once_however_often_the_button_is_tapped(
    phone: Phone, world: World, sandbox: Sandbox, moved_clock: Callable[[int], None]
) -> None:
    """W3, W4. A purchase earns a point for each euro; they can be used when the days for returning are over."""
    shopper = sandbox.shopper("first-timer")
    bought(world, shopper, 249_00)
    moved_clock(15 * A_DAY)
    signs_in_by_bank(phone, shopper)
    wallet = WalletPage(phone).shown().holds("€0.00")
    phone.double_tap(wallet.turn)
    expect(phone.text("Your points are money now. The newest movement below shows it.")).to_be_visible()
    wallet.holds("€2.00").tells(("Points turned into money", "+€2.00", "€2.00"))
    expect(wallet.turn).to_have_count(0)


def test_a_return_is_announced_from_the_purchase_and_its_number_stands_on_the_page(
    any_phone: Phone, world: World, sandbox: Sandbox
) -> None:
    """W7: what each way gives is told in money before one is chosen."""
    shopper = sandbox.shopper("first-timer")
    session = bought(world, shopper)
    signs_in_by_bank(any_phone, shopper, "/purchases")
    purchase = PurchasesPage(any_phone).shown().look_at(session.order_id)
    back = purchase.begin_return().choose("Wool blanket", 1)
    back.offers("Into your wallet", "€129.00").offers("The way you paid", "€129.00")
    back.announce("Into your wallet").announced()
    any_phone.open(f"/purchases/{session.order_id}")
    expect(any_phone.text("Announced")).to_be_visible()


def test_a_code_with_the_postcode_opens_what_somebody_bought(
    any_phone: Phone, world: World, sandbox: Sandbox
) -> None:
    """The phone was only claimed until now: a right code on it, with the postcode, says whose it is."""
    shopper = sandbox.shopper("first-timer")
    session = bought(world, shopper)
    any_phone.open("/purchases")
    page = SignInPage(any_phone).shown().send_code_to(shopper)
    page.type_code(sandbox.code_of(shopper))
    PurchasesPage(any_phone).shown().look_at(session.order_id)
    any_phone.sees(f"Purchase {session.reference}")
    expect(PurchasePage(any_phone).documents.first).to_be_visible()


def test_after_signing_out_nothing_of_a_customer_is_left_in_the_browser(
    phone: Phone, world: World, sandbox: Sandbox
) -> None:
    shopper = sandbox.shopper("first-timer")
    given_back(world, bought(world, shopper), 25_50)
    signs_in_by_bank(phone, shopper)
    WalletPage(phone).shown().holds("€25.50")
    AccountFrame(phone).sign_out()
    for go in (phone.back, phone.reload, lambda: phone.open("/wallet")):
        go()
        SignInPage(phone).shown()
        expect(phone.tab.get_by_text("€25.50")).to_have_count(0)
    assert phone.tab.evaluate("() => localStorage.length + sessionStorage.length") == 0


def test_signing_out_everywhere_ends_the_other_phone_too(
    phone: Phone, new_phone: Phones, world: World, sandbox: Sandbox
) -> None:
    shopper = sandbox.shopper("first-timer")
    bought(world, shopper)
    other = new_phone()
    for each in (phone, other):
        signs_in_by_bank(each, shopper, "/purchases")
        PurchasesPage(each).shown()
    phone.open("/account")
    phone.tap(phone.button("Sign out everywhere"))
    SignInPage(phone).shown()
    other.open("/purchases")
    SignInPage(other).shown()


@pytest.mark.parametrize("path", ["/wallet", "/purchases", "/wallet/payout?shop=me_x"])
def test_a_stranger_sees_where_to_sign_in_and_nothing_else(phone: Phone, path: str) -> None:
    phone.open(path)
    SignInPage(phone).shown()
