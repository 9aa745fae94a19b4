"""Providers are asked for their disputes: once an hour, and when one calls because of a dispute.

All of them are asked for at once, so a call that was lost costs an hour and no money is missed. What follows from each
is `actions.disputing`, one transaction a dispute.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime

import structlog

from app.checkout.actions import disputing
from app.kernel import clock
from app.kernel.jobs import Now
from app.ledger.errors import MoneyFrozen
from app.payments import actions as payments
from app.payments.disputing import LOOK_BACK
from app.payments.errors import ProviderRefused, ProviderUnreachable
from app.payments.ports import Dispute, PaymentProvider, ProviderMethod
from app.payments.queries import payment_by_public_id
from app.payments.states import PaymentState

_log = structlog.get_logger("payments")


class AskingForDisputes:
    """A chore of the worker. One a process; of several processes one at a time asks a provider."""

    __name__ = "ask_for_disputes"

    def __init__(self, providers: Mapping[ProviderMethod, PaymentProvider]) -> None:
        self._providers = providers
        self._running: set[asyncio.Task[None]] = set()

    async def __call__(self, now: Now) -> int:
        """Begins the looks that are due, and waits for none. There is never more of it to do at once: 0."""
        if not self._providers:
            return 0
        for method in await payments.claim_looks(self._providers.keys(), now.wall):
            provider = next(each for name, each in self._providers.items() if name == method)
            task = asyncio.create_task(_look(provider, now.wall))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        return 0

    async def ended(self) -> None:
        """Until every look that has begun has ended. For tests."""
        await asyncio.gather(*self._running)


async def _look(provider: PaymentProvider, wall: datetime) -> None:
    try:
        if await ask_for_disputes(provider, wall):
            await payments.looked(provider.method, wall)
            return
    except Exception:  # noqa: BLE001 - logged whole; the next look comes by itself
        _log.exception("disputes_broke", method=provider.method)
    await payments.look_again(provider.method, clock.wall())


async def ask_for_disputes(provider: PaymentProvider, wall: datetime) -> bool:
    """Ask, at `wall`, for all disputes that may still move, and do what follows from each. Answers whether the provider
    answered and everything could be followed."""
    try:
        found = await provider.disputes(wall - LOOK_BACK)
    except (ProviderRefused, ProviderUnreachable) as why:
        _log.warning("disputes_not_told", method=provider.method, reason=why.reason)
        return False
    is_done = True
    # What is back first: it makes room for what is taken by another dispute of the same payment.
    for told in sorted(found, key=lambda each: each.is_away):
        try:
            await _follow(provider.method, told, wall)
        except MoneyFrozen:
            is_done = False
        except Exception:  # noqa: BLE001 - logged whole; one dispute that breaks keeps no other from the books
            _log.exception("dispute_broke", method=provider.method, dispute=told.provider_ref)
            is_done = False
    return is_done


async def _follow(method: ProviderMethod, told: Dispute, wall: datetime) -> None:
    payment = await payment_by_public_id(told.reference)
    if payment is None or payment.method != method or payment.state is not PaymentState.CAPTURED:
        # Of somebody else's payment, or of one whose capture nobody has heard of yet: then a later look finds it.
        return
    if await disputing.follow(payment, told, wall):
        _log.info("payment_disputed", payment=payment.public_id, dispute=told.provider_ref)
