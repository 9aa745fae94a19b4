"""A provider whose every call is noted: what shoppers are offered follows from how real calls end, and not from probes
alone.

It stands around the adapter, so that nobody who calls a provider has to think of it. A call that is answered costs no
statement while all is well.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from datetime import datetime
from typing import TypeVar

import structlog

from app.kernel import clock, db
from app.kernel.money import Money
from app.payments.actions.watching import note_failure, note_success
from app.payments.errors import ProviderRefused, ProviderUnreachable
from app.payments.health import is_failure, known_health
from app.payments.ports import (
    Aggregate,
    Callback,
    Dispute,
    NewCharge,
    NewPayment,
    NewSetup,
    Opened,
    PaymentProvider,
    ProviderMethod,
    Refunded,
    SetUp,
)

T = TypeVar("T")

_log = structlog.get_logger("payments")


class Watched:
    """`PaymentProvider` around another one."""

    def __init__(self, provider: PaymentProvider) -> None:
        self._provider = provider
        self.method: ProviderMethod = provider.method

    async def create(self, new: NewPayment) -> Opened:
        return await self._noted(self._provider.create(new))

    async def get(self, provider_ref: str) -> Aggregate:
        return await self._noted(self._provider.get(provider_ref))

    async def capture(self, provider_ref: str, amount: Money, *, key: str) -> Aggregate:
        return await self._noted(self._provider.capture(provider_ref, amount, key=key))

    async def cancel(self, provider_ref: str, *, key: str) -> Aggregate:
        return await self._noted(self._provider.cancel(provider_ref, key=key))

    async def refund(self, provider_ref: str, amount: Money, *, key: str) -> Refunded:
        return await self._noted(self._provider.refund(provider_ref, amount, key=key))

    async def charge(self, new: NewCharge) -> Aggregate:
        return await self._noted(self._provider.charge(new))

    async def set_up(self, new: NewSetup) -> Opened:
        return await self._noted(self._provider.set_up(new))

    async def get_setup(self, provider_ref: str) -> SetUp:
        return await self._noted(self._provider.get_setup(provider_ref))

    async def forget(self, token: str, *, key: str) -> None:
        await self._noted(self._provider.forget(token, key=key))

    async def disputes(self, since: datetime) -> tuple[Dispute, ...]:
        """Not noted: a key that may not read disputes says nothing about whether shoppers can pay."""
        return await self._provider.disputes(since)

    async def probe(self) -> None:
        await self._noted(self._provider.probe())

    def read_callback(
        self, headers: Mapping[str, str], body: bytes, *, host: str, path: str, wall: datetime
    ) -> Callback:
        return self._provider.read_callback(headers, body, host=host, path=path, wall=wall)

    async def _noted(self, call: Awaitable[T]) -> T:
        try:
            answer = await call
        except ProviderUnreachable as why:
            if is_failure(why.reason):
                await self._note(why.reason)
            raise
        except ProviderRefused:
            await self._note(None)
            raise
        await self._note(None)
        return answer

    async def _note(self, reason: str | None) -> None:
        """The call counts, and not the note on it: a database that is away then is told of by whoever needs it next."""
        try:
            if reason is not None:
                await note_failure(self.method, reason, clock.wall())
                return
            known = (await known_health()).get(self.method)
            if known is not None and not known.is_well:
                await note_success(self.method, clock.wall())
        except db.DatabaseUnavailable as error:
            _log.warning("method_health_not_noted", method=self.method, error=type(error).__name__)
