"""What a shop hands over when it opens a session: checked, and not yet written."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.extras.rules import ShippingOption
from app.orders.companies import Company
from app.orders.rules import Line
from app.subscriptions.queries import Offered


@dataclass(frozen=True, slots=True)
class ContactDraft:
    """What the shop already knows of its shopper. It fills in fields and stays editable; it proves nothing.

    `phone` is E.164 and `postcode` in the written form of the session's country. Personal data:
    none of it shows in a representation.
    """

    name: str | None = field(default=None, repr=False)
    email: str | None = field(default=None, repr=False)
    phone: str | None = field(default=None, repr=False)
    postcode: str | None = field(default=None, repr=False)
    street: str | None = field(default=None, repr=False)
    city: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class SessionDraft:
    """An order to be and the way back from it. `locale` None leaves the language to the shopper's browser;
    `subscription` is what it begins once it is paid."""

    reference: str
    country: str
    currency: str
    locale: str | None
    buyer: str
    lines: tuple[Line, ...]
    customer: ContactDraft | None
    success_url: str
    cancel_url: str
    expires_in_s: int
    shipping_options: tuple[ShippingOption, ...] = ()
    company: Company | None = None
    subscription: Offered | None = None
