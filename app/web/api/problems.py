"""What the API refuses, as problem documents (RFC 9457): one status and one stable code for each named refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from litestar import Request, Response

from app.invoices.errors import CreditRefused, NotCreditable, NotPayable, PaymentKeyReused, PaymentRefused
from app.invoices.errors import NotFound as InvoiceNotFound
from app.kernel.cursors import CursorRefused
from app.kernel.db import DatabaseUnavailable
from app.kernel.idempotency import KeyReused, StillRunning
from app.kernel.limits import LimitReached
from app.ledger.errors import MoneyFrozen
from app.links.errors import LinkEnded, LinkPaused, LinkUnknown, ValidityRefused
from app.merchants.errors import EndpointUnknown, FieldRefused, ModuleOff, TooManyEndpoints
from app.orders.errors import (
    LineRefused,
    OrderLocked,
    OrderRemoved,
    OrderUnknown,
    TotalRefused,
    VersionConflict,
)
from app.returns.errors import (
    NotInvoicedYet,
    NotRefundable,
    PaymentDisputed,
    RefundableChanged,
    RefundKeyReused,
    RefundRefused,
)
from app.web.shared import errors
from app.web.shared.problems import PROBLEM_TYPE, FieldProblem, Problem, RefusedRequest, problem_body
from app.web.shared.rendering import NO_STORE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# The same words for the same fault, whoever finds it. Details are for the developer who reads the answer.
_DETAILS: Final[Mapping[str, str]] = {
    "missing": "This field is required.",
    "unknown_field": "There is no such field.",
    "wrong_type": "The value is of another JSON type.",
    "out_of_range": "The number or the date lies outside of what is possible here.",
    "length": "The text or list is too short or too long.",
    "unknown_value": "The value is none of the allowed ones.",
    "malformed": "The value is not in the expected form.",
    "empty": "Nothing is left once invisible characters are taken away.",
    "twice": "The same thing stands here twice.",
    "backwards": "The range ends before it begins.",
    "credit_cost": "What a consumer pays for credit belongs into its plan, where the annual percentage rate shows it.",
    "wallet_is_free": "Paying with the wallet costs nobody anything.",
    "not_for_buyer": "This way to pay is not open to this kind of buyer.",
    "card_number": "This looks like the number of a card, and card numbers are never kept here.",
    "nul": "Text must not hold the character U+0000.",
    "lone_surrogate": "Text must be valid Unicode; a lone surrogate is not.",
    "duplicate_key": "The same name stands twice in one object.",
    "negative": "Only a discount may be negative.",
    "discount_not_negative": "The price of a discount must not be above zero.",
    "count": "There must be at least one line and at most 200.",
    "total_out_of_range": "The lines must sum to at least one minor unit, and to no more than an order may hold.",
    "not_absolute": "The address must be absolute and begin with http:// or https://.",
    "not_https": "The address must begin with https://.",
    "userinfo": "The address must not carry a user name or password.",
    "host_not_allowed": "The host is not one of the hosts that this merchant sends shoppers back to.",
    "private_address": "The address does not lead to a public host.",
    "port_not_allowed": "Webhooks are sent to port 443 only.",
    "not_mobile": "A code can be sent to mobile numbers only.",
    "premium": "Numbers that cost extra are not taken.",
    "currency_mismatch": "The currency is neither that of the shop's country nor that of the shopper's.",
    "country_not_served": "The number belongs to a country that is not served.",
    "too_long": "The text is too long.",
    "not_left": "This is more than is left of the sale, or not in it.",
    "not_positive": "The sum must be above zero.",
    "more_than_left": "This is more than may still be given back.",
    "sum_differs": "The lines less the fee come to another sum.",
    "too_large": "The fee must be less than what the lines come to.",
    "no_customer": "The order was paid outside the checkout: its customer has no wallet.",
    "other_currency": "The order is in another currency than the shop's wallets.",
    "mismatch": "The order is in another currency.",
    "only_with_lines": "A fee is kept of lines; of a sum, name what shall be given back.",
    "one_of_two": "Name a sum or lines, not both.",
    "unknown": "The value is none of the allowed ones.",
    "plan_ended": "The plan takes nobody new.",
    "not_for_business": "A subscription is for consumers.",
    "beyond_law": "Nobody may be bound for so long in the shop's country.",
    "unknown_language": "A name is in one of the languages of the pages.",
}

_STATUSES: Final[Mapping[type[Exception], int]] = {
    CursorRefused: 400,
    KeyReused: 409,
    StillRunning: 409,
    OrderRemoved: 410,
    TooManyEndpoints: 409,
    LinkEnded: 409,
    LinkPaused: 409,
    NotPayable: 409,
    NotCreditable: 409,
    PaymentKeyReused: 409,
    ModuleOff: 409,
    NotInvoicedYet: 409,
    NotRefundable: 409,
    PaymentDisputed: 409,
    RefundKeyReused: 409,
    LimitReached: 429,
    DatabaseUnavailable: 503,
    MoneyFrozen: 503,
}


class InputRefused(RefusedRequest):
    """The request is not what this operation takes; `errors` points at each fault of the body."""

    def __init__(
        self,
        status: int,
        code: str,
        errors: Sequence[FieldProblem] = (),
        detail: str = "",
        version: int = 0,
        refundable_minor: int | None = None,
    ) -> None:
        super().__init__(status, code)
        self.errors = tuple(errors)
        self.detail = detail
        self.version = version
        self.refundable_minor = refundable_minor


class Unauthorized(RefusedRequest):
    """No key, or one that opens nothing. The answer never tells which."""

    def __init__(self) -> None:
        super().__init__(401, "unauthorized")


def not_found() -> RefusedRequest:
    """The one answer for what is missing, malformed or another merchant's."""
    return RefusedRequest(404, "not_found")


