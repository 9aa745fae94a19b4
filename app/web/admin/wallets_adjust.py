"""Changing a wallet: what and why, then a look at what was in it and what will be, and only then the deed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.status_codes import HTTP_200_OK

from app.kernel import clock, ids, typed
from app.kernel.money import Money
from app.ledger.errors import InsufficientFunds, MoneyFrozen
from app.merchants.errors import ModuleOff
from app.merchants.queries import Merchant
from app.wallet import actions
from app.wallet.actions import Adjustment, Staff
from app.wallet.approvals import is_waiting
from app.wallet.errors import AdjustmentRefused, BalanceChanged, KeyOfAnother, MayNotLapse
from app.wallet.lists import CustomerCard
from app.wallet.queries import wallet
from app.wallet.rules import (
    ADJUSTMENT_CAUSES,
    GIVEN,
    NOTE_LENGTH_MAX,
    WalletCause,
    checked_adjustment,
    checked_lapse,
    earliest_lapse,
)
from app.web.admin.access import AdminRequest
from app.web.admin.documents import minor_of
from app.web.admin.pages import merchant_of, show
from app.web.admin.wallets import LIST, customer_of, no_wallet
from app.web.shared import forms, rendering
from app.web.shared.forms import FieldError, Form


@dataclass(frozen=True, slots=True)
class Desk:
    """What an adjustment is made with: the shop, the customer, business time, and who makes it."""

    merchant: Merchant
    customer_id: str
    card: CustomerCard
    now: datetime
    by: Staff

    @property
    def today(self) -> date:
        return self.merchant.local_date(self.now)


async def _desk(request: AdminRequest, customer_id: str) -> Desk | None:
    merchant = await merchant_of(request)
    card = await customer_of(merchant, customer_id)
    if card is None:
        return None
    staff = request.user.staff
    return Desk(
        merchant, customer_id, card, clock.business(staff.offset_s), Staff(staff.public_id, staff.role)
    )


@get("/wallets/{customer_id:str}/adjust", name="admin:wallet-adjust")
async def adjust_form(request: AdminRequest, customer_id: FromPath[str]) -> Response[str]:
    desk = await _desk(request, customer_id)
    return await no_wallet(request) if desk is None else await _ask(request, desk, Form())


@post("/wallets/{customer_id:str}/adjust", name="admin:wallet-adjust-now", status_code=HTTP_200_OK)
async def adjust(request: AdminRequest, customer_id: FromPath[str]) -> Response[str]:
    """Without `seen` the change is shown before it is made; with it, it is made, once."""
    desk = await _desk(request, customer_id)
    if desk is None:
        return await no_wallet(request)
    form = forms.parse(await request.body())
    wanted = _wanted(form, desk)
    if isinstance(wanted, Form):
        return await _ask(request, desk, wanted, status=422)
    if form.value("change"):
        return await _ask(request, desk, form)
    seen, key = form.value("seen"), _key(form.value("key"))
    if key is None or not _is_number(seen):
        return await _look(request, desk, form, wanted)
    return await _make(request, desk, form, wanted, seen_minor=int(seen), key=key)


async def _make(
    request: AdminRequest, desk: Desk, form: Form, wanted: Adjustment, *, seen_minor: int, key: UUID
) -> Response[str]:
    try:
        made = await actions.adjust(
            desk.merchant,
            desk.customer_id,
            wanted,
            by=desk.by,
            seen_minor=seen_minor,
            key=str(key),
            now=desk.now,
        )
    except (BalanceChanged, KeyOfAnother):
        return await _look(request, desk, form, wanted, changed=True)
    except InsufficientFunds as refused:
        again = form.refused(amount=_too_much(refused.available_minor, desk))
        return await _ask(request, desk, again, status=422)
    except ModuleOff:
        return await _ask(request, desk, form.refused(direction=FieldError("module_off")), status=409)
    except MoneyFrozen:
        return await _ask(request, desk, form.refused(direction=FieldError("frozen")), status=503)
    done = "waits" if await is_waiting(desk.merchant.id, made) else "adjusted"
    return rendering.redirect(request, f"{LIST}/{desk.customer_id}?done={done}", leave=True)


def _wanted(form: Form, desk: Desk) -> Adjustment | Form:
    """What was typed, or the form with what is wrong in it."""
    errors: dict[str, FieldError] = {}
    sign = {"give": 1, "take": -1}.get(form.value("direction"))
    if sign is None:
        errors["direction"] = FieldError("missing")
    minor = minor_of(form.value("amount"))
    if not minor:
        errors["amount"] = FieldError("malformed")
    cause = next((each for each in ADJUSTMENT_CAUSES if each == form.value("cause")), None)
    if cause is None:
        errors["cause"] = FieldError("missing")
    expires_at = _end_of(form.value("expires"), desk.merchant)
    if form.value("expires") and expires_at is None:
        errors["expires"] = FieldError("malformed")
    note = typed.one_line(form.value("note"))
    if not 0 < len(note) <= NOTE_LENGTH_MAX:
        errors["note"] = FieldError("empty" if not note else "too_long")
    if errors or sign is None or not minor or cause is None:
        return form.refused(**errors)
    wanted = Adjustment(Money(sign * minor, desk.merchant.currency), cause, note, expires_at)
    return _checked(form, desk, wanted)


def _checked(form: Form, desk: Desk, wanted: Adjustment) -> Adjustment | Form:
    """The rules that the verb keeps as well, told before somebody confirms."""
    try:
        checked_adjustment(wanted.cause, wanted.amount, wanted.note)
        if wanted.expires_at is not None:
            lapses_on = desk.merchant.local_date(wanted.expires_at)
            checked_lapse(wanted.cause, lapses_on, desk.merchant.country, desk.today)
    except AdjustmentRefused as refused:
        return form.refused(**{refused.field: FieldError(refused.reason)})
    except MayNotLapse as refused:
        return form.refused(expires=FieldError("never" if refused.not_before is None else "too_soon"))
    if wanted.amount.amount_minor > 0 and not desk.merchant.has("wallet"):
        return form.refused(direction=FieldError("module_off"))
    return wanted


def _end_of(text: str, merchant: Merchant) -> datetime | None:
    """The first moment of the day on which it lapses, where the shop is."""
    try:
        return datetime.combine(date.fromisoformat(text), time.min, ZoneInfo(merchant.time_zone)).astimezone(
            UTC
        )
    except (ValueError, OverflowError):
        return None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 15


def _key(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _too_much(available_minor: int, desk: Desk) -> FieldError:
    return FieldError("too_much", {"available": Money(available_minor, desk.merchant.currency)})


async def _ask(request: AdminRequest, desk: Desk, form: Form, *, status: int = HTTP_200_OK) -> Response[str]:
    held = await wallet(desk.merchant, desk.customer_id, desk.now)
    context = {
        "customer_id": desk.customer_id,
        "card": desk.card,
        "form": form,
        "causes": ADJUSTMENT_CAUSES,
        "balance": Money(held.balance_minor, held.currency),
        "available": Money(held.available_minor, held.currency),
        "currency": held.currency,
        "earliest_lapse": earliest_lapse(WalletCause.GIFT, desk.merchant.country, desk.today),
        "may_lapse": sorted(GIVEN & set(ADJUSTMENT_CAUSES)),
        "note_max": NOTE_LENGTH_MAX,
        "is_on": desk.merchant.has("wallet"),
    }
    return await show(request, "admin/wallet_adjust.html", context, section="wallets", status=status)


async def _look(
    request: AdminRequest, desk: Desk, form: Form, wanted: Adjustment, *, changed: bool = False
) -> Response[str]:
    """What is in it, and what would be. `changed` says that it was another sum when the person looked before."""
    held = await wallet(desk.merchant, desk.customer_id, desk.now)
    change = wanted.amount
    if held.available_minor + change.amount_minor < 0:
        again = form.refused(amount=_too_much(held.available_minor, desk))
        return await _ask(request, desk, again, status=422)
    before = Money(held.balance_minor, held.currency)
    kept = ("direction", "amount", "cause", "note", "expires")
    context = {
        "customer_id": desk.customer_id,
        "card": desk.card,
        "before": before,
        "after": before + change,
        "change": change,
        "size": Money(abs(change.amount_minor), change.currency),
        "cause": wanted.cause.value,
        "note": wanted.note,
        "expires_on": None if wanted.expires_at is None else desk.merchant.local_date(wanted.expires_at),
        "values": {name: form.value(name) for name in kept},
        "key": str(ids.internal_id()),
        "changed": changed,
        "waits": await actions.would_wait(
            desk.merchant.id, desk.customer_id, change.amount_minor, desk.by.actor, desk.now
        ),
    }
    status = 409 if changed else HTTP_200_OK
    return await show(request, "admin/wallet_adjust_check.html", context, section="wallets", status=status)
