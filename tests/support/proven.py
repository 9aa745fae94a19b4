"""The books of a whole product that ran for tests, proven at its end by the command that an operator has for it."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.support.product import ROOT


def assert_proven(**environ: str) -> None:
    """Everything that was bought, paid and given back in that product's database is accounted for; fails with what is
    not, a sentence a line. The product may still be running: the books hold at every instant."""
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("KOLME_", "DATABASE_"))
    }
    done = subprocess.run(
        [sys.executable, "-m", "app", "check-books"],
        cwd=ROOT,
        env={**inherited, **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"after these tests {done.stderr.strip()}\n{done.stdout.strip()}"
