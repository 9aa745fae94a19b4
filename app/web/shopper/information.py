"""The standard information before signing, as a page and as a PDF, and the signed agreement afterwards."""

from __future__ import annotations

from typing import Any, Final

from litestar import Request, Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from app.agreements.content import Item, Sheet
from app.agreements.parties import parties_of
from app.agreements.pdf import pdf_of
from app.agreements.queries import document_of_order
from app.agreements.rules import information_on
from app.agreements.words import worded
from app.checkout.states import SessionState
from app.invoices.queries import Seller, seller_of
from app.web.shared.rendering import NO_STORE
from app.web.shopper.visit import Visit, visit

_PDF: Final = "application/pdf"


@get("/pay/{session_id:str}/standard-information", include_in_schema=False)
async def show_information(request: Request[Any, Any, Any], session_id: FromPath[str]) -> Response[str]:
    """Every row of the sheet, the repayment table, and the way to the PDF. 404 while there is no plan to speak of."""
    here = await visit(request, session_id)
    sheet = await _sheet_or_404(here)
    context = {"information": worded(sheet, here.lang), "is_open": here.flow.state is SessionState.OPEN}
    return here.page("information", context, step=None, path="/standard-information")


@get("/pay/{session_id:str}/standard-information.pdf", include_in_schema=False)
async def download_information(request: Request[Any, Any, Any], session_id: FromPath[str]) -> Response[bytes]:
    """The same as a PDF. It is drawn here, in a thread: docs/agreements.md tells how long that takes."""
    here = await visit(request, session_id)
    sheet = await _sheet_or_404(here)
    return document(await pdf_of(sheet, here.lang), f"standard-information-{sheet.quote.id}.pdf")


@get("/pay/{session_id:str}/agreement", include_in_schema=False)
async def download_agreement(request: Request[Any, Any, Any], session_id: FromPath[str]) -> Response[Any]:
    """The signed agreement as it was sent, for the browser that signed it; for every other one there is nothing here.

    While the worker has not drawn it yet, the outcome says so.
    """
    here = await visit(request, session_id)
    flow = here.flow
    if flow.state is not SessionState.CONFIRMED or not flow.identified or not flow.lends_to_consumer:
        raise NotFoundException
    found = await document_of_order(flow.merchant.id, flow.order_public_id)
    if found is None:
        return here.lead_to("/outcome?agreement=soon")
    return document(found.data, found.name)


def document(data: bytes, name: str) -> Response[bytes]:
    """A PDF that the browser shows, and saves under its name. It is personal and stays in no cache."""
    headers = {"Content-Disposition": f'inline; filename="{name}"', "Cache-Control": NO_STORE}
    return Response(data, media_type=_PDF, headers=headers)


async def sheet_of(here: Visit) -> Sheet:
    """The sheet of the chosen plan. No query where the operator is the creditor and the shop's address is not told."""
    flow = here.flow
    assert flow.quote is not None, "a sheet speaks of a quote"
    is_shops = flow.merchant.creditor == "merchant"
    seller = await seller_of(flow.merchant.id) if is_shops else Seller()
    creditor, intermediary = parties_of(flow.merchant, seller, here.house.settings.operator)
    return information_on(
        flow.quote,
        creditor=creditor,
        intermediary=intermediary,
        goods=tuple(Item(line.name, line.quantity, line.total_minor) for line in flow.lines),
        official=flow.official_wording,
    )


async def _sheet_or_404(here: Visit) -> Sheet:
    """Whoever may still buy sees the sheet of the plan they chose; after the end, the browser that bought."""
    flow = here.flow
    is_shown = (
        flow.quote is not None
        and flow.lends_to_consumer
        and flow.ours
        and flow.state in {SessionState.OPEN, SessionState.CONFIRMED}
    )
    if not is_shown:
        raise NotFoundException
    return await sheet_of(here)
