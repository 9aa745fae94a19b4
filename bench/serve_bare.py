"""Serves `bench.bare` as the product is served: granian, one process, uvloop."""

from __future__ import annotations

import os

from granian.constants import HTTPModes, Interfaces, Loops
from granian.server import Server

if __name__ == "__main__":
    Server(
        "bench.bare:create_app",
        factory=True,
        address="127.0.0.1",
        port=int(os.environ["BENCH_PORT"]),
        interface=Interfaces.ASGI,
        loop=Loops.uvloop,
        http=HTTPModes.http1,
        websockets=False,
        workers=1,
        log_access=False,
    ).serve()
