"""Money out of a wallet that its shop has switched off, to the customer's own account.

Before it leaves they prove once more who they are: by a code that names sum and account, or by having signed in with
their bank or a passkey just now.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import msgspec
from litestar import Request, Response, get, post

from app.identity.actions.account_step_up import (
    Release,
    ask_release_code,
    is_fresh,
    prove_release,
    release_code_never_left,
)
from app.identity.actions.codes import ChallengeState, mark
from app.identity.errors import SignInLost
from app.identity.rules import SmsBudget, read_code
from app.kernel import ids
from app.kernel.keys import SealBroken, process_keyring
from app.kernel.limits import LimitReached
from app.kernel.money import Money
from app.kernel.phone import masked
from app.ledger.errors import InsufficientFunds, MoneyFrozen
from app.ledger.queries import owed_minor
from app.messages.codes import PayoutWords, send_payout_sms
from app.wallet.actions import NewPayout, request_payout
from app.wallet.errors import KeyOfAnother, OwesTheShop, PayoutRefused, StaysInTheShop
from app.wallet.queries import wallet as wallet_of
from app.wallet.rules import holder_of, iban_of
from app.web.shared.forms import FieldError, Form
from app.web.shopper.account import Here, here_of
from app.web.shopper.account_sign_in import wait_error
from app.web.shopper.purchases import chosen_shop, open_shops
from app.web.shopper.wallet_page import WALLET, wallet_page
from app.web.shopper.wallet_page_views import PayoutView

if TYPE_CHECKING:
    from app.checkout.purchases import Shops
    from app.identity.account_queries import SignedInCustomer
    from app.merchants.queries import Merchant

PATH: Final = f"{WALLET}/payout"
_PURPOSE: Final = "payout.form"


class Typed(msgspec.Struct, frozen=True):
    """What was typed, sealed between two pages. `key` lets the payout happen once."""

    iban: str
    holder: str
    amount_minor: int
    key: str


@get(PATH, include_in_schema=False)
async def show_payout(request: Request[Any, Any, Any]) -> Response[str]:
    here = await here_of(request)
    if here.customer is None:
        return here.to_sign_in()
    shop, _ = await _closed_shop(here, here.customer, request.query_params.get("shop", ""))
    if shop is None:
        return here.lead_to(WALLET)
    return await _page(here, here.customer, shop, Form({"holder": here.customer.name or ""}))


@post(PATH, include_in_schema=False, status_code=200)
async def ask_payout(request: Request[Any, Any, Any]) -> Response[str]:
    """The account is checked; then a code is sent, or nothing more is asked of whoever has just been identified."""
    here = await here_of(request)
    if here.customer is None:
        return here.to_sign_in()
    form = await here.form()
    shop, shops = await _closed_shop(here, here.customer, form.value("shop"))
    if shop is None:
        return here.lead_to(WALLET)
    read = _read(form)
    if isinstance(read, dict):
        return await _page(here, here.customer, shop, form.refused(**read), status=422)
    available_minor, owed = await _figures(here, here.customer, shop)
    if available_minor <= 0:
        return await wallet_page(here, here.customer, shops, shop)
    if available_minor <= owed:
        return await _page(here, here.customer, shop, form, status=409)
    typed = Typed(*read, available_minor - owed, ids.token())
    if is_fresh(here.customer, here.arriving):
        return await _ask(here, here.customer, shops, shop, typed)
    if here.customer.phone is None:
        return await _page(here, here.customer, shop, form, needs_identity=True)
    return await _send(here, here.customer, shop, typed)


@post(f"{PATH}/confirm", include_in_schema=False, status_code=200)
async def confirm_payout(request: Request[Any, Any, Any]) -> Response[str]:
    """The code that was sent for exactly this payout; `again` asks for a new one."""
    here = await here_of(request)
    if here.customer is None:
        return here.to_sign_in()
    form = await here.form()
    shop, shops = await _closed_shop(here, here.customer, form.value("shop"))
    typed = _unseal(form.value("typed"), here.customer)
    if shop is None or typed is None:
        return here.lead_to(WALLET)
    if "again" in form.values:
        return await _send(here, here.customer, shop, typed)
    code = read_code(form.value("code"))
    if code is None:
        error = FieldError("malformed" if form.value("code") else "empty")
        return await _code_page(here, here.customer, shop, typed, error, status=422)
    try:
        tried = await prove_release(here.arriving, here.customer, _release(shop, typed), code)
    except LimitReached as refusal:
        return await _code_page(here, here.customer, shop, typed, wait_error(refusal), status=429)
    if tried.token is not None:
        return await _ask(here.carrying(tried.token), here.customer, shops, shop, typed)
    error = (
        FieldError("wrong", {"tries_left": tried.tries_left})
        if tried.outcome == "wrong"
        else FieldError("expired" if tried.outcome == "expired" else "used_up")
    )
    return await _code_page(here, here.customer, shop, typed, error, status=422)


async def _ask(
    here: Here, customer: SignedInCustomer, shops: Shops, shop: Merchant, typed: Typed
) -> Response[str]:
    """Proved: the money is set aside, and a person pays it."""
    new = NewPayout(Money(typed.amount_minor, shop.currency), typed.iban, typed.holder)
    try:
        await request_payout(shop, customer.public_id, new, actor="shopper", key=typed.key, now=here.now)
    except MoneyFrozen:
        return await wallet_page(here, customer, shops, shop, notice="frozen", status=503)
    except OwesTheShop:
        form = Form({"iban": typed.iban, "holder": typed.holder})
        return await _page(here, customer, shop, form, status=409)
    except (InsufficientFunds, StaysInTheShop, KeyOfAnother, PayoutRefused):
        return await wallet_page(here, customer, shops, shop, notice="payout_refused", status=409)
    return here.lead_to(f"{WALLET}?shop={shop.public_id}&done=payout")


async def _send(here: Here, customer: SignedInCustomer, shop: Merchant, typed: Typed) -> Response[str]:
    settings, who, release = here.house.settings, here.arriving, _release(shop, typed)
    budget = SmsBudget(settings.sms_a_day_and_shop, settings.sms_a_day)
    try:
        issued, to = await ask_release_code(who, customer, release, budget)
    except LimitReached as refusal:
        return await _code_page(here, customer, shop, typed, wait_error(refusal), status=429)
    except SignInLost:
        return here.lead_to(WALLET)
    sending = await send_payout_sms(
        here.house.sms,
        PayoutWords(shop.name, Money(typed.amount_minor, shop.currency), typed.iban[-4:]),
        phone=to.phone,
        code=issued.code,
        base_url=settings.base_url,
        lang=here.lang,
        merchant_id=shop.id,
    )
    if sending == "failed":
        await release_code_never_left(issued, customer, release, to, who)
        return await _code_page(here, customer, shop, typed, FieldError("unsent"), status=503)
    state = ChallengeState.SENT if sending == "sent" else ChallengeState.UNKNOWN
    await mark(issued.challenge_id, state)
    return await _code_page(here, customer, shop, typed)


async def _page(
    here: Here,
    customer: SignedInCustomer,
    shop: Merchant,
    form: Form,
    *,
    needs_identity: bool = False,
    status: int = 200,
) -> Response[str]:
    available_minor, owed = await _figures(here, customer, shop)
    view = replace(
        _view(shop, Money(max(0, available_minor - owed), shop.currency)),
        needs_identity=needs_identity,
        owed=Money(owed, shop.currency) if owed else None,
    )
    context = {"payout": view, "form": form}
    return here.page("wallet_page_payout", context, status=status)


async def _figures(here: Here, customer: SignedInCustomer, shop: Merchant) -> tuple[int, int]:
    """What is free in the wallet, and what is still owed to this shop, in minor units."""
    found = await wallet_of(shop, customer.public_id, here.now)
    return found.available_minor, await owed_minor(shop.id, customer.public_id, shop.currency)


async def _code_page(
    here: Here,
    customer: SignedInCustomer,
    shop: Merchant,
    typed: Typed,
    error: FieldError | None = None,
    *,
    status: int = 200,
) -> Response[str]:
    assert customer.phone is not None, "a code went to a phone"
    view = replace(
        _view(shop, Money(typed.amount_minor, shop.currency)),
        code_to=masked(customer.phone),
        hint=typed.iban[-4:],
        sealed=_seal(typed, customer),
    )
    form = Form({}, {"code": error} if error is not None else {})
    return here.page("wallet_page_payout", {"payout": view, "form": form}, status=status)


def _view(shop: Merchant, amount: Money) -> PayoutView:
    return PayoutView(f"{WALLET}?shop={shop.public_id}", shop.name, shop.public_id, amount)


async def _closed_shop(
    here: Here, customer: SignedInCustomer, public_id: str
) -> tuple[Merchant | None, Shops]:
    """The shop that is named; None while its wallet is on: then the money is for buying there. Unknown ones are 404."""
    del here
    shops = await open_shops(customer)
    shop = chosen_shop(shops, public_id or "?")
    return (shop if shop is not None and not shop.has("wallet") else None), shops


def _read(form: Form) -> tuple[str, str] | dict[str, FieldError]:
    errors: dict[str, FieldError] = {}
    iban = holder = ""
    try:
        holder = holder_of(form.value("holder"))
    except PayoutRefused as refused:
        errors["holder"] = FieldError(refused.reason)
    try:
        iban = iban_of(form.value("iban"))
    except PayoutRefused as refused:
        errors["iban"] = FieldError(refused.reason)
    return errors or (iban, holder)


def _release(shop: Merchant, typed: Typed) -> Release:
    receiver = f"{typed.iban} {typed.key}"
    return Release(typed.amount_minor, shop.currency, shop.public_id, receiver)


def _seal(typed: Typed, customer: SignedInCustomer) -> str:
    """For this customer alone: what one browser sealed is worth nothing in another's session."""
    plain = customer.customer_id.bytes + msgspec.json.encode(typed)
    return base64.urlsafe_b64encode(process_keyring().seal(_PURPOSE, plain)).decode()


def _unseal(text: str, customer: SignedInCustomer) -> Typed | None:
    try:
        plain = process_keyring().open(_PURPOSE, base64.urlsafe_b64decode(text.encode()))
    except (SealBroken, binascii.Error, ValueError):
        return None
    whose, packed = plain[:16], plain[16:]
    return msgspec.json.decode(packed, type=Typed) if whose == customer.customer_id.bytes else None
