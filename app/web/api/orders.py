"""`/api/v1/orders`: one order, and the list of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import msgspec
from litestar import Request, Response, get
from litestar.params import FromPath

from app.kernel import ids
from app.kernel.money import MAX_AMOUNT_MINOR
from app.orders import lists, queries
from app.orders.companies import Company
from app.orders.queries import OrderView
from app.orders.rules import Line
from app.orders.states import OrderState
from app.plans.quote import Quote
from app.web.api import schemas
from app.web.api.keys import TheCaller
from app.web.api.once import Answer
from app.web.api.params import bad_parameter, list_params
from app.web.api.problems import not_found
from app.web.shared.problems import RefusedRequest

T = TypeVar("T")


@get("/orders/{order_id:str}")
async def read_order(order_id: FromPath[str], caller: TheCaller) -> Response[bytes]:
    """One order; 410 when expiry removed it."""
    if not ids.is_public_id("ord", order_id):
        raise not_found()
    order = await queries.order_for_api(caller.merchant.id, order_id)
    if order is None:
        raise not_found()
    if order.removed:
        raise RefusedRequest(410, "order_removed")
    return Answer(200, msgspec.json.encode(presented(order))).response()


@get("/orders")
async def list_orders(request: Request[Any, Any, Any], caller: TheCaller) -> Response[bytes]:
    """Orders, newest first; those found by words, closest first. Every parameter narrows.

    A page may be shorter than its limit, even empty, where the filters leave few of many orders: while there is a
    cursor there may be more.
    """
    params = list_params(request, *_FILTERS)
    page = await lists.list_orders(
        caller.merchant.id, _wanted(params.others), cursor=params.cursor, limit=params.limit
    )
    listed = schemas.OrderList(tuple(presented(order) for order in page.orders), page.next_cursor)
    return Answer(200, msgspec.json.encode(listed)).response()


_FILTERS: Final = (
    "q",
    "reference",
    "state",
    "buyer",
    "created_from",
    "created_before",
    "total_min_minor",
    "total_max_minor",
    "has_link",
)
_BUYERS: Final[Mapping[str, lists.Buyer]] = {"consumer": "consumer", "business": "business"}
_TRUTHS: Final = {"true": True, "false": False}


def _wanted(given: Mapping[str, str]) -> lists.Wanted:
    """Raises InputRefused (400) for a value that cannot be used."""
    return lists.Wanted(
        words=given.get("q") or None,
        reference=given.get("reference") or None,
        state=_read(given, "state", OrderState),
        buyer=_read(given, "buyer", _BUYERS.__getitem__),
        since=_read(given, "created_from", _moment),
        before=_read(given, "created_before", _moment),
        min_minor=_read(given, "total_min_minor", _minor),
        max_minor=_read(given, "total_max_minor", _minor),
        has_link=_read(given, "has_link", _TRUTHS.__getitem__),
    )


def _read(given: Mapping[str, str], name: str, read: Callable[[str], T]) -> T | None:
    try:
        return read(given[name]) if name in given else None
    except (ValueError, OverflowError, KeyError):
        raise bad_parameter(name) from None


def _moment(text: str) -> datetime:
    """A time as the API writes it (RFC 3339). A plus that was not encoded came as a blank."""
    at = datetime.fromisoformat(text.replace(" ", "+"))
    if at.tzinfo is None:
        raise ValueError("a time needs its zone")
    return at.astimezone(UTC)


def _minor(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text[:14]) <= MAX_AMOUNT_MINOR and len(text) <= 13):
        raise ValueError("a sum is digits")
    return int(text)


def presented(order: OrderView) -> schemas.Order:
    """An order as the API tells it."""
    contact = order.contact
    data = {
        "id": order.public_id,
        "state": order.state.value,
        "version": order.version,
        "reference": order.reference,
        "country": order.country,
        "buyer": order.buyer,
        "lines": [_line(line) for line in order.lines],
        "shipping_options": order.shipping_options,
        "total_minor": order.total_minor,
        "refundable_minor": order.refundable_minor,
        "currency": order.currency,
        "quote": _told(order.quote_content),
        "current_quote": _told(order.current_quote_content),
        "customer": {
            "id": order.customer_public_id,
            "name": contact.name,
            "email": contact.email,
            "phone": contact.phone,
            "postcode": contact.postcode,
            "address": {"street": contact.street, "city": contact.city},
        },
        "company": None if order.company is None else _company(order.company),
        "note": order.note,
        "created_at": order.created_at,
        "accepted_at": order.accepted_at,
        "paid_at": order.paid_at,
    }
    return msgspec.convert(data, schemas.Order)


def _told(content: Mapping[str, object] | None) -> dict[str, object] | None:
    return None if content is None else _quote(Quote.from_data(content))


def _company(company: Company) -> dict[str, object]:
    number = company.number
    return {
        "number": number.printed,
        "country": number.country,
        "vat_id": number.vat_id,
        "name": company.name,
        "purchase_order": company.purchase_order,
    }


def _line(line: Line) -> dict[str, object]:
    return {
        "type": line.type,
        "name": line.name,
        "quantity": line.quantity,
        "unit_price_minor": line.unit_price_minor,
        "vat_percent": percent_text(line),
        "total_minor": line.total_minor,
        "sku": line.sku,
        "category": line.category,
        "origin": line.origin,
    }


def percent_text(line: Line) -> str:
    """25.50 as it was most likely given: "25.5"."""
    text = f"{line.vat_percent:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _quote(quote: Quote) -> dict[str, object]:
    return {
        "id": quote.id,
        "hash": quote.hash,
        "method": quote.method,
        "delivery": quote.delivery,
        "months": quote.months,
        "wallet_minor": quote.wallet_minor,
        "paid_minor": quote.paid_minor,
        "amount_minor": quote.amount_minor,
        "interest_minor": quote.interest_minor,
        "fees_minor": quote.fees_minor,
        "total_payable_minor": quote.total_payable_minor,
        "monthly_minor": quote.monthly_minor,
        "nominal_rate": f"{quote.nominal_rate:f}",
        "apr": f"{quote.apr:f}",
        "schedule": [
            {
                "number": row.number,
                "due": row.due,
                "amount_minor": row.amount_minor,
                "principal_minor": row.principal_minor,
                "interest_minor": row.interest_minor,
                "fee_minor": row.fee_minor,
            }
            for row in quote.schedule
        ],
    }
