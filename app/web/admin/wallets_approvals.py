"""What a second person is asked about wallets: changes by hand and payouts above the shop's limit."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.status_codes import HTTP_200_OK

from app.kernel import clock, ids
from app.kernel.errors import Refusal
from app.ledger.errors import InsufficientFunds, MoneyFrozen
from app.merchants.errors import ModuleOff, SamePerson
from app.merchants.queries import staff_actors
from app.wallet import actions
from app.wallet.actions import Staff
from app.wallet.approvals import waiting_approvals
from app.wallet.errors import (
    AdjustmentDecided,
    BalanceChanged,
    MayNotLapse,
    NoSuchAdjustment,
    NoSuchPayout,
    PayoutEnded,
    WalletCurrencyMismatch,
)
from app.web.admin.access import AdminRequest
from app.web.admin.pages import merchant_of, show
from app.web.admin.wallets import LIST, no_wallet
from app.web.shared import forms, rendering
from app.web.shared.forms import Form

if TYPE_CHECKING:
    from app.merchants.queries import Merchant

APPROVALS: Final = f"{LIST}/approvals"

# What stops an approval, as the page says it, with the status of the answer.
_STOPPED: Final[dict[type[Refusal], tuple[str, int]]] = {
    SamePerson: ("same_person", 422),
    BalanceChanged: ("changed", 409),
    InsufficientFunds: ("too_much", 409),
    MayNotLapse: ("too_late", 409),
    ModuleOff: ("module_off", 409),
    WalletCurrencyMismatch: ("too_late", 409),
    MoneyFrozen: ("frozen", 503),
}


@get("/wallets/approvals", name="admin:wallet-approvals")
async def approvals(request: AdminRequest) -> Response[str]:
    """The oldest first, each with what the wallet would hold."""
    return await _list(request)


@post("/wallets/approvals/{public_id:str}", name="admin:wallet-decide", status_code=HTTP_200_OK)
async def decide(request: AdminRequest, public_id: FromPath[str]) -> Response[str]:
    """`do` is "approve" or "refuse". Who comes too late finds on the page what is still waiting."""
    merchant = await merchant_of(request)
    form = forms.parse(await request.body())
    staff = request.user.staff
    by, now = Staff(staff.public_id, staff.role), clock.business(staff.offset_s)
    try:
        if ids.is_public_id("adj", public_id):
            await _decide_adjustment(merchant, public_id, form, by, now)
        elif ids.is_public_id("wpo", public_id):
            await _decide_payout(merchant, public_id, form, by, now)
        else:
            return await no_wallet(request)
    except (NoSuchAdjustment, NoSuchPayout):
        return await no_wallet(request)
    except (AdjustmentDecided, PayoutEnded):
        return await _list(request, stopped="decided", status=409)
    except tuple(_STOPPED) as refused:
        stopped, status = _STOPPED[type(refused)]
        return await _list(request, stopped=stopped, status=status)
    return rendering.redirect(request, APPROVALS, leave=True)


async def _decide_adjustment(
    merchant: Merchant, public_id: str, form: Form, by: Staff, now: datetime
) -> None:
    if form.value("do") == "refuse":
        await actions.refuse_adjustment(merchant, public_id, by=by, now=now)
    elif form.value("do") == "approve":
        await actions.approve_adjustment(merchant, public_id, by=by, seen_minor=_seen(form), now=now)


async def _decide_payout(merchant: Merchant, public_id: str, form: Form, by: Staff, now: datetime) -> None:
    if form.value("do") == "refuse":
        await actions.refuse_payout(merchant, public_id, by=by, now=now)
    elif form.value("do") == "approve":
        await actions.approve_payout(merchant, public_id, by=by, now=now)


def _seen(form: Form) -> int:
    """What the page said is in the wallet; a strange text is no figure that anybody saw."""
    text = form.value("seen")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 15 else -1


async def _list(request: AdminRequest, *, stopped: str = "", status: int = HTTP_200_OK) -> Response[str]:
    merchant = await merchant_of(request)
    staff = request.user.staff
    rows = await waiting_approvals(merchant.id)
    context = {
        "rows": [(each, each.balance + each.amount) for each in rows],
        "days": {
            each.public_id: merchant.local_date(each.expires_at)
            for each in rows
            if each.expires_at is not None
        },
        "staff_names": await staff_actors(merchant.id),
        "me": f"staff:{staff.public_id}",
        "is_owner": staff.role == "owner",
        "stopped": stopped,
    }
    section = "wallets" if staff.role == "owner" else "reviews"
    return await show(request, "admin/wallet_approvals.html", context, section=section, status=status)
