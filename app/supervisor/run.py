"""`kolme up`, which `make run` calls: everything on one machine, until Ctrl-C or SIGTERM."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import asyncpg

from app import doors
from app import settings as settings_module
from app.kernel import db
from app.migrate import migrate
from app.seeds import seed_demo
from app.settings import Settings
from app.supervisor import postgres
from app.supervisor.children import Child

DATABASE_NAME = "kolme"
WEB_READY_WAIT_S = 60.0
WEB_DEATHS_AT_START_MAX = 3
# Together with the database's own stop these stay within ten seconds, unless it has to be forced.
WEB_PATIENCE_S = 4.0
WORKER_PATIENCE_S = 3.0
# The children of a supervisor that was killed need a moment to leave the port.
PORT_WAIT_S = 6.0
DATABASE_CHECK_EVERY_S = 1.0


class CannotRun(Exception):
    """The product cannot be started here. `sentence` says why and what to do."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


@contextmanager
def _only_supervisor(var_dir: Path) -> Iterator[bool]:
    """One supervisor a folder. Yields whether the last one was killed rather than stopped."""
    var_dir.mkdir(parents=True, exist_ok=True)
    with (var_dir / "supervisor.lock").open("a+") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.seek(0)
            raise CannotRun(
                f"Kolme already runs from this folder (process {handle.read().strip()})."
            ) from None
        handle.seek(0)
        was_killed = bool(handle.read().strip())
        handle.truncate(0)
        handle.write(f"{os.getpid()}\n")
        handle.flush()
        yield was_killed
        handle.truncate(0)


def _port_is_free(host: str, port: int) -> bool:
    try:
        [(family, kind, protocol, _, address), *_] = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror:
        raise CannotRun(f"HOST is {host!r}, which is no address of this machine.") from None
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except PermissionError:
            raise CannotRun(f"PORT {port} may be used by root alone: choose one above 1023.") from None
        except OSError:
            return False
    return True


async def _require_port(host: str, port: int, *, wait_s: float) -> None:
    deadline = time.monotonic() + wait_s
    while not _port_is_free(host, port):
        if time.monotonic() > deadline:
            raise CannotRun(f"Port {port} is taken by another program: set PORT, as in `PORT=8001 make run`.")
        await asyncio.sleep(0.2)


async def _ensure_database(server: postgres.EmbeddedServer) -> str:
    connection = await asyncpg.connect(server.url("postgres"))
    try:
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", DATABASE_NAME):
            await connection.execute(
                f"CREATE DATABASE {DATABASE_NAME} TEMPLATE template0 ENCODING 'UTF8' "
                "LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LOCALE 'C'"
            )
    finally:
        await connection.close()
    return server.url(DATABASE_NAME)


def _write_address(var_dir: Path, url: str) -> None:
    draft = var_dir / "database_url.new"
    draft.write_text(url + "\n", encoding="utf-8")
    draft.replace(var_dir / "database_url")


async def _keep_embedded(data_dir: Path, leaving: asyncio.Event) -> None:
    """Starts the database again should it die: everything else comes back by itself once it is there.

    Told to leave rather than cancelled: a start that is under way ends before the stop begins.
    """
    while not leaving.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(leaving.wait(), DATABASE_CHECK_EVERY_S)
        if leaving.is_set() or postgres.running_pid(data_dir) is not None:
            continue
        print("The database ended; starting it again.", flush=True)
        try:
            await asyncio.to_thread(postgres.start, data_dir)
        except postgres.EmbeddedDatabaseError as error:
            print(error.sentence, flush=True)


@asynccontextmanager
async def _embedded_database(var_dir: Path) -> AsyncIterator[str]:
    data_dir = var_dir / "postgres"
    server = await asyncio.to_thread(postgres.start, data_dir)
    try:
        url = await _ensure_database(server)
        _write_address(var_dir, url)
        leaving = asyncio.Event()
        watch = asyncio.create_task(_keep_embedded(data_dir, leaving))
        try:
            yield url
        finally:
            leaving.set()
            await watch
            (var_dir / "database_url").unlink(missing_ok=True)
    finally:
        await asyncio.to_thread(postgres.stop, data_dir)


