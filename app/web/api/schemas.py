"""What goes in and out over the API: strict structs, from which the OpenAPI document is made as well.

Bounds that JSON Schema can say stand here; what it cannot say (sums, phones, addresses) is checked by `sessions`.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from app.extras.rules import AREAS_MAX, OPTIONS_MAX
from app.kernel.money import MAX_AMOUNT_MINOR
from app.orders.rules import LINES_MAX, QUANTITY_MAX, UNIT_PRICE_MAX_MINOR

Country = Literal["FI", "SE", "DK", "BG"]
Currency = Literal["EUR", "SEK", "DKK"]
Locale = Literal["fi", "sv", "en", "da", "bg"]
Buyer = Literal["consumer", "business"]
Kind = Literal["item", "discount", "shipping", "fee"]
EventType = Literal[
    "session.confirmed",
    "session.held",
    "session.declined",
    "session.expired",
    "session.cancelled",
    "order.paid",
    "order.refunded",
    "order.expired",
    "payment.disputed",
    "payment.dispute_closed",
    "link.sent",
    "link.opened",
    "review.resolved",
    "invoice.issued",
    "invoice.paid",
    "invoice.overdue",
    "wallet.changed",
    "subscription.started",
    "subscription.renewed",
    "subscription.past_due",
    "subscription.recovered",
    "subscription.paused",
    "subscription.resumed",
    "subscription.cancelling",
    "subscription.kept",
    "subscription.ended",
    "subscription.revived",
    "subscription.changed",
    "subscription.change_planned",
    "subscription.price_offered",
    "subscription.price_accepted",
    "subscription.price_declined",
    "subscription.method_changed",
]

ShortText = Annotated[str, Meta(min_length=1, max_length=100)]
NoteText = Annotated[str, Meta(min_length=1, max_length=2000)]
NameText = Annotated[str, Meta(min_length=1, max_length=200)]
Url = Annotated[str, Meta(min_length=8, max_length=2048)]
Percent = Annotated[
    str,
    Meta(
        pattern=r"^(100(\.0{1,2})?|[0-9]{1,2}(\.[0-9]{1,2})?)$",
        max_length=6,
        description="Percent as text, with two decimals at most.",
        examples=["25.5"],
    ),
]


class Input(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of everything that comes in."""


class NewLine(Input, frozen=True, forbid_unknown_fields=True):
    """Prices include VAT and are minor units of the session's currency. Only a discount is negative."""

    name: NameText
    quantity: Annotated[int, Meta(ge=1, le=QUANTITY_MAX)]
    unit_price_minor: Annotated[int, Meta(ge=-UNIT_PRICE_MAX_MINOR, le=UNIT_PRICE_MAX_MINOR)]
    vat_percent: Percent
    type: Kind = "item"
    sku: ShortText | None = None
    category: ShortText | None = None


class NewAddress(Input, frozen=True, forbid_unknown_fields=True):
    street: NameText | None = None
    city: ShortText | None = None


class NewCustomer(Input, frozen=True, forbid_unknown_fields=True):
    """What the shop knows already: it fills in the shopper's fields and stays editable. All of it is optional.

    `address` is a street address as text, or an object with street and city.
    """

    name: ShortText | None = None
    email: Annotated[str, Meta(min_length=1, max_length=254)] | None = None
    phone: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    postcode: Annotated[str, Meta(min_length=1, max_length=32)] | None = None
    address: NameText | NewAddress | None = None


class NewCompany(Input, frozen=True, forbid_unknown_fields=True):
    """The company that buys, as the shop knows it: by the number of the session's country, or by a VAT number of the
    European Union. It stays editable. `purchase_order` is what the company calls its purchase.
    """

    number: Annotated[str, Meta(min_length=1, max_length=32)]
    name: NameText
    purchase_order: Annotated[str, Meta(min_length=1, max_length=60)] | None = None


Postcodes = Annotated[str, Meta(min_length=1, max_length=40, examples=["00100-00990"])]


