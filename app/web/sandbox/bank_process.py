"""The sandbox bank as a process of its own: no database, no settings, nothing in common with the product but
HTTP.

    python -m app.web.sandbox.bank_process --port 9100 --issuer http://127.0.0.1:9100/sandbox/bank \
        --client-id shop --redirect-uri http://localhost:8000/bank/return --client-keys keys.json --people
        people.json

Says `listening` on standard output once it answers.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

from granian.constants import Interfaces
from granian.server.embed import Server
from litestar import Litestar, Response
from litestar.types import ASGIApp, Scope

from app.kernel.keys import Keyring
from app.web.sandbox.bank import MACHINE_PATHS, PATH, bank_router, registered_client
from app.web.sandbox.bank_keys import new_signing_key
from app.web.sandbox.bank_memory import OwnMemory, people_in
from app.web.sandbox.bank_provider import SandboxBank
from app.web.shared.problems import RefusedRequest
from app.web.shared.security import Policy, Shield, own_origin


def main(arguments: Sequence[str] | None = None) -> None:
    """Serves until it is told to stop. Raises SystemExit for arguments that cannot be used."""
    given = _parser().parse_args(arguments)
    if not given.issuer.endswith(PATH):
        raise SystemExit(f"--issuer must end in {PATH}.")
    bank = SandboxBank(
        issuer=given.issuer,
        key=new_signing_key(),
        client=registered_client(
            given.client_id, given.redirect_uri, json.loads(given.client_keys.read_text())
        ),
        box=Keyring.parse(Keyring.new_line("own")),
        memory=OwnMemory(),
        people=people_in(given.people),
    )
    server = Server(application(bank), port=given.port, interface=Interfaces.ASGI, log_enabled=False)
    asyncio.run(server.serve())


def application(bank: SandboxBank) -> ASGIApp:
    """A web application that is this bank and nothing else."""
    app = Litestar(
        route_handlers=[bank_router(bank)],
        openapi_config=None,
        on_startup=[_say_listening],
        logging_config=None,
    )
    policy = Policy(origins=frozenset({own_origin(bank.issuer)}), https=False, machine_paths=MACHINE_PATHS)
    return Shield(app, policy, _refuse)


def _refuse(scope: Scope, refused: RefusedRequest) -> ASGIApp:
    return Response(refused.code, status_code=refused.status).to_asgi_response(app=None, request=None)  # type: ignore[arg-type]


def _say_listening() -> None:
    print("listening", flush=True)  # noqa: T201  the parent process waits for this line


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sandbox-bank", description="An OpenID provider for tests.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--issuer", required=True)
    parser.add_argument("--client-id", required=True)
    parser.add_argument("--redirect-uri", required=True)
    parser.add_argument(
        "--client-keys", type=Path, required=True, help="the client's public JWKS, a JSON file"
    )
    parser.add_argument("--people", type=Path, required=True, help="who can identify, a JSON file")
    return parser


if __name__ == "__main__":
    main()