def fault(pointer: str, code: str) -> FieldProblem:
    return FieldProblem(pointer, code, _DETAILS.get(code, "This value cannot be used."))


def invalid(*faults: FieldProblem) -> InputRefused:
    """422: the body is JSON and its values cannot be used."""
    return InputRefused(422, "invalid_request", faults)


def handle(request: Request[Any, Any, Any], exc: Exception) -> Response[Any]:
    """The exception handler of every API route. What has no name here is answered, and logged, as anywhere else."""
    wrong = _wrong_value(exc)
    if wrong is not None:
        exc = wrong
    elif isinstance(exc, OrderLocked | VersionConflict):
        exc = _not_editable(exc)
    elif isinstance(exc, RefundableChanged):
        exc = _changed(exc)
    elif isinstance(exc, EndpointUnknown | InvoiceNotFound | LinkUnknown | OrderUnknown):
        exc = not_found()
    if isinstance(exc, InputRefused):
        return _answer(exc)
    response = _by_default(request, exc)
    if isinstance(exc, Unauthorized):
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _wrong_value(exc: Exception) -> InputRefused | None:
    """What a rule says of one value of the body, told at its place."""
    if isinstance(exc, FieldRefused):
        return invalid(fault(f"/{exc.field}", exc.reason))
    if isinstance(exc, LineRefused):
        return invalid(fault(exc.pointer, exc.reason))
    if isinstance(exc, TotalRefused):
        return invalid(fault("/lines", exc.code))
    if isinstance(exc, PaymentRefused):
        return invalid(fault(f"/{exc.field}", "out_of_range" if exc.field != "currency" else "unknown"))
    if isinstance(exc, RefundRefused):
        return invalid(fault(f"/{exc.field}", exc.reason))
    if isinstance(exc, CreditRefused):
        return invalid(fault(f"/{exc.field}", "not_left"))
    if isinstance(exc, ValidityRefused):
        return invalid(fault("/expires_at", "out_of_range"))
    return None


def _not_editable(exc: OrderLocked | VersionConflict) -> InputRefused:
    if isinstance(exc, OrderLocked):
        return InputRefused(409, exc.code, detail=f"The order is {exc.state}.")
    detail = f"The order is at version {exc.version}: read it, and make your change to that."
    return InputRefused(409, exc.code, detail=detail, version=exc.version)


def _changed(exc: RefundableChanged) -> InputRefused:
    detail = f"{exc.refundable_minor} minor units may be given back: read the order, and say what you saw."
    return InputRefused(409, exc.code, detail=detail, refundable_minor=exc.refundable_minor)


def _answer(refused: InputRefused) -> Response[bytes]:
    problem = Problem(
        status=refused.status,
        code=refused.code,
        title=refused.code.replace("_", " ").capitalize(),
        detail=refused.detail,
        errors=refused.errors,
        version=refused.version,
        refundable_minor=refused.refundable_minor,
    )
    return Response(
        problem_body(problem),
        status_code=refused.status,
        media_type=PROBLEM_TYPE,
        headers={"Cache-Control": NO_STORE},
    )


_by_default: Final = errors.error_handler(_STATUSES)