class NewShippingOption(Input, frozen=True, forbid_unknown_fields=True):
    """One way to deliver, with its price including VAT. `postcodes` are those of the order's country where it goes, as
    ranges or single ones; none: everywhere. What the shopper chooses of them becomes a line of the order."""

    id: Annotated[str, Meta(min_length=1, max_length=64)]
    provider: ShortText
    name: ShortText
    price_minor: Annotated[int, Meta(ge=0, le=UNIT_PRICE_MAX_MINOR)]
    vat_percent: Percent
    postcodes: Annotated[tuple[Postcodes, ...], Meta(max_length=AREAS_MAX)] = ()


ShippingOptions = Annotated[tuple[NewShippingOption, ...], Meta(max_length=OPTIONS_MAX)]


class SessionSubscription(Input, frozen=True, forbid_unknown_fields=True):
    """What the order begins once it is paid: a plan of the shop's, whose first payment is the first line."""

    plan: Annotated[str, Meta(min_length=1, max_length=100)]


class NewSession(Input, frozen=True, forbid_unknown_fields=True):
    """A basket to be paid. The total is computed here from the lines; what the shopper chooses comes on top of it."""

    reference: ShortText
    country: Country
    currency: Currency
    success_url: Url
    cancel_url: Url
    # May be left out where a subscription is all that is bought.
    lines: Annotated[tuple[NewLine, ...], Meta(min_length=1, max_length=LINES_MAX)] | UnsetType = UNSET
    subscription: SessionSubscription | None = None
    locale: Locale | None = None
    buyer: Buyer = "consumer"
    company: NewCompany | None = None
    customer: NewCustomer | None = None
    shipping_options: ShippingOptions = ()
    expires_in_s: Annotated[int, Meta(ge=300, le=604_800)] = 86_400


class NewOrder(Input, frozen=True, forbid_unknown_fields=True):
    """An open order: it waits for whoever will pay it. `note` is the shop's own and is shown to nobody else.

    `accepted` says that the shop stands by it.
    """

    reference: ShortText
    country: Country
    currency: Currency
    lines: Annotated[tuple[NewLine, ...], Meta(min_length=1, max_length=LINES_MAX)]
    buyer: Buyer = "consumer"
    customer: NewCustomer | None = None
    shipping_options: ShippingOptions = ()
    note: NoteText | None = None
    accepted: bool = False


class OrderEdit(Input, frozen=True, forbid_unknown_fields=True):
    """What shall be different in an order that nobody has paid. What is not named stays; `lines`, `customer` and
    `shipping_options` are given whole, and what the shopper chose beside the lines stays. Of other ways to deliver the
    shopper is told, and chooses anew where theirs is gone or costs something else. `version` is the one the edit was
    made to: another one answers 409 `version_conflict`. `accepted` cannot be taken back.
    """

    version: Annotated[int, Meta(ge=1, le=2_147_483_646)]
    reference: ShortText | UnsetType = UNSET
    lines: Annotated[tuple[NewLine, ...], Meta(min_length=1, max_length=LINES_MAX)] | UnsetType = UNSET
    customer: NewCustomer | UnsetType | None = UNSET
    shipping_options: ShippingOptions | UnsetType = UNSET
    note: NoteText | UnsetType | None = UNSET
    accepted: bool = False


class LinkEmail(Input, frozen=True, forbid_unknown_fields=True):
    """Whom to send a payment link to. Subject and message are the shop's own words where none are given; the address of
    the link follows by itself. `lang` is the language of the mail.
    """

    to: Annotated[str, Meta(min_length=1, max_length=254)]
    subject: NameText | None = None
    message: NoteText | None = None
    lang: Locale | None = None


Moment = Annotated[datetime, Meta(tz=True)]


class NewPaymentLink(Input, frozen=True, forbid_unknown_fields=True):
    """A payment link, without an end unless one is given; with `email` it is sent as well."""

    expires_at: Moment | None = None
    email: LinkEmail | None = None


class PaymentLinkEdit(Input, frozen=True, forbid_unknown_fields=True):
    """Another end of a payment link; null for none."""

    expires_at: Moment | None


class NewWebhookEndpoint(Input, frozen=True, forbid_unknown_fields=True):
    """Where events are sent, and which."""

    url: Url
    types: Annotated[tuple[EventType, ...], Meta(min_length=1, max_length=100)]


