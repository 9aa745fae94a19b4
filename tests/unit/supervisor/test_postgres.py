"""The embedded database: made once, adopted after a crash, stopped by nobody but its owner."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from app.supervisor import postgres


@pytest.fixture
def data_dir(open_folder: Path) -> Iterator[Path]:
    folder = open_folder / "data"
    yield folder
    postgres.stop(folder)


async def ask(server: postgres.EmbeddedServer, question: str) -> object:
    connection = await asyncpg.connect(server.url("postgres"))
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()


def kill(data_dir: Path) -> None:
    pid = postgres.running_pid(data_dir)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    while postgres.running_pid(data_dir) is not None:
        time.sleep(0.01)


def leave_half_made(data_dir: Path) -> None:
    data_dir.mkdir()
    (data_dir / "PG_VERSION").write_text("18\n")


def test_nothing_to_stop_is_fine(data_dir: Path) -> None:
    postgres.stop(data_dir)


async def test_a_second_start_adopts_the_server_that_runs(data_dir: Path) -> None:
    first = postgres.start(data_dir)
    second = postgres.start(data_dir)
    assert (first.adopted, second.adopted) == (False, True)
    assert first.url("kolme") == second.url("kolme")
    assert await ask(second, "SELECT 1") == 1


async def test_data_outlives_a_stop(data_dir: Path) -> None:
    server = postgres.start(data_dir, options={"work_mem": "'5MB'"})
    await ask(server, "CREATE TABLE kept (n int)")
    postgres.stop(data_dir)
    assert postgres.running_pid(data_dir) is None
    again = postgres.start(data_dir)
    assert await ask(again, "SELECT count(*) FROM kept") == 0
    assert await ask(again, "SHOW work_mem") == "5MB"


async def test_data_outlives_a_kill(data_dir: Path) -> None:
    server = postgres.start(data_dir)
    await ask(server, "CREATE TABLE kept (n int)")
    kill(data_dir)
    again = postgres.start(data_dir)
    assert await ask(again, "SELECT count(*) FROM kept") == 0


async def test_a_folder_that_was_left_half_made_is_made_anew(data_dir: Path) -> None:
    leave_half_made(data_dir)
    assert await ask(postgres.start(data_dir), "SELECT 1") == 1


async def test_a_pid_file_that_names_another_program_does_not_mislead(data_dir: Path) -> None:
    postgres.start(data_dir)
    lines = (data_dir / "postmaster.pid").read_text().splitlines()
    postgres.stop(data_dir)
    (data_dir / "postmaster.pid").write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    assert postgres.running_pid(data_dir) is None
    server = postgres.start(data_dir)
    assert not server.adopted
    assert await ask(server, "SELECT 1") == 1


async def test_the_socket_admits_its_owner_alone(data_dir: Path) -> None:
    server = postgres.start(data_dir)
    assert await ask(server, "SHOW unix_socket_permissions") == "0700"
    assert await ask(server, "SHOW listen_addresses") == ""
