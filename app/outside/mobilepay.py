"""MobilePay: the ePayment API of Vipps MobilePay, and its Recurring API for what is charged again.

The real one and the sandbox twin are the same to this file: an address and our keys. `mobilepay_http` holds the line
and says what a failed call means, `mobilepay_answers` reads what comes back, `mobilepay_agreements` is for payments
that are saved, `mobilepay_signature` knows MobilePay's own calls from forged ones. Sources and what could not be
verified stand in docs/mobilepay.md.

A payment is known there by our reference. How long it may wait for its person is MobilePay's affair (ten minutes):
the API takes a time only for codes and with a receipt, so `expires_at` is kept by asking and letting go.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Final

import httpx
import msgspec

from app.kernel.money import Money
from app.outside.mobilepay_agreements import Agreements, is_charge_ref
from app.outside.mobilepay_answers import (
    Created,
    Event,
    Payment,
    aggregate_of,
    amount_there,
    charge_ref,
    reference_here,
    reference_there,
)
from app.outside.mobilepay_http import TOTAL_TIMEOUT_S, MobilePayHttp
from app.outside.mobilepay_signature import check_signature
from app.payments.errors import CallbackForged, ProviderRefused, ProviderUnreachable
from app.payments.ports import (
    Aggregate,
    Callback,
    Dispute,
    NewCharge,
    NewPayment,
    NewSetup,
    Opened,
    ProviderMethod,
    Refunded,
    SetUp,
    Standing,
)
from app.settings import MobilePayDoor

_PATH: Final = "/epayment/v1/payments"
_DESCRIPTION_LENGTH: Final = (3, 100)
# No payment of ours is called this: our references begin with "pay-".
_NOBODYS_REFERENCE: Final = "probe-of-kolme"


class MobilePay:
    """`PaymentProvider` at one sales unit. One instance a process: it keeps the access token."""

    method: ProviderMethod = "mobilepay"

    def __init__(
        self,
        door: MobilePayDoor,
        *,
        manage_url: str,
        transport: httpx.AsyncBaseTransport | None = None,
        total_timeout_s: float = TOTAL_TIMEOUT_S,
    ) -> None:
        """`manage_url` is our page on which a person ends what is charged again."""
        self._door = door
        self._http = MobilePayHttp(door, transport=transport, total_timeout_s=total_timeout_s)
        self._agreements = Agreements(self._http, manage_url)

    async def create(self, new: NewPayment) -> Opened:
        if new.save:
            return await self._agreements.draft(new)
        reference = reference_there(new.reference)
        try:
            answer = await self._http.post(_PATH, _asked(new, reference), new.key)
        except ProviderUnreachable as why:
            if why.reason != "conflict":
                raise
            return await self._opened_before(new, reference)
        created = answer.parsed(Created)
        if created.reference != reference:
            raise ProviderUnreachable("garbage")
        return _opened(new, reference, created.redirect_url)

    async def get(self, provider_ref: str) -> Aggregate:
        if is_charge_ref(provider_ref):
            return await self._agreements.get(provider_ref)
        return aggregate_of(await self._payment(provider_ref))

    async def capture(self, provider_ref: str, amount: Money, *, key: str) -> Aggregate:
        if is_charge_ref(provider_ref):
            return await self._agreements.capture(provider_ref, amount, key)
        return await self._adjust(provider_ref, "capture", {"modificationAmount": amount_there(amount)}, key)

    async def cancel(self, provider_ref: str, *, key: str) -> Aggregate:
        """Also of a payment that has ended by itself: there is nothing to let go of then, which is no refusal."""
        if is_charge_ref(provider_ref):
            return await self._agreements.cancel(provider_ref, key)
        try:
            return await self._adjust(provider_ref, "cancel", {}, key)
        except ProviderRefused as why:
            if why.reason == "not_found":
                raise
            found = await self.get(provider_ref)
            if found.standing in (Standing.PENDING, Standing.AUTHORISED):
                raise
            return found

    async def refund(self, provider_ref: str, amount: Money, *, key: str) -> Refunded:
        if is_charge_ref(provider_ref):
            await self._agreements.refund(provider_ref, amount, key)
        else:
            await self._adjust(provider_ref, "refund", {"modificationAmount": amount_there(amount)}, key)
        return Refunded(provider_ref, amount)

    async def charge(self, new: NewCharge) -> Aggregate:
        return await self._agreements.charge(new)

    async def set_up(self, new: NewSetup) -> Opened:
        """An agreement without a first charge."""
        return await self._agreements.draft_alone(new)

    async def get_setup(self, provider_ref: str) -> SetUp:
        return await self._agreements.standing(provider_ref)

    async def forget(self, token: str, *, key: str) -> None:
        """The person's agreement ends, and is seen to have ended in the app."""
        await self._agreements.stop(token, key)

    async def disputes(self, since: datetime) -> tuple[Dispute, ...]:
        """None: this API tells of none."""
        del since
        return ()

    async def probe(self) -> None:
        """Asks after a payment that nobody made: whoever says that there is none is well."""
        try:
            await self._http.get(f"{_PATH}/{_NOBODYS_REFERENCE}")
        except ProviderRefused:
            return

    def read_callback(
        self, headers: Mapping[str, str], body: bytes, *, host: str, path: str, wall: datetime
    ) -> Callback:
        secrets = self._door.webhook_secrets
        check_signature(headers, body, secrets=secrets, host=host, path=path, wall=wall)
        try:
            event = msgspec.json.decode(body, type=Event)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise CallbackForged from None
        return _callback(event, body)

    async def _payment(self, reference: str) -> Payment:
        payment = (await self._http.get(f"{_PATH}/{_checked(reference)}")).parsed(Payment)
        return _same(payment, reference)

    async def _adjust(self, reference: str, verb: str, body: Mapping[str, object], key: str) -> Aggregate:
        answer = await self._http.post(f"{_PATH}/{_checked(reference)}/{verb}", body, key)
        return aggregate_of(_same(answer.parsed(Payment), reference))

    async def _opened_before(self, new: NewPayment, reference: str) -> Opened:
        """Our reference is taken, by a call of ours whose answer was lost: the payment tells its own address."""
        found = await self._payment(reference)
        if amount_there(new.amount) != {"currency": found.amount.currency, "value": found.amount.value}:
            raise ProviderRefused("reference_taken")
        if found.redirect_url is None:
            raise ProviderUnreachable("conflict")
        return _opened(new, reference, found.redirect_url)


