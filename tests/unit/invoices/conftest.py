"""These tests share one clone a module."""

from __future__ import annotations

import pytest

from app.merchants.queries import Merchant, forget_kept_merchants
from tests.factories.checkout import a_merchant
from tests.support.shared import database_url, modules_database

__all__ = ["database_url", "modules_database"]


@pytest.fixture
async def merchant(db: str) -> Merchant:
    forget_kept_merchants()
    return await a_merchant()
