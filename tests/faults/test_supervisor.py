"""`make run` as people treat it: stopped, started again, killed, typed twice."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.supervisor import postgres
from tests.support.product import Product, free_port, running, start

pytestmark = pytest.mark.timeout(120)
STOPS_WITHIN_S = 10.0


@pytest.fixture
def var_dir(open_folder: Path) -> Iterator[Path]:
    yield open_folder
    postgres.stop(open_folder / "postgres")


def processes_of(product: Product) -> list[str]:
    """Command lines of living processes that were told to use this product's folder."""
    mark = f"KOLME_VAR_DIR={product.var_dir}".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (process / "environ").read_bytes().split(b"\0"):
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


def test_ctrl_c_stops_everything_within_ten_seconds_and_a_second_run_keeps_the_data(var_dir: Path) -> None:
    with running(var_dir) as product:
        assert product.health() == 200
        assert f"{product.base_url}/demo" in product.said()
        began = time.monotonic()
        assert product.stop() == 0
        assert time.monotonic() - began < STOPS_WITHIN_S
    assert processes_of(product) == []
    assert postgres.running_pid(var_dir / "postgres") is None
    assert not (var_dir / "database_url").exists()
    system = (var_dir / "postgres" / "global" / "pg_control").stat().st_ino
    with running(var_dir) as again:
        assert again.health() == 200
    assert (var_dir / "postgres" / "global" / "pg_control").stat().st_ino == system


def test_a_run_after_kill_9_just_works_on_the_same_port_and_database(var_dir: Path) -> None:
    with running(var_dir) as product:
        database_pid = postgres.running_pid(var_dir / "postgres")
        product.process.kill()
        product.process.wait()
        again = start(var_dir, product.port)
        try:
            again.wait_until_ready()
            assert again.health() == 200
            assert postgres.running_pid(var_dir / "postgres") == database_pid
        finally:
            assert again.stop() == 0
    assert processes_of(product) == []


def test_a_second_run_from_the_same_folder_says_who_runs_already(
    var_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with running(var_dir) as product:
        second = start(tmp_path_factory.mktemp("second"), free_port(), KOLME_VAR_DIR=str(var_dir))
        assert second.process.wait(30) == 1
        assert (
            second.said().strip() == f"Kolme already runs from this folder (process {product.process.pid})."
        )


def test_a_port_that_another_program_holds_is_named_with_the_way_out(var_dir: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        product = start(var_dir, port)
        assert product.process.wait(30) == 1
    assert product.said().strip() == (
        f"Port {port} is taken by another program: set PORT, as in `PORT=8001 make run`."
    )
    assert not (var_dir / "postgres").exists()


def test_a_database_that_is_killed_comes_back(var_dir: Path) -> None:
    with running(var_dir) as product:
        old = postgres.running_pid(var_dir / "postgres")
        assert old is not None
        os.kill(old, signal.SIGKILL)
        deadline = time.monotonic() + 30
        while postgres.running_pid(var_dir / "postgres") in {None, old}:
            assert time.monotonic() < deadline, product.said()
            time.sleep(0.05)
        assert product.stop() == 0
