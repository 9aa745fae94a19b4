"""The product's own processes, each started as an operator starts it, on loopback ports."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.support.product import ROOT

START_WAIT_S = 60.0
STOP_WAIT_S = 30.0


@dataclass(frozen=True, slots=True)
class Running:
    """A `kolme` command that runs. What it prints is in `log`."""

    process: subprocess.Popen[bytes]
    log: Path

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    def wait_until_it_answers(self, url: str) -> None:
        """Until `url` answers 200. Raises AssertionError with everything it said."""
        deadline = time.monotonic() + START_WAIT_S
        while True:
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < deadline, self.said()
            try:
                if httpx.get(url, timeout=5).status_code == 200:
                    return
            except httpx.HTTPError:
                time.sleep(0.05)


def own_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """This process's environment without anything that would configure the product, and with `environ`."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("KOLME_", "DATABASE_", "PORT", "HOST"))
    }
    return {**inherited, **environ}


@contextmanager
def kolme(*arguments: str, log: Path, environ: Mapping[str, str]) -> Iterator[Running]:
    """`kolme serve` or `kolme worker` for the length of the block."""
    with log.open("ab") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "app", *arguments],
            cwd=ROOT,
            env=own_environ(environ),
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield Running(process, log)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_WAIT_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@contextmanager
def web(port: int, *, log: Path, environ: Mapping[str, str]) -> Iterator[Running]:
    """A web process that answers."""
    with kolme("serve", log=log, environ={**environ, "PORT": str(port)}) as running:
        running.wait_until_it_answers(f"http://127.0.0.1:{port}/healthz")
        yield running


def finish(*arguments: str, environ: Mapping[str, str], typed: str = "") -> subprocess.CompletedProcess[str]:
    """A `kolme` command that comes to its end by itself; `typed` goes to its standard input."""
    return subprocess.run(
        [sys.executable, "-m", "app", *arguments],
        cwd=ROOT,
        env=own_environ(environ),
        input=typed,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
