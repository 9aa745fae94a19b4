"""What risk is told of a purchase at the press of "Confirm". Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from app.checkout.queries import Flow
from app.orders.actions import Contact
from app.plans.quote import Quote
from app.risk.facts import Item, Purchase
from app.risk.rules import Outcome

# In test mode whoever gives an e-mail address there meets this outcome, or a stricter one. No real address ends so.
HELD_HOST: Final = "held.example"
FORCING: Final[dict[str, Outcome]] = {HELD_HOST: "hold", "stopped.example": "decline"}


@dataclass(frozen=True, slots=True)
class Press:
    """How the press of "Confirm" came: the network block of its address ("" where that says nothing), the digest of
    its device, and whether this deployment is in test mode. Told of nobody's purchase but this one."""

    network: str = ""
    device: bytes = b""
    is_test: bool = False

    def __repr__(self) -> str:
        return "Press()"


def purchase_of(flow: Flow, quote: Quote, contact: Contact, press: Press) -> Purchase:
    """The purchase that is about to be made, with what is known of whoever makes it."""
    customer = flow.customer
    # A contact person proves a phone alone, and is nobody whose habits are known.
    person = None if flow.identified_by == "company" else customer
    return Purchase(
        merchant_id=flow.merchant.id,
        session_id=flow.session_id,
        order_id=flow.order_id,
        at=flow.now,
        time_zone=flow.merchant.time_zone,
        country=flow.country,
        currency=flow.currency,
        total_minor=flow.total_minor,
        items=tuple(
            Item(line.sku, line.name, line.category, line.quantity, line.total_minor, line.type)
            for line in flow.lines
        ),
        method=quote.method,
        buyer=flow.buyer,
        customer_id=None if customer is None else customer.id,
        customer_since=None if customer is None else customer.since,
        verified_name=None if person is None else person.name,
        name=contact.name,
        phone=contact.phone,
        email=contact.email,
        street=contact.street,
        postcode=contact.postcode,
        city=contact.city,
        passed_name=flow.contact.name,
        passed_postcode=flow.contact.postcode,
        browser_id=flow.browser_id,
        # A device is told apart by its network among other things: where that says nothing, so does the device.
        device=press.device if press.network else b"",
        network=press.network,
        forced=forced_by(contact) if press.is_test else None,
    )


def forced_by(contact: Contact) -> Outcome | None:
    """The outcome that this address asks for in test mode."""
    return FORCING.get((contact.email or "").rpartition("@")[2].lower())
