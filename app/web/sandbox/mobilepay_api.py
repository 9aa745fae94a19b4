"""The sandbox's MobilePay for programs: access tokens and ePayment, as the real one speaks them.

Strict where the real one may not be: a field that the API does not know is refused, so that a slip of the adapter shows
in the sandbox and not at the first real payment.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from app.kernel import clock
from app.messages import sandbox_mobilepay as memory
from app.web.sandbox import mobilepay_rules as rules
from app.web.sandbox.mobilepay_bodies import (
    Adjustment,
    Cancellation,
    NewPayment,
)
from app.web.sandbox.mobilepay_calls import (
    AnyRequest,
    after,
    as_json,
    body_of,
    changed,
    check_caller,
    check_unit,
    deal_events,
    key_of,
)
from app.web.sandbox.mobilepay_rules import Deal, Refused
from app.web.sandbox.mobilepay_twin import CLIENT_ID, TOKEN_VALID, Twin, new_token

_REFERENCE: Final = re.compile(r"[a-zA-Z0-9-]{8,64}")


@post("/accesstoken/get", status_code=200)
async def give_token(request: AnyRequest, twin: NamedDependency[Twin]) -> Response[bytes]:
    given = (request.headers.get("client_id"), request.headers.get("client_secret"))
    if given != (CLIENT_ID, twin.keys.client_secret):
        raise Refused(401, "Unauthorized")
    check_unit(request, twin)
    lasts_s = int(TOKEN_VALID.total_seconds())
    return as_json(
        {"token_type": "Bearer", "expires_in": str(lasts_s), "access_token": new_token(twin.keys)}, 200
    )


@post("/epayment/v1/payments", status_code=201)
async def take_payment(request: AnyRequest, twin: NamedDependency[Twin]) -> Response[bytes]:
    new, key = await body_of(request, twin, NewPayment), key_of(request, 50)
    if not _REFERENCE.fullmatch(new.reference):
        raise Refused(400, "The reference has other characters than letters, digits and hyphens")
    if new.amount.value < 1 or not 3 <= len(new.payment_description) <= 100:
        raise Refused(400, "The amount or the description is out of bounds")
    if new.user_flow == "WEB_REDIRECT" and not new.return_url:
        raise Refused(400, "WEB_REDIRECT needs a returnUrl")
    deal = Deal(
        reference=new.reference,
        amount_minor=new.amount.value,
        currency=new.amount.currency,
        description=new.payment_description,
        return_url=new.return_url,
        key=key,
        made_at=clock.wall(),
        flow=new.user_flow,
    )
    if not await memory.remember_new([("payment", deal.reference, rules.kept_of(deal))]):
        before = rules.deal_in(await memory.recall("payment", deal.reference) or {})
        if (before.key, before.amount_minor, before.currency) != (key, deal.amount_minor, deal.currency):
            raise Refused(409, "The reference is taken")
    is_picture = new.qr_format is None or new.qr_format.format != "TEXT/TARGETURL"
    where = f"qr/{deal.reference}.svg" if deal.flow == "QR" and is_picture else f"pay/{deal.reference}"
    return as_json({"reference": deal.reference, "redirectUrl": f"{twin.address}/{where}"}, 201)


@get("/epayment/v1/payments/{reference:str}")
async def tell_payment(
    request: AnyRequest, twin: NamedDependency[Twin], reference: FromPath[str]
) -> Response[bytes]:
    check_caller(request, twin)
    deal = await _payment(twin, reference)
    return as_json({**_told(deal), "redirectUrl": f"{twin.address}/pay/{reference}"})


@get("/epayment/v1/payments/{reference:str}/events")
async def tell_events(
    request: AnyRequest, twin: NamedDependency[Twin], reference: FromPath[str]
) -> Response[bytes]:
    check_caller(request, twin)
    return as_json(rules.events_told(await _payment(twin, reference)))


@post("/epayment/v1/payments/{reference:str}/{verb:str}", status_code=200)
async def adjust_payment(
    request: AnyRequest, twin: NamedDependency[Twin], reference: FromPath[str], verb: FromPath[str]
) -> Response[bytes]:
    check_caller(request, twin)
    key, now = key_of(request, 50), clock.wall()
    await _payment(twin, reference)
    if verb == "cancel":
        await body_of(request, twin, Cancellation)
        done = await changed("payment", reference, lambda deal: rules.cancel(deal, key, now))
    elif verb in ("capture", "refund"):
        asked = (await body_of(request, twin, Adjustment)).modification_amount
        act = rules.capture if verb == "capture" else rules.refund
        done = await changed(
            "payment", reference, lambda deal: act(deal, asked.value, asked.currency, key, now)
        )
    else:
        raise Refused(404, "Not found")
    return await after(twin, done, _told(done.deal))


async def _payment(twin: Twin, reference: str) -> Deal:
    """A payment as it is now: who was asked too long ago is asked no more."""
    now = clock.wall()

    def lay_over(kept: memory.Kept) -> tuple[memory.Kept, tuple[Deal, bool]]:
        deal = rules.deal_in(kept)
        ended = rules.let_time_pass(deal, now)
        return rules.kept_of(deal), (deal, ended)

    found = await memory.change("payment", reference, lay_over)
    if found is None:
        raise Refused(404, "Not found")
    deal, ended = found
    if ended:
        await twin.caller.call(deal_events(deal, deal.events[-1:]))
    return deal


def _told(deal: Deal) -> Mapping[str, object]:
    def amount(amount_minor: int) -> Mapping[str, object]:
        return {"currency": deal.currency, "value": amount_minor}

    return {
        "amount": amount(deal.amount_minor),
        "state": deal.state,
        "aggregate": {
            "authorizedAmount": amount(deal.authorized_minor),
            "cancelledAmount": amount(deal.cancelled_minor),
            "capturedAmount": amount(deal.captured_minor),
            "refundedAmount": amount(deal.refunded_minor),
        },
        "pspReference": deal.events[-1].psp_reference if deal.events else deal.reference,
        "reference": deal.reference,
    }


HANDLERS: Final = (give_token, take_payment, tell_payment, tell_events, adjust_payment)
