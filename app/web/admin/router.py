"""All addresses of the admin."""

from __future__ import annotations

from litestar import Router

from app.settings import Settings
from app.web.admin import documents, home, orders, sign_in
from app.web.admin.access import HOME
from app.web.admin.guard import admit


def admin_router(settings: Settings) -> Router:
    """The admin under /admin. Nothing in it is reached unless `access.ROLES_OF` says who may."""
    return Router(
        HOME,
        route_handlers=[
            home.home,
            orders.order_list,
            orders.one_order,
            documents.record_payment,
            sign_in.sign_in_form,
            sign_in.sign_in,
            sign_in.sign_out,
        ],
        before_request=admit,
        opt={"settings": settings},
        include_in_schema=False,
    )