class NewPayment(Input, frozen=True, forbid_unknown_fields=True):
    """Money that came in for an invoice, and the day it was paid: from the purchase to today."""

    amount_minor: Annotated[int, Meta(ge=1, le=MAX_AMOUNT_MINOR)]
    currency: Currency
    paid_on: date


class LineToCredit(Input, frozen=True, forbid_unknown_fields=True):
    """So many pieces of a line, counted from 1 as the document lists them."""

    line: Annotated[int, Meta(ge=1, le=LINES_MAX)]
    quantity: Annotated[int, Meta(ge=1, le=QUANTITY_MAX)]


class NewCreditNote(Input, frozen=True, forbid_unknown_fields=True):
    """What to take back of a sale: a sum, or pieces of lines; without either, everything that is left."""

    amount_minor: Annotated[int, Meta(ge=1, le=MAX_AMOUNT_MINOR)] | None = None
    lines: Annotated[tuple[LineToCredit, ...], Meta(min_length=1, max_length=LINES_MAX)] | None = None


class NewRefund(Input, frozen=True, forbid_unknown_fields=True):
    """What to give back of a paid order, and where to: a sum, or pieces of its lines, of which the shop may keep a fee.

    `refundable_minor` is what you saw as refundable on the order: another figure by now is a 409 that tells it. With
    `lines`, `amount_minor` may be left out; given, it must be what they come to less the fee. `to` `original` lowers
    what is owed, and gives back what was paid; to the `wallet` the whole sum goes there and debts stay as they are.
    """

    refundable_minor: Annotated[int, Meta(ge=0, le=MAX_AMOUNT_MINOR)]
    to: Literal["wallet", "original"]
    amount_minor: Annotated[int, Meta(ge=1, le=MAX_AMOUNT_MINOR)] | None = None
    lines: Annotated[tuple[LineToCredit, ...], Meta(min_length=1, max_length=LINES_MAX)] | None = None
    return_fee_minor: Annotated[int, Meta(ge=0, le=MAX_AMOUNT_MINOR)] = 0
    currency: Currency | None = None
    note: Annotated[str, Meta(min_length=1, max_length=500)] | None = None


class Nothing(Input, frozen=True, forbid_unknown_fields=True):
    """An empty object, for operations that take no input."""


class Session(msgspec.Struct, frozen=True):
    id: str
    url: str
    state: Literal["open", "processing", "held", "confirmed", "declined", "cancelled", "expired"]
    total_minor: int
    currency: Currency
    expires_at: datetime
    order_id: str


class SessionDetails(Session, frozen=True):
    """A session as it is asked for later: with the shop's own reference."""

    reference: str


class OrderLine(msgspec.Struct, frozen=True):
    """`origin` says who put it there: you (`shop`), or a choice of the shopper's, which an edit of yours keeps."""

    type: Kind
    name: str
    quantity: int
    unit_price_minor: int
    vat_percent: str
    total_minor: int
    sku: str | None
    category: str | None
    origin: Literal["shop", "shipping", "method_fee", "insurance"]


class Instalment(msgspec.Struct, frozen=True):
    number: int
    due: date
    amount_minor: int
    principal_minor: int
    interest_minor: int
    fee_minor: int


class Quote(msgspec.Struct, frozen=True):
    """The figures that the shopper confirmed. Rates are percent a year, as text. `wallet_minor` was paid at once from
    the shopper's wallet, `paid_minor` by card or MobilePay; `amount_minor` and all that follows is of the rest, which
    is lent: 0 where nothing is.
    """

    id: str
    hash: str
    method: Literal["wallet", "card", "mobilepay", "invoice", "instalments"]
    delivery: Literal["email", "paper", "efile"]
    months: int
    wallet_minor: int
    paid_minor: int
    amount_minor: int
    interest_minor: int
    fees_minor: int
    total_payable_minor: int
    monthly_minor: int
    nominal_rate: str
    apr: str
    schedule: tuple[Instalment, ...]


class Address(msgspec.Struct, frozen=True):
    street: str | None
    city: str | None


class Customer(msgspec.Struct, frozen=True):
    """`id` names who bought, once somebody has: the customer of `GET /api/v1/customers/{id}/wallet`."""

    id: str | None
    name: str | None
    email: str | None
    phone: str | None
    postcode: str | None
    address: Address