def _asked(new: NewPayment, reference: str) -> Mapping[str, object]:
    least, most = _DESCRIPTION_LENGTH
    body: dict[str, object] = {
        "amount": amount_there(new.amount),
        "paymentMethod": {"type": "WALLET"},
        "reference": reference,
        "returnUrl": new.return_url,
        "paymentDescription": new.description[:most].ljust(least, "."),
    }
    if new.way == "qr":
        # What the code holds, and not a picture of it: our own page draws it, and fetches nothing from elsewhere.
        return {**body, "userFlow": "QR", "qrFormat": {"format": "TEXT/TARGETURL"}}
    if new.phone is not None:
        body["customer"] = {"phoneNumber": new.phone.lstrip("+")}
    return {**body, "userFlow": "WEB_REDIRECT"}


def _opened(new: NewPayment, reference: str, url: str) -> Opened:
    return Opened(provider_ref=reference, url=url, qr_url=url if new.way == "qr" else None)


def _same(payment: Payment, reference: str) -> Payment:
    if payment.reference != reference:
        raise ProviderUnreachable("garbage")
    return payment


def _checked(reference: str) -> str:
    """What we keep of a payment stands in an address: nothing but a reference may."""
    return reference_there(reference_here(reference))


def _callback(event: Event, body: bytes) -> Callback:
    if event.reference is not None:
        # Each thing done with a payment has a number of its own, so a call that is repeated is known again.
        named = f"{event.psp_reference}:{event.name}" if event.psp_reference and event.name else _digest(body)
        return Callback(f"mobilepay:{named}"[:200], event.reference, reference_here(event.reference))
    reference = event.charge_id or event.agreement_external_id
    known = event.agreement_id is not None and event.charge_id is not None
    return Callback(
        f"mobilepay:{_digest(body)}",
        charge_ref(event.agreement_id or "", event.charge_id or "") if known else None,
        None if reference is None else reference_here(reference),
    )


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
