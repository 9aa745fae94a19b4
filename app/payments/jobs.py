"""What a worker says to a provider of a saved method that is forgotten here."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from app.kernel.jobs import Done, GiveUp, Outcome, again_or_give_up
from app.kernel.keys import SealBroken, process_keyring
from app.kernel.outbox import Job
from app.payments.errors import ProviderRefused, ProviderUnreachable
from app.payments.ports import PaymentProvider, ProviderMethod
from app.payments.queries import SAVED_METHOD_PURPOSE


async def tell_forgotten(job: Job, providers: Mapping[ProviderMethod, PaymentProvider]) -> Outcome:
    """The provider ends what it has agreed on with the owner. Until that has come through, the job holds the token,
    sealed: nothing else here does."""
    provider = next((each for name, each in providers.items() if name == job.payload["method"]), None)
    if provider is None:
        return Done("no provider")
    try:
        sealed = base64.b64decode(str(job.payload["sealed"]))
        token = process_keyring().open(SAVED_METHOD_PURPOSE, sealed).decode()
        await provider.forget(token, key=str(job.payload["saved_method"]))
    except SealBroken:
        return GiveUp("sealed by a key that is gone")
    except ProviderRefused as refused:
        return Done(refused.reason)
    except ProviderUnreachable as why:
        return again_or_give_up(job, why.reason)
    return Done()
