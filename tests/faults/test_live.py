"""Live mode as an operator starts it: every command by itself, every door a real one, on loopback.

The browser of these tests speaks plain http to the web process, as the proxy in front of it would, and keeps its
Secure cookies itself.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import asyncpg
import httpx
import pyotp
import pytest
from joserfc.jwk import RSAKey

from app.kernel import clock
from app.outside.bank_keys import ClientKeys, read_keys
from app.supervisor.postgres import EmbeddedServer
from tests.support import processes
from tests.support.mail_server import MailServer
from tests.support.product import ROOT, free_port
from tests.support.receiver import Answer, Receiver
from tests.support.sandbox_bank import Page, answer_in
from tests.support.waiting import until
from tests.web.api.documents import a_basket

pytestmark = pytest.mark.timeout(180)

BASE_URL = "https://pay.shop.example"
PASSWORD = "three steps and done"
ANNA = {
    "subject": "anna-1",
    "name": "Anna Esimerkki",
    "kind": "any",
    "phone": "+358401112233",
    "national_number": "010190-900P",
    "birthdate": "1990-01-01",
    "country": "FI",
}
EXTRACT = {
    "id": "extract-1",
    "income_minor_month": 320_000,
    "loans": [],
    "credit_ban": False,
    "currency": "EUR",
}


@dataclass
class Browser:
    """A shopper's browser behind the proxy. It follows nothing by itself."""

    client: httpx.AsyncClient
    cookies: dict[str, str] = field(default_factory=dict)

    async def get(self, url: str) -> httpx.Response:
        return await self._send("GET", url, None)

    async def post(self, url: str, form: dict[str, str]) -> httpx.Response:
        return await self._send("POST", url, form)

    async def _send(self, method: str, url: str, form: dict[str, str] | None) -> httpx.Response:
        headers = {
            "Host": urlsplit(BASE_URL).netloc,
            "X-Forwarded-Proto": "https",
            "Sec-Fetch-Site": "same-origin",
            "Accept-Language": "en",
            "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
        }
        content = None
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            content = urlencode(form)
        answer = await self.client.request(
            method, url.removeprefix(BASE_URL), headers=headers, content=content
        )
        self.client.cookies.clear()
        for cookie in answer.headers.get_list("set-cookie"):
            pair, _, attributes = cookie.partition(";")
            name, _, value = pair.partition("=")
            if "httponly" in attributes.lower():
                assert name.startswith("__Host-"), cookie
                assert "secure" in attributes.lower(), cookie
            self.cookies[name] = value
        assert "strict-transport-security" in answer.headers
        return answer


@dataclass(frozen=True)
class Live:
    """A deployment in live mode, its twins, and its first shop."""

    environ: dict[str, str]
    client: httpx.AsyncClient
    mails: MailServer
    gateway: Receiver
    register: Receiver
    key: str
    owner: tuple[str, str]
    logs: tuple[Path, Path]

    def browser(self) -> Browser:
        return Browser(self.client)

    async def opens(self) -> str:
        """A session of the shop, by its key; the path of its page."""
        answer = await self.client.post(
            "/api/v1/sessions", json=a_basket(locale="en"), headers={"Authorization": f"Bearer {self.key}"}
        )
        assert answer.status_code == 201, answer.text
        url = str(answer.json()["url"])
        assert url.startswith(f"{BASE_URL}/pay/")
        return url.removeprefix(BASE_URL)


@asynccontextmanager
async def an_empty_database(server: EmbeddedServer) -> AsyncIterator[str]:
    name = f"test_live_{os.getpid()}"
    administrator = await asyncpg.connect(server.url("postgres"))
    try:
        await administrator.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
        yield server.url(name)
    finally:
        await administrator.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        await administrator.close()


