"""What tests of the kernel share."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from app.kernel.keys import Keyring, use_keyring


@pytest.fixture
def now() -> datetime:
    """A fixed business time."""
    return datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.fixture
def keyring() -> Iterator[Keyring]:
    """A fresh key ring, in use in this process."""
    ring = Keyring.parse(Keyring.new_line("k1"))
    use_keyring(ring)
    yield ring
    use_keyring(None)
