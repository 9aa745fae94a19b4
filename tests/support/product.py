"""The whole product as a newcomer runs it: `kolme up` in a folder and on a port of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from app.supervisor import postgres

ROOT = Path(__file__).resolve().parents[2]
START_WAIT_S = 60.0
STOP_WAIT_S = 15.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@dataclass(frozen=True, slots=True)
class Product:
    """`process` is the supervisor; what it prints is in `log`."""

    process: subprocess.Popen[bytes]
    var_dir: Path
    port: int
    log: Path

    @property
    def base_url(self) -> str:
        return f"http://localhost:{self.port}"

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    def wait_until_ready(self) -> None:
        """Until the addresses are printed. Raises AssertionError with everything it said if it ends before."""
        deadline = time.monotonic() + START_WAIT_S
        while "Ctrl-C stops it." not in self.said():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.05)

    def health(self) -> int:
        return httpx.get(f"{self.base_url}/healthz", timeout=5).status_code

    def stop(self) -> int:
        """Ctrl-C. Returns the exit status."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(STOP_WAIT_S)


def start(var_dir: Path, port: int, **environ: str) -> Product:
    """Starts it without waiting."""
    var_dir.mkdir(parents=True, exist_ok=True)
    log = var_dir / "log"
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("KOLME_", "DATABASE_"))
    }
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "app", "up"],
            cwd=ROOT,
            env={**inherited, "PORT": str(port), "KOLME_VAR_DIR": str(var_dir), **environ},
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Product(process, var_dir, port, log)


@contextmanager
def running(var_dir: Path, **environ: str) -> Iterator[Product]:
    """Runs it until the block ends, and leaves nothing behind even if it was killed meanwhile."""
    product = start(var_dir, free_port(), **environ)
    try:
        product.wait_until_ready()
        yield product
    finally:
        if product.process.poll() is None:
            product.stop()
        postgres.stop(var_dir / "postgres")
