"""The sandbox's Stripe for tests: served in this process, with our adapter and a shopper's browser before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import httpx
from litestar.types import ASGIApp

from app.kernel import clock
from app.kernel.money import Money
from app.outside.card import CardAccount, StripeCards
from app.outside.card_http import CardHttp
from app.payments.ports import NewPayment
from app.settings import Settings
from app.web.sandbox.stripe import Branch, our_branch, stripe_router
from app.web.sandbox.stripe_events import Teller
from app.web.sandbox.stripe_twin import Happened
from tests.support.pages import application

RETURN_URL = "http://localhost:8000/pay/pay_1/return"
CANCEL_URL = "http://localhost:8000/pay/pay_1/return?left=1"
VISA = "4242424242424242"
CHALLENGED = "4000002760003184"
DECLINED = "4000000000000002"
NO_MONEY = "4000000000009995"
EXPIRED = "4000000000000069"
DECLINED_LATER = "4000000000000341"


class NotingTeller(Teller):
    """Notes what the account would be told of."""

    def __init__(self) -> None:
        super().__init__("http://127.0.0.1:9/callbacks/card", "whsec_noted")
        self.events: list[Happened] = []

    def tell(self, events: Sequence[Happened]) -> None:
        self.events.extend(events)

    @property
    def types(self) -> list[str]:
        return [event.type for event in self.events]


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A branch of the twin that is served, our adapter at its API, and a browser at its pages."""

    branch: Branch
    app: ASGIApp
    cards: StripeCards
    teller: NotingTeller

    def browser(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            transport=transport_to(self.app),
            headers={"Sec-Fetch-Site": "same-origin", "Accept-Language": "en"},
        )


def a_sandbox(settings: Settings) -> Sandbox:
    teller = NotingTeller()
    branch = replace(our_branch(settings), teller=teller)
    app = application(settings, [stripe_router(branch)])
    account = CardAccount(branch.twin.address, branch.secret_key, branch.webhook_secret)
    return Sandbox(branch, app, StripeCards(account, http=CardHttp(transport=transport_to(app))), teller)


def transport_to(app: ASGIApp) -> httpx.ASGITransport:
    # Litestar and httpx describe ASGI in types that are equal in all but name.
    return httpx.ASGITransport(app=app)  # type: ignore[arg-type]


def a_payment(reference: str = "pay_1", *, amount_minor: int = 129_00, save: bool = False) -> NewPayment:
    return NewPayment(
        key=f"{reference}:create",
        reference=reference,
        amount=Money(amount_minor, "EUR"),
        description="Birch & Co., order 1042",
        return_url=RETURN_URL,
        cancel_url=CANCEL_URL,
        lang="fi",
        country="FI",
        expires_at=clock.wall() + timedelta(minutes=30),
        save=save,
    )


async def paid(sandbox: Sandbox, new: NewPayment, card: str = VISA, **more: str) -> str:
    """Opened, and paid by the shopper on the hosted page. Returns what the provider calls it."""
    opened = await sandbox.cards.create(new)
    async with sandbox.browser() as browser:
        answer = await browser.post(opened.url, data={"card": card, **more})
        assert answer.status_code == 303
    return opened.provider_ref
