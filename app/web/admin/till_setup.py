"""What an owner sets up: tills, the sticker of each with its code, and the price list."""

from __future__ import annotations

from typing import Final

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.status_codes import HTTP_200_OK

from app.kernel import clock, ids
from app.till import actions, queries
from app.till.errors import PriceListFull, ProductUnknown, SignTaken, SkuTaken, TillUnknown
from app.till.rules import Product, categories_of, usual_percent
from app.web.admin import till_forms
from app.web.admin.access import AdminRequest, settings_of
from app.web.admin.pages import merchant_of, show
from app.web.admin.till_pages import HOME, no_till
from app.web.admin.till_views import price_list_of
from app.web.shared import forms, rendering
from app.web.shared.forms import FieldError, Form
from app.web.shared.qr import qr_picture

LIST: Final = f"{HOME}/products"


@get("/till/setup", name="admin:till:setup")
async def setup(request: AdminRequest) -> Response[str]:
    return await _show_tills(request, Form())


@post("/till/setup", name="admin:till:make", status_code=HTTP_200_OK)
async def make_till(request: AdminRequest) -> Response[str]:
    merchant = await merchant_of(request)
    form = forms.parse(await request.body())
    wanted = till_forms.till_of(form)
    if isinstance(wanted, Form):
        return await _show_tills(request, wanted, status=422)
    try:
        till = await actions.make_till(merchant.id, *wanted, now=clock.business(request.user.staff.offset_s))
    except SignTaken:
        return await _show_tills(request, form.refused(sign=FieldError("taken")), status=422)
    return rendering.redirect(request, f"{HOME}/{till.public_id}", leave=True)


async def _show_tills(request: AdminRequest, form: Form, *, status: int = HTTP_200_OK) -> Response[str]:
    tills = await queries.tills_of((await merchant_of(request)).id)
    context = {"tills": tills, "is_owner": True, "form": form}
    return await show(request, "admin/till/tills.html", context, section="till", status=status)


@get("/till/{public_id:str}/code", name="admin:till:code")
async def till_code(request: AdminRequest, public_id: FromPath[str]) -> Response[str]:
    """The till's fixed address: a QR code to print, and what an NFC tag holds."""
    merchant = await merchant_of(request)
    till = await queries.till_of(merchant.id, public_id) if ids.is_public_id("till", public_id) else None
    if till is None:
        return await no_till(request)
    address = f"{settings_of(request).base_url}/till/{till.code}"
    context = {
        "till": till,
        "address": address,
        "qr": qr_picture(address, till.name),
        "renewed": request.query_params.get("renewed") == "1",
    }
    return await show(request, "admin/till/code.html", context, section="till")


@post("/till/{public_id:str}/code", name="admin:till:renew", status_code=HTTP_200_OK)
async def renew_code(request: AdminRequest, public_id: FromPath[str]) -> Response[str]:
    merchant = await merchant_of(request)
    try:
        await actions.renew_code(merchant.id, public_id)
    except TillUnknown:
        return await no_till(request)
    return rendering.redirect(request, f"{HOME}/{public_id}/code?renewed=1", leave=True)


@get("/till/products", name="admin:products")
async def price_list(request: AdminRequest) -> Response[str]:
    merchant = await merchant_of(request)
    products = await queries.products_of(merchant.id)
    context = {"groups": price_list_of(products, merchant.currency), "total": len(products)}
    return await show(request, "admin/till/products.html", context, section="till")


@get("/till/products/new", name="admin:product-new")
async def new_product(request: AdminRequest) -> Response[str]:
    """An empty form that begins in the category of the one before."""
    products = await queries.products_of((await merchant_of(request)).id)
    usual = usual_percent(products)
    begun = {
        "category": forms.one_line(forms.clean(request.query_params.get("category", "")))[:60],
        "vat": "" if usual is None else till_forms.percent_typed(usual),
    }
    return await _show_product(request, None, Form(begun), saved=request.query_params.get("saved"))


@post("/till/products/new", name="admin:product-create", status_code=HTTP_200_OK)
async def create_product(request: AdminRequest) -> Response[str]:
    merchant = await merchant_of(request)
    form = forms.parse(await request.body())
    details = till_forms.product_of(form)
    if isinstance(details, Form):
        return await _show_product(request, None, details, status=422)
    try:
        await actions.add_product_to_list(
            merchant.id, details, now=clock.business(request.user.staff.offset_s)
        )
    except SkuTaken:
        return await _show_product(request, None, form.refused(sku=FieldError("taken")), status=422)
    except PriceListFull:
        return await _show_product(request, None, form.refused(name=FieldError("full")), status=422)
    return rendering.redirect(request, LIST, leave=True)


@get("/till/products/{public_id:str}", name="admin:product")
async def one_product(request: AdminRequest, public_id: FromPath[str]) -> Response[str]:
    product = await _product(request, public_id)
    if product is None:
        return await _no_product(request)
    return await _show_product(request, product, till_forms.form_of(product))


@post("/till/products/{public_id:str}", name="admin:product-save", status_code=HTTP_200_OK)
async def save_product(request: AdminRequest, public_id: FromPath[str]) -> Response[str]:
    """Change a product, or take it off the list."""
    merchant, product = await merchant_of(request), await _product(request, public_id)
    if product is None:
        return await _no_product(request)
    form = forms.parse(await request.body())
    if form.value("do") == "retire":
        now = clock.business(request.user.staff.offset_s)
        await actions.retire_product(merchant.id, public_id, now=now)
        return rendering.redirect(request, LIST, leave=True)
    details = till_forms.product_of(form)
    if isinstance(details, Form):
        return await _show_product(request, product, details, status=422)
    try:
        await actions.change_product(merchant.id, public_id, details)
    except SkuTaken:
        return await _show_product(request, product, form.refused(sku=FieldError("taken")), status=422)
    except ProductUnknown:
        return await _no_product(request)
    return rendering.redirect(request, LIST, leave=True)


async def _product(request: AdminRequest, public_id: str) -> Product | None:
    merchant = await merchant_of(request)
    return await queries.product_of(merchant.id, public_id) if ids.is_public_id("prod", public_id) else None


async def _no_product(request: AdminRequest) -> Response[str]:
    return await show(request, "admin/till/no_product.html", {}, section="till", status=404)


async def _show_product(
    request: AdminRequest,
    product: Product | None,
    form: Form,
    *,
    saved: str | None = None,
    status: int = HTTP_200_OK,
) -> Response[str]:
    merchant = await merchant_of(request)
    products = await queries.products_of(merchant.id)
    context = {
        "product": product,
        "form": form,
        "categories": categories_of(products),
        "rates": till_forms.rates_of(products),
        "currency": merchant.currency,
        "saved": saved,
    }
    return await show(request, "admin/till/product.html", context, section="till", status=status)
