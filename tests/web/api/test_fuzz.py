"""2,000 requests that a program made up from the OpenAPI document, right ones and wrong ones, over a real server."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from schemathesis import Case, GenerationMode, Response
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from app.kernel import clock
from app.merchants.actions import create_api_key
from app.web.api import openapi
from tests.factories.checkout import a_merchant

# At least 2,000 are promised; with more operations it takes more of them to reach as many good answers.
EXAMPLES = 2_050
ALWAYS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
CHECKS = [*ALWAYS, negative_data_rejection]
# What the router answers before an operation is known: an id with a slash in it, or none at all, names another address.
ANOTHER_ADDRESS = {404, 405}


@dataclass(frozen=True)
class Served:
    base_url: str
    key: str


@pytest.fixture
async def key(db: str) -> str:
    merchant = await a_merchant()
    return await create_api_key(merchant.id, "fuzz", mode="test", now=clock.wall())


@pytest.fixture
def served(db: str, key: str, tmp_path: Path) -> Iterator[Served]:
    """The product's own web server in a process of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environ = {**os.environ, "DATABASE_URL": db, "PORT": str(port), "KOLME_VAR_DIR": str(tmp_path)}
    with (tmp_path / "web.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "app", "serve"],
            env=environ,
            start_new_session=True,
            stdout=log,
            stderr=log,
        )
    base_url = f"http://127.0.0.1:{port}"
    try:
        until_healthy(base_url, process)
        yield Served(base_url, key)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=10)


def until_healthy(base_url: str, process: subprocess.Popen[bytes]) -> None:
    ends = time.monotonic() + 30
    with httpx.Client(base_url=base_url) as client:
        while time.monotonic() < ends and process.poll() is None:
            try:
                if client.get("/healthz").status_code == 200:
                    return
            except httpx.TransportError:
                continue
    raise AssertionError("the web server did not come up")


def share_of(path: str) -> int:
    """An id that was made up is nobody's, so the operations without one bring the good answers."""
    return 1 if "{" in path else 4


def left_whole(case: Case[Any], response: Response) -> bool:
    """Whether every parameter that was made up stands in the address that was asked for.

    An empty list leaves no trace there, so that what was to be wrong about it never arrives.
    """
    sent = parse_qs(urlsplit(response.request.url or "").query, keep_blank_values=True)
    return set(case.query or {}) <= set(sent)


@pytest.mark.timeout(600)
def test_nothing_that_the_document_can_think_of_ends_in_a_500_or_outside_of_it(served: Served) -> None:
    schema = schemathesis.openapi.from_dict(openapi.tree(served.base_url))
    operations = [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]
    modes = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    shares = {operation.label: share_of(operation.path) for operation in operations}
    each = -(-EXAMPLES // (sum(shares.values()) * len(modes)))
    assert len(operations) == len(openapi.OPERATIONS)
    answers: Counter[int] = Counter()
    headers = {"Authorization": f"Bearer {served.key}"}

    for operation in operations:
        for mode in modes:

            @seed(20_261_121)
            @settings(
                max_examples=each * shares[operation.label],
                deadline=None,
                database=None,
                phases=[Phase.generate],
                verbosity=Verbosity.quiet,
                suppress_health_check=list(HealthCheck),
            )
            @given(case=operation.as_strategy(generation_mode=mode))
            def send(case: Case[Any]) -> None:
                response = case.call(base_url=served.base_url, headers=headers, timeout=10)
                answers[response.status_code] += 1
                if response.status_code in ANOTHER_ADDRESS and case.path_parameters:
                    return
                case.validate_response(response, checks=CHECKS if left_whole(case, response) else ALWAYS)

            send()
    assert answers.total() >= EXAMPLES
    # Made-up requests that all end at the first check would prove little.
    assert answers[200] >= 200, answers
    assert answers[422] >= 100, answers
