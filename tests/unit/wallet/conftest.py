"""A shop with the wallet on, and somebody who has bought there."""

from __future__ import annotations

import pytest

from app.merchants.queries import Merchant
from tests.factories.checkout import a_merchant
from tests.factories.wallets import a_customer, switched


@pytest.fixture
async def merchant(db: str) -> Merchant:
    return await switched(await a_merchant())


@pytest.fixture
async def customer(merchant: Merchant) -> str:
    return await a_customer(merchant)
