"""Addresses that answer no page: programs call them, or they lead away at once. Other routes stand in `states`."""

from __future__ import annotations

from typing import Final

NOT_PAGES: Final = frozenset(
    {
        "/healthz",
        "/metrics",
        "/static/{path:path}",
        "/api/openapi.json",
        "/api/v1/sessions/{session_id:str}",
        "/account/bank",
        "/wallet/statement.pdf",
        "/wallet/statement.csv",
        "/purchases/{order_id:str}/agreement",
        "/purchases/{order_id:str}/documents/{invoice_id:str}",
        "/till/{code:str}/live",
        "/admin/till/{public_id:str}/live",
        "/api/v1/orders",
        "/api/v1/orders/{order_id:str}/refunds",
        "/api/v1/orders/{order_id:str}",
        "/api/v1/orders/{order_id:str}/payment-link",
        "/api/v1/invoices",
        "/api/v1/invoices/{invoice_id:str}",
        "/admin/invoices/{public_id:str}/pdf",
        "/admin/links/export",
        "/admin/wallets/export",
        "/admin/wallets/{customer_id:str}/export",
        "/api/v1/customers/{customer_id:str}/wallet",
        "/api/v1/events",
        "/api/v1/webhook-endpoints",
        "/sandbox/outbox",
        "/sandbox/letterbox/{message_id:uuid}/files/{position:int}",
        "/sandbox/clock",
        "/sandbox/shoppers",
        "/sandbox/bank/.well-known/openid-configuration",
        "/sandbox/bank/jwks",
        "/.well-known/jwks.json",
        "/sandbox/bank/userinfo",
        "/pay/{session_id:str}/bank",
        "/pay/{session_id:str}/live",
        "/admin/orders/{public_id:str}/live",
        "/pay/{session_id:str}/standard-information.pdf",
        "/pay/{session_id:str}/agreement",
        "/admin/orders/{public_id:str}/agreement",
        "/admin/orders/export",
        "/admin/orders/import/example.csv",
        "/admin/orders/import/{public_id:str}/result.csv",
    }
)
