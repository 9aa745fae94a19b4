"""The shop that the benchmark buys in: a merchant, many known people, many open sessions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.checkout import actions
from app.checkout.drafts import ContactDraft, SessionDraft
from app.identity.actions import customers
from app.identity.actions.customers import KnownContact
from app.identity.ports import VerifiedIdentity
from app.kernel import clock, db
from app.merchants.queries import Merchant
from app.messages.sandbox_shoppers import make_shopper
from tests.factories.checkout import a_line, a_merchant

ISSUER = "http://127.0.0.1:9/bank"


@dataclass(frozen=True, slots=True)
class Ready:
    """A session and the known person who will pay it."""

    session: str
    phone: str
    postcode: str


async def open_shop() -> Merchant:
    return await a_merchant(credit_limit_minor=10**9)


async def ready_purchases(merchant: Merchant, count: int) -> Sequence[Ready]:
    """So many sessions of a three-line basket, each for a returning person of its own."""
    return [await _ready_purchase(merchant) for _ in range(count)]


async def _ready_purchase(merchant: Merchant) -> Ready:
    now = clock.wall()
    person = await make_shopper("returning", now)
    assert person.phone is not None
    identity = VerifiedIdentity(
        ISSUER, person.subject, person.name, person.birthdate, person.national_number, "FI", "loa2", now
    )
    contact = KnownContact(
        country="FI", postcode=person.postcode, proved_phone=person.phone, email=person.email
    )
    await db.in_tx(lambda: customers.remember_identity(identity, contact, now))
    draft = SessionDraft(
        reference="BENCH",
        country="FI",
        currency="EUR",
        locale="en",
        buyer="consumer",
        lines=(a_line(), a_line("Candle", "12.50", 2), a_line("Soap", "6.90", 3)),
        customer=ContactDraft(email=person.email, phone=person.phone, postcode=person.postcode),
        success_url="http://localhost:9/thanks",
        cancel_url="http://localhost:9/basket",
        expires_in_s=86_400,
    )
    opened = await actions.open_session(merchant, draft, now)
    return Ready(opened.session_id, person.phone, person.postcode)
