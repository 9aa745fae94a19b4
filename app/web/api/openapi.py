"""The OpenAPI 3.1 document, made from the structs that check the requests, so that the two cannot drift apart.

One row of `OPERATIONS` a route; a test compares the rows with the routes that are mounted.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import msgspec

from app.kernel.money import MAX_AMOUNT_MINOR
from app.web.api import schemas, schemas_fees, schemas_money
from app.web.api.openapi_parts import (
    CURSOR,
    IDEMPOTENCY_KEY,
    LIMIT,
    Operation,
    Parameter,
    Schema,
    id_parameter,
)
from app.web.api.openapi_subscriptions import SUBSCRIPTIONS
from app.web.shared.problems import PROBLEM_TYPE, Problem

_REF: Final = "#/components/schemas/{name}"

_STATE: Final[Parameter] = {
    "name": "state",
    "in": "query",
    "description": "Only orders in this state.",
    "schema": {
        "type": "string",
        "enum": [
            "draft",
            "open",
            "in_payment",
            "held",
            "paid",
            "partly_refunded",
            "refunded",
            "cancelled",
            "expired",
        ],
    },
}
_REFERENCE: Final[Parameter] = {
    "name": "reference",
    "in": "query",
    "description": "Only orders whose reference begins with this text.",
    "schema": {"type": "string", "maxLength": 200},
}
_TIME: Final = {"type": "string", "format": "date-time"}
_SUM: Final = {"type": "integer", "minimum": 0, "maximum": MAX_AMOUNT_MINOR}
_ORDER_FILTERS: Final[tuple[Parameter, ...]] = (
    {
        "name": "q",
        "in": "query",
        "description": "Only orders of which the reference, a name, the e-mail or the phone begins so, read as letters"
        " and digits alone; or whose total it is, with cents. The closest match comes first.",
        "schema": {"type": "string", "maxLength": 200},
    },
    {
        "name": "buyer",
        "in": "query",
        "description": "Only orders of such buyers.",
        "schema": {"type": "string", "enum": ["consumer", "business"]},
    },
    {
        "name": "created_from",
        "in": "query",
        "description": "Only orders made then or later.",
        "schema": _TIME,
    },
    {"name": "created_before", "in": "query", "description": "Only orders made earlier.", "schema": _TIME},
    {
        "name": "total_min_minor",
        "in": "query",
        "description": "Only such totals or larger ones.",
        "schema": _SUM,
    },
    {
        "name": "total_max_minor",
        "in": "query",
        "description": "Only such totals or smaller ones.",
        "schema": _SUM,
    },
    {
        "name": "has_link",
        "in": "query",
        "description": "Only orders with a payment link, or only those without.",
        "schema": {"type": "boolean"},
    },
)
_INVOICE_STATE: Final[Parameter] = {
    "name": "state",
    "in": "query",
    "description": "Only documents in this state.",
    "schema": {
        "type": "string",
        "enum": ["scheduled", "issued", "partly_paid", "overdue", "paid", "credited"],
    },
}
_ORDER_ID: Final[Parameter] = {
    "name": "order_id",
    "in": "query",
    "description": "Only documents of this order.",
    "schema": {"type": "string", "pattern": "^ord_[0-7][0-9a-hjkmnp-tv-z]{25}$"},
}
OPERATIONS: Final = (
    Operation(
        "post",
        "/api/v1/sessions",
        "openSession",
        "Open a session: an order to be paid, and the address to send the shopper to.",
        parameters=(IDEMPOTENCY_KEY,),
        body=schemas.NewSession,
        status=201,
        answer=schemas.Session,
        refusals=(409, 413, 415, 422),
    ),
    Operation(
        "get",
        "/api/v1/sessions/{session_id}",
        "readSession",
        "A session as it stands now.",
        parameters=(id_parameter("session_id", "cs"),),
        answer=schemas.SessionDetails,
        refusals=(404,),
    ),
    Operation(
        "post",
        "/api/v1/sessions/{session_id}/cancel",
        "cancelSession",
        "Cancel a session that has not ended.",
        parameters=(id_parameter("session_id", "cs"), IDEMPOTENCY_KEY),
        body=schemas.Nothing,
        body_required=False,
        answer=schemas.SessionDetails,
        refusals=(404, 409, 413, 415, 422),
    ),
    Operation(
        "get",
        "/api/v1/orders",
        "listOrders",
        "Orders, newest first; with `q`, the closest match first. A page may hold fewer than its limit while further"
        " orders follow: go on until there is no cursor.",
        parameters=(LIMIT, CURSOR, _STATE, _REFERENCE, *_ORDER_FILTERS),
        answer=schemas.OrderList,
    ),
    Operation(
        "get",
        "/api/v1/orders/{order_id}",
        "readOrder",
        "One order. An order that expiry removed answers 410.",
        parameters=(id_parameter("order_id", "ord"),),
        answer=schemas.Order,
        refusals=(404, 410),
    ),
    Operation(
        "post",
        "/api/v1/orders",
        "createOrder",
        "Make an open order: it waits for whoever will pay it.",
        parameters=(IDEMPOTENCY_KEY,),
        body=schemas.NewOrder,
        status=201,
        answer=schemas.Order,
        refusals=(409, 413, 415, 422),
    ),
    Operation(
        "patch",
        "/api/v1/orders/{order_id}",
        "editOrder",
        "Change an order that nobody has paid. Each change is a version; a paid order is locked.",
        parameters=(id_parameter("order_id", "ord"), IDEMPOTENCY_KEY),
        body=schemas.OrderEdit,
        answer=schemas.Order,
        refusals=(404, 409, 410, 413, 415, 422),
    ),
    Operation(
        "post",
        "/api/v1/orders/{order_id}/cancel",
        "cancelOrder",
        "Cancel an order that nobody has paid, and the sessions on it.",
        parameters=(id_parameter("order_id", "ord"), IDEMPOTENCY_KEY),
        body=schemas.Nothing,
        body_required=False,
        answer=schemas.Order,
        refusals=(404, 409, 410, 413, 415, 422),
    ),
    Operation(
        "post",
        "/api/v1/orders/{order_id}/refunds",
        "refundOrder",
        "Give back what was paid for an order: a sum or pieces of its lines, into the wallet or the way it came. Above"
        " the shop's limit a second person is asked first.",
        parameters=(id_parameter("order_id", "ord"), {**IDEMPOTENCY_KEY, "required": True}),
        body=schemas.NewRefund,
        status=201,
        answer=schemas.Refund,
        refusals=(404, 409, 410, 413, 415, 422),
    ),
    Operation(
        "get",
        "/api/v1/orders/{order_id}/refunds",
        "listRefunds",
        "Refunds of an order, oldest first.",
        parameters=(id_parameter("order_id", "ord"), LIMIT, CURSOR),
        answer=schemas.RefundList,
        refusals=(404,),
    ),
    Operation(
        "post",
        "/api/v1/orders/{order_id}/payment-link",
        "makePaymentLink",
        "The payment link of an open order, made if it has none; with `email` it is sent. An order has one link, whose"
        " address never changes.",
        parameters=(id_parameter("order_id", "ord"), IDEMPOTENCY_KEY),
        body=schemas.NewPaymentLink,
        body_required=False,
        status=201,
        answer=schemas.PaymentLink,
        refusals=(404, 409, 410, 413, 415, 422),
    ),
    Operation(
        "get",
        "/api/v1/orders/{order_id}/payment-link",
        "readPaymentLink",
        "The payment link of an order as it stands now.",
        parameters=(id_parameter("order_id", "ord"),),
        answer=schemas.PaymentLink,
        refusals=(404, 410),
    ),
    Operation(
        "patch",
        "/api/v1/orders/{order_id}/payment-link",
        "editPaymentLink",
        "Give a payment link another end. One that has lapsed works again as long as its order is there.",
        parameters=(id_parameter("order_id", "ord"), IDEMPOTENCY_KEY),
        body=schemas.PaymentLinkEdit,
        answer=schemas.PaymentLink,
        refusals=(404, 409, 410, 413, 415, 422),
    ),
    *(
        Operation(
            "post",
            f"/api/v1/orders/{{order_id}}/payment-link/{verb}",
            f"{verb}PaymentLink",
            summary,
            parameters=(id_parameter("order_id", "ord"), IDEMPOTENCY_KEY),
            body=schemas.Nothing,
            body_required=False,
            answer=schemas.PaymentLink,
            refusals=(404, 409, 410, 413, 415, 422),
        )
        for verb, summary in (
            ("pause", "Let nothing be paid by a payment link until it is resumed."),
            ("resume", "Let a paused payment link lead to its order again."),
            ("withdraw", "Take a payment link back for good, and end the payments begun by it."),
        )
    ),
    Operation(
        "get",
        "/api/v1/invoices",
        "listInvoices",
        "Invoices, receipts, payment notices and credit notes, newest first.",
        parameters=(LIMIT, CURSOR, _INVOICE_STATE, _ORDER_ID),
        answer=schemas_money.InvoiceList,
    ),
    Operation(
        "get",
        "/api/v1/invoices/{invoice_id}",
        "readInvoice",
        "One invoice, receipt, payment notice or credit note, with what was paid of it.",
        parameters=(id_parameter("invoice_id", "inv"),),
        answer=schemas_money.Invoice,
        refusals=(404,),
    ),
    Operation(
        "get",
        "/api/v1/invoices/{invoice_id}/e-invoice",
        "downloadEInvoice",
        "The document of a company as a file after Peppol BIS Billing 3.0 (UBL 2.1); every other document has none.",
        parameters=(id_parameter("invoice_id", "inv"),),
        file="application/xml",
        refusals=(404,),
    ),
    Operation(
        "post",
        "/api/v1/invoices/{invoice_id}/payments",
        "recordPayment",
        "Record money that came in for an invoice or a payment notice: a part, all of it, or more.",
        parameters=(id_parameter("invoice_id", "inv"), IDEMPOTENCY_KEY),
        body=schemas.NewPayment,
        status=201,
        answer=schemas_money.Payment,
        refusals=(404, 409, 413, 415, 422),
    ),
    Operation(
        "post",
        "/api/v1/invoices/{invoice_id}/credit-notes",
        "creditInvoice",
        "Take back an invoice or a receipt: all that is left of it, a sum, or pieces of its lines.",
        parameters=(id_parameter("invoice_id", "inv"), {**IDEMPOTENCY_KEY, "required": True}),
        body=schemas.NewCreditNote,
        status=201,
        answer=schemas_money.Invoice,
        refusals=(404, 409, 413, 415, 422),
    ),
    Operation(
        "get",
        "/api/v1/customers/{customer_id}/wallet",
        "readWallet",
        "What a customer has with the shop, what makes it up, and a page of its movements, newest first.",
        parameters=(id_parameter("customer_id", "cus"), LIMIT, CURSOR),
        answer=schemas_money.Wallet,
        refusals=(404,),
    ),
    Operation(
        "get",
        "/api/v1/method-fees",
        "readMethodFees",
        "What each way to pay costs a shopper of yours, or saves them.",
        answer=schemas_fees.MethodFees,
    ),
    Operation(
        "put",
        "/api/v1/method-fees",
        "saveMethodFees",
        "Have these fees and discounts and no others. What the law forbids is a 422 that names its source.",
        body=schemas_fees.MethodFees,
        answer=schemas_fees.MethodFees,
        refusals=(413, 415, 422),
    ),
    Operation(
        "get",
        "/api/v1/events",
        "listEvents",
        "What happened, newest first.",
        parameters=(LIMIT, CURSOR),
        answer=schemas.EventList,
    ),
    Operation(
        "post",
        "/api/v1/webhook-endpoints",
        "createWebhookEndpoint",
        "Have events sent to an address. The signing secret is shown this once.",
        parameters=(IDEMPOTENCY_KEY,),
        body=schemas.NewWebhookEndpoint,
        status=201,
        answer=schemas.CreatedWebhookEndpoint,
        refusals=(409, 413, 415, 422),
    ),
    Operation(
        "get",
        "/api/v1/webhook-endpoints",
        "listWebhookEndpoints",
        "Where events are sent, oldest first.",
        parameters=(LIMIT, CURSOR),
        answer=schemas.WebhookEndpointList,
    ),
    Operation(
        "delete",
        "/api/v1/webhook-endpoints/{endpoint_id}",
        "deleteWebhookEndpoint",
        "Stop sending events to an endpoint.",
        parameters=(id_parameter("endpoint_id", "we"), IDEMPOTENCY_KEY),
        status=204,
        refusals=(404, 409),
    ),
    *SUBSCRIPTIONS,
)

# Any operation can meet these: what cannot be read, no key, too many calls, a database that is away.
ALWAYS: Final = (400, 401, 503)
MEANINGS: Final = {
    200: "Done.",
    201: "Created.",
    204: "Done; there is nothing to tell.",
    400: "The request cannot be read.",
    401: "No key, or one that opens nothing.",
    404: "There is no such thing, or it is another merchant's.",
    409: "It stands in the way of what was done before; `code` tells how.",
    410: "It was removed when it expired.",
    413: "The body is over 64 KB.",
    415: "The body is not application/json.",
    422: "Values cannot be used; `errors` points at each.",
    503: "Not now; try again after `Retry-After` seconds.",
}


@lru_cache(maxsize=4)
def document(base_url: str) -> bytes:
    """The document as JSON."""
    return msgspec.json.encode(tree(base_url))


def tree(base_url: str) -> dict[str, object]:
    """The document as plain objects."""
    types = (
        {operation.body for operation in OPERATIONS}
        | {operation.answer for operation in OPERATIONS}
        | {Problem}
    )
    shapes = sorted((shape for shape in types if shape is not None), key=lambda shape: shape.__name__)
    _, components = msgspec.json.schema_components(shapes, ref_template=_REF)
    paths: dict[str, dict[str, object]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _described(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Kolme merchant API",
            "version": "1",
            "description": (
                "Money is an integer of minor units beside its currency. Times are RFC 3339 in UTC. "
                "Refusals are application/problem+json with a stable `code`."
            ),
        },
        "servers": [{"url": base_url}],
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A secret key: sk_test_... or sk_live_...",
                }
            },
        },
    }


def _described(operation: Operation) -> dict[str, object]:
    described: dict[str, object] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "parameters": list(operation.parameters),
        "responses": {
            str(operation.status): _success(operation),
            **{
                str(status): _response(status, Problem, PROBLEM_TYPE)
                for status in (*ALWAYS, *operation.refusals)
            },
        },
    }
    if operation.body is not None:
        described["requestBody"] = {
            "required": operation.body_required,
            "content": {"application/json": {"schema": _ref(operation.body)}},
        }
    return described


def _success(operation: Operation) -> dict[str, object]:
    if operation.file is not None:
        content = {operation.file: {"schema": {"type": "string"}}}
        return {"description": MEANINGS[operation.status], "content": content}
    return _response(operation.status, operation.answer, "application/json")


def _response(status: int, shape: type | None, media_type: str) -> dict[str, object]:
    response: dict[str, object] = {"description": MEANINGS[status]}
    if shape is not None:
        response["content"] = {media_type: {"schema": _ref(shape)}}
    return response


def _ref(shape: type) -> Schema:
    return {"$ref": _REF.format(name=shape.__name__)}
