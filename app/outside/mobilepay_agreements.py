"""MobilePay's Recurring API: an agreement that allows charges without its person, and those charges.

A payment that is to be saved is an agreement whose first charge is the payment: its person approves both at once, the
charge is reserved, and captured as any other. The agreement is the token. It names no highest price, since an order may
differ from the next; what a person has agreed to stands in our own texts. Later charges are unscheduled ones, taken at
once: a scheduled one would have to be announced a day ahead.
"""

from __future__ import annotations

from collections.abc import Mapping

from app.kernel.money import Money
from app.outside.mobilepay_answers import (
    LABEL,
    Agreement,
    AgreementStatus,
    Charge,
    Draft,
    NewCharge,
    aggregate_of_charge,
    amount_there,
    charge_ref,
    currency_there,
    reference_here,
    reference_there,
    setup_standing,
)
from app.outside.mobilepay_http import MobilePayHttp
from app.payments import ports
from app.payments.errors import ProviderRefused, ProviderUnreachable
from app.payments.ports import Aggregate, NewPayment, NewSetup, Opened, SavedMethod, SetUp, Standing

_PATH = "/recurring/v3/agreements"
_TEXT_LENGTH_MAX = 45
_UNDECIDED = (Standing.AUTHORISED, Standing.PENDING)


