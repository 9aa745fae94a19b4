"""All addresses of the admin."""

from __future__ import annotations

from litestar import Router

from app.settings import Settings
from app.web.admin import (
    agreements,
    documents,
    home,
    imports,
    invoices,
    invoices_credit,
    invoices_settle,
    link,
    links,
    orders,
    orders_edit,
    reviews,
    settings_page,
    settings_paying,
    settings_seller,
    sign_in,
)
from app.web.admin.access import HOME
from app.web.admin.guard import admit


def admin_router(settings: Settings) -> Router:
    """The admin under /admin. Nothing in it is reached unless `access.ROLES_OF` says who may."""
    return Router(
        HOME,
        route_handlers=[
            home.home,
            orders.order_list,
            orders.export_orders,
            orders.one_order,
            orders_edit.new_order,
            orders_edit.create_order,
            orders_edit.edit_form,
            orders_edit.save_order,
            orders_edit.accept_order,
            orders_edit.cancel,
            orders_edit.print_order,
            imports.import_form,
            imports.send_file,
            imports.example,
            imports.one_import,
            imports.take_step,
            imports.result,
            links.link_list,
            link.link_page,
            link.do_with_link,
            agreements.download_agreement,
            documents.record_payment,
            reviews.review_list,
            reviews.one_review,
            reviews.answer_review,
            invoices.invoice_list,
            invoices.one_invoice,
            invoices.invoice_pdf,
            invoices.record_payment,
            invoices_credit.credit_form,
            invoices_credit.credit,
            invoices_settle.settlement,
            invoices_settle.settle,
            settings_page.settings_page,
            settings_paying.save_paying,
            settings_seller.save_seller,
            sign_in.sign_in_form,
            sign_in.sign_in,
            sign_in.sign_out,
        ],
        before_request=admit,
        opt={"settings": settings},
        include_in_schema=False,
    )
