"""localstripe, another imitation of Stripe's API, as a process of its own on loopback. Nothing of ours is in it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Its own starter needs IPv6 and leaves its memory in a file that every run shares.
_START = """
import asyncio
from aiohttp import web
from localstripe import resources, server

resources.Store.dump_to_disk = lambda store: None

async def serve():
    runner = web.AppRunner(server.app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(site._server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()

asyncio.run(serve())
"""


@contextmanager
def localstripe(folder: Path) -> Iterator[str]:
    """Its address while the block runs. What it says stands in `folder`."""
    with (
        (folder / "localstripe.log").open("wb") as log,
        subprocess.Popen(
            [sys.executable, "-c", _START], stdout=subprocess.PIPE, stderr=log, cwd=folder
        ) as process,
    ):
        assert process.stdout is not None
        try:
            port = process.stdout.readline().strip().decode()
            assert port, (folder / "localstripe.log").read_text()
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()