@contextmanager
def a_bank(folder: Path, keys: ClientKeys) -> Iterator[str]:
    """The issuer of a bank in a process of its own, which knows our public keys and nothing else of us."""
    port = free_port()
    issuer = f"http://127.0.0.1:{port}/sandbox/bank"
    (folder / "keys.json").write_text(json.dumps(keys.public_set()))
    (folder / "people.json").write_text(json.dumps([ANNA]))
    command = [sys.executable, "-m", "app.web.sandbox.bank_process", "--port", str(port), "--issuer", issuer]
    command += ["--client-id", "kolme-live", "--redirect-uri", f"{BASE_URL}/bank/return"]
    command += ["--client-keys", str(folder / "keys.json"), "--people", str(folder / "people.json")]
    with subprocess.Popen(command, cwd=ROOT, env={}, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "listening\n"
            yield issuer
        finally:
            process.kill()


def registered_keys(folder: Path) -> ClientKeys:
    """RSA for both, as brokers of the Finnish trust network ask for."""
    folder.mkdir()
    for name in ("sign-2026.pem", "decrypt-2026.pem"):
        (folder / name).write_bytes(RSAKey.generate_key(2048).as_pem(private=True))
    return read_keys(folder)


def written_secrets(folder: Path, keys: ClientKeys) -> Path:
    secrets = folder / "live-secrets"
    secrets.mkdir()
    (secrets / "master").write_text("0123456789abcdef0123456789abcdef-of-an-operator\n")
    (secrets / "sms_token").write_text("sms-token\n")
    (secrets / "register_token").write_text("register-token\n")
    (secrets / "bank_keys").mkdir()
    (secrets / "bank_keys" / "sign-2026.pem").write_bytes(keys.signing[0].as_pem(private=True))
    (secrets / "bank_keys" / "decrypt-2026.pem").write_bytes(keys.decryption[0].as_pem(private=True))
    return secrets


def said(command: subprocess.CompletedProcess[str]) -> str:
    assert command.returncode == 0, command.stdout + command.stderr
    return command.stdout


def a_first_shop(environ: dict[str, str]) -> tuple[str, str, str]:
    """What an operator types once: the shop, its owner, its key. (key, owner's address, second factor)"""
    said(processes.finish("migrate", environ=environ))
    vouched = ["--country", "FI", "--all", "--by", "Olli Operaattori"]
    assert "FI: 0 figures are open." in said(processes.finish("law", "confirm", *vouched, environ=environ))
    shop = ["--name", "Havu & Kivi", "--country", "FI", "--email", "shop@havu.example"]
    shop += ["--credit-limit-minor", "200000", "--return-host", "shop.example"]
    merchant = said(processes.finish("merchant", "create", *shop, environ=environ)).strip()
    who = ["--merchant", merchant, "--email", "omena@havu.example", "--name", "Omena"]
    staff = said(processes.finish("staff", "create", *who, environ=environ, typed=PASSWORD + "\n"))
    secret = staff.split("shown once: ")[1].split()[0]
    named = ["--merchant", merchant, "--name", "shop"]
    key = said(processes.finish("key", "create", *named, environ=environ)).strip()
    assert "live" in key
    return key, "omena@havu.example", secret


@pytest.fixture(scope="module")
async def live(
    postgres_server: EmbeddedServer, template_database: str, modules_folder: Path
) -> AsyncIterator[Live]:
    """`template_database` is asked for because leftovers of killed runs are swept away when it is made."""
    del template_database
    gateway, register, mails = Receiver(), Receiver(), MailServer()
    keys = registered_keys(modules_folder / "registered")
    gateway.will_answer(Answer(202))
    register.will_answer(Answer(200, {"content-type": "application/json"}, json.dumps(EXTRACT).encode()))
    async with AsyncExitStack() as started:
        database_url = await started.enter_async_context(an_empty_database(postgres_server))
        for twin in (gateway, register):
            await started.enter_async_context(twin.listening())
        await started.enter_async_context(mails.listening())
        issuer = started.enter_context(a_bank(modules_folder, keys))
        port = free_port()
        environ = {
            "KOLME_MODE": "live",
            "KOLME_BASE_URL": BASE_URL,
            "DATABASE_URL": database_url,
            "PORT": str(port),
            "KOLME_VAR_DIR": str(modules_folder / "var"),
            "KOLME_SECRETS_DIR": str(written_secrets(modules_folder, keys)),
            "KOLME_SMTP_URL": f"smtp://127.0.0.1:{mails.port}",
            "KOLME_MAIL_FROM": "receipts@operator.example",
            "KOLME_SMS_URL": f"http://127.0.0.1:{gateway.port}/messages",
            "KOLME_BANK_FI_ISSUER": issuer,
            "KOLME_BANK_FI_CLIENT_ID": "kolme-live",
            "KOLME_REGISTER_URL": f"http://127.0.0.1:{register.port}/extracts",
            "KOLME_OPERATOR_NAME": "Operator Oy",
            "KOLME_OPERATOR_ID": "1234567-8",
            "KOLME_OPERATOR_IBAN": "FI21 1234 5600 0007 85",
        }
        api_key, email, second_factor = a_first_shop(environ)
        logs = (modules_folder / "live-web.log", modules_folder / "live-worker.log")
        started.enter_context(processes.web(port, log=logs[0], environ=environ))
        started.enter_context(processes.kolme("worker", log=logs[1], environ=environ))
        client = await started.enter_async_context(
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30)
        )
        yield Live(environ, client, mails, gateway, register, api_key, (email, second_factor), logs)


