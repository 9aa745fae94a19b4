"""Who buys, as far as it is known at step 3, and what still has to be asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace

from app.checkout.queries import Flow
from app.orders.actions import Contact
from app.plans.quote import Quote


@dataclass(frozen=True, slots=True)
class Details:
    """What was typed in step 3; None where nothing was asked. Personal data: shown in no representation."""

    name: str | None = None
    email: str | None = None
    street: str | None = None
    postcode: str | None = None
    city: str | None = None

    def __repr__(self) -> str:
        return "Details()"


def known_contact(flow: Flow, details: Details) -> Contact:
    """Who buys: what is typed now goes first, then what we know, then what the shop passed."""
    # What is known of a company came from earlier contact persons: it is not shown to whoever types its number.
    customer = None if flow.identified_by == "company" else flow.customer
    passed = flow.passed
    return Contact(
        name=customer.name if customer else details.name or passed.name,
        email=details.email or (customer.email if customer else None) or passed.email,
        phone=(customer.phone if customer else None) or flow.phone,
        postcode=details.postcode
        or (customer.postcode if customer else None)
        or flow.postcode
        or passed.postcode,
        street=details.street or (customer.street if customer else None) or passed.street,
        city=details.city or (customer.city if customer else None) or passed.city,
    )


def missing_fields(quote: Quote, contact: Contact) -> frozenset[str]:
    """The details this purchase needs and nobody knows: an e-mail address for documents, a postal one for paper and for
    what a company is invoiced."""
    needed = {"name": contact.name, "email": contact.email}
    if quote.delivery == "paper" or quote.for_company:
        needed |= {"street": contact.street, "postcode": contact.postcode, "city": contact.city}
    return frozenset(field for field, value in needed.items() if not value)


def asked_fields(quote: Quote, flow: Flow) -> frozenset[str]:
    """What step 3 asks for. What was typed there before a payment that came to nothing is asked for again, filled in,
    so that a slip can be mended; what a shopper told on the page of a link is known."""
    if flow.link_id is None:
        told = flow.typed
        flow = replace(flow, typed=Contact(phone=told.phone, postcode=told.postcode))
    return missing_fields(quote, known_contact(flow, Details()))
