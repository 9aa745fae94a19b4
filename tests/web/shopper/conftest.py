"""A browser in front of the whole web application, in one process, on a database of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from app.main import build
from tests.support.pages import browser, settings_in


@pytest.fixture
async def client(db: str, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with browser(build(settings_in(tmp_path, db))) as visitor:
        yield visitor
