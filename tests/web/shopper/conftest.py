"""A browser in front of the whole web application, in one process, on a database of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.support.pages import browser, settings_in
from tests.support.whole import whole_product


@pytest.fixture
async def client(db: str, secrets_folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with browser(whole_product(settings_in(secrets_folder, db))) as visitor:
        yield visitor
