"""What a provider says of itself: discovery and its keys, read once and kept for a bounded time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from joserfc.jwk import KeySet

from app.identity.errors import ProviderUnavailable
from app.outside.bank_http import BankHttp
from app.outside.bank_tokens import read_key_set, text_claim

CACHE_S: Final = 300
# A token with an unknown key name makes us look afresh: whoever invents such names must not make us look for ever.
FRESH_LOOK_AFTER_S: Final = 10


@dataclass(frozen=True, slots=True)
class Provider:
    """The discovery document as far as we use it, with the provider's keys. `read_at_s`: monotonic seconds."""

    authorization_endpoint: str
    token_endpoint: str
    pushed_endpoint: str | None
    userinfo_endpoint: str | None
    names_issuer_in_answer: bool
    keys: KeySet
    read_at_s: float


class Directory:
    """One provider's discovery, kept for five minutes. One look at a time: the others wait for what it brings."""

    def __init__(self, issuer: str, http: BankHttp, *, allow_plain_http: bool) -> None:
        self._issuer = issuer
        self._http = http
        self._schemes = ("https", "http") if allow_plain_http else ("https",)
        self._looking = asyncio.Lock()
        self._cached: Provider | None = None
        self._fresh_look_at_s: float | None = None

    async def provider(self) -> Provider:
        """Raises ProviderUnavailable."""
        if self._kept() is None:
            async with self._looking:
                if self._kept() is None:
                    self._cached = await self._read()
        assert self._cached is not None
        return self._cached

    async def looked_at_afresh(self, known: Provider) -> Provider:
        """The provider as it is now, for a token whose key `known` does not hold: the provider may have changed its
        keys. No more than one look in ten seconds. Raises ProviderUnavailable."""
        async with self._looking:
            now_s = time.monotonic()
            if self._cached is not None and self._cached is not known:
                return self._cached
            if self._fresh_look_at_s is not None and now_s - self._fresh_look_at_s < FRESH_LOOK_AFTER_S:
                return known
            self._fresh_look_at_s = now_s
            self._cached = await self._read()
            return self._cached

    def _kept(self) -> Provider | None:
        cached = self._cached
        return cached if cached is not None and time.monotonic() - cached.read_at_s < CACHE_S else None

    async def _read(self) -> Provider:
        answer = await self._http.get(self._issuer.rstrip("/") + "/.well-known/openid-configuration", {})
        if answer.status != 200:
            raise ProviderUnavailable("status")
        metadata = answer.json_object()
        if metadata.get("issuer") != self._issuer:
            raise ProviderUnavailable("metadata")
        return Provider(
            authorization_endpoint=self._endpoint(metadata, "authorization_endpoint"),
            token_endpoint=self._endpoint(metadata, "token_endpoint"),
            pushed_endpoint=self._optional(metadata, "pushed_authorization_request_endpoint"),
            userinfo_endpoint=self._optional(metadata, "userinfo_endpoint"),
            names_issuer_in_answer=metadata.get("authorization_response_iss_parameter_supported") is True,
            keys=await self._read_keys(self._endpoint(metadata, "jwks_uri")),
            read_at_s=time.monotonic(),
        )

    async def _read_keys(self, jwks_uri: str) -> KeySet:
        answer = await self._http.get(jwks_uri, {})
        if answer.status != 200:
            raise ProviderUnavailable("status")
        try:
            return read_key_set(answer.json_object())
        except ValueError:
            raise ProviderUnavailable("keys") from None

    def _optional(self, metadata: Mapping[str, object], name: str) -> str | None:
        return None if metadata.get(name) is None else self._endpoint(metadata, name)

    def _endpoint(self, metadata: Mapping[str, object], name: str) -> str:
        url = text_claim(metadata, name)
        if url is None:
            raise ProviderUnavailable("metadata")
        try:
            parts = urlsplit(url)
        except ValueError:
            raise ProviderUnavailable("metadata") from None
        if parts.scheme not in self._schemes or not parts.hostname or parts.fragment or parts.username:
            raise ProviderUnavailable("metadata")
        return url
