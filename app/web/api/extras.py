"""`/api/v1/method-fees`, and the ways to deliver of a session or an order: what a shop lets its shoppers choose."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import msgspec
from litestar import Request, Response, get, put

from app.extras.actions import save_fees
from app.extras.errors import AreaRefused, FeeRefused
from app.extras.queries import fees_now
from app.extras.rules import Area, MethodFee, ShippingOption, area_of, check_fee
from app.web.api import body, schemas, schemas_fees
from app.web.api.basket import cleaned
from app.web.api.keys import TheCaller
from app.web.api.once import Answer
from app.web.api.problems import fault, invalid
from app.web.shared.problems import FieldProblem

if TYPE_CHECKING:
    from collections.abc import Sequence

_HUNDRED: Final = Decimal(100)


@get("/method-fees")
async def read_method_fees(caller: TheCaller) -> Response[bytes]:
    """What each way to pay costs or saves, as it stands now."""
    return Answer(200, _encoded(await fees_now(caller.merchant.id))).response()


@put("/method-fees", status_code=200)
async def save_method_fees(request: Request[Any, Any, Any], caller: TheCaller) -> Response[bytes]:
    """These fees and discounts and no others. What the law forbids is refused with its source."""
    given, _ = await body.read(request, schemas_fees.MethodFees)
    faults: list[FieldProblem] = []
    seen: set[tuple[str, str]] = set()
    wanted = []
    for index, each in enumerate(given.fees):
        if (each.buyer, each.method) in seen:
            faults.append(fault(f"/fees/{index}", "twice"))
        seen.add((each.buyer, each.method))
        wanted.append(_fee_of(each, index, caller.merchant.country, faults))
    if faults:
        raise invalid(*faults)
    fees = [fee for fee in wanted if fee is not None]
    await save_fees(caller.merchant, fees, actor=caller.actor, now=caller.now)
    return Answer(200, _encoded(fees)).response()


def _fee_of(
    given: schemas_fees.MethodFee, index: int, country: str, faults: list[FieldProblem]
) -> MethodFee | None:
    points = 0 if given.percent is None else int(Decimal(given.percent) * _HUNDRED)
    fee = MethodFee(given.buyer, given.method, given.amount_minor or 0, points)
    try:
        return check_fee(fee, country)
    except FeeRefused as refused:
        faults.append(_with_source(fault(f"/fees/{index}", refused.reason), refused.source))
        return None


def _with_source(found: FieldProblem, source: str | None) -> FieldProblem:
    return found if source is None else FieldProblem(found.pointer, found.code, source)


def _encoded(fees: Sequence[MethodFee]) -> bytes:
    told = [
        schemas_fees.MethodFee(
            buyer=fee.buyer,
            method=fee.method,
            amount_minor=fee.fixed_minor or None,
            percent=f"{Decimal(fee.rate_points) / _HUNDRED:f}" if fee.rate_points else None,
        )
        for fee in fees
    ]
    return msgspec.json.encode(schemas_fees.MethodFees(tuple(told)))


def shipping_of(
    given: Sequence[schemas.NewShippingOption], country: str, faults: list[FieldProblem]
) -> tuple[ShippingOption, ...]:
    """The ways to deliver, with postcodes of the country. All faults are gathered, none raised."""
    seen: set[str] = set()
    options = []
    for index, each in enumerate(given):
        place = f"/shipping_options/{index}"
        if each.id in seen:
            faults.append(fault(f"{place}/id", "twice"))
        seen.add(each.id)
        percent = each.vat_percent
        if percent.endswith("\n"):
            # `$` in a pattern lets one line break by.
            faults.append(fault(f"{place}/vat_percent", "malformed"))
            percent = "0"
        options.append(
            ShippingOption(
                id=cleaned(each.id, f"{place}/id", faults),
                provider=cleaned(each.provider, f"{place}/provider", faults),
                name=cleaned(each.name, f"{place}/name", faults),
                price_minor=each.price_minor,
                vat_percent=Decimal(percent),
                areas=_areas(each.postcodes, country, f"{place}/postcodes", faults),
            )
        )
    return tuple(options)


def _areas(texts: Sequence[str], country: str, place: str, faults: list[FieldProblem]) -> tuple[Area, ...]:
    areas = []
    for index, text in enumerate(texts):
        try:
            areas.append(area_of(text, country))
        except AreaRefused as refused:
            faults.append(fault(f"{place}/{index}", refused.reason))
    return tuple(areas)
