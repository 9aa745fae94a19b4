"""One child process kept alive: started, restarted with growing pauses when it dies, ended when told to."""

from __future__ import annotations

import asyncio
import math
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from app.supervisor.family import PARENT_VARIABLE

PAUSE_FIRST_S = 0.5
PAUSE_LONGEST_S = 30.0
# Who ran this long has recovered: the next death is the first of a new row.
RECOVERED_AFTER_S = 30.0


def pause_s(deaths_in_a_row: int) -> float:
    """The wait before the next start: half a second, doubled at each death up to half a minute."""
    return min(math.ldexp(PAUSE_FIRST_S, min(deaths_in_a_row - 1, 10)), PAUSE_LONGEST_S)


@dataclass(slots=True)
class Child:
    """A command in a process group of its own, so that Ctrl-C reaches the supervisor alone."""

    name: str
    command: Sequence[str]
    environ: Mapping[str, str]
    deaths: int = 0
    process: asyncio.subprocess.Process | None = None
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)

    async def keep(self) -> None:
        """Runs until `stop`."""
        loop = asyncio.get_running_loop()
        while not self._stopping.is_set():
            born = loop.time()
            self.process = await self._start()
            status = await self.process.wait()
            # Its own children may have outlived it.
            self._signal_group(signal.SIGKILL)
            if self._stopping.is_set():
                return
            self.deaths = 1 if loop.time() - born >= RECOVERED_AFTER_S else self.deaths + 1
            wait_s = pause_s(self.deaths)
            print(f"{self.name} ended with {status}; starting it again in {wait_s:g} s.", flush=True)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), wait_s)

    async def stop(self, *, patience_s: float) -> None:
        """SIGTERM, then SIGKILL to the whole group when patience ends."""
        self._stopping.set()
        process = self.process
        if process is None or process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), patience_s)
        except TimeoutError:
            self._signal_group(signal.SIGKILL)
            await process.wait()

    async def _start(self) -> asyncio.subprocess.Process:
        environ = {**self.environ, PARENT_VARIABLE: str(os.getpid())}
        return await asyncio.create_subprocess_exec(*self.command, env=environ, start_new_session=True)

    def _signal_group(self, number: signal.Signals) -> None:
        if self.process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, number)
