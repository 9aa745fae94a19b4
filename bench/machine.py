"""Programs on cores of their own: the web process on core 0; PostgreSQL, the worker, load and receivers on core 1."""

from __future__ import annotations

import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parents[1]
WEB_CORE = {0}
LOAD_CORE = {1} if (os.cpu_count() or 1) > 1 else {0}
READY_WAIT_S = 30.0


class BenchError(Exception):
    """The benchmark cannot run here; the message says what to type."""


@dataclass(frozen=True, slots=True)
class Load:
    """What a load generator saw."""

    requests_per_s: float
    errors: int


def describe() -> str:
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return f"{os.cpu_count()} x {model}, {platform.system()} {platform.release()}, Python {platform.python_version()}"


def stay_on_load_core() -> None:
    """This process, and all it starts from now on."""
    os.sched_setaffinity(0, LOAD_CORE)


@contextmanager
def program(
    arguments: Sequence[str], environ: Mapping[str, str], *, on_web_core: bool, log: Path
) -> Iterator[int]:
    """A child process for the length of the block; only it is stopped afterwards. Yields its pid."""
    cores = WEB_CORE if on_web_core else LOAD_CORE
    with log.open("ab") as stream:
        child = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env={**os.environ, **environ},
            stdout=stream,
            stderr=subprocess.STDOUT,
            preexec_fn=lambda: os.sched_setaffinity(0, cores),  # noqa: PLW1509  one system call, no lock
            start_new_session=True,
        )
    try:
        yield child.pid
    finally:
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()


def wait_for(url: str) -> None:
    deadline = time.monotonic() + READY_WAIT_S
    while True:
        try:
            if httpx.get(url, timeout=2).status_code < 500:
                return
        except httpx.HTTPError:
            pass
        if time.monotonic() > deadline:
            raise BenchError(f"{url} does not answer")
        time.sleep(0.05)


def wrk(url: str, *, seconds: int, connections: int = 16) -> Load:
    """Requests per second of one address on a loopback server, by wrk."""
    found = shutil.which("wrk")
    if found is None:
        raise BenchError("The benchmark needs wrk: apt-get install wrk")
    answer = subprocess.run(
        [found, "-t1", f"-c{connections}", f"-d{seconds}s", url], capture_output=True, text=True, check=True
    ).stdout
    rate = re.search(r"Requests/sec:\s+([0-9.]+)", answer)
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", answer)
    if rate is None:
        raise BenchError(f"wrk said: {answer}")
    return Load(float(rate[1]), int(bad[1]) if bad else 0)
