"""A customer's own pages: money that came back buys again, points become money, goods go back; nobody else looks."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect

from e2e import flows
from e2e.browsing import Phone
from e2e.pages.flow import ConfirmPage, MethodPage, OutcomePage
from e2e.pages.wallet import WalletInTheFlow
from e2e.sandbox import Sandbox
from e2e.shop import Shop
from e2e.wallets import fill_wallet
from e2e.world import World

BY_INVOICE = " and pay the rest by invoice"


def test_the_wallet_pays_all_of_it_without_a_word_of_credit(
    any_phone: Phone, world: World, sandbox: Sandbox, shop: Shop
) -> None:
    shopper = sandbox.shopper("returning")
    fill_wallet(world, shopper, 150_00)
    session = shop.open_session(129_00, knows=shopper)
    any_phone.open(session.path)

    WalletInTheFlow(any_phone).choose()
    flows.proves_the_phone(any_phone, sandbox, shopper)
    page = ConfirmPage(any_phone).shown()
    expect(WalletInTheFlow(any_phone).figure("Left in it afterwards")).to_have_text("€21.00")
    expect(any_phone.text("Caution! Borrowing money costs money.")).to_have_count(0)
    page.confirm()
    OutcomePage(any_phone).confirmed()

    order = shop.order_of(session)
    assert (order["quote"]["method"], order["quote"]["wallet_minor"]) == ("wallet", 129_00)
    assert order["quote"]["total_payable_minor"] == 0


def test_a_wallet_that_is_not_enough_pays_its_part_with_one_tap(
    any_phone: Phone, world: World, sandbox: Sandbox, shop: Shop
) -> None:
    shopper = sandbox.shopper("returning")
    fill_wallet(world, shopper, 12_40)
    session = shop.open_session(129_00, knows=shopper)
    any_phone.open(session.path)

    WalletInTheFlow(any_phone).choose()
    flows.proves_the_phone(any_phone, sandbox, shopper)
    WalletInTheFlow(any_phone).short().use("€12.40", BY_INVOICE)
    page = ConfirmPage(any_phone).shown()
    expect(WalletInTheFlow(any_phone).figure("You pay in all")).to_have_text("€116.60")
    page.confirm()
    OutcomePage(any_phone).confirmed()

    quote = shop.order_of(session)["quote"]
    assert (quote["method"], quote["wallet_minor"], quote["amount_minor"]) == ("invoice", 12_40, 116_60)


def test_one_tap_uses_the_wallet_one_tap_leaves_it_and_back_and_reload_keep_the_choice(
    any_phone: Phone, world: World, sandbox: Sandbox, shop: Shop
) -> None:
    shopper = sandbox.shopper("returning")
    fill_wallet(world, shopper, 12_40)
    session = shop.open_session(129_00, knows=shopper)
    any_phone.open(session.path)
    flows.chooses_invoice(any_phone)
    flows.proves_the_phone(any_phone, sandbox, shopper)
    ConfirmPage(any_phone).shown()
    wallet = WalletInTheFlow(any_phone)
    total = wallet.figure("You pay in all")

    wallet.use("€12.40")
    expect(total).to_have_text("€116.60")
    any_phone.tab.reload()
    expect(total).to_have_text("€116.60")
    wallet.leave_it()
    expect(total).to_have_text("€129.00")
    wallet.use("€12.40")
    expect(total).to_have_text("€116.60")

    ConfirmPage(any_phone).change_plan()
    MethodPage(any_phone).shown()
    any_phone.tab.go_back()
    ConfirmPage(any_phone).shown().confirm()
    OutcomePage(any_phone).confirmed()
    assert shop.order_of(session)["quote"]["wallet_minor"] == 12_40


def test_what_a_second_tab_has_spent_is_told_in_the_first(
    phone: Phone,
    world: World,
    sandbox: Sandbox,
    shop: Shop,
    new_phone: Callable[[], Phone],
    moved_clock: Callable[[int], None],
) -> None:
    shopper = sandbox.shopper("returning")
    fill_wallet(world, shopper, 150_00)
    first, second = (shop.open_session(129_00, knows=shopper) for _ in range(2))
    phone.open(first.path)
    flows.chooses_invoice(phone)
    flows.proves_the_phone(phone, sandbox, shopper)
    ConfirmPage(phone).shown()

    moved_clock(61)
    other = new_phone()
    other.open(second.path)
    WalletInTheFlow(other).choose()
    flows.proves_the_phone(other, sandbox, shopper)
    ConfirmPage(other).shown().confirm()
    OutcomePage(other).confirmed()

    WalletInTheFlow(phone).pay_all("€129.00").short().use("€21.00", BY_INVOICE)
    ConfirmPage(phone).shown().confirm()
    OutcomePage(phone).confirmed()
    assert shop.order_of(first)["quote"]["wallet_minor"] == 21_00
