"""The supervisor's children: restarted when they die, ended in order, never left behind."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from app.supervisor import children
from app.supervisor.children import Child, pause_s

ROOT = Path(__file__).resolve().parents[3]
WAITS = "import signal; signal.pause()"
DEAF = (
    "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); signal.pause()"
)


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110 - another process makes it true
            await asyncio.sleep(0.01)


def a_child(code: str) -> Child:
    return Child("A child", (sys.executable, "-c", code), {**os.environ, "PYTHONPATH": str(ROOT)})


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_the_pause_before_a_restart_doubles_up_to_half_a_minute() -> None:
    assert [pause_s(deaths) for deaths in (1, 2, 3, 7, 50)] == [0.5, 1.0, 2.0, 30.0, 30.0]


async def test_a_child_that_dies_is_started_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(children, "PAUSE_FIRST_S", 0.01)
    child = a_child("raise SystemExit(3)")
    keeper = asyncio.create_task(child.keep())
    await until(lambda: child.deaths >= 3)
    await child.stop(patience_s=5)
    await keeper
    assert "A child ended with 3; starting it again in 0.01 s." in capsys.readouterr().out


async def test_a_child_is_ended_by_asking_first() -> None:
    child = a_child(WAITS)
    keeper = asyncio.create_task(child.keep())
    await until(lambda: child.process)
    await child.stop(patience_s=5)
    await keeper
    assert child.process is not None
    assert child.process.returncode == -signal.SIGTERM


async def test_a_child_that_does_not_listen_is_ended_all_the_same(tmp_path: Path) -> None:
    deaf_now = tmp_path / "deaf"
    child = a_child(DEAF.replace("print('deaf', flush=True)", f"open({str(deaf_now)!r}, 'w').close()"))
    keeper = asyncio.create_task(child.keep())
    await until(deaf_now.exists)
    await child.stop(patience_s=0.1)
    await keeper
    assert child.process is not None
    assert child.process.returncode == -signal.SIGKILL


async def test_a_child_ends_when_its_supervisor_is_killed(tmp_path: Path) -> None:
    """The parent is a process of its own that never gets to say goodbye."""
    pid_file = tmp_path / "pid"
    inner = (
        "import os, signal, pathlib; from app.supervisor.family import die_with_supervisor; die_with_supervisor();"
        f"pathlib.Path({str(pid_file)!r}).write_text(str(os.getpid())); signal.pause()"
    )
    outer = (
        "import asyncio, os, sys; from app.supervisor.children import Child;"
        f"asyncio.run(Child('A child', (sys.executable, '-c', {inner!r}), os.environ).keep())"
    )
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", outer, env=environ)
    await until(lambda: pid_file.exists() and pid_file.read_text())
    pid = int(pid_file.read_text())
    assert is_alive(pid)
    parent.kill()
    await parent.wait()
    await until(lambda: not is_alive(pid))
