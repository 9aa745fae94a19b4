"""Between step 3 and the outcome, where a provider takes the money: the way to its page, and what is shown afterwards.

No card number, and nothing else that pays, ever reaches these pages. Coming back writes nothing and believes nothing:
the page asks by a POST of our own, and what the provider says then is what counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from litestar import Request, Response, get, post
from litestar.params import FromPath

from app.checkout.paying import PaymentDoors, check, give_up, open_at_provider
from app.checkout.states import SessionState
from app.payments.queries import newest_payment_of_session
from app.payments.states import PaymentState
from app.web.shared import htmx, rendering
from app.web.shopper.offers import number_in
from app.web.shopper.pages import method_page, page_now, paying_again, paying_page
from app.web.shopper.visit import Visit, visit

if TYPE_CHECKING:
    from app.payments.queries import PaymentView

# A page that asked long ago need not be told how often.
_ASKED_MAX: Final = 1_000


async def lead_to_provider(here: Visit, payment: PaymentView) -> Response[str]:
    """The provider opens the payment that was written down just now, and the browser goes there."""
    payment = await open_at_provider(payment, _doors(here))
    if payment.qr_url is not None and _is_payable(payment):
        return await paying_page(await here.again(), push=True)
    if _is_payable(payment):
        return here.leave_to(f"{here.url}/go")
    return await _moved_on(await here.again())


@get("/pay/{session_id:str}/go", include_in_schema=False)
async def go_to_provider(request: Request[Any, Any, Any], session_id: FromPath[str]) -> Response[str]:
    """The provider's own page, for whoever's payment it is; anybody else is shown where it stands."""
    here = await visit(request, session_id)
    payment = await _payment(here)
    if payment is None or payment.url is None or not _goes_on(here, payment):
        return await _moved_on(here)
    headers = {"Location": payment.url, "Cache-Control": rendering.NO_STORE}
    return here.sealed(Response("", status_code=303, headers=headers))


@get("/pay/{session_id:str}/return", include_in_schema=False)
async def show_paying(request: Request[Any, Any, Any], session_id: FromPath[str]) -> Response[str]:
    """Where whoever has been at the provider comes back to, in whichever browser that opens."""
    here = await visit(request, session_id)
    if here.flow.state is not SessionState.PROCESSING:
        return await _moved_on(here)
    return await paying_page(here)


@post("/pay/{session_id:str}/check", include_in_schema=False, status_code=200)
async def check_payment(request: Request[Any, Any, Any], session_id: FromPath[str]) -> Response[str]:
    """Ask the provider. `seen` is what the page says: while it is still true, the answer leaves the page alone."""
    here = await visit(request, session_id)
    form = await here.form()
    payment = await _payment(here)
    if payment is not None and _may_ask(here, payment):
        await check(payment.public_id, _doors(here))
        here = await here.again()
    if here.flow.state is not SessionState.PROCESSING:
        return await _moved_on(here)
    if not htmx.is_htmx(request.headers):
        return here.lead_to("/return")
    asked = min(number_in(form.value("asked")) or 0, _ASKED_MAX)
    again = await paying_again(here, asked, seen=form.value("seen"))
    return await paying_page(here, asked=asked, push=True) if again is None else again


@post("/pay/{session_id:str}/give-up", include_in_schema=False, status_code=200)
async def pay_another_way(request: Request[Any, Any, Any], session_id: FromPath[str]) -> Response[str]:
    """The provider lets go, and everything is as it was at step 1; unless the money turns out to be there already."""
    here = await visit(request, session_id)
    payment = await _payment(here)
    if payment is not None and here.flow.ours and here.flow.state is SessionState.PROCESSING:
        await give_up(payment.public_id, _doors(here))
        here = await here.again()
        if here.flow.state is SessionState.OPEN:
            return await _choose_anew(here)
    return await _moved_on(here)


def _doors(here: Visit) -> PaymentDoors:
    return PaymentDoors(here.house.providers, here.house.settings.base_url)


async def _payment(here: Visit) -> PaymentView | None:
    return await newest_payment_of_session(here.flow.merchant.id, here.flow.session_id)


def _goes_on(here: Visit, payment: PaymentView) -> bool:
    """Whether the shopper can pay it on the provider's page now."""
    return here.flow.state is SessionState.PROCESSING and here.flow.ours and _is_payable(payment)


def _may_ask(here: Visit, payment: PaymentView) -> bool:
    """Whoever pays may ask at any time. Any other browser with the address asks no more often than we look ourselves,
    so that it cannot have us call the provider without end."""
    if here.flow.state is not SessionState.PROCESSING:
        return False
    looks_at = payment.next_check_at
    return here.flow.ours or (looks_at is not None and looks_at <= here.wall)


def _is_payable(payment: PaymentView) -> bool:
    return payment.state is PaymentState.PENDING and not payment.is_letting_go


async def _moved_on(here: Visit) -> Response[str]:
    """Where the session is now. A payment that came to nothing leads back to the ways to pay, and says why."""
    if here.flow.state is SessionState.OPEN and here.flow.payment_failure is not None and here.flow.ours:
        return await _choose_anew(here)
    return await page_now(here, push=True)


async def _choose_anew(here: Visit) -> Response[str]:
    if here.request.method == "GET" or not htmx.is_htmx(here.request.headers):
        return here.lead_to("")
    return await method_page(here, push=True)
