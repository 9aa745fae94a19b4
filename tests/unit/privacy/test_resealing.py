"""A new master key: every sealed value comes under it, whoever is killed meanwhile, and opens all the time."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from pathlib import Path
from uuid import UUID

import pytest

from app.identity.queries import national_number_of
from app.kernel import db as database
from app.kernel import keys
from app.kernel.keys import Keyring, SealBroken, use_keyring
from app.privacy.resealing import SEALED, reseal_all
from app.settings import load, master_files, write_master_secret
from tests.factories.checkout import a_known_person

ROOT = Path(__file__).resolve().parents[3]
PEOPLE = 5
OLD = bytes(range(32))
NEW = bytes(range(1, 33))
BOTH = Keyring({"m2": NEW, "test": OLD})


async def people() -> list[UUID]:
    for number in range(PEOPLE):
        await a_known_person(f"+3584800001{number:02}", subject=f"person-{number}")
    rows = await database.fetch_all("SELECT id FROM customers")
    return [row["id"] for row in rows]


async def under_the_old_key() -> int:
    found = await database.fetch_value(
        "SELECT count(*) FROM verified_identities WHERE substring(national_number FROM 2 FOR 4) = 'test'"
    )
    return int(found)


async def rotate(batch: int) -> None:
    async for _ in reseal_all(batch):
        pass


async def test_every_number_comes_under_the_new_key_and_opens_with_it_alone(db: str) -> None:
    everybody = await people()
    assert await under_the_old_key() == PEOPLE
    with pytest.raises(SealBroken):
        use_keyring(Keyring({"m2": NEW}))
        await national_number_of(everybody[0])
    use_keyring(BOTH)
    assert [await national_number_of(person) for person in everybody] == ["010590-903L"] * PEOPLE
    await rotate(2)
    assert await under_the_old_key() == 0
    use_keyring(Keyring({"m2": NEW}))
    assert [await national_number_of(person) for person in everybody] == ["010590-903L"] * PEOPLE


@pytest.mark.parametrize("die_at", [3, 6, 9, 12])
async def test_a_rotation_that_is_killed_goes_on_where_it_ended(db: str, die_at: int) -> None:
    everybody = await people()
    use_keyring(BOTH)
    child = os.fork()
    if child == 0:
        _rotate_and_die(db, die_at)
    _, status = await asyncio.to_thread(os.waitpid, child, 0)
    assert os.WIFSIGNALED(status)
    assert os.WTERMSIG(status) == signal.SIGKILL
    assert [await national_number_of(person) for person in everybody] == ["010590-903L"] * PEOPLE
    await rotate(2)
    assert await under_the_old_key() == 0
    assert [await national_number_of(person) for person in everybody] == ["010590-903L"] * PEOPLE


def _rotate_and_die(url: str, die_at: int) -> None:
    """A process of its own that is killed before its k-th statement, in the middle of a batch or between two."""
    import threading  # noqa: PLC0415 - the child's alone

    seen = 0

    def probe(_sql: str) -> None:
        nonlocal seen
        seen += 1
        if seen == die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    async def work() -> None:
        database.engine.pool = None
        await database.start_pool(url, min_size=1, max_size=1)
        database.set_statement_probe(probe)
        await rotate(2)

    # A loop runs in this thread already, as far as the child knows: another thread has none.
    thread = threading.Thread(target=lambda: asyncio.run(work()))
    thread.start()
    thread.join()
    os._exit(0)


def test_every_purpose_that_something_stored_is_sealed_for_is_on_the_list() -> None:
    """Cookies and answers end by themselves; whatever else is sealed has to be found by a rotation."""
    ends_by_itself = {"_PURPOSE", "_SEALED_FOR", "_HANDOVER", "purpose"}
    found: set[str] = set()
    for path in (ROOT / "app").rglob("*.py"):
        if path.name not in {"resealing.py", "keys.py"}:
            found |= set(re.findall(r"keyring\(\)\.seal\((\w+),", path.read_text()))
    assert found - ends_by_itself <= {
        "NATIONAL_NUMBER_PURPOSE",
        "TOTP_PURPOSE",
        "WEBHOOK_PURPOSE",
        "FACTS_PURPOSE",
        "PAYOUT_PURPOSE",
        "SAVED_METHOD_PURPOSE",
    }
    assert {column.purpose for column in SEALED} >= {"national-number", "staff.totp", "webhook.secret"}


def test_a_new_master_secret_is_the_current_one_and_the_old_one_still_opens(tmp_path: Path) -> None:
    environ = {"KOLME_VAR_DIR": str(tmp_path), "DATABASE_URL": "postgresql://kolme@127.0.0.1/kolme"}
    first = load(environ)
    write_master_secret(first.secrets_dir, "master-2")
    assert master_files(first.secrets_dir) == {2: "master-2", 1: "master"}
    second = load(environ)
    assert list(second.master_secrets) == ["m2", "m1"]
    assert second.master_secret != first.master_secret
    assert second.master_secrets["m1"] == first.master_secret
    (first.secrets_dir / "master").unlink()
    assert list(load(environ).master_secrets) == ["m2"], "the old one may go once everything is sealed anew"


def test_a_value_says_which_key_has_sealed_it() -> None:
    assert BOTH.seal("x", b"y").startswith(BOTH.header)
    assert not Keyring({"test": OLD}).seal("x", b"y").startswith(BOTH.header)
    assert keys.Keyring({"m2": NEW, "test": OLD}).open("x", Keyring({"test": OLD}).seal("x", b"y")) == b"y"
