"""Every page of the product in every state that looks different, each with a way to get there.

Two tables are held against it by a test: the application's routes, and the flow's own table of states and pages.
A new route, or a new state, without an entry here fails. The checks of accessibility and headers, and the gallery,
take their pages from here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from app.checkout.states import SessionState
from app.checkout.steps import OPEN_PAGES, Page, Progress, pages
from e2e import (
    abroad,
    account_states,
    admin_states,
    card_states,
    change_states,
    companies,
    demo_states,
    extras_states,
    held_states,
    import_states,
    link_admin_states,
    link_states,
    loyalty_states,
    mobilepay_states,
    order_states,
    passkey_states,
    paying_states,
    prices_states,
    recorded_states,
    return_states,
    review_states,
    rule_states,
    subscription_states,
    support_states,
    till_states,
    waits,
    walks,
    wallet_admin_states,
    wallet_states,
)
from e2e.browsing import Phone
from e2e.pages.flow import IdentifyPage, MethodPage
from e2e.sandbox import Shopper
from e2e.shop import Session
from e2e.stop import Stop
from e2e.world import World

Cell = tuple[SessionState, Progress | None, Page]
"""What the flow's table says: in this state (and, while open, this far) that page may be seen."""


def all_cells() -> frozenset[Cell]:
    """The flow's table, cell by cell."""
    is_open = {(SessionState.OPEN, progress, page) for progress, seen in OPEN_PAGES.items() for page in seen}
    ended = {
        (state, None, page)
        for state in SessionState
        if state is not SessionState.OPEN
        for page in pages(state, Progress.NOTHING)
    }
    return frozenset(is_open | ended)


@dataclass(frozen=True, slots=True)
class View:
    """`route` is the address as the application declares it; `cells` are those of the flow's table that it shows.

    `script` is False for a page that scripts leave at once, `translated` for one that follows no language of the
    browser's.
    """

    name: str
    route: str
    reach: Callable[[World], Stop]
    cells: frozenset[Cell] = frozenset()
    script: bool = True
    translated: bool = True

    @property
    def room(self) -> str:
        """The part of the product it belongs to: pay, admin, demo, sandbox, api, errors."""
        return self.name.partition("-")[0]


_PAY: Final = "/pay/{session_id:str}"


def _open(*shown: tuple[Progress, Page]) -> frozenset[Cell]:
    return frozenset((SessionState.OPEN, progress, page) for progress, page in shown)


def _ended(state: SessionState) -> frozenset[Cell]:
    return frozenset((state, None, page) for page in pages(state, Progress.NOTHING))


# The flow, in the order in which a shopper meets it.


def _a_session(world: World, price_minor: int = 129_00) -> Session:
    return world.shop.open_session(price_minor)


def _known(world: World, price_minor: int = 129_00) -> tuple[Session, Shopper]:
    shopper = world.sandbox.shopper("returning")
    return world.shop.open_session(price_minor, knows=shopper), shopper


def method(world: World) -> Stop:
    return Stop(_a_session(world).path)


def method_invoice(world: World) -> Stop:
    return Stop(_a_session(world).path, then=lambda phone: _(MethodPage(phone).choose_invoice()))


def method_instalments(world: World) -> Stop:
    return Stop(f"{_a_session(world, 360_00).path}?method=instalments&months=12")


def method_missing(world: World) -> Stop:
    return Stop(_a_session(world).path, then=_press("Continue"))


def method_again(world: World) -> Stop:
    session = _a_session(world)
    return Stop(session.path, walks.to_identify(world, session).cookies)


def identify(world: World) -> Stop:
    session = _a_session(world)
    return Stop(f"{session.path}/identify", walks.to_identify(world, session).cookies)


def identify_wrong(world: World) -> Stop:
    def fill_in(phone: Phone) -> None:
        IdentifyPage(phone).fill_in("123", "040 12")
        _press("Send code")(phone)

    stop = identify(world)
    return Stop(stop.path, stop.cookies, fill_in)


def code(world: World) -> Stop:
    session, shopper = _known(world)
    walker = walks.to_code(walks.to_identify(world, session), shopper)
    return Stop(f"{session.path}/identify", walker.cookies)


def code_wrong(world: World) -> Stop:
    stop = code(world)

    def type_another(phone: Phone) -> None:
        IdentifyPage(phone).type_code("000000")
        phone.sees("Something is missing or not right")

    return Stop(stop.path, stop.cookies, type_another)


