from __future__ import annotations

import pytest

from app.merchants.queries import Merchant, forget_kept_merchants
from tests.factories.checkout import a_merchant


@pytest.fixture
async def merchant(db: str) -> Merchant:
    forget_kept_merchants()
    return await a_merchant()
