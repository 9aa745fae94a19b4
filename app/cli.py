"""The `kolme` command: one small function a command.

A new command is a function that takes the parsed arguments and an entry in `_parser`. Imports stand inside
the functions, so that `kolme --help` needs no database and `kolme migrate` loads no web server.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from app.settings import Settings, load

WORKERS_MAX = 64
HEADER_BYTES_MAX = 32 * 1024
HEADER_READ_TIMEOUT_MS = 10_000
# What a request may still take after SIGTERM; the supervisor's own patience is a little longer.
DRAIN_S = 3

Command = Callable[[argparse.Namespace], None]


def _settings() -> Settings:
    return load(os.environ)


def _web_app(_target: str) -> Any:
    """Runs in each of the web server's processes: none of them outlives the one that holds the port."""
    from app.supervisor.family import die_with_parent

    parent = multiprocessing.parent_process()
    if parent is not None and parent.pid is not None:
        die_with_parent(parent.pid)
    from app.main import create_app

    return create_app()


def serve(arguments: argparse.Namespace) -> None:
    """The web process: granian on uvloop, `--workers` processes behind one socket."""
    from granian.constants import HTTPModes, Interfaces, Loops
    from granian.http import HTTP1Settings
    from granian.server import Server

    from app.supervisor.family import die_with_supervisor

    die_with_supervisor()
    settings = _settings()
    Server(
        "app.main:create_app",
        factory=True,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        loop=Loops.uvloop,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(
            header_read_timeout=HEADER_READ_TIMEOUT_MS, max_buffer_size=HEADER_BYTES_MAX
        ),
        websockets=False,
        workers=arguments.workers,
        workers_kill_timeout=DRAIN_S,
        # A lone process that fails ends the command, so that whoever started it (the supervisor) sees it.
        respawn_failed_workers=arguments.workers > 1,
        log_access=False,
    ).serve(target_loader=_web_app)


def worker(_arguments: argparse.Namespace) -> None:
    """The worker process: drains the outbox and runs what falls due."""
    from app.supervisor.family import die_with_supervisor
    from app.worker import run

    die_with_supervisor()
    asyncio.run(run(_settings()))


def migrate(_arguments: argparse.Namespace) -> None:
    """Brings the database up to the newest migration."""
    from app.migrate import migrate as run_migrations

    asyncio.run(run_migrations(_settings().database_url))


def up(_arguments: argparse.Namespace) -> None:
    """Everything on this machine, until Ctrl-C."""
    from app.supervisor.run import run

    asyncio.run(run(os.environ))


def _worker_count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= WORKERS_MAX:
        raise argparse.ArgumentTypeError(f"a number from 1 to {WORKERS_MAX}")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="kolme", description="A pay-later checkout that merchants host themselves."
    )
    commands = parser.add_subparsers(title="commands", metavar="", required=True)

    def add(name: str, command: Command, words: str) -> argparse.ArgumentParser:
        entry = commands.add_parser(name, help=words, description=words)
        entry.set_defaults(command=command)
        return entry

    add("up", up, "run everything on this machine: database, web, worker (what `make run` does)")
    served = add("serve", serve, "run the web process")
    served.add_argument("--workers", type=_worker_count, default=1, metavar="N", help="processes (default 1)")
    add("worker", worker, "run the worker process")
    add("migrate", migrate, "bring the database up to date")
    return parser


def _sentence(error: Exception) -> str | None:
    """Errors meant for the person at the terminal carry a sentence; anything else keeps its traceback."""
    sentence = getattr(error, "sentence", None)
    return sentence if isinstance(sentence, str) else None


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command. Returns the exit status: 0 done, 1 a sentence on stderr, 2 wrong usage."""
    arguments = _parser().parse_args(argv)
    command: Command = arguments.command
    try:
        command(arguments)
    except Exception as error:
        sentence = _sentence(error)
        if sentence is None:
            raise
        print(sentence, file=sys.stderr)
        return 1
    return 0