class Agreements:
    """`manage_url` is where a person sees and ends what was agreed to; MobilePay links to it."""

    def __init__(self, http: MobilePayHttp, manage_url: str) -> None:
        self._http = http
        self._manage_url = manage_url

    async def draft(self, new: NewPayment) -> Opened:
        """An agreement to be approved, with its first charge. Raises ProviderRefused, ProviderUnreachable."""
        amount = amount_there(new.amount)
        reference = reference_there(new.reference)
        body: dict[str, object] = {
            "pricing": {"type": "FLEXIBLE", "currency": amount["currency"]},
            "productName": new.description[:_TEXT_LENGTH_MAX],
            "merchantRedirectUrl": new.return_url,
            "merchantAgreementUrl": self._manage_url,
            "externalId": reference,
            "countryCode": new.country,
            "initialCharge": {
                "amount": amount["value"],
                "description": new.description[:_TEXT_LENGTH_MAX],
                "transactionType": "RESERVE_CAPTURE",
                "orderId": reference,
            },
        }
        if new.phone is not None:
            body["phoneNumber"] = new.phone.lstrip("+")
        draft = (await self._http.post(_PATH, body, new.key)).parsed(Draft)
        if draft.charge_id != reference:
            raise ProviderUnreachable("garbage")
        url = draft.vipps_confirmation_url
        provider_ref = charge_ref(draft.agreement_id, reference)
        return Opened(provider_ref, url, qr_url=url if new.way == "qr" else None)

    async def draft_alone(self, new: NewSetup) -> Opened:
        """An agreement to be approved, by which nothing is charged yet. Raises as `draft`."""
        body: dict[str, object] = {
            "pricing": {"type": "FLEXIBLE", "currency": currency_there(new.currency)},
            "productName": new.description[:_TEXT_LENGTH_MAX],
            "merchantRedirectUrl": new.return_url,
            "merchantAgreementUrl": self._manage_url,
            "externalId": reference_there(new.reference),
            "countryCode": new.country,
        }
        draft = (await self._http.post(_PATH, body, new.key)).parsed(Draft)
        return Opened(draft.agreement_id, draft.vipps_confirmation_url)

    async def standing(self, agreement_id: str) -> SetUp:
        """How far the person has come with an agreement. An active one is what later charges are made with."""
        found = await self._agreement(agreement_id)
        standing = setup_standing(found.status)
        saved = SavedMethod(agreement_id, LABEL) if standing is Standing.AUTHORISED else None
        return SetUp(agreement_id, reference_here(found.external_id or ""), standing, saved)

    async def get(self, provider_ref: str) -> Aggregate:
        agreement_id, charge_id = _parts(provider_ref)
        charge = await self._charge(agreement_id, charge_id)
        status: AgreementStatus | None = None
        if charge.status == "PENDING":
            status = await self._status(agreement_id)
        return aggregate_of_charge(agreement_id, charge, status)

    async def capture(self, provider_ref: str, amount: Money, key: str) -> Aggregate:
        agreement_id, charge_id = _parts(provider_ref)
        await self._http.post(f"{_charge_path(agreement_id, charge_id)}/capture", _adjusted(amount), key)
        return await self.get(provider_ref)

    async def cancel(self, provider_ref: str, key: str) -> Aggregate:
        """Lets go of the charge, and of the agreement when it was its first: nothing may be charged by it later."""
        agreement_id, charge_id = _parts(provider_ref)
        before = await self.get(provider_ref)
        is_first = (await self._agreement(agreement_id)).external_id == charge_id
        if before.standing is Standing.AUTHORISED or (before.standing is Standing.PENDING and not is_first):
            await self._http.delete(_charge_path(agreement_id, charge_id), key)
        if is_first and before.standing in _UNDECIDED and before.captured_minor == 0:
            await self.stop(agreement_id, f"{key}-stop")
        return await self.get(provider_ref)

    async def refund(self, provider_ref: str, amount: Money, key: str) -> None:
        await self._http.post(f"{_charge_path(*_parts(provider_ref))}/refund", _adjusted(amount), key)

    async def charge(self, new: ports.NewCharge) -> Aggregate:
        """A charge without its person. An agreement that is no more is a charge that was declined."""
        reference = reference_there(new.reference)
        amount = amount_there(new.amount)
        body = {
            "amount": amount["value"],
            "transactionType": "DIRECT_CAPTURE",
            "type": "UNSCHEDULED",
            "description": new.description[:_TEXT_LENGTH_MAX],
            "orderId": reference,
        }
        try:
            made = (await self._http.post(f"{_path(new.token)}/charges", body, new.key)).parsed(NewCharge)
        except ProviderRefused:
            if await self._is_active(new.token):
                raise
            return _declined(new, reference)
        except ProviderUnreachable as why:
            if why.reason != "conflict":
                raise
            # Our reference is taken, by a call of ours whose answer was lost.
            return await self._charged_before(new, reference)
        return aggregate_of_charge(new.token, await self._charge(new.token, made.charge_id))

    async def stop(self, agreement_id: str, key: str) -> None:
        """Nothing can be charged by it any more. One that has stopped already stays as it is."""
        if await self._status(agreement_id) in ("ACTIVE", "PENDING"):
            await self._http.patch(_path(agreement_id), {"status": "STOPPED"}, key)

    async def _charged_before(self, new: ports.NewCharge, reference: str) -> Aggregate:
        """Raises ProviderUnreachable while it is under way, ProviderRefused where another charge has our reference."""
        try:
            found = await self._charge(new.token, reference)
        except ProviderRefused:
            raise ProviderUnreachable("conflict") from None
        if (found.amount, found.currency) != (new.amount.amount_minor, new.amount.currency):
            raise ProviderRefused("reference_taken")
        return aggregate_of_charge(new.token, found)

    async def _charge(self, agreement_id: str, charge_id: str) -> Charge:
        charge = (await self._http.get(_charge_path(agreement_id, charge_id))).parsed(Charge)
        if charge.id != charge_id:
            raise ProviderUnreachable("garbage")
        return charge

    async def _status(self, agreement_id: str) -> AgreementStatus:
        return (await self._agreement(agreement_id)).status

    async def _agreement(self, agreement_id: str) -> Agreement:
        return (await self._http.get(_path(agreement_id))).parsed(Agreement)

    async def _is_active(self, agreement_id: str) -> bool:
        try:
            return await self._status(agreement_id) == "ACTIVE"
        except ProviderRefused:
            return False


def is_charge_ref(provider_ref: str) -> bool:
    return "/" in provider_ref


def _parts(provider_ref: str) -> tuple[str, str]:
    agreement_id, _, charge_id = provider_ref.partition("/")
    return agreement_id, charge_id


def _path(agreement_id: str) -> str:
    # What came from MobilePay stands in an address: nothing but its own letters may.
    if not agreement_id.replace("_", "").replace("-", "").isalnum() or not agreement_id.isascii():
        raise ProviderRefused("token")
    return f"{_PATH}/{agreement_id}"


def _charge_path(agreement_id: str, charge_id: str) -> str:
    return f"{_path(agreement_id)}/charges/{reference_there(charge_id.replace('-', '_'))}"


def _adjusted(amount: Money) -> Mapping[str, object]:
    return {"amount": amount_there(amount)["value"], "description": "Kolme"}


def _declined(new: ports.NewCharge, reference: str) -> Aggregate:
    return Aggregate(
        provider_ref=charge_ref(new.token, reference),
        reference=new.reference,
        standing=Standing.FAILED,
        currency=new.amount.currency,
        authorised_minor=0,
        failure="declined",
    )