def needs_bank(world: World) -> Stop:
    shopper = world.sandbox.shopper("first-timer")
    session = world.shop.open_session(knows=shopper)
    walker = walks.through_code(walks.to_identify(world, session), world.sandbox, shopper)
    return Stop(f"{session.path}/identify", walker.cookies)


def elsewhere(world: World) -> Stop:
    """Another browser than the one in which somebody was identified."""
    return Stop(confirm(world).path.replace("/confirm", "/identify"))


def bank_return(world: World) -> Stop:
    shopper = world.sandbox.shopper("first-timer")
    walker = walks.to_identify(world, world.shop.open_session(knows=shopper))
    walker.follow("Identify with my bank").press(f"Identify as {shopper.name}", value=shopper.subject)
    return Stop(walker.path, walker.cookies)


def confirm(world: World) -> Stop:
    session, shopper = _known(world)
    return Stop(f"{session.path}/confirm", walks.to_confirm(world, session, shopper).cookies)


def confirm_instalments(world: World) -> Stop:
    session, shopper = _known(world, 360_00)
    walker = walks.to_identify_by_instalments(world, session)
    walks.through_code(walker, world.sandbox, shopper)
    return Stop(f"{session.path}/confirm", walker.cookies)


def confirm_stranger(world: World) -> Stop:
    """A first purchase on paper: everything that a person can be asked for is asked."""
    shopper = world.sandbox.shopper("no-phone")
    session = world.shop.open_session()
    walker = walks.at_the_bank(walks.to_identify(world, session, delivery="On paper"), shopper)
    return Stop(f"{session.path}/confirm", walker.cookies)


def information(world: World) -> Stop:
    stop = confirm_instalments(world)
    return Stop(stop.path.replace("/confirm", "/standard-information"), stop.cookies)


def confirm_unfolded(world: World) -> Stop:
    stop = confirm_instalments(world)

    def unfold(phone: Phone) -> None:
        phone.tap(phone.tab.get_by_text(phone.words("Standard information on this credit")))

    return Stop(stop.path, stop.cookies, unfold)


def confirm_missing(world: World) -> Stop:
    stop = confirm_stranger(world)
    return Stop(stop.path, stop.cookies, _press("Confirm purchase"))


def method_change(world: World) -> Stop:
    session, shopper = _known(world)
    return Stop(session.path, walks.to_confirm(world, session, shopper).cookies)


def refused(world: World) -> Stop:
    shopper = world.sandbox.shopper("declined")
    session = world.shop.open_session(450_00, knows=shopper)
    return Stop(f"{session.path}/outcome", walks.to_refusal(world, session, shopper).cookies)


def method_refused(world: World) -> Stop:
    stop = refused(world)
    return Stop(stop.path.removesuffix("/outcome"), stop.cookies)


def confirmed(world: World) -> Stop:
    session, shopper = _known(world)
    return Stop(f"{session.path}/outcome", walks.to_outcome(world, session, shopper).cookies)


def confirmed_too_soon(world: World) -> Stop:
    """The agreement was asked for before it was drawn."""
    stop = confirmed(world)
    return Stop(f"{stop.path}?agreement=soon", stop.cookies)


def confirmed_elsewhere(world: World) -> Stop:
    return Stop(confirmed(world).path)


def method_compared(world: World) -> Stop:
    return Stop(f"{_a_session(world, 749_00).path}?compare=1")


def _widget(amount_minor: int) -> Callable[[World], Stop]:
    return lambda world: Stop(f"/widget?amount_minor={amount_minor}&merchant={world.merchant_id}")


def cancel(world: World) -> Stop:
    return Stop(f"{_a_session(world).path}/cancel")


def cancelled(world: World) -> Stop:
    """The shop withdrew it while somebody was about to confirm."""
    session, shopper = _known(world)
    cookies = walks.to_confirm(world, session, shopper).cookies
    world.shop.cancel(session)
    return Stop(f"{session.path}/outcome", cookies)


def expired(world: World) -> Stop:
    """The time was over while somebody was about to confirm."""
    session, shopper = _known(world)
    cookies = walks.to_confirm(world, session, shopper).cookies
    world.expire(session)
    return Stop(f"{session.path}/outcome", cookies)


# The bank and the sandbox.


def bank_choice(world: World) -> Stop:
    return Stop(str(walks.to_identify(world, _a_session(world)).follow("Identify with my bank").response.url))


def bank_refused(world: World) -> Stop:
    return Stop(bank_choice(world).path.partition("?")[0] + "?client_id=nobody", status=400)