async def chooses_the_invoice(browser: Browser, url: str) -> None:
    answer = await browser.post(url, {"method": "invoice", "delivery": "email"})
    assert (answer.status_code, answer.headers["location"]) == (303, f"{url}/identify")


async def identifies_at_the_bank(browser: Browser, url: str) -> httpx.Response:
    """Out to the bank, one button there, and back; what our page answers in the end."""
    away = await browser.get(f"{url}/bank")
    assert away.status_code == 303, away.text
    async with httpx.AsyncClient(headers={"Sec-Fetch-Site": "same-origin"}) as visitor:
        page = Page((await visitor.get(away.headers["location"])).text)
        issuer = away.headers["location"].partition("/authorize")[0]
        back = await visitor.post(f"{issuer}/authorize", data=page.pressing("Identify as Anna Esimerkki"))
        answer_in(back)
    landing = await browser.get(back.headers["location"])
    assert landing.status_code == 200
    return await browser.post("/bank/return", Page(landing.text).hidden)


async def test_a_purchase_by_bank_goes_through_every_real_door(live: Live) -> None:
    browser, url = live.browser(), await live.opens()
    assert "How do you want to pay?" in (await browser.get(url)).text
    await chooses_the_invoice(browser, url)
    answer = await identifies_at_the_bank(browser, url)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{url}/confirm"), answer.text
    assert live.register.book[-1].headers["authorization"] == "Bearer register-token"
    assert json.loads(live.register.book[-1].body)["national_number"] == ANNA["national_number"]
    page = await browser.get(f"{url}/confirm")
    assert "Operator Oy" in page.text
    shown = re.search(r'name="shown" value="([^"]*)"', page.text)
    assert shown is not None
    answer = await browser.post(f"{url}/confirm", {"shown": shown[1], "email": "anna@example.test"})
    assert (answer.status_code, answer.headers["location"]) == (303, f"{url}/outcome"), answer.text
    assert "Purchase confirmed" in (await browser.get(f"{url}/outcome")).text

    async def mailed() -> bool:
        return len(live.mails.taken) == 3

    # The receipt, and the invoice and the agreement with their PDFs.
    await until(mailed, 20)
    assert {mail["To"] for mail in live.mails.taken} == {"anna@example.test"}
    names = [attached.get_filename() for mail in live.mails.taken for attached in mail.iter_attachments()]
    assert sorted((name or "").partition("-")[0] for name in names) == ["agreement", "invoice"]
    session = await live.client.get(
        f"/api/v1/sessions/{url.removeprefix('/pay/')}", headers={"Authorization": f"Bearer {live.key}"}
    )
    assert session.json()["state"] == "confirmed"


