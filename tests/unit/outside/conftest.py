"""The doors to the world, before servers on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from app.outside.card import CardAccount, StripeCards
from tests.support.receiver import Receiver
from tests.support.stripe_answers import KEY, SECRET


@pytest.fixture
async def server() -> AsyncIterator[Receiver]:
    async with Receiver().listening() as receiver:
        yield receiver


@pytest.fixture
def cards(server: Receiver) -> StripeCards:
    """The card door before that server."""
    return StripeCards(CardAccount(f"http://127.0.0.1:{server.port}", KEY, SECRET))
