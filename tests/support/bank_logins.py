"""Logins with the scripted provider, as the tests of the client say them."""

from __future__ import annotations

import httpx
import pytest

from app.identity.errors import LoginFailed, ProviderUnavailable
from app.identity.ports import (
    LoginRequest,
    StrongAuthentication,
    VerifiedIdentity,
)
from app.outside.bank import Bank, Registration
from app.outside.bank_keys import ClientKeys
from app.outside.bank_profiles import BankProfile, read_profile
from tests.support.oidc import (
    CLIENT_ID,
    ISSUER,
    NOW,
    ScriptedProvider,
    rsa_key,
    signing_key,
)

RETURN_URL = "https://pay.example/bank/return"
DISCOVERY = "/.well-known/openid-configuration"
OUR_KEY = signing_key("ours")
OUR_SEAL = rsa_key("ours-sealed")
OUR_KEYS = ClientKeys((OUR_KEY,), (OUR_SEAL,))
PROFILE = read_profile("FI")
REGISTRATION = Registration(ISSUER, CLIENT_ID, OUR_KEYS)


def a_bank(
    provider: ScriptedProvider,
    profile: BankProfile = PROFILE,
    timeout_s: float = 5.0,
    registration: Registration = REGISTRATION,
) -> Bank:
    """A client of that provider, which encrypts to our key from now on."""
    if provider.sealed_to is None:
        provider.sealed_to = OUR_SEAL
    return Bank(profile, registration, transport=httpx.ASGITransport(provider), total_timeout_s=timeout_s)


async def begin(bank: StrongAuthentication) -> LoginRequest:
    return await bank.begin(RETURN_URL, "fi", "Shop, 129.00 EUR", NOW)


async def log_in(
    provider: ScriptedProvider, profile: BankProfile = PROFILE, **changed: str
) -> VerifiedIdentity:
    """A whole login; `changed` replaces parameters of the provider's answer."""
    bank = a_bank(provider, profile)
    request = await begin(bank)
    answer = provider.visited(request.url) | changed
    return await bank.finish(answer, request, NOW)


async def refusal_of(provider: ScriptedProvider, profile: BankProfile = PROFILE, **changed: str) -> str:
    with pytest.raises(LoginFailed) as caught:
        await log_in(provider, profile, **changed)
    return caught.value.reason


async def outage_of(provider: ScriptedProvider, timeout_s: float = 5.0) -> str:
    bank = a_bank(provider, timeout_s=timeout_s)

    async def whole_login() -> VerifiedIdentity:
        request = await begin(bank)
        return await bank.finish(provider.visited(request.url), request, NOW)

    with pytest.raises(ProviderUnavailable) as caught:
        await whole_login()
    return caught.value.reason
