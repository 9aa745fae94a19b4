"""The shop's settings on one page: the seller on its invoices, and who pays how. Each form is saved by itself."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final

from litestar import Response, get

from app.invoices.queries import Seller, seller_of
from app.invoices.references import iban_in_groups
from app.kernel.money import Money
from app.law.rules import law_of
from app.web.admin.access import AdminRequest
from app.web.admin.pages import merchant_of, show
from app.web.shared.forms import Form

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.merchants.queries import Merchant

PAGE: Final = "/admin/settings"
SELLER_FIELDS: Final = tuple(each.name for each in fields(Seller))


@dataclass(frozen=True, slots=True)
class ReadingView:
    """One way to read the law on identification; `active` is the one that the law file follows."""

    policy: str
    source: str
    trust: str
    active: bool


@dataclass(frozen=True, slots=True)
class LawView:
    country: str
    code_alone: Money
    readings: Sequence[ReadingView]


@get("/settings", name="admin:settings")
async def settings_page(request: AdminRequest) -> Response[str]:
    return await show_settings(request, saved=request.query_params.get("saved"))


async def show_settings(
    request: AdminRequest,
    *,
    seller: Form | None = None,
    paying: Form | None = None,
    saved: str | None = None,
    status: int = 200,
) -> Response[str]:
    """`seller` and `paying` are forms as they were typed; what is left out shows what is saved."""
    merchant = await merchant_of(request)
    context = {
        "form": seller or await _seller_form(request),
        "paying": paying or paying_form(merchant),
        "law": _law(merchant),
        "saved": saved,
        "country": merchant.country,
        "currency": merchant.currency,
        "is_creditor": merchant.creditor == "merchant",
        "shop_name": merchant.name,
        "shop_email": merchant.contact_email,
    }
    return await show(request, "admin/settings.html", context, section="settings", status=status)


async def _seller_form(request: AdminRequest) -> Form:
    seller = await seller_of(request.user.staff.merchant_id)
    values = {name: getattr(seller, name) or "" for name in SELLER_FIELDS}
    if seller.iban:
        values["iban"] = iban_in_groups(seller.iban)
    return Form(values)


def paying_form(merchant: Merchant) -> Form:
    alone, counts = merchant.code_alone_max_minor, merchant.passkey_counts
    return Form(
        {
            "credit_limit": _typed(merchant.credit_limit_minor),
            "code_alone": "" if alone is None else _typed(alone),
            "passkeys": "as-codes" if counts is None else "always" if counts else "never",
            "recognise": "1" if merchant.recognise_returning else "",
        }
    )


def _typed(amount_minor: int) -> str:
    """As somebody would type it."""
    return f"{amount_minor // 100}.{amount_minor % 100:02d}"


def _law(merchant: Merchant) -> LawView:
    identification = law_of(merchant.country).identification
    return LawView(
        country=merchant.country,
        code_alone=Money(identification.code_alone_max_minor, merchant.currency),
        readings=tuple(
            ReadingView(each.policy, each.source, each.trust, each.policy == identification.policy)
            for each in identification.readings
        ),
    )
