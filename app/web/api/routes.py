"""The merchant API, put together: its routes, who may call them, and how what it refuses is told."""

from __future__ import annotations

from litestar import Router
from litestar.di import Provide

from app.settings import Settings
from app.web.api import (
    docs,
    events,
    extras,
    invoices,
    orders,
    orders_write,
    payment_links,
    refunds,
    sessions,
    subscriptions,
    wallets,
    webhook_endpoints,
)
from app.web.api.body import BODY_MAX_BYTES
from app.web.api.keys import caller
from app.web.api.problems import handle


def api_router(settings: Settings) -> Router:
    """Everything under `/api`. The reference needs no key, everything under `/api/v1` does."""
    version_1 = Router(
        "/v1",
        route_handlers=[
            sessions.open_session,
            sessions.read_session,
            sessions.cancel_session,
            orders.read_order,
            orders.list_orders,
            orders_write.create_order,
            orders_write.edit_order,
            orders_write.cancel_order,
            refunds.make_refund,
            refunds.list_refunds,
            payment_links.make_link,
            payment_links.read_link,
            payment_links.edit_link,
            payment_links.pause_link,
            payment_links.resume_link,
            payment_links.withdraw_link,
            invoices.read_invoice,
            invoices.download_efile,
            invoices.record_payment,
            invoices.list_documents,
            invoices.credit,
            wallets.read_wallet,
            subscriptions.make_plan,
            subscriptions.list_plans,
            subscriptions.end_plan,
            subscriptions.list_subscriptions,
            subscriptions.read_subscription,
            subscriptions.cancel_subscription,
            extras.read_method_fees,
            extras.save_method_fees,
            events.list_events,
            webhook_endpoints.create_endpoint,
            webhook_endpoints.list_endpoints,
            webhook_endpoints.delete_endpoint,
        ],
        dependencies={"caller": Provide(caller)},
    )
    return Router(
        "/api",
        route_handlers=[docs.reference, docs.openapi_document, version_1],
        dependencies={"settings": Provide(lambda: settings, sync_to_thread=False)},
        exception_handlers={Exception: handle},
        request_max_body_size=BODY_MAX_BYTES,
    )
