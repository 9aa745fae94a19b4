"""Payouts: asked for on a customer's behalf, and the queue that a person works off at the bank."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.status_codes import HTTP_200_OK

from app.invoices.references import iban_in_groups
from app.kernel import clock, ids
from app.kernel.money import Money
from app.ledger.errors import HoldEnded, InsufficientFunds, MoneyFrozen
from app.merchants.queries import Merchant
from app.merchants.two_people import limit_of
from app.wallet import actions
from app.wallet.actions import NewPayout
from app.wallet.approvals import is_waiting
from app.wallet.errors import KeyOfAnother, NoSuchPayout, OwesTheShop, PayoutEnded, PayoutRefused, PayoutWaits
from app.wallet.payouts import ended_payouts, waiting_payouts
from app.wallet.queries import wallet
from app.wallet.rules import HOLDER_LENGTH_MAX
from app.web.admin.access import AdminRequest
from app.web.admin.documents import minor_of
from app.web.admin.pages import merchant_of, show
from app.web.admin.wallets import LIST, customer_of, no_wallet
from app.web.shared import forms, rendering
from app.web.shared.forms import FieldError, Form

QUEUE: Final = f"{LIST}/payouts"


@get("/wallets/payouts", name="admin:payouts")
async def payout_queue(request: AdminRequest) -> Response[str]:
    """What is to be paid, the oldest first, and what was done lately."""
    return await _queue(request)


async def _queue(
    request: AdminRequest, *, stopped: str = "", owes: FieldError | None = None, status: int = HTTP_200_OK
) -> Response[str]:
    """`owes` says with its figures why the payout that was just pressed cannot be paid."""
    merchant = await merchant_of(request)
    context = {
        "waiting": [
            (payout, iban_in_groups(payout.iban or "")) for payout in await waiting_payouts(merchant.id)
        ],
        "ended": await ended_payouts(merchant.id),
        "stopped": stopped,
        "owes": owes,
        "is_creditor": merchant.creditor == "merchant",
    }
    return await show(request, "admin/wallet_payouts.html", context, section="wallets", status=status)


@post("/wallets/payouts/{payout_id:str}", name="admin:payout-do", status_code=HTTP_200_OK)
async def end_payout(request: AdminRequest, payout_id: FromPath[str]) -> Response[str]:
    """`do` is "paid" or "cancel". A second press, or a second person, finds it done."""
    merchant = await merchant_of(request)
    form = forms.parse(await request.body())
    actor, now = f"staff:{request.user.staff.public_id}", clock.business(request.user.staff.offset_s)
    verb = {"paid": actions.mark_paid, "cancel": actions.cancel_payout}.get(form.value("do"))
    if verb is None or not ids.is_public_id("wpo", payout_id):
        return await no_wallet(request)
    try:
        await verb(merchant, payout_id, actor=actor, now=now)
    except NoSuchPayout:
        return await no_wallet(request)
    except (PayoutEnded, HoldEnded):
        return await _queue(request, stopped="ended", status=409)
    except PayoutWaits:
        return rendering.redirect(request, f"{LIST}/approvals", leave=True)
    except OwesTheShop as refused:
        return await _queue(request, owes=_owes(merchant, refused), status=409)
    except MoneyFrozen:
        return await _queue(request, stopped="frozen", status=503)
    return rendering.redirect(request, QUEUE, leave=True)


@get("/wallets/{customer_id:str}/payout", name="admin:payout-form")
async def payout_form(request: AdminRequest, customer_id: FromPath[str]) -> Response[str]:
    return await _ask(request, customer_id, None)


@post("/wallets/{customer_id:str}/payout", name="admin:payout-ask", status_code=HTTP_200_OK)
async def ask_payout(request: AdminRequest, customer_id: FromPath[str]) -> Response[str]:
    """Ask on the customer's behalf; what was typed stays, whatever is wrong."""
    merchant = await merchant_of(request)
    if await customer_of(merchant, customer_id) is None:
        return await no_wallet(request)
    form = forms.parse(await request.body())
    minor = minor_of(form.value("amount"))
    if not minor:
        return await _ask(request, customer_id, form.refused(amount=FieldError("malformed")), status=422)
    new = NewPayout(Money(minor, merchant.currency), form.value("iban"), form.value("holder"))
    actor, now = f"staff:{request.user.staff.public_id}", clock.business(request.user.staff.offset_s)
    try:
        key = str(_key(form.value("key")))
        asked = await actions.request_payout(merchant, customer_id, new, actor=actor, key=key, now=now)
    except PayoutRefused as refused:
        again = form.refused(**{refused.field: FieldError(refused.reason)})
        return await _ask(request, customer_id, again, status=422)
    except InsufficientFunds as refused:
        much = FieldError("too_much", {"available": Money(refused.available_minor, merchant.currency)})
        return await _ask(request, customer_id, form.refused(amount=much), status=422)
    except OwesTheShop as refused:
        return await _ask(request, customer_id, form.refused(amount=_owes(merchant, refused)), status=422)
    except MoneyFrozen:
        return await _ask(request, customer_id, form.refused(amount=FieldError("frozen")), status=503)
    except KeyOfAnother:
        # The page was sent before with another sum: the one it leads to shows how things stand.
        return rendering.redirect(request, f"{LIST}/{customer_id}", leave=True)
    done = "waits" if await is_waiting(merchant.id, asked) else "payout"
    return rendering.redirect(request, f"{LIST}/{customer_id}?done={done}", leave=True)


def _owes(merchant: Merchant, refused: OwesTheShop) -> FieldError:
    figures = {
        "owed": Money(refused.owed_minor, merchant.currency),
        "payable": Money(refused.payable_minor, merchant.currency),
    }
    return FieldError("owes", figures)


def _key(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        return ids.internal_id()


async def _ask(
    request: AdminRequest, customer_id: str, form: Form | None, *, status: int = HTTP_200_OK
) -> Response[str]:
    merchant = await merchant_of(request)
    card = await customer_of(merchant, customer_id)
    if card is None:
        return await no_wallet(request)
    held = await wallet(merchant, customer_id, clock.business(request.user.staff.offset_s))
    whole, cents = divmod(held.available_minor, 100)
    blank = Form({"amount": f"{whole}.{cents:02}" if held.available_minor else "", "holder": card.name or ""})
    kept = form.value("key") if form is not None else ""
    limit_minor = await limit_of(merchant.id)
    context = {
        "customer_id": customer_id,
        "card": card,
        "form": form or blank,
        "available": Money(held.available_minor, held.currency),
        "currency": held.currency,
        "holder_max": HOLDER_LENGTH_MAX,
        "limit": None if limit_minor is None else Money(limit_minor, merchant.currency),
        "key": kept or str(ids.internal_id()),
    }
    return await show(request, "admin/wallet_payout.html", context, section="wallets", status=status)
