"""`/wallet`: what a customer has in a shop, what makes it up, where every cent came from and went, and their points."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException

from app.checkout.purchases import Shops
from app.kernel import ids
from app.kernel.cursors import CursorRefused
from app.kernel.money import MINOR_PER_MAJOR, Money
from app.ledger.errors import MoneyFrozen
from app.loyalty.errors import (
    BelowMinimum,
    NotAStep,
    NotEnoughPoints,
    ProgrammeOff,
    TurnedOtherwise,
    TurnKeyRefused,
)
from app.loyalty.queries import PointsStanding, TierStanding, points_statement, standing_of, tier_of
from app.merchants.errors import ModuleOff
from app.orders.queries import references_of
from app.rewards.actions import turn_into_money
from app.wallet.everywhere import balances_of
from app.wallet.payouts import payouts_of
from app.wallet.queries import HoldView, LotView, balance_at, holds_of, statement
from app.wallet.queries import wallet as wallet_of
from app.web.shared.turned import turned_among
from app.web.shopper.account import Here, here_of
from app.web.shopper.purchases import PURCHASES, chosen_shop, open_shops
from app.web.shopper.wallet_page_views import (
    HeldRow,
    LapsingRow,
    LotRow,
    MovementRow,
    Origin,
    PastView,
    PayoutRow,
    PendingRow,
    PointsRow,
    PointsView,
    ShopWallet,
    TierView,
    TurnView,
    WalletsView,
    WalletView,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from app.identity.account_queries import SignedInCustomer
    from app.ledger.queries import Statement
    from app.loyalty.queries import TurnedPoints
    from app.merchants.queries import Merchant
    from app.wallet.queries import StatementPage, Wallet

WALLET: Final = "/wallet"
MOVEMENTS_SHOWN: Final = 25
POINTS_SHOWN: Final = 10
_ORDER_PREFIX: Final = "ord_"
_DONE: Final = {"turned": "turned", "payout": "payout_asked"}


@get(WALLET, include_in_schema=False)
async def show_wallet(request: Request[Any, Any, Any]) -> Response[str]:
    """The wallet of the shop that `shop` names, or of the only one; otherwise all of them to choose from."""
    here = await here_of(request)
    if here.customer is None:
        return here.to_sign_in()
    shops = await open_shops(here.customer)
    shop = chosen_shop(shops, request.query_params.get("shop", ""))
    if shop is None and len(shops.open) == 1:
        shop = shops.open[0]
    if shop is None:
        return await _choice_page(here, here.customer, shops)
    notice = _DONE.get(request.query_params.get("done", ""))
    return await wallet_page(here, here.customer, shops, shop, notice=notice)


@post(f"{WALLET}/points", include_in_schema=False, status_code=200)
async def turn_points(request: Request[Any, Any, Any]) -> Response[str]:
    """Turn points into money: as many as the form showed, once however often it is pressed."""
    here = await here_of(request)
    if here.customer is None:
        return here.to_sign_in()
    form = await here.form()
    shops = await open_shops(here.customer)
    shop = chosen_shop(shops, form.value("shop") or "?")
    assert shop is not None, "a shop that is not named is not found"
    points = form.value("points")
    wanted = int(points) if points.isascii() and points.isdigit() and len(points) <= 9 else 0
    notice, status = "turn_refused", 422
    try:
        await turn_into_money(shop, here.customer.public_id, wanted, key=form.value("key"), now=here.now)
    except (ModuleOff, ProgrammeOff):
        notice, status = "turn_off", 409
    except (BelowMinimum, NotAStep, NotEnoughPoints, TurnedOtherwise, TurnKeyRefused):
        notice, status = "turn_changed", 409
    except MoneyFrozen:
        notice, status = "frozen", 503
    else:
        return here.lead_to(f"{WALLET}?{urlencode({'shop': shop.public_id, 'done': 'turned'})}")
    return await wallet_page(here, here.customer, shops, shop, notice=notice, status=status)


async def wallet_page(
    here: Here,
    customer: SignedInCustomer,
    shops: Shops,
    shop: Merchant,
    *,
    notice: str | None = None,
    status: int = 200,
) -> Response[str]:
    """Everything of one wallet. The number of statements is the same whatever is in it."""
    params = here.request.query_params
    who = customer.public_id
    found = await wallet_of(shop, who, here.now)
    held = await holds_of(shop, who)
    try:
        page = await statement(shop, who, cursor=params.get("before") or None, limit=MOVEMENTS_SHOWN)
        moved = await points_statement(shop.id, who, params.get("points") or None, POINTS_SHOWN)
    except CursorRefused:
        raise NotFoundException from None
    standing = await standing_of(shop, who, here.now)
    tier = await tier_of(shop.id, customer.customer_id, here.now)
    payouts = await payouts_of(shop.id, who)
    abouts = [
        *(lot.about for lot in found.lots),
        *(hold.about for hold in held),
        *(movement.about for movement in page.movements),
        *(line.about for line in moved.lines),
        *(each.about for each in standing.pending),
    ]
    origins = await origins_of(shop, abouts)
    keys = [*(movement.key for movement in page.movements), *(line.key for line in moved.lines)]
    turned = await turned_among(shop.id, keys)
    view = WalletView(
        url=_url(shop),
        shop=shop.name,
        shop_id=shop.public_id,
        shop_email=shop.contact_email,
        several=len(shops.open) > 1,
        zone=shop.time_zone,
        today=shop.local_date(here.now),
        is_on=shop.has("wallet"),
        balance=Money(found.balance_minor, found.currency),
        available=Money(found.available_minor, found.currency),
        held=[_held(hold, shop, origins) for hold in held],
        lots=[_lot(lot, shop, origins) for lot in found.lots],
        next_lapse=_next_lapse(found, shop),
        movements=_movements(page, shop, origins, turned),
        older_url=f"{_url(shop)}&before={page.next_cursor}" if page.next_cursor else None,
        is_first="before" not in params,
        past=await _past(shop, who, params.get("on", "")),
        points=_points(
            shop,
            standing,
            tier,
            moved=moved,
            rows=_points_rows(moved, origins, turned),
            origins=origins,
            found=found,
            wished=params.get("turn", ""),
        ),
        payouts=[
            PayoutRow(payout.amount, payout.state.value, payout.hint, payout.requested_at)
            for payout in payouts
        ],
        closed=shops.closed,
    )
    return here.page("wallet_page", {"wallet": view, "notice": notice}, status=status)


async def _choice_page(here: Here, customer: SignedInCustomer, shops: Shops) -> Response[str]:
    balances = await balances_of(shops.open, customer.public_id)
    view = WalletsView(
        [ShopWallet(_url(shop), shop.name, balances[shop.id]) for shop in shops.open], shops.closed
    )
    return here.page("wallet_page_choice", {"wallet": view})


async def origins_of(shop: Merchant, abouts: Iterable[str]) -> Mapping[str, Origin]:
    """The purchases among what public ids name, in one statement."""
    orders = sorted({about for about in abouts if about.startswith(_ORDER_PREFIX)})
    references = await references_of(shop.id, orders)
    return {about: Origin(f"{PURCHASES}/{about}", reference) for about, reference in references.items()}


def _url(shop: Merchant) -> str:
    return f"{WALLET}?shop={shop.public_id}"


def _lot(lot: LotView, shop: Merchant, origins: Mapping[str, Origin]) -> LotRow:
    return LotRow(
        cause=lot.cause,
        origin=origins.get(lot.about),
        came=Money(lot.came_minor, shop.currency),
        left=Money(lot.left_minor, shop.currency),
        came_on=shop.local_date(lot.came_at),
        lapses_on=shop.local_date(lot.expires_at) if lot.expires_at else None,
    )


def _held(hold: HoldView, shop: Merchant, origins: Mapping[str, Origin]) -> HeldRow:
    return HeldRow(
        origin=origins.get(hold.about),
        is_payout=not hold.about.startswith(_ORDER_PREFIX),
        amount=Money(hold.amount_minor, shop.currency),
        until=hold.expires_at,
    )


def _movements(
    page: StatementPage, shop: Merchant, origins: Mapping[str, Origin], turned: Mapping[str, TurnedPoints]
) -> list[MovementRow]:
    return [
        MovementRow(
            at=movement.at,
            cause=movement.cause,
            origin=origins.get(movement.about),
            amount=Money(movement.amount_minor, shop.currency),
            balance_after=Money(movement.balance_after_minor, shop.currency),
            points=turned[movement.key].points if movement.key in turned else None,
        )
        for movement in page.movements
    ]


def _next_lapse(found: Wallet, shop: Merchant) -> tuple[date, Money] | None:
    lapse = found.next_lapse
    return None if lapse is None else (shop.local_date(lapse[0]), lapse[1])


async def _past(shop: Merchant, who: str, typed: str) -> PastView:
    """What was in the wallet when a day ended where the shop is."""
    try:
        on = date.fromisoformat(typed) if len(typed) == len("2026-11-22") else None
        end = datetime.combine(on, time.min, ZoneInfo(shop.time_zone)) + timedelta(days=1) if on else None
    except (ValueError, OverflowError):
        on = end = None
    if on is None or end is None:
        return PastView(typed, None, None)
    balance = await balance_at(shop, who, end - timedelta(microseconds=1))
    return PastView(typed, on, balance)


def _points(
    shop: Merchant,
    standing: PointsStanding,
    tier: TierStanding | None,
    *,
    moved: Statement,
    rows: Sequence[PointsRow],
    origins: Mapping[str, Origin],
    found: Wallet,
    wished: str,
) -> PointsView | None:
    """None where the shop has no programme and the customer has never had a point."""
    if standing.turning is None and not moved.lines:
        return None
    return PointsView(
        total=standing.total,
        usable=standing.usable,
        debt=standing.debt,
        pending=[
            PendingRow(each.points, origins.get(each.about), shop.local_date(each.usable_from))
            for each in standing.pending
        ],
        lapsing=[LapsingRow(each.points, shop.local_date(each.expires_at)) for each in standing.lapsing],
        tier=_tier(tier),
        turn=_turn(standing, found, wished),
        one=Money(MINOR_PER_MAJOR, shop.currency) if standing.turning else None,
        rate=standing.turning.points_per_unit if standing.turning else 0,
        least=standing.turning.minimum_points if standing.turning else 0,
        rows=rows,
        older_url=f"{_url(shop)}&points={moved.next_cursor}#points" if moved.next_cursor else None,
    )


def _points_rows(
    moved: Statement, origins: Mapping[str, Origin], turned: Mapping[str, TurnedPoints]
) -> Sequence[PointsRow]:
    return [
        PointsRow(
            at=line.posted_at,
            cause=line.cause,
            origin=origins.get(line.about),
            points=line.amount_minor,
            after=line.balance_after_minor,
            money=turned[line.key].amount if line.key in turned else None,
        )
        for line in moved.lines
    ]


def _tier(tier: TierStanding | None) -> TierView | None:
    if tier is None:
        return None
    return TierView(
        name=tier.tier.name if tier.tier else None,
        next_name=tier.next.name if tier.next else None,
        missing=tier.missing,
    )


def _turn(standing: PointsStanding, found: Wallet, wished: str) -> TurnView | None:
    """The figures of a turn: of as many points as were wished for and are possible, else of all that can be turned."""
    turning = standing.turning
    if turning is None or not standing.turnable:
        return None
    points = (
        turning.turnable(int(wished)) if wished.isascii() and wished.isdigit() and len(wished) <= 9 else 0
    )
    points = points if 0 < points <= standing.turnable else standing.turnable
    worth = Money(turning.worth_minor(points), found.currency)
    return TurnView(
        key=ids.token(),
        points=points,
        worth=worth,
        points_after=standing.usable - points,
        balance_after=Money(found.balance_minor, found.currency) + worth,
        least=turning.minimum_points,
        step=turning.step_points,
        most=standing.turnable,
    )
