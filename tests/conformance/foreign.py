"""The foreign provider: installed into `var/`, started on loopback, and a person without a browser who uses it."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import httpx

from tests.support.product import ROOT, free_port

HERE = Path(__file__).parent
PLACE = ROOT / "var" / "conformance"
RETURN_URL = "http://127.0.0.1/bank/return"
LOA2, LOA3 = "http://ftn.ficora.fi/2017/loa2", "http://ftn.ficora.fi/2017/loa3"
PEOPLE = {
    "maija-1": {"name": "Maija Meikäläinen", "birthdate": "1971-02-03", "urn:oid:1.2.246.21": "030271-952K"}
}


@dataclass(frozen=True)
class Foreign:
    issuer: str
    process: subprocess.Popen[str] = field(repr=False)

    async def person_answers(
        self, url: str, *, acr: str | None = LOA2, cancel: bool = False
    ) -> dict[str, str]:
        """Follows the browser's way from our address to theirs and back: what it returns with."""
        async with httpx.AsyncClient(follow_redirects=False, trust_env=False, timeout=10) as browser:
            answer = await browser.get(url)
            form = {"cancel": "1"} if cancel else {"subject": "maija-1", "acr": acr or ""}
            for _ in range(8):
                assert answer.is_redirect, f"{answer.status_code} {answer.text[:400]}"
                to = answer.headers["location"]
                if to.startswith(RETURN_URL):
                    return dict(parse_qsl(urlsplit(to).query, keep_blank_values=True))
                asked = to.startswith("/person/")
                to = self.issuer + to if to.startswith("/") else to
                answer = await (browser.post(to, data=form) if asked else browser.get(to))
            raise AssertionError("the provider sends the browser round in circles")


def installed() -> str:
    """Installs the pinned package, and answers its version. Nothing of it is needed to run the product."""
    PLACE.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json", "provider.mjs"):
        shutil.copyfile(HERE / name, PLACE / name)
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    subprocess.run(command, cwd=PLACE, check=True, stdout=subprocess.DEVNULL)
    package = PLACE / "node_modules" / "oidc-provider" / "package.json"
    version: str = json.loads(package.read_text())["version"]
    return version


@contextmanager
def running(clients: Sequence[Mapping[str, object]]) -> Iterator[Foreign]:
    port = free_port()
    given = {
        "port": port,
        "redirect_uri": RETURN_URL,
        "clients": clients,
        "people": PEOPLE,
        "acr_values": [LOA2, LOA3],
    }
    command = ["node", "provider.mjs", json.dumps(given)]
    with subprocess.Popen(command, cwd=PLACE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if line == "listening\n":
                    break
            else:
                raise AssertionError("the provider did not start")
            yield Foreign(f"http://127.0.0.1:{port}", process)
        finally:
            process.kill()
