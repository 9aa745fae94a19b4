"""Orders out of a file, and links that many people pay by, in a real browser."""

from __future__ import annotations

from urllib.parse import urlsplit
from uuid import uuid4

from e2e import flows
from e2e.browsing import DESK_SCREEN, Phone
from e2e.conftest import Phones
from e2e.pages.flow import MethodPage
from e2e.pages.imports import ImportDesk, ReusableDesk
from e2e.pages.link import LinkPage
from e2e.sandbox import Sandbox
from e2e.world import World

HEAD = "reference;item;price;vat;email"


def test_a_file_becomes_orders_whose_links_shoppers_open(
    new_phone: Phones, any_phone: Phone, world: World
) -> None:
    desk = new_phone(trace=False, screen=DESK_SCREEN, cookies=world.staff_cookies())
    # What was made once is not made again, not even for the next run of this test.
    one, two = (f"FILE-{uuid4().hex[:8]}" for _ in range(2))
    good = f"{one};Wool blanket;129,00;25,5;aino@example.test"
    ImportDesk(desk).open().send("november.csv", f"{HEAD}\n{good}\n{two};Cup;;24;\n").reads(
        "Checked. Nothing is made yet."
    ).reads("This is needed.").make(1)
    made, wrong = ImportDesk(desk).result()
    assert (made["reference"], made["status"], wrong["faults"]) == (one, "made", "price: missing")

    any_phone.open(urlsplit(made["link"]).path)
    LinkPage(any_phone).shown().lists("Wool blanket")

    ImportDesk(desk).open().send("again.csv", f"{HEAD}\n{good}\n{two};Cup;5,00;24;\n").make(1)
    states = [row["status"] for row in ImportDesk(desk).result()]
    assert states == ["known", "made"]


def test_many_pay_by_one_link_until_the_shop_stops_it(
    new_phone: Phones, any_phone: Phone, world: World, sandbox: Sandbox
) -> None:
    desk = new_phone(trace=False, screen=DESK_SCREEN, cookies=world.staff_cookies())
    link = ReusableDesk(desk).make(What_it_is_for="Membership", Sum="25,00", VAT_rate="25.5")
    path = urlsplit(link.address).path
    shopper = sandbox.shopper("returning")

    any_phone.open(path)
    any_phone.type(any_phone.textbox("Reference"), "4111 1111 1111 1111")
    any_phone.type(any_phone.textbox("Name"), shopper.name)
    any_phone.type(any_phone.textbox("E-mail"), shopper.email)
    any_phone.tap(any_phone.button("Proceed to pay"))
    any_phone.sees("Something is missing or not right")
    any_phone.type(any_phone.textbox("Reference"), "Member 7")
    any_phone.tap(any_phone.button("Proceed to pay"))
    MethodPage(any_phone).shown()
    flows.a_returning_shopper_types_everything(any_phone, sandbox, shopper)

    desk.reload()
    assert desk.link("Member 7").is_visible()
    assert desk.text("Paid").is_visible()
    link.stop()
    any_phone.open(path)
    any_phone.sees("This link is no longer in use")
