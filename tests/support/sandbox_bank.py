"""The sandbox bank for tests, and a browser without JavaScript to visit it with."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit

import httpx
from joserfc.jwk import ECKey, RSAKey

from app.kernel import db
from app.kernel.ids import internal_id
from app.kernel.keys import Keyring
from app.messages.sandbox import SandboxPerson
from app.outside.bank import Bank, Registration
from app.outside.bank_keys import ClientKeys
from app.outside.bank_profiles import read_profile
from app.web.sandbox.bank import CLIENT_ID, registered_client
from app.web.sandbox.bank_keys import new_signing_key
from app.web.sandbox.bank_memory import OwnMemory, OwnPeople, StoredMemory, StoredPeople
from app.web.sandbox.bank_process import application
from app.web.sandbox.bank_provider import SandboxBank

ISSUER = "http://127.0.0.1:8000/sandbox/bank"
RETURN_URL = "http://localhost:8000/bank/return"
CLIENT_KEY = new_signing_key()
CLIENT_SEAL = RSAKey.generate_key(2048, {"kid": "sealed-to-us", "use": "enc"})
CLIENT_KEYS = ClientKeys((CLIENT_KEY,), (CLIENT_SEAL,))
BOX = Keyring.parse(Keyring.new_line("test"))
BANK_KEY = new_signing_key()
MAIJA = SandboxPerson(
    subject="maija-1",
    name="Maija Meikäläinen",
    kind="any",
    phone="+358401234567",
    national_number="030271-952K",
    birthdate=date(1971, 2, 3),
    country="FI",
)
MADS = replace(MAIJA, subject="mads-1", name="Mads Eksempel", national_number="0302711234", country="DK")
MAJA = replace(MAIJA, subject="maja-1", name="Maja Exempel", national_number="19710203-2385", country="SE")


def a_sandbox_bank() -> SandboxBank:
    """As one web process serves it: two of these are two processes."""
    return SandboxBank(
        issuer=ISSUER,
        key=BANK_KEY,
        client=registered_client(CLIENT_ID, RETURN_URL, CLIENT_KEYS.public_set()),
        box=BOX,
        memory=StoredMemory(),
        people=StoredPeople(),
    )


def a_lone_bank() -> SandboxBank:
    """The same on nothing but memory, with one person of each country: for what has nothing to do with the database."""
    return replace(a_sandbox_bank(), memory=OwnMemory(), people=OwnPeople([MAIJA, MADS, MAJA]))


def transport_to(bank: SandboxBank) -> httpx.ASGITransport:
    """The way to a bank that is served in this process, as the client and a visitor take it."""
    # Litestar and httpx describe ASGI in types that are equal in all but name.
    return httpx.ASGITransport(cast("Any", application(bank)))


def a_client(
    issuer: str = ISSUER,
    key: ECKey = CLIENT_KEY,
    transport: httpx.AsyncBaseTransport | None = None,
    country: str = "FI",
) -> Bank:
    keys = ClientKeys((key,), (CLIENT_SEAL,))
    registration = Registration(issuer, CLIENT_ID, keys, allow_plain_http=True)
    return Bank(read_profile(country), registration, transport=transport)


async def a_person(
    name: str = "Maija Meikäläinen", phone: str | None = "+358401234567", kind: str = "any"
) -> str:
    """Lives in the sandbox from now on; the subject."""
    number = internal_id()
    subject = f"person-{number}"

    async def insert() -> None:
        await db.execute(
            "INSERT INTO sandbox_shoppers (id, kind, name, phone, postcode, email, street, city, country,"
            " subject, national_number, birthdate, register, created_at)"
            " VALUES ($1, $2, $3, $4, '00100', 'm@example.com', 'Katu 1', 'Helsinki', 'FI',"
            " $5, '030271-952K', $6, $7, $8)",
            number,
            kind,
            name,
            phone,
            subject,
            date(1971, 2, 3),
            {},
            datetime.now(UTC),
        )

    await db.in_tx(insert)
    return subject


@dataclass
class Page(HTMLParser):
    """The forms of a page: the hidden fields of the posting one, its buttons by name, and the text of all."""

    html: str
    hidden: dict[str, str] = field(default_factory=dict)
    actions: list[tuple[str, str]] = field(default_factory=list)
    buttons: dict[str, dict[str, str]] = field(default_factory=dict)
    headings: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self._open: dict[str, str] | None = None
        self._in_heading = False
        self.feed(self.html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.actions.append((given["method"], given["action"]))
            self.hidden = {}
        elif tag == "input" and given.get("type") == "hidden":
            self.hidden[given["name"]] = given["value"]
        elif tag == "button":
            self._open = given
        self._in_heading = tag == "h1"

    def handle_endtag(self, tag: str) -> None:
        if tag == "button":
            self._open = None

    def handle_data(self, data: str) -> None:
        if self._open is not None:
            self.buttons[data.strip()] = self._open
        elif self._in_heading and data.strip():
            self.headings.append(data.strip())

    def pressing(self, button: str) -> dict[str, str]:
        """What the browser posts when this button is pressed."""
        pressed = self.buttons[button]
        return {**self.hidden, pressed["name"]: pressed["value"]}


def answer_in(response: httpx.Response) -> dict[str, str]:
    """The parameters that a redirect back to the client carries."""
    assert response.status_code == 303, response.text
    return dict(parse_qsl(urlsplit(response.headers["location"]).query, keep_blank_values=True))
