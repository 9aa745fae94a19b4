"""People who come by a payment link, each in a browser of their own."""

from __future__ import annotations

from app.checkout import actions
from app.checkout.actions import Arrival
from app.identity.actions import browsers
from app.identity.actions.browsers import BrowserToken
from app.kernel import clock
from app.links.queries import LinkView
from app.orders.actions import Contact
from tests.factories.checkout import Shopper, a_known_person

BACK: str = "http://localhost:8000/link/somewhere"
PHONES: tuple[str, ...] = ("+358480000101", "+358480000102", "+358480000103")


async def press(
    link: LinkView, browser: BrowserToken | None = None, *, typed: Contact | None = None, prefill: bool = True
) -> Shopper:
    """ "Proceed to pay", in a new browser unless one is given."""
    browser = browser or browsers.read(None, wall=clock.wall())
    arrival = Arrival(browser, clock.wall(), "en", BACK, typed or Contact(), prefill=prefill)
    return Shopper(await actions.proceed(link, arrival, await clock.business_now()), browser)


async def at_confirm_of(link: LinkView, number: int = 0) -> Shopper:
    """The person of this number, who pressed, chose an invoice, typed the code and was approved."""
    shopper = await to_decide_at(link, number)
    await shopper.be_decided()
    return shopper


async def to_decide_at(link: LinkView, number: int = 0) -> Shopper:
    """As above, and nothing is decided yet."""
    phone = PHONES[number]
    await a_known_person(phone=phone, subject=f"person-{number}", name=f"Person {'ABC'[number]}")
    shopper = await press(link)
    await shopper.choose()
    await shopper.type_code(await shopper.ask_code(phone=phone, address=f"203.0.113.{number}"))
    return shopper
