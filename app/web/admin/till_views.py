"""What the till's templates are given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Literal
from uuid import UUID

from markupsafe import Markup

from app.kernel.money import Money
from app.links.states import LinkState
from app.orders.states import OrderState
from app.till.rules import ITEMS_MAX, Discount, categories_of, matching
from app.web.shared.qr import qr_picture

if TYPE_CHECKING:
    from app.checkout.overview import SessionView
    from app.links.queries import LinkView
    from app.links.sending import SendView
    from app.orders.queries import OrderView
    from app.till.queries import Receipt, ShopCustomer
    from app.till.rules import Product

# A till is looked at, not scrolled through: whoever does not see a product searches for it.
TILES_MAX = 60
# Categories beyond these begin again with the first mark.
MARKS = 6

StepKey = Literal["opened", "chosen", "identified", "paid"]
StepState = Literal["done", "now", "ahead"]
Outcome = Literal["open", "held", "paid", "ended"]

_PAID = frozenset({OrderState.PAID, OrderState.PARTLY_REFUNDED, OrderState.REFUNDED})
_ENDED = frozenset({OrderState.CANCELLED, OrderState.EXPIRED})
_UNDER_WAY = frozenset({"open", "processing", "held", "confirmed"})


@dataclass(frozen=True, slots=True)
class Tile:
    """A product to tap; `mark` tells its category by colour (0 for none), `count` how many are on the receipt."""

    public_id: str
    name: str
    price: Money
    mark: int
    count: int


@dataclass(frozen=True, slots=True)
class Goods:
    """The price list as it is looked at: `q` is what was searched for. `more` products did not find room."""

    tiles: Sequence[Tile]
    categories: Sequence[tuple[str, int]]
    category: str
    q: str
    total: int
    more: int


@dataclass(frozen=True, slots=True)
class ItemRow:
    id: UUID
    name: str
    quantity: int
    unit_price: Money
    total: Money


@dataclass(frozen=True, slots=True)
class ReceiptSheet:
    """The receipt in the making."""

    items: Sequence[ItemRow]
    pieces: int
    gross: Money
    discount: Discount | None
    discount_sum: Money
    total: Money
    customer: ShopCustomer | None
    ready: bool
    full: bool


@dataclass(frozen=True, slots=True)
class StepRow:
    key: StepKey
    state: StepState


@dataclass(frozen=True, slots=True)
class SendRow:
    """The last message with the link; `to` is None once it was forgotten."""

    to: str | None
    state: str


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """An order that was opened here, as the till mirrors it. `live` while anything may still change; `code_left_s` is
    how long the till code still leads to it.
    """

    public_id: str
    reference: str
    total: Money
    customer: str | None
    email: str | None
    lines: Sequence[tuple[str, int, Money]]
    outcome: Outcome
    steps: Sequence[StepRow]
    begun: bool
    sendable: bool
    valid_until: datetime | None
    sent: SendRow | None
    qr: Markup
    code_left_s: int | None

    @property
    def on_code(self) -> bool:
        return self.code_left_s is not None

    @property
    def live(self) -> bool:
        return self.outcome in {"open", "held"}


def goods_of(products: Sequence[Product], receipt: Receipt, currency: str, *, q: str, category: str) -> Goods:
    categories = categories_of(products)
    marks = {name: 1 + place % MARKS for place, name in enumerate(categories)}
    chosen = category if category in marks else ""
    # Whoever searches looks for it wherever it stands.
    found = matching(products, q, None if q else chosen or None)
    counts: dict[UUID, int] = {}
    for item in receipt.items:
        if item.product_id is not None:
            counts[item.product_id] = counts.get(item.product_id, 0) + item.quantity
    tiles = tuple(
        Tile(
            product.public_id,
            product.name,
            Money(product.price_minor, currency),
            marks.get(product.category or "", 0),
            counts.get(product.id, 0),
        )
        for product in found[:TILES_MAX]
    )
    return Goods(tiles, tuple(marks.items()), "" if q else chosen, q, len(products), len(found) - len(tiles))


def sheet_of(receipt: Receipt, currency: str) -> ReceiptSheet:
    sums = receipt.sums
    return ReceiptSheet(
        items=tuple(
            ItemRow(
                item.id,
                item.name,
                item.quantity,
                Money(item.unit_price_minor, currency),
                Money(item.total_minor, currency),
            )
            for item in receipt.items
        ),
        pieces=receipt.pieces,
        gross=Money(sums.gross_minor, currency),
        discount=receipt.discount,
        discount_sum=Money(-sums.discount_minor, currency),
        total=Money(sums.total_minor, currency),
        customer=receipt.customer,
        ready=receipt.ready,
        full=len(receipt.items) >= ITEMS_MAX,
    )


def open_order_of(
    order: OrderView,
    link: LinkView,
    sessions: Sequence[SessionView],
    sends: Sequence[SendView],
    *,
    link_url: str,
    qr_label: str,
    code_until: datetime | None,
    now: datetime,
) -> OpenOrder:
    reached = _reached(order, link, sessions)
    state = link.state_at(now)
    return OpenOrder(
        public_id=order.public_id,
        reference=order.reference,
        total=Money(order.total_minor, order.currency),
        customer=order.contact.name,
        email=order.contact.email,
        lines=tuple(
            (line.name, line.quantity, Money(line.total_minor, order.currency)) for line in order.lines
        ),
        outcome=_outcome(order, state),
        steps=_steps(reached),
        begun=bool(reached),
        sendable=state is LinkState.ACTIVE,
        valid_until=link.expires_at,
        sent=SendRow(sends[-1].recipient, sends[-1].state) if sends else None,
        qr=qr_picture(link_url, qr_label),
        code_left_s=None if code_until is None else max(0, round((code_until - now).total_seconds())),
    )


def _outcome(order: OrderView, state: LinkState) -> Outcome:
    if order.state in _PAID:
        return "paid"
    if order.state in _ENDED or state in {LinkState.WITHDRAWN, LinkState.LAPSED}:
        return "ended"
    return "held" if order.state is OrderState.HELD else "open"


def _reached(order: OrderView, link: LinkView, sessions: Sequence[SessionView]) -> set[StepKey]:
    """How far the shopper has come. A way that ended without payment is forgotten: the next one begins anew."""
    if order.state in _PAID:
        return {"opened", "chosen", "identified", "paid"}
    ways = [session for session in sessions if session.state in _UNDER_WAY]
    reached: set[StepKey] = set()
    if link.opened_at is not None and (ways or not sessions):
        reached.add("opened")
    if any(way.delivery is not None for way in ways):
        reached.add("chosen")
    if any(way.identified_at is not None for way in ways):
        reached.add("identified")
    return reached


def _steps(reached: set[StepKey]) -> tuple[StepRow, ...]:
    keys: tuple[StepKey, ...] = ("opened", "chosen", "identified", "paid")
    rows: list[StepRow] = []
    ahead = False
    for key in keys:
        state: StepState = "done" if key in reached else "ahead" if ahead else "now"
        ahead = ahead or state == "now"
        rows.append(StepRow(key, state))
    return tuple(rows)


@dataclass(frozen=True, slots=True)
class ProductRow:
    public_id: str
    name: str
    sku: str | None
    price: Money
    vat_percent: Decimal


def price_list_of(
    products: Sequence[Product], currency: str
) -> tuple[tuple[str | None, tuple[ProductRow, ...]], ...]:
    """The whole list by category, those without one last."""
    groups: list[str | None] = [*categories_of(products), None]
    listed = tuple(
        (
            category,
            tuple(
                ProductRow(
                    each.public_id,
                    each.name,
                    each.sku,
                    Money(each.price_minor, currency),
                    each.vat_percent,
                )
                for each in products
                if each.category == category
            ),
        )
        for category in groups
    )
    return tuple((category, rows) for category, rows in listed if rows)