def letter(world: World) -> Stop:
    return Stop(f"/sandbox/letterbox/{_receipt(world)}")


def letter_body(world: World) -> Stop:
    return Stop(f"/sandbox/letterbox/{_receipt(world)}/body")


def _receipt(world: World) -> str:
    """The id of a receipt that somebody got by e-mail."""
    shopper = world.sandbox.shopper("returning")
    walks.a_purchase(world, shopper)
    return world.sandbox.next_message(shopper.email, "email").id


def _sandbox(path: str) -> Callable[[World], Stop]:
    """A page of the sandbox after something has happened that it can show."""

    def reach(world: World) -> Stop:
        _receipt(world)
        return Stop(path)

    return reach


def _at(path: str, status: int = 200) -> Callable[[World], Stop]:
    return lambda _world: Stop(path, status=status)


def _press(english: str) -> Callable[[Phone], None]:
    """Presses a button that will be refused, and waits until the page says so."""

    def press(phone: Phone) -> None:
        phone.tap(phone.button(english))
        phone.sees("Something is missing or not right")

    return press


def _(_nothing: object) -> None:
    """For a gesture whose answer is of no use here."""


_S, _G, _P = SessionState, Progress, Page

VIEWS: Final = (
    View("pay-1-method", _PAY, method, _open((_G.NOTHING, _P.METHOD))),
    View("pay-1-method-invoice", _PAY, method_invoice),
    View("pay-1-method-instalments", _PAY, method_instalments),
    View("pay-1-method-compared", _PAY, method_compared),
    View("pay-1-method-extras", _PAY, extras_states.step_1),
    View("pay-1-method-missing", _PAY, method_missing),
    View("pay-1-method-nothing", _PAY, wallet_states.nothing),
    View("pay-1-company", _PAY, companies.who),
    View("pay-1-method-company", _PAY, companies.method),
    View("pay-1-method-wallet", _PAY, wallet_states.known),
    View("pay-1-method-again", _PAY, method_again, _open((_G.CHOSEN, _P.METHOD))),
    View("pay-1-method-guest", _PAY, paying_states.method, _open((_G.GUEST, _P.METHOD))),
    View("pay-1-method-change", _PAY, method_change, _open((_G.IDENTIFIED, _P.METHOD))),
    View("pay-1-method-after-refusal", _PAY, method_refused, _open((_G.REFUSED, _P.METHOD))),
    View("pay-2-identify", f"{_PAY}/identify", identify, _open((_G.CHOSEN, _P.IDENTIFY))),
    View("pay-2-identify-wrong", f"{_PAY}/identify", identify_wrong),
    View("pay-2-code", f"{_PAY}/identify", code),
    View("pay-2-code-wrong", f"{_PAY}/identify", code_wrong),
    View("pay-2-needs-bank", f"{_PAY}/identify", needs_bank),
    View("pay-2-elsewhere", f"{_PAY}/identify", elsewhere, _open((_G.ELSEWHERE, _P.IDENTIFY))),
    View("pay-2-passkey-unknown", f"{_PAY}/identify", passkey_states.unknown),
    View("pay-2-guest", f"{_PAY}/identify", paying_states.identify, _open((_G.GUEST, _P.IDENTIFY))),
    View("pay-2-bank-return", "/bank/return", bank_return, script=False),
    View("pay-3-changed", f"{_PAY}/changed", change_states.told, _open((_G.CHANGED, _P.CHANGED))),
    View("pay-3-changed-much", f"{_PAY}/changed", change_states.told_of_much),
    View("pay-1-changed", f"{_PAY}/changed", change_states.told_before_a_plan),
    View("pay-3-confirm", f"{_PAY}/confirm", confirm, _open((_G.IDENTIFIED, _P.CONFIRM))),
    View("pay-3-confirm-guest", f"{_PAY}/confirm", paying_states.confirm, _open((_G.GUEST, _P.CONFIRM))),
    View("pay-3-confirm-instalments", f"{_PAY}/confirm", confirm_instalments),
    View("pay-3-confirm-stranger", f"{_PAY}/confirm", confirm_stranger),
    View("pay-3-confirm-missing", f"{_PAY}/confirm", confirm_missing),
    View("pay-3-confirm-company", f"{_PAY}/confirm", companies.confirm),
    View("pay-3-confirm-wallet", f"{_PAY}/confirm", wallet_states.alone),
    View("pay-3-confirm-wallet-unused", f"{_PAY}/confirm", wallet_states.unused),
    View("pay-3-confirm-wallet-part", f"{_PAY}/confirm", wallet_states.part),
    View("pay-3-confirm-wallet-short", f"{_PAY}/confirm", wallet_states.short),
    View("pay-3-information", f"{_PAY}/standard-information", information),
    View("pay-3-information-folded-out", f"{_PAY}/confirm", confirm_unfolded),
    View("pay-4-confirmed-too-soon", f"{_PAY}/outcome", confirmed_too_soon),
    View("pay-4-confirmed", f"{_PAY}/outcome", confirmed, _ended(_S.CONFIRMED)),
    View("pay-4-confirmed-by-wallet", f"{_PAY}/outcome", wallet_states.confirmed),
    View("pay-4-confirmed-in-part", f"{_PAY}/outcome", wallet_states.confirmed_in_part),
    View("pay-4-confirmed-by-bank", f"{_PAY}/outcome", passkey_states.offered),
    View("pay-4-confirmed-elsewhere", f"{_PAY}/outcome", confirmed_elsewhere),
    View("pay-4-refused", f"{_PAY}/outcome", refused, _open((_G.REFUSED, _P.OUTCOME))),
    View("pay-4-refused-ban", f"{_PAY}/outcome", waits.refused_by_ban),
    View("pay-4-refused-asking", f"{_PAY}/outcome", waits.asking),
    View("pay-4-checking", f"{_PAY}/return", paying_states.checking, _ended(_S.PROCESSING)),
    View("pay-4-pending", f"{_PAY}/return", paying_states.pending),
    View("pay-4-held", f"{_PAY}/outcome", waits.waiting, _ended(_S.HELD)),
    View("pay-4-held-asked", f"{_PAY}/outcome", waits.waiting_asked),
    View("pay-2-abroad", f"{_PAY}/identify", abroad.identify),
    View("pay-2-abroad-name", f"{_PAY}/identify", abroad.who),
    View("pay-4-abroad-held", f"{_PAY}/outcome", abroad.waiting),
    View("pay-4-abroad-declined", f"{_PAY}/outcome", abroad.declined),
    View("pay-4-declined", f"{_PAY}/outcome", waits.declined_by_person, _ended(_S.DECLINED)),
    View("pay-4-decision", f"{_PAY}/decision", waits.decision),
    View("pay-4-decision-register-down", f"{_PAY}/decision", waits.decision_register_down),
    View("pay-4-cancelled", f"{_PAY}/outcome", cancelled, _ended(_S.CANCELLED)),
    View("pay-4-expired", f"{_PAY}/outcome", expired, _ended(_S.EXPIRED)),
    View("pay-5-passkeys", f"{_PAY}/passkeys", passkey_states.listed("iPhone", "Windows")),
    View("pay-5-passkeys-none", f"{_PAY}/passkeys", passkey_states.listed()),
    View("pay-5-cancel", f"{_PAY}/cancel", cancel),
    View("widget", "/widget", _widget(749_00), script=False, translated=False),
    View("widget-nothing", "/widget", _widget(10**12), script=False, translated=False),
    View("pay-6-unknown", _PAY, _at("/pay/cs_nobody", 404)),
    *(View(*each) for each in held_states.ALL),
    *(View(*each) for each in review_states.ALL),
    *(View(*each) for each in link_states.ALL),
    *(View(*each) for each in account_states.ALL),
    *(View(*each) for each in extras_states.ALL),
    *(View(*each) for each in subscription_states.ALL),
    View("demo-products", "/demo", _at("/demo")),
    View("demo-basket-empty", "/demo/basket", _at("/demo/basket")),
    View("demo-basket", "/demo/basket", demo_states.basket),
    View("demo-order-open", "/demo/orders/{ref:str}", demo_states.order_open),
    View("demo-order-paid", "/demo/orders/{ref:str}", demo_states.order_paid),
    View("demo-cancelled", "/demo/cancelled/{ref:str}", demo_states.cancelled),
    View("admin-sign-in", "/admin/sign-in", _at("/admin/sign-in")),
    View("admin-sign-in-refused", "/admin/sign-in", admin_states.sign_in_refused),
    View("admin-today", "/admin", admin_states.page("/admin")),
    View("admin-orders", "/admin/orders", admin_states.page("/admin/orders")),
    View(
        "admin-orders-filtered",
        "/admin/orders",
        admin_states.page("/admin/orders?q=a&from=2026-01-01&to=2025-12-31&min=1&max=a+lot&link=no"),
    ),
    View("admin-orders-none", "/admin/orders", admin_states.page("/admin/orders?q=nothing-like-this")),
    *(View(*each) for each in order_states.ALL),
    *(View(*each) for each in recorded_states.ALL),
    *(View(*each) for each in import_states.ALL),
    *(View(*each) for each in link_admin_states.ALL),
    *(View(*each) for each in till_states.ALL),
    View("admin-reviews", "/admin/reviews", waits.reviews),
    View("admin-review-figures", "/admin/reviews/figures", admin_states.page("/admin/reviews/figures")),
    View("admin-review", "/admin/reviews/{public_id:str}", waits.review),
    View("admin-review-asked", "/admin/reviews/{public_id:str}", waits.review_asked),
    View("admin-review-without-note", "/admin/reviews/{public_id:str}", waits.review_without_note),
    View("admin-review-identity", "/admin/reviews/{public_id:str}", abroad.review),
    View("admin-review-identity-unsaid", "/admin/reviews/{public_id:str}", abroad.review_unsaid),
    View("admin-review-answered", "/admin/reviews/{public_id:str}", waits.review_answered),
    *(View(*each) for each in wallet_admin_states.ALL),
    *(View(*each) for each in prices_states.ALL),
    View("admin-invoices", "/admin/invoices", admin_states.invoices),
    View("admin-invoices-none", "/admin/invoices", admin_states.page("/admin/invoices?q=nothing-like-this")),
    View("admin-invoice", "/admin/invoices/{public_id:str}", admin_states.invoice),
    View(
        "admin-refund",
        "/admin/orders/{public_id:str}/refund",
        return_states.page("/admin/orders/{order}/refund"),
    ),
    View(
        "admin-refund-check",
        "/admin/orders/{public_id:str}/refund",
        return_states.page("/admin/orders/{order}/refund", "See what happens", "Check the refund"),
    ),
    View(
        "admin-refund-done",
        "/admin/refunds/{public_id:str}",
        return_states.page("/admin/refunds/{refund}"),
    ),
    View("admin-returns", "/admin/returns", return_states.page("/admin/returns")),
    View("admin-return", "/admin/returns/{public_id:str}", return_states.page("/admin/returns/{coming}")),
    View(
        "admin-return-form",
        "/admin/orders/{public_id:str}/return",
        return_states.page("/admin/orders/{order}/return"),
    ),
    View("admin-return-settings", "/admin/settings/returns", admin_states.page("/admin/settings/returns")),
    View("admin-settlement", "/admin/orders/{public_id:str}/settlement", admin_states.settlement),
    *(View(*each) for each in rule_states.ALL),
    View("admin-loyalty", loyalty_states.PROGRAMME, admin_states.page(loyalty_states.PROGRAMME)),
    View("admin-loyalty-refused", loyalty_states.PROGRAMME, loyalty_states.programme_refused),
    View("admin-points", "/admin/wallets/{customer_id:str}/points", loyalty_states.points),
    View("admin-fees", extras_states.FEES, admin_states.page(extras_states.FEES)),
    View("admin-insurance-new", extras_states.NEW, admin_states.page(extras_states.NEW)),
    *(View(*each) for each in support_states.ALL),
    View("admin-settings", "/admin/settings", admin_states.page("/admin/settings")),
    View("admin-ways", "/admin/settings/ways", companies.ways),
    View("sandbox-desk", "/sandbox", _sandbox("/sandbox")),
    View("sandbox-phone", "/sandbox/phone", _sandbox("/sandbox/phone")),
    View("sandbox-letterbox", "/sandbox/letterbox", _sandbox("/sandbox/letterbox")),
    View("sandbox-letter", "/sandbox/letterbox/{message_id:uuid}", letter),
    View(
        "sandbox-letter-body",
        "/sandbox/letterbox/{message_id:uuid}/body",
        letter_body,
        script=False,
        translated=False,
    ),
    View("sandbox-webhooks", "/sandbox/webhooks", _sandbox("/sandbox/webhooks")),
    View("sandbox-time", "/sandbox/time", _at("/sandbox/time")),
    View("sandbox-people", "/sandbox/people", _at("/sandbox/people")),
    View("sandbox-bank", "/sandbox/bank/authorize", bank_choice, translated=False),
    View("sandbox-bank-refused", "/sandbox/bank/authorize", bank_refused),
    *(View(*each, translated=False) for each in card_states.ALL),
    *(View(*each, translated=False) for each in mobilepay_states.ALL),
    View("api-reference", "/api", _at("/api"), translated=False),
    View("errors-not-found", "", _at("/nothing-here", 404)),
)
