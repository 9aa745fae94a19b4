"""A wallet's statement to keep: every movement as CSV, and a sheet to print as PDF."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from litestar import Request, Response, get
from litestar.exceptions import NotFoundException
from litestar.response import Stream

from app.kernel.csv_text import BYTE_ORDER_MARK, csv_row
from app.kernel.money import Money
from app.wallet.queries import Movement, each_movement, statement
from app.wallet.queries import wallet as wallet_of
from app.wallet.statement_pdf import StatementRow, StatementSheet, pdf_of, worded
from app.web.shared.rendering import NO_STORE
from app.web.shared.turned import turned_among
from app.web.shopper.account import Here, here_of
from app.web.shopper.information import document
from app.web.shopper.purchases import chosen_shop, open_shops
from app.web.shopper.wallet_page import WALLET, origins_of

if TYPE_CHECKING:
    from app.merchants.queries import Merchant

ROWS_OF_PDF: Final = 100
_ROWS_AT_ONCE: Final = 200


@get(f"{WALLET}/statement.pdf", include_in_schema=False)
async def download_statement(request: Request[Any, Any, Any]) -> Response[Any]:
    """The newest movements on a sheet; it says so when there are more."""
    here = await here_of(request)
    if here.customer is None:
        return here.to_sign_in()
    shop = await _shop(here)
    found = await wallet_of(shop, here.customer.public_id, here.now)
    page = await statement(shop, here.customer.public_id, limit=ROWS_OF_PDF)
    sheet = StatementSheet(
        shop=shop.name,
        operator=here.house.settings.operator.name,
        name=here.customer.name or "",
        zone=shop.time_zone,
        drawn_on=shop.local_date(here.now),
        balance=Money(found.balance_minor, found.currency),
        rows=await _rows(shop, page.movements),
        is_whole=page.next_cursor is None,
    )
    name = f"wallet-{sheet.drawn_on.isoformat()}.pdf"
    return here.sealed(document(await pdf_of(sheet, here.lang), name))


@get(f"{WALLET}/statement.csv", include_in_schema=False)
async def download_movements(request: Request[Any, Any, Any]) -> Response[Any]:
    """Every movement, newest first, in the words of the page. It is sent as it is read."""
    here = await here_of(request)
    if here.customer is None:
        return here.to_sign_in()
    shop = await _shop(here)
    today = shop.local_date(here.now).isoformat()
    headers = {"Content-Disposition": f'attachment; filename="wallet-{today}.csv"', "Cache-Control": NO_STORE}
    pieces = _pieces(here, shop, each_movement(shop, here.customer.public_id))
    return here.sealed(Stream(pieces, media_type="text/csv; charset=utf-8", headers=headers))


async def _pieces(here: Here, shop: Merchant, movements: AsyncIterator[Movement]) -> AsyncIterator[str]:
    yield BYTE_ORDER_MARK + _cells(here, shop, (), heads=True)
    waiting: list[Movement] = []
    async for movement in movements:
        waiting.append(movement)
        if len(waiting) == _ROWS_AT_ONCE:
            yield _cells(here, shop, await _rows(shop, waiting))
            waiting = []
    yield _cells(here, shop, await _rows(shop, waiting))


def _cells(here: Here, shop: Merchant, rows: Sequence[StatementRow], *, heads: bool = False) -> str:
    """Rows in the words of the PDF, sums as plain numbers with a point."""
    nothing = Money(0, shop.currency)
    sheet = StatementSheet(
        shop.name, "", "", shop.time_zone, shop.local_date(here.now), nothing, rows, is_whole=True
    )
    said = json.loads(worded(sheet, here.lang))
    if heads:
        return csv_row(said["sheet_columns"])
    return "".join(
        csv_row([*words[:3], *_in_and_out(row.amount), str(row.balance_after.major), shop.currency])
        for words, row in zip(said["rows"], rows, strict=True)
    )


def _in_and_out(amount: Money) -> tuple[str | None, str | None]:
    """In two columns, so that no number has a sign that a spreadsheet could take for a formula."""
    text = str(abs(amount.major))
    return (text, None) if amount.amount_minor > 0 else (None, text)


async def _rows(shop: Merchant, movements: Sequence[Movement]) -> list[StatementRow]:
    origins = await origins_of(shop, [movement.about for movement in movements])
    turned = await turned_among(shop.id, [movement.key for movement in movements])
    return [
        StatementRow(
            at=movement.at,
            cause=movement.cause,
            reference=origins[movement.about].reference if movement.about in origins else "",
            amount=Money(movement.amount_minor, shop.currency),
            balance_after=Money(movement.balance_after_minor, shop.currency),
            points=turned[movement.key].points if movement.key in turned else None,
        )
        for movement in movements
    ]


async def _shop(here: Here) -> Merchant:
    """The shop whose wallet is asked for; the only one where none is named."""
    assert here.customer is not None, "somebody is signed in"
    shops = await open_shops(here.customer)
    shop = chosen_shop(shops, here.request.query_params.get("shop", ""))
    if shop is None and len(shops.open) == 1:
        shop = shops.open[0]
    if shop is None:
        raise NotFoundException
    return shop