class Company(msgspec.Struct, frozen=True):
    """The company that an order is for: its number as its country writes it, and the VAT number that belongs to it."""

    number: str
    country: str
    vat_id: str
    name: str
    purchase_order: str | None


class ShippingOption(msgspec.Struct, frozen=True):
    """One of the ways to deliver that the shopper chooses from; `postcodes` is empty where it goes everywhere."""

    id: str
    provider: str
    name: str
    price_minor: int
    vat_percent: str
    postcodes: tuple[str, ...]


class Order(msgspec.Struct, frozen=True):
    """`refundable_minor` is what could still be refunded; `quote` is null until a purchase is confirmed. `accepted_at`
    is set once the shop stands by an order; `note` is the shop's own, `shipping_options` are yours, empty where the
    delivery is settled.
    """

    id: str
    state: Literal[
        "draft", "open", "in_payment", "held", "paid", "partly_refunded", "refunded", "cancelled", "expired"
    ]
    version: int
    reference: str
    country: Country
    buyer: Buyer
    lines: tuple[OrderLine, ...]
    shipping_options: tuple[ShippingOption, ...]
    total_minor: int
    refundable_minor: int
    currency: Currency
    quote: Quote | None
    current_quote: Quote | None
    customer: Customer
    company: Company | None
    note: str | None
    created_at: datetime
    accepted_at: datetime | None
    paid_at: datetime | None


class PaymentLink(msgspec.Struct, frozen=True):
    """Where a shopper pays an order. An order has one link, which never changes. `opened_at` is the first press on
    "Proceed to pay"; `lapsed` and `withdrawn` links lead nowhere, a `paused` one may be resumed, a `used` one is paid.
    """

    id: str
    url: str
    state: Literal["active", "paused", "withdrawn", "lapsed", "used"]
    order_id: str
    expires_at: datetime | None
    created_at: datetime
    opened_at: datetime | None


class OrderList(msgspec.Struct, frozen=True):
    """Newest first. `next_cursor` leads to the next page; it is null on the last."""

    data: tuple[Order, ...]
    next_cursor: str | None


class Event(msgspec.Struct, frozen=True):
    """As webhooks carry it; `id` is the webhook's `webhook-id`."""

    id: str
    type: str
    timestamp: datetime
    data: dict[str, Any]


class EventList(msgspec.Struct, frozen=True):
    """Newest first. `next_cursor` leads to the next page; it is null on the last."""

    data: tuple[Event, ...]
    next_cursor: str | None


class WebhookEndpoint(msgspec.Struct, frozen=True):
    """`disabled_at` is set once the endpoint answered 410: nothing is sent there any more."""

    id: str
    url: str
    types: tuple[EventType, ...]
    created_at: datetime
    disabled_at: datetime | None


class Refund(msgspec.Struct, frozen=True):
    """Money that went back, or waits for a second person (`pending_approval`). `amount_minor` came off the sale; once
    done it is what went to the wallet, off what was owed and back to the shopper, less the interest and fees that the
    last refund of a sale reverses (`costs_reversed_minor`). `quote_id` is the plan of what is left, where it changed.
    """

    id: str
    order_id: str
    return_id: str | None
    state: Literal["pending_approval", "done", "refused"]
    to: Literal["wallet", "original"]
    amount_minor: int
    return_fee_minor: int
    currency: str
    wallet_minor: int
    owed_less_minor: int
    paid_back_minor: int
    costs_reversed_minor: int
    lines: tuple[LineToCredit, ...]
    credit_note_id: str | None
    quote_id: str | None
    created_at: datetime
    decided_at: datetime | None


class RefundList(msgspec.Struct, frozen=True):
    data: tuple[Refund, ...]
    next_cursor: str | None


class CreatedWebhookEndpoint(msgspec.Struct, frozen=True):
    """`secret` signs every webhook to this endpoint, and is shown this once."""

    id: str
    url: str
    types: tuple[EventType, ...]
    created_at: datetime
    disabled_at: datetime | None
    secret: str


class WebhookEndpointList(msgspec.Struct, frozen=True):
    """Oldest first. `next_cursor` leads to the next page; it is null on the last."""

    data: tuple[WebhookEndpoint, ...]
    next_cursor: str | None
