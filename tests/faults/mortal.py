"""Children that are killed on purpose, one a command, forked from a process that has everything imported.

    python -m tests.faults.mortal          # commands and answers are lines of JSON on stdin and stdout

A child has no connection, no event loop and no thread of anybody else: it begins like a fresh process, but in
milliseconds. It dies by SIGKILL, so nothing of it is tidied up: no ROLLBACK, no goodbye to the database.
"""

from __future__ import annotations

import asyncio
import gc
import os
import re
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final, Literal

import msgspec

from app import doors, worker
from app.checkout import actions
from app.checkout.actions import Details
from app.identity.actions.browsers import BrowserToken
from app.kernel import clock, db
from app.kernel.i18n import LANGUAGES, translations
from app.kernel.tls import trusted
from app.outside.mail import SandboxLetterbox
from app.outside.webhook_door import HttpWebhookDoor
from app.settings import load
from app.webhooks.ports import OutgoingWebhook, WebhookDoor, WebhookReply
from tests.faults.all_moves import MOVES

Door = Literal["before send", "after send", "before mark"]
DOORS: Final[tuple[Door, ...]] = ("before send", "after send", "before mark")
Say = Callable[[str], None]


class Command(msgspec.Struct, frozen=True):
    """What a child does, and how it ends; `move` is one of MOVES, made from `args`.

    `die_at`: before the k-th statement, counted from 1; one more than there are means after the last COMMIT and before
    anybody hears of it. `die_door`: where in a delivery. `kill_after_s`: killed from outside, so long after it began.
    """

    act: Literal["confirm", "expire", "move", "work"]
    environ: dict[str, str]
    session: str = ""
    token: str = ""
    shown: str = ""
    move: str = ""
    args: dict[str, str] = {}
    die_at: int | None = None
    die_door: Door | None = None
    kill_after_s: float | None = None


class End(msgspec.Struct, frozen=True):
    """How a child ended. `said` are its words, in order."""

    killed: bool
    said: tuple[str, ...]

    @property
    def backend(self) -> int:
        """The process id of the connection that it held at the database."""
        return int(self.said[0])

    @property
    def acknowledged(self) -> bool:
        """It told somebody that the work is done."""
        return "done" in self.said

    @property
    def began(self) -> bool:
        return "began" in self.said

    @property
    def took_s(self) -> float:
        """How long the work itself took, when it came to its end."""
        return next(float(word.removeprefix("took ")) for word in self.said if word.startswith("took "))

    @property
    def statements(self) -> tuple[str, ...]:
        return tuple(word.removeprefix("sql ") for word in self.said if word.startswith("sql "))


class Nursery:
    """The process that forks the children, seen from the test. One child at a time."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    @asynccontextmanager
    async def opened(cls) -> AsyncIterator[Nursery]:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.faults.mortal",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            yield cls(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            await process.wait()

    async def run(self, command: Command) -> End:
        """Bring up a child and wait for its end."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(msgspec.json.encode(command) + b"\n")
        answer = await self._process.stdout.readline()
        assert answer, "the nursery itself ended"
        return msgspec.json.decode(answer, type=End)


# --- in the nursery -----------------------------------------------------------------------------------------


def main() -> None:
    """Until stdin ends."""
    _learn_what_every_child_needs()
    answers = os.dup(1)
    # Whatever a child logs must not look like an answer.
    os.dup2(2, 1)
    gc.collect()
    gc.freeze()
    for line in sys.stdin.buffer:
        end = _raise_child(msgspec.json.decode(line, type=Command))
        os.write(answers, msgspec.json.encode(end) + b"\n")


def _learn_what_every_child_needs() -> None:
    """What a process reads once is read before the fork: each child would read it again."""
    trusted()
    for lang in LANGUAGES:
        translations(lang)


def _raise_child(command: Command) -> End:
    listening, speaking = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(listening)
        _live_and_leave(command, speaking)
    os.close(speaking)
    words = b""
    while piece := os.read(listening, 65_536):
        words += piece
        if command.kill_after_s is not None and b"began\n" in words:
            time.sleep(command.kill_after_s)
            os.kill(child, signal.SIGKILL)
            break
    while piece := os.read(listening, 65_536):
        words += piece
    os.close(listening)
    _, status = os.waitpid(child, 0)
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    assert killed or os.waitstatus_to_exitcode(status) == 0, "a child failed by itself; its words stand above"
    return End(killed, tuple(words.decode().splitlines()))


# --- in a child ---------------------------------------------------------------------------------------------


def _live_and_leave(command: Command, speaking: int) -> None:
    status = 1
    try:
        asyncio.run(_live(command, lambda word: _say(speaking, word)))
        status = 0
    except BaseException:  # noqa: BLE001 - a child must never fall through into the nursery's loop
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(status)


def _say(speaking: int, word: str) -> None:
    os.write(speaking, word.encode() + b"\n")


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


async def _live(command: Command, say: Say) -> None:
    settings = load(command.environ)
    doors.turn_keys(settings)
    await db.start_pool(settings.database_url, min_size=1, max_size=1)
    say(str(await db.fetch_value("SELECT pg_backend_pid()")))
    count = 0

    def probe(sql: str) -> None:
        nonlocal count
        count += 1
        if count == command.die_at:
            _die()
        say(f"sql {named(sql)}")

    db.set_statement_probe(probe)
    say("began")
    began_at = time.monotonic()
    if command.act == "confirm":
        browser = BrowserToken(command.token, clock.wall(), fresh=False)
        await actions.confirm(command.session, browser, command.shown, Details())
    elif command.act == "expire":
        await actions.expire_orders(await clock.business_now())
    elif command.act == "move":
        await MOVES[command.move].make(command.args)
    else:
        door = DyingDoor(HttpWebhookDoor(settings), command.die_door)
        through = doors.WorkerDoors(SandboxLetterbox(), door)
        await worker.Worker(worker.handlers(through), worker.chores()).run_once()
    if command.die_at == count + 1:
        _die()
    say(f"took {time.monotonic() - began_at}")
    say("done")
    await db.close_pool()


class DyingDoor:
    """The real door for webhooks, beside which death may wait."""

    def __init__(self, door: WebhookDoor, where: Door | None) -> None:
        self._door, self._where = door, where

    async def post(self, webhook: OutgoingWebhook) -> WebhookReply:
        if self._where == "before send":
            _die()
        reply = await self._door.post(webhook)
        if self._where == "after send":
            _die()
        if self._where == "before mark":
            db.set_statement_probe(lambda _sql: _die())
        return reply


def named(sql: str) -> str:
    """A statement's name for a table: what it writes, else what it reads."""
    text = " ".join(sql.split())
    writes = re.findall(r"(?<!DO )(?<!FOR )\b(INSERT INTO|UPDATE|DELETE FROM) (\w+)", text)
    if writes:
        return " + ".join(f"{verb} {table}" for verb, table in writes)
    lock = ", locked" if "FOR UPDATE" in text else ""
    while (outer := re.sub(r"\([^()]*\)", "", text)) != text:
        text = outer
    read = re.search(r"\bFROM (\w+)", text)
    return f"SELECT {read[1]}{lock}" if read else text[:40]


if __name__ == "__main__":
    main()
