"""The sandbox's MobilePay for programs: agreements and their charges, as the Recurring API has them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Final

from litestar import Response, delete, get, patch, post
from litestar.background_tasks import BackgroundTask
from litestar.di import NamedDependency
from litestar.params import FromPath

from app.kernel import clock
from app.messages import sandbox_mobilepay as memory
from app.web.sandbox import mobilepay_rules as rules
from app.web.sandbox.mobilepay_bodies import (
    AgreementChange,
    ChargeAdjustment,
    NewAgreement,
    NewCharge,
)
from app.web.sandbox.mobilepay_calls import (
    AnyRequest,
    after,
    as_json,
    body_of,
    changed,
    charge_event,
    check_caller,
    deal_events,
    empty,
    key_of,
    lost,
    with_call,
)
from app.web.sandbox.mobilepay_rules import Deal, Pact, Refused
from app.web.sandbox.mobilepay_twin import MSN, Twin

_ORDER_ID: Final = re.compile(r"[a-zA-Z0-9-]{1,50}")
_RECURRING_KEY: Final = re.compile(r"[^#?/\\]{1,40}")


@post("/recurring/v3/agreements", status_code=201)
async def take_agreement(request: AnyRequest, twin: NamedDependency[Twin]) -> Response[bytes]:
    new, key = await body_of(request, twin, NewAgreement), _recurring_key(request)
    first = new.initial_charge
    if first is None:
        return await _take_agreement_alone(twin, new, key)
    if first.amount < 1 or not _ORDER_ID.fullmatch(first.order_id):
        raise Refused(400, "The first charge cannot be taken")
    pact = Pact(
        id=f"agr_{rules.number()[:12]}",
        reference=new.external_id,
        product=new.product_name,
        currency=new.pricing.currency,
        return_url=new.merchant_redirect_url,
        key=key,
        made_at=clock.wall(),
    )
    charge = _charge(pact, first.order_id, first.amount, first.description, key)
    made = await memory.remember_new(
        [
            ("charge", charge.reference, rules.kept_of(charge)),
            ("agreement", pact.id, rules.kept_of(pact)),
        ]
    )
    if not made:
        before = rules.deal_in(await memory.recall("charge", charge.reference) or {})
        if (before.key, before.amount_minor) != (key, charge.amount_minor):
            raise Refused(409, "The orderId is taken")
        pact.id = before.agreement_id
    return as_json(
        {
            "agreementId": pact.id,
            "chargeId": charge.reference,
            "vippsConfirmationUrl": f"{twin.address}/agree/{pact.id}",
        },
        201,
    )


async def _take_agreement_alone(twin: Twin, new: NewAgreement, key: str) -> Response[bytes]:
    """Without a first charge. The same key finds the same agreement: there is no charge whose name could tell."""
    pact = Pact(
        id=f"agr_{hashlib.sha256(key.encode()).hexdigest()[:12]}",
        reference=new.external_id,
        product=new.product_name,
        currency=new.pricing.currency,
        return_url=new.merchant_redirect_url,
        key=key,
        made_at=clock.wall(),
        is_alone=True,
    )
    if not await memory.remember_new([("agreement", pact.id, rules.kept_of(pact))]):
        before = await agreement(pact.id)
        if (before.key, before.reference) != (key, pact.reference):
            raise Refused(409, "The key was used for another agreement")
    return as_json(
        {"agreementId": pact.id, "vippsConfirmationUrl": f"{twin.address}/agree/{pact.id}"},
        201,
    )


@get("/recurring/v3/agreements/{agreement_id:str}")
async def tell_agreement(
    request: AnyRequest, twin: NamedDependency[Twin], agreement_id: FromPath[str]
) -> Response[bytes]:
    check_caller(request, twin)
    pact = await agreement(agreement_id)
    return as_json(
        {
            "id": pact.id,
            "status": pact.status,
            "externalId": pact.reference,
            "productName": pact.product,
            "pricing": {"type": "FLEXIBLE", "currency": pact.currency},
            "created": pact.made_at,
        }
    )


@patch("/recurring/v3/agreements/{agreement_id:str}", status_code=200)
async def change_agreement(
    request: AnyRequest, twin: NamedDependency[Twin], agreement_id: FromPath[str]
) -> Response[bytes]:
    await body_of(request, twin, AgreementChange)
    _recurring_key(request)

    def stop(pact: Pact) -> bool:
        if pact.status not in ("ACTIVE", "PENDING"):
            raise Refused(400, "The agreement has ended")
        pact.status = "STOPPED"
        return True

    await change_agreement_by(agreement_id, stop)
    return with_call(twin, empty(), [agreement_event(await agreement(agreement_id), "stopped")])


@post("/recurring/v3/agreements/{agreement_id:str}/charges", status_code=201)
async def take_charge(
    request: AnyRequest, twin: NamedDependency[Twin], agreement_id: FromPath[str]
) -> Response[bytes]:
    new, key = await body_of(request, twin, NewCharge), _recurring_key(request)
    pact = await agreement(agreement_id)
    if pact.status != "ACTIVE":
        raise Refused(400, "The agreement is not active")
    if new.amount < 1 or not _ORDER_ID.fullmatch(new.order_id):
        raise Refused(400, "The charge cannot be taken")
    charge = _charge(pact, new.order_id, new.amount, new.description, key)
    now = clock.wall()
    if pact.later == "declined":
        rules.fail(charge, now)
    elif pact.later != "waits":
        rules.go_through(charge, now)
    if not await memory.remember_new([("charge", charge.reference, rules.kept_of(charge))]):
        before = rules.deal_in(await memory.recall("charge", charge.reference) or {})
        if (before.key, before.amount_minor) != (key, charge.amount_minor):
            raise Refused(409, "The orderId is taken")
        return as_json({"chargeId": charge.reference}, 201)
    # Once: who asks again finds the charge that was made and hears of it.
    answer = lost() if pact.later == "lost" else as_json({"chargeId": charge.reference}, 201)
    return with_call(twin, answer, [charge_event(charge, event) for event in charge.events])


@get("/recurring/v3/agreements/{agreement_id:str}/charges/{charge_id:str}")
async def tell_charge(
    request: AnyRequest, twin: NamedDependency[Twin], agreement_id: FromPath[str], charge_id: FromPath[str]
) -> Response[bytes]:
    check_caller(request, twin)
    charge, pact = await _charge_of(agreement_id, charge_id), await agreement(agreement_id)
    answer = as_json(_charge_told(charge))
    if charge.state == "CREATED" and charge.reference != pact.reference and pact.status == "ACTIVE":
        # It is taken once somebody has seen it wait: the first look always comes too early.
        answer.background = BackgroundTask(_take_in_time, twin, charge.reference)
    return answer


@delete("/recurring/v3/agreements/{agreement_id:str}/charges/{charge_id:str}", status_code=200)
async def cancel_charge(
    request: AnyRequest, twin: NamedDependency[Twin], agreement_id: FromPath[str], charge_id: FromPath[str]
) -> Response[bytes]:
    check_caller(request, twin)
    key, now = _recurring_key(request), clock.wall()
    await _charge_of(agreement_id, charge_id)
    done = await changed("charge", charge_id, lambda deal: rules.cancel(deal, key, now))
    return await after(twin, done, None)


@post("/recurring/v3/agreements/{agreement_id:str}/charges/{charge_id:str}/{verb:str}", status_code=200)
async def adjust_charge(
    request: AnyRequest,
    twin: NamedDependency[Twin],
    agreement_id: FromPath[str],
    charge_id: FromPath[str],
    verb: FromPath[str],
) -> Response[bytes]:
    asked, key, now = await body_of(request, twin, ChargeAdjustment), _recurring_key(request), clock.wall()
    deal = await _charge_of(agreement_id, charge_id)
    if verb not in ("capture", "refund"):
        raise Refused(404, "Not found")
    act = rules.capture if verb == "capture" else rules.refund
    done = await changed("charge", charge_id, lambda it: act(it, asked.amount, deal.currency, key, now))
    return await after(twin, done, None)


async def _take_in_time(twin: Twin, charge_id: str) -> None:
    now = clock.wall()
    done = await changed("charge", charge_id, lambda deal: rules.go_through(deal, now))
    await twin.caller.call(deal_events(done.deal, done.added))


async def _charge_of(agreement_id: str, charge_id: str) -> Deal:
    kept = await memory.recall("charge", charge_id)
    deal = None if kept is None else rules.deal_in(kept)
    if deal is None or deal.agreement_id != agreement_id:
        raise Refused(404, "Not found")
    return deal


async def agreement(agreement_id: str) -> Pact:
    kept = await memory.recall("agreement", agreement_id)
    if kept is None:
        raise Refused(404, "Not found")
    return rules.pact_in(kept, clock.wall())


async def change_agreement_by(agreement_id: str, how: Callable[[Pact], bool]) -> None:
    def lay_over(kept: memory.Kept) -> tuple[memory.Kept, bool]:
        pact = rules.pact_in(kept, clock.wall())
        did = how(pact)
        return rules.kept_of(pact), did

    if await memory.change("agreement", agreement_id, lay_over) is None:
        raise Refused(404, "Not found")


def agreement_event(pact: Pact, what: str) -> Mapping[str, object]:
    return {
        "msn": MSN,
        "eventType": f"recurring.agreement-{what}.v1",
        "agreementId": pact.id,
        "agreementExternalId": pact.reference or None,
        "occurred": clock.wall(),
    }


def _charge(pact: Pact, order_id: str, amount_minor: int, description: str, key: str) -> Deal:
    return Deal(
        reference=order_id,
        amount_minor=amount_minor,
        currency=pact.currency,
        description=description,
        return_url=pact.return_url,
        key=key,
        made_at=clock.wall(),
        agreement_id=pact.id,
    )


def _charge_told(deal: Deal) -> Mapping[str, object]:
    return {
        "id": deal.reference,
        "agreementId": deal.agreement_id,
        "amount": deal.amount_minor,
        "currency": deal.currency,
        "description": deal.description,
        "status": rules.charge_status(deal),
        "failureReason": "user_action_required" if deal.state == "FAILED" else None,
        "summary": {
            "captured": deal.captured_minor,
            "refunded": deal.refunded_minor,
            "cancelled": deal.cancelled_minor,
        },
    }


def _recurring_key(request: AnyRequest) -> str:
    key = key_of(request, 40)
    if not _RECURRING_KEY.fullmatch(key):
        raise Refused(400, "The Idempotency-Key has a character that it must not have")
    return key


HANDLERS: Final = (
    take_agreement,
    tell_agreement,
    change_agreement,
    take_charge,
    tell_charge,
    cancel_charge,
    adjust_charge,
)
