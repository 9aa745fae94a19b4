"""The list of wallets, one wallet with everything that makes it up, and both as files."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from litestar import Response, get
from litestar.params import FromPath
from litestar.response import Stream

from app.kernel import clock, ids, typed
from app.kernel.cursors import CursorRefused
from app.kernel.money import Money
from app.merchants.queries import Merchant
from app.wallet.approvals import count_approvals, waiting_approvals
from app.wallet.liability import liability
from app.wallet.lists import WORDS_LENGTH_MAX, CustomerCard, WalletPage, customer_card, each_wallet, wallets
from app.wallet.payouts import count_waiting, payouts_of
from app.wallet.queries import StatementPage, balance_at, each_movement, holds_of, statement, wallet
from app.web.admin.access import AdminRequest
from app.web.admin.pages import merchant_of, show
from app.web.admin.wallets_views import (
    chart_of,
    figures_of,
    hold_row,
    list_row,
    lot_row,
    movement_row,
    origins_of,
    sheet_of_movements,
    sheet_of_wallets,
)
from app.web.shared import rendering
from app.web.shared.turned import turned_among

PAGE_SIZE: Final = 25
LIST: Final = "/admin/wallets"
_DONE: Final = frozenset({"adjusted", "payout", "waits"})


@get("/wallets", name="admin:wallets")
async def wallet_list(request: AdminRequest) -> Response[str]:
    """The fullest wallets first; with words every customer whom they find, an empty wallet included."""
    merchant = await merchant_of(request)
    words = typed.one_line(typed.clean(request.query_params.get("q", "")))[:WORDS_LENGTH_MAX]
    cursor = request.query_params.get("cursor") or None
    page = await _list_page(merchant, words or None, cursor)
    counted = await liability(merchant.id, merchant.currency)
    context = {
        "rows": tuple(list_row(row) for row in page.rows),
        "q": words,
        "chart": chart_of(counted) if counted is not None else None,
        "is_on": merchant.has("wallet"),
        "payouts_waiting": await count_waiting(merchant.id),
        "approvals_waiting": await count_approvals(merchant.id),
        "first_url": _url(q=words) if cursor else None,
        "next_url": _url(q=words, cursor=page.next_cursor) if page.next_cursor else None,
        "export_url": f"{LIST}/export",
    }
    return await show(
        request,
        "admin/wallets.html",
        context,
        section="wallets",
        partial="admin/_wallets.html",
        push_url=_url(q=words, cursor=cursor),
    )


async def _list_page(merchant: Merchant, words: str | None, cursor: str | None) -> WalletPage:
    """A place that never was shows the first page."""
    try:
        return await wallets(merchant, words=words, cursor=cursor, limit=PAGE_SIZE)
    except CursorRefused:
        return await wallets(merchant, words=words, limit=PAGE_SIZE)


def _url(path: str = LIST, **query: str | None) -> str:
    given = {name: value for name, value in query.items() if value}
    return f"{path}?{urlencode(given)}" if given else path


@get("/wallets/export", name="admin:wallets-export")
async def export_wallets(request: AdminRequest) -> Stream:
    """Every wallet with something in it as CSV, row by row: of a long list nothing is held in memory."""
    merchant = await merchant_of(request)
    return _file(sheet_of_wallets(each_wallet(merchant)), "wallets.csv")


@get("/wallets/{customer_id:str}/export", name="admin:wallet-export")
async def export_movements(request: AdminRequest, customer_id: FromPath[str]) -> Stream | Response[str]:
    """Every movement of one wallet as CSV, newest first."""
    merchant = await merchant_of(request)
    if await customer_of(merchant, customer_id) is None:
        return await no_wallet(request)
    return _file(sheet_of_movements(each_movement(merchant, customer_id), merchant.currency), "wallet.csv")


def _file(pieces: AsyncIterator[str], name: str) -> Stream:
    headers = {
        "Cache-Control": rendering.NO_STORE,
        "Content-Disposition": f'attachment; filename="{name}"',
    }
    return Stream(pieces, media_type="text/csv", headers=headers)


async def customer_of(merchant: Merchant, customer_id: str) -> CustomerCard | None:
    """None for what is no id, and for somebody who is no customer of this shop."""
    if not ids.is_public_id("cus", customer_id):
        return None
    return await customer_card(merchant.id, customer_id)


async def no_wallet(request: AdminRequest) -> Response[str]:
    return await show(request, "admin/no_wallet.html", {}, section="wallets", status=404)


@get("/wallets/{customer_id:str}", name="admin:wallet")
async def one_wallet(request: AdminRequest, customer_id: FromPath[str]) -> Response[str]:
    """One customer's wallet: what makes it up, what is set aside, every movement; and what was in it on a day."""
    merchant = await merchant_of(request)
    card = await customer_of(merchant, customer_id)
    if card is None:
        return await no_wallet(request)
    now = clock.business(request.user.staff.offset_s)
    cursor = request.query_params.get("cursor") or None
    page = await _statement_page(merchant, customer_id, cursor)
    held = await wallet(merchant, customer_id, now)
    holds = await holds_of(merchant, customer_id)
    abouts = (
        *(each.about for each in page.movements),
        *(each.about for each in held.lots),
        *(each.about for each in holds),
    )
    origins = await origins_of(merchant, abouts)
    turned = await turned_among(merchant.id, [each.key for each in page.movements])
    path = f"{LIST}/{customer_id}"
    done = request.query_params.get("done", "")
    context = {
        "customer_id": customer_id,
        "card": card,
        "figures": figures_of(held),
        "by_cause": held.by_cause,
        "lots": tuple(lot_row(lot, merchant, origins) for lot in held.lots),
        "holds": tuple(hold_row(hold, merchant.currency, origins) for hold in holds),
        "movements": tuple(movement_row(each, merchant.currency, origins, turned) for each in page.movements),
        "payouts": await payouts_of(merchant.id, customer_id),
        "waits": any(each.customer_id == customer_id for each in await waiting_approvals(merchant.id)),
        "past": await _past(merchant, customer_id, request.query_params.get("on", "")),
        "on": typed.one_line(request.query_params.get("on", ""))[:20],
        "today": merchant.local_date(now),
        "is_on": merchant.has("wallet"),
        "done": done if done in _DONE else "",
        "first_url": path if cursor else None,
        "next_url": _url(path, cursor=page.next_cursor) if page.next_cursor else None,
    }
    return await show(request, "admin/wallet.html", context, section="wallets")


async def _statement_page(merchant: Merchant, customer_id: str, cursor: str | None) -> StatementPage:
    try:
        return await statement(merchant, customer_id, cursor=cursor, limit=PAGE_SIZE)
    except CursorRefused:
        return await statement(merchant, customer_id, limit=PAGE_SIZE)


async def _past(merchant: Merchant, customer_id: str, text: str) -> Money | None:
    """What was in it at the end of a local day; None when it is no day."""
    try:
        day = date.fromisoformat(text) + timedelta(days=1)
        end = datetime.combine(day, time.min, ZoneInfo(merchant.time_zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return await balance_at(merchant, customer_id, end - timedelta(microseconds=1))
