"""What tests of pages share: a folder for keys, the same for all of a process."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def secrets_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the keys of the application are. They are made once; tests whose settings are equal share what is built."""
    return tmp_path_factory.mktemp("var")