async def _seed(settings: Settings) -> None:
    """The demo merchant and the people to shop as, in test mode."""
    if not settings.is_test:
        return
    doors.turn_keys(settings)
    await db.start_pool(settings.database_url)
    try:
        await seed_demo(settings)
    finally:
        await db.close_pool()


async def _answers(host: str, port: int) -> bool:
    try:
        reader, writer = await asyncio.wait_for(asyncio.open_connection(host, port), 2)
    except (OSError, TimeoutError):
        return False
    try:
        writer.write(
            f"HEAD /healthz HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n".encode()
        )
        head = await asyncio.wait_for(reader.readline(), 5)
        return b" 200 " in head
    except (OSError, TimeoutError):
        return False
    finally:
        writer.close()


async def _wait_for_web(settings: Settings, web: Child) -> None:
    deadline = time.monotonic() + WEB_READY_WAIT_S
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104 - compared only
    while not await _answers(host, settings.port):
        if web.deaths >= WEB_DEATHS_AT_START_MAX:
            raise CannotRun("The web process does not start; its own words stand above.")
        if time.monotonic() > deadline:
            raise CannotRun(f"The web process did not answer /healthz within {WEB_READY_WAIT_S:g} s.")
        await asyncio.sleep(0.1)


def addresses(settings: Settings) -> str:
    """What to open, one a line."""
    base = settings.base_url
    rows = [("Sign in as staff", f"{base}/admin"), ("For developers", f"{base}/api")]
    if settings.is_test:
        credentials = settings.var_dir / "demo.json"
        rows = [
            ("Demo shop", f"{base}/demo"),
            ("Admin", f"{base}/admin   (e-mail, password and second factor: {credentials})"),
            ("Sandbox", f"{base}/sandbox   (phone, letterbox, bank, clock)"),
            ("Developers", f"{base}/api"),
        ]
    width = max(len(name) for name, _ in rows) + 2
    lines = [f"  {name:<{width}}{address}" for name, address in rows]
    return "\n".join(["", "Kolme is running. Open:", "", *lines, "", "Ctrl-C stops it.", ""])


def _kolme(verb: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "app", verb)


async def _serve(settings: Settings, environ: Mapping[str, str], stopped: asyncio.Event) -> None:
    web = Child("The web process", _kolme("serve"), environ)
    worker = Child("The worker", _kolme("worker"), environ)
    keepers = [asyncio.create_task(child.keep()) for child in (web, worker)]
    try:
        ready = asyncio.create_task(_wait_for_web(settings, web))
        told = asyncio.create_task(stopped.wait())
        await asyncio.wait({ready, told}, return_when=asyncio.FIRST_COMPLETED)
        if ready.done():
            ready.result()
            print(addresses(settings), flush=True)
        else:
            ready.cancel()
        await told
    finally:
        # First no new shoppers, then the work they left, then (in the caller) the database under both.
        await web.stop(patience_s=WEB_PATIENCE_S)
        await worker.stop(patience_s=WORKER_PATIENCE_S)
        await asyncio.gather(*keepers)


async def _run(environ: Mapping[str, str], stopped: asyncio.Event) -> None:
    asked = settings_module.look(environ)
    with _only_supervisor(asked.var_dir) as was_killed:
        await _require_port(asked.host, asked.port, wait_s=PORT_WAIT_S if was_killed else 0)
        if not asked.wants_embedded_database:
            await _prepare_and_serve(environ, stopped)
            return
        async with _embedded_database(asked.var_dir) as url:
            await _prepare_and_serve({**environ, "DATABASE_URL": url}, stopped)


async def _prepare_and_serve(environ: Mapping[str, str], stopped: asyncio.Event) -> None:
    settings = settings_module.load(environ)
    await migrate(settings.database_url)
    await _seed(settings)
    if not stopped.is_set():
        await _serve(settings, environ, stopped)


async def run(environ: Mapping[str, str]) -> None:
    """Runs until SIGINT or SIGTERM. Raises CannotRun or SettingsError with a sentence for the terminal."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stopped.set)
    await _run(environ, stopped)