async def test_a_code_leaves_through_the_gateway_and_is_bound_to_our_own_host(live: Live) -> None:
    browser, url = live.browser(), await live.opens()
    await browser.get(url)
    await chooses_the_invoice(browser, url)
    await browser.post(f"{url}/code", {"phone": "040 111 2244", "postcode": "00100"})
    sent = live.gateway.book[-1]
    assert sent.headers["authorization"] == "Bearer sms-token"
    message = json.loads(sent.body)
    assert message["to"] == "+358401112244"
    last = message["text"].splitlines()[-1]
    found = re.fullmatch(r"@pay\.shop\.example #(\d{6})", last)
    assert found is not None, last
    await browser.post(f"{url}/identify", {"code": found[1]})
    assert "Your phone is confirmed" in (await browser.get(f"{url}/identify")).text


async def test_the_owner_signs_in_with_the_second_factor_that_the_command_printed(live: Live) -> None:
    browser = live.browser()
    email, secret = live.owner
    code = pyotp.TOTP(secret).at(clock.wall())
    answer = await browser.post("/admin/sign-in", {"email": email, "password": PASSWORD, "code": code})
    assert answer.status_code == 303, answer.text
    assert (await browser.get("/admin/orders")).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/demo",
        "/sandbox",
        "/sandbox/phone",
        "/sandbox/outbox",
        "/sandbox/clock",
        "/sandbox/shoppers",
        "/sandbox/bank/.well-known/openid-configuration",
    ],
)
async def test_nothing_of_the_sandbox_is_there(live: Live, path: str) -> None:
    answer = await live.browser().get(path)
    assert answer.status_code == 404
    with_a_key = await live.client.get(path, headers={"Authorization": f"Bearer {live.key}"})
    assert with_a_key.status_code == 404


async def test_each_kind_of_answer_says_its_type_once(live: Live) -> None:
    page = await live.browser().get("/admin/sign-in")
    style = re.search(r'href="?(/[^" >]+\.css)', page.text)
    assert style is not None, page.text
    paths = (style[1], "/nothing-here", "/healthz", "/api/v1/nothing-here")
    types = [(await live.browser().get(path)).headers["content-type"] for path in paths]
    types.append(page.headers["content-type"])
    assert types == [
        "text/css; charset=utf-8",
        "text/html; charset=utf-8",
        "text/plain; charset=utf-8",
        "application/problem+json",
        "text/html; charset=utf-8",
    ]


async def test_a_key_of_test_mode_opens_nothing_and_plain_http_returns_are_refused(live: Live) -> None:
    headers = {"Authorization": f"Bearer {live.key.replace('live', 'test')}"}
    assert (await live.client.post("/api/v1/sessions", json=a_basket(), headers=headers)).status_code == 401
    headers = {"Authorization": f"Bearer {live.key}"}
    for address in ("http://shop.example/thanks", "https://other.example/thanks"):
        basket = a_basket(success_url=address)
        assert (await live.client.post("/api/v1/sessions", json=basket, headers=headers)).status_code == 422


@pytest.mark.parametrize("command", ["serve", "worker", "migrate"])
def test_no_process_starts_while_a_setting_is_missing(live: Live, command: str) -> None:
    lacking = {name: value for name, value in live.environ.items() if name != "KOLME_SMS_URL"}
    refused = processes.finish(command, environ=lacking)
    assert refused.returncode == 1
    assert refused.stderr.strip().splitlines()[-1].startswith("Live mode needs KOLME_SMS_URL")


async def test_nothing_personal_is_logged(live: Live) -> None:
    for log in live.logs:
        text = log.read_text(encoding="utf-8")
        for personal in ("Anna", "anna@", "010190", "+35840", "111 22", live.key, live.owner[1]):
            assert personal not in text
        for line in text.splitlines():
            assert line.startswith(("{", "[INFO]")), line
