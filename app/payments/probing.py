"""Probes: each provider is asked now and then whether it is there, so that one that nobody uses right now is known to
be well, and one that is hidden from shoppers is found to be back.

A probe runs beside the worker's own work: a provider that lets it wait holds up no delivery.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import structlog

from app.kernel.jobs import Now
from app.payments.actions.watching import claim_probe
from app.payments.errors import ProviderRefused, ProviderUnreachable
from app.payments.ports import PaymentProvider, ProviderMethod

_log = structlog.get_logger("payments")


class Probing:
    """A chore of the worker. One a process; of several processes one at a time probes a provider.

    The providers are watched ones: what their probes find is noted by them.
    """

    __name__ = "probe_providers"

    def __init__(self, providers: Mapping[ProviderMethod, PaymentProvider]) -> None:
        self._providers = providers
        self._running: dict[ProviderMethod, asyncio.Task[None]] = {}

    async def __call__(self, now: Now) -> int:
        """Begins the probes that are due, and waits for none. There is never more of it to do at once: 0."""
        for method, provider in self._providers.items():
            is_under_way = method in self._running and not self._running[method].done()
            if not is_under_way and await claim_probe(method, now.wall):
                self._running[method] = asyncio.create_task(_probe(provider))
        return 0

    async def ended(self) -> None:
        """Until every probe that has begun has ended. For tests."""
        await asyncio.gather(*self._running.values())


async def _probe(provider: PaymentProvider) -> None:
    try:
        await provider.probe()
    except (ProviderUnreachable, ProviderRefused) as why:
        _log.info("probe_failed", method=provider.method, reason=why.reason)
    except Exception:  # noqa: BLE001 - logged whole; the next probe comes by itself
        _log.exception("probe_broke", method=provider.method)
