"""A shop in Bulgaria, where no electronic identity is common: a person of its staff says who is paying."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import Final

import httpx

from e2e import walks
from e2e.browsing import Phone
from e2e.sandbox import Sandbox
from e2e.shop import Session, Shop
from e2e.stop import Stop
from e2e.walker import Walker
from e2e.world import World

NAME: Final = "Ivanka Petrova"
POSTCODE: Final = "1000"
WAITING: Final = "A person is checking your order"
_numbers = count(888_100_100)


@dataclass(frozen=True, slots=True)
class Abroad:
    """The shop, what reaches its shoppers, and the cookies of its owner."""

    world: World
    shop: Shop
    sandbox: Sandbox
    staff: dict[str, str]

    def close(self) -> None:
        self.shop.client.close()

    def at_the_case(self, session: Session) -> Walker:
        return Walker.at(self.world.base_url, "/admin/reviews", cookies=self.staff).follow(session.reference)

    def code_to(self, phone: str) -> str:
        code = self.sandbox.next_message(phone, "sms").code
        assert code is not None, "the SMS holds a code"
        return code

    def to_proved_phone(self, session: Session) -> Walker:
        """Step 2, after a right code."""
        phone = new_phone_number()
        walker = walks.to_identify(self.world, session)
        walker.press("Send code", {"Postcode": POSTCODE, "Mobile phone": phone})
        return walker.press("Confirm code", {"Code from the SMS": self.code_to(phone)})

    def to_wait(self, session: Session) -> Walker:
        walker = self.to_proved_phone(session).press("Let a person check", {"Your full name": NAME})
        return walks.arrived(walker, WAITING)


def a_shop_abroad(world: World) -> Abroad:
    """Made by the command line, once a world."""
    if not world.abroad:
        world.abroad.append(_made(world))
    return world.abroad[0]


def _made(world: World) -> Abroad:
    made = ("--name", "Magazin", "--country", "BG", "--email", "shop@magazin.example")
    merchant_id = world.command("merchant", "create", *made, "--credit-limit-minor", "200000").split()[-1]
    key = world.command("key", "create", "--merchant", merchant_id, "--name", "shop").split()[-1]
    client = httpx.Client(base_url=world.base_url, headers={"Authorization": f"Bearer {key}"}, timeout=20)
    staff = world.new_staff("owner@magazin.example", merchant_id)
    shop = Shop(client, world.base_url, country="BG")
    return Abroad(world, shop, Sandbox(client), world.signed_in(staff))


def new_phone_number() -> str:
    """One that nobody has used, in E.164."""
    return f"+359{next(_numbers)}"


def identify(world: World) -> Stop:
    session = a_shop_abroad(world).shop.open_session()
    return Stop(f"{session.path}/identify", walks.to_identify(world, session).cookies)


def who(world: World) -> Stop:
    abroad = a_shop_abroad(world)
    session = abroad.shop.open_session()
    return Stop(f"{session.path}/identify", abroad.to_proved_phone(session).cookies)


def waiting(world: World) -> Stop:
    abroad = a_shop_abroad(world)
    session = abroad.shop.open_session()
    return Stop(f"{session.path}/outcome", abroad.to_wait(session).cookies)


def declined(world: World) -> Stop:
    abroad = a_shop_abroad(world)
    session = abroad.shop.open_session()
    cookies = abroad.to_wait(session).cookies
    abroad.at_the_case(session).press("Decline", {"Note": "Did not pick up."})
    return Stop(f"{session.path}/outcome", cookies)


def review(world: World) -> Stop:
    abroad = a_shop_abroad(world)
    session = abroad.shop.open_session()
    abroad.to_wait(session)
    return Stop(abroad.at_the_case(session).response.url.path, abroad.staff)


def review_unsaid(world: World) -> Stop:
    """Approved without saying what was checked."""
    stop = review(world)

    def approve(phone: Phone) -> None:
        phone.tap(phone.button("Approve"))
        phone.text("Say how you have checked who it is.").wait_for()

    return Stop(stop.path, stop.cookies, approve)
