"""After a whole purchase by code: what may not be in a log, an address, a webhook or an open column is in none."""

from __future__ import annotations

import io
from pathlib import Path

import httpx
import pytest

from app.kernel import clock, db, logs
from app.merchants.actions import create_webhook_endpoint
from app.worker import Worker, chores, handlers
from tests.factories.checkout import PHONE, POSTCODE, a_merchant, a_session
from tests.support.pages import settings_in
from tests.support.receiver import Receiver
from tests.web.shopper.test_flow import HTMX, a_known_register_entry, hidden, the_code

NATIONAL_NUMBER = "010590-903L"
# The sandbox plays the phone, the letterbox and the register: it has to know what they know.
SANDBOX = ("sandbox_",)


async def test_number_code_and_phone_stand_only_where_they_must(
    client: httpx.AsyncClient, database_url: str, secrets_folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    from app import doors  # noqa: PLC0415 - after the fixtures have set the environment up

    await a_known_register_entry()
    merchant = await a_merchant()
    addresses: list[str] = []
    async with Receiver().listening() as receiver:
        await create_webhook_endpoint(
            merchant.id, receiver.url, ["order.paid", "session.confirmed"], clock.wall()
        )
        session = await a_session(merchant)
        page = ""
        code = ""
        for path, form in (
            ("", {"method": "invoice", "delivery": "email"}),
            ("/code", {"phone": PHONE, "postcode": POSTCODE, "remember": "1"}),
            ("/identify", {"code": "?"}),
            ("/confirm", {"shown": "?"}),
        ):
            code = await the_code() if path == "/identify" else code
            late = {"/identify": {"code": code}, "/confirm": {"shown": ""}}.get(path, form)
            typed = {"shown": hidden(page, "shown")} if path == "/confirm" else late
            answer = await client.post(f"/pay/{session}{path}", data=typed, headers=HTMX)
            assert answer.status_code == 200
            page = answer.text
            addresses += [str(answer.url), answer.headers.get("hx-push-url", "")]
            assert NATIONAL_NUMBER not in page
        settings = settings_in(secrets_folder, database_url)
        await Worker(handlers(doors.worker_doors(settings)), chores()).run_once()
        sent = b" ".join(received.body for received in receiver.book).decode()
    assert "order.paid" in sent
    said = capfd.readouterr()
    for where, text in (
        ("webhooks", sent),
        ("addresses", " ".join(addresses)),
        ("logs", said.out + said.err),
    ):
        for secret in (NATIONAL_NUMBER, PHONE, PHONE.removeprefix("+358"), f'"{code}"', f"#{code}"):
            assert secret not in text, (where, secret)
    columns = await everything_stored()
    assert columns_with(columns, NATIONAL_NUMBER) == set()
    assert columns_with(columns, PHONE) <= {
        "customers.phone",
        "code_challenges.phone",
        "checkout_sessions.phone",
        "order_contacts.phone",
        "outbox.payload",
    }
    messages = await db.fetch_all("SELECT body FROM sandbox_messages")
    assert not any(NATIONAL_NUMBER in row["body"] for row in messages)


async def everything_stored() -> dict[str, list[str]]:
    """Every value of every column outside the sandbox, as text."""
    named = await db.fetch_all(
        """SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"""
    )
    found: dict[str, list[str]] = {}
    for row in named:
        table, column = row["table_name"], row["column_name"]
        if not table.startswith(SANDBOX):
            values = await db.fetch_all(f'SELECT "{column}"::text AS value FROM "{table}"')
            found[f"{table}.{column}"] = [value["value"] or "" for value in values]
    return found


def columns_with(columns: dict[str, list[str]], secret: str) -> set[str]:
    as_hex = secret.encode().hex()
    return {
        name
        for name, values in columns.items()
        if any(secret in value or as_hex in value for value in values)
    }


def test_a_log_line_that_names_a_person_all_the_same_is_masked() -> None:
    stream = io.BytesIO()
    logs.configure(stream)
    event = logs.mask(None, "", {"event": f"went wrong for {PHONE} {NATIONAL_NUMBER}", "code": "123456"})
    assert PHONE not in str(event)
    assert NATIONAL_NUMBER not in str(event)
    assert "123456" not in str(event)
    logs.configure()
