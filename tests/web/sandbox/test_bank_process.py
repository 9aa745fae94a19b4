"""The bank as a process of its own: our client finds its way with the issuer and keys alone."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from app.kernel import clock
from app.web.sandbox.bank import CLIENT_ID
from tests.support.sandbox_bank import CLIENT_KEYS, RETURN_URL, Page, a_client, answer_in
from tests.support.waiting import until

ROOT = Path(__file__).resolve().parents[3]
PERSON = {
    "subject": "anna-1",
    "name": "Anna Esimerkki",
    "kind": "any",
    "phone": "+358401112233",
    "national_number": "010190-900P",
    "birthdate": "1990-01-01",
    "country": "FI",
}


def a_free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


async def answers_at(issuer: str) -> bool:
    """It says that it listens a moment before its door is open."""
    try:
        async with httpx.AsyncClient() as client:
            await client.get(f"{issuer}/.well-known/openid-configuration")
    except httpx.TransportError:
        return False
    return True


@contextmanager
def a_bank_process(folder: Path) -> Iterator[str]:
    """The issuer of a bank that shares nothing with this process: no database, no settings, no secrets."""
    port = a_free_port()
    issuer = f"http://127.0.0.1:{port}/sandbox/bank"
    (folder / "keys.json").write_text(json.dumps(CLIENT_KEYS.public_set()))
    (folder / "people.json").write_text(json.dumps([PERSON]))
    command = [sys.executable, "-m", "app.web.sandbox.bank_process", "--port", str(port), "--issuer", issuer]
    command += ["--client-id", CLIENT_ID, "--redirect-uri", RETURN_URL]
    command += ["--client-keys", str(folder / "keys.json"), "--people", str(folder / "people.json")]
    with subprocess.Popen(command, cwd=ROOT, env={}, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "listening\n"
            yield issuer
        finally:
            process.kill()


async def test_a_bank_that_runs_alone_identifies_a_person_of_its_own(tmp_path: Path) -> None:
    with a_bank_process(tmp_path) as issuer:
        await until(lambda: answers_at(issuer))
        client = a_client(issuer)
        request = await client.begin(RETURN_URL, "en", "Shop", clock.wall())
        transport = httpx.AsyncHTTPTransport(retries=3)
        async with httpx.AsyncClient(
            transport=transport, headers={"sec-fetch-site": "same-origin"}
        ) as visitor:
            page = Page((await visitor.get(request.url)).text)
            form = page.pressing("Identify as Anna Esimerkki")
            answer = answer_in(await visitor.post(f"{issuer}/authorize", data=form))
        identity = await client.finish(answer, request, clock.wall())
    assert (identity.issuer, identity.subject, identity.name) == (issuer, "anna-1", "Anna Esimerkki")
    assert identity.national_number == "010190-900P"
