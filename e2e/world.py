"""One run of the whole product, with everything around it that a test needs: shop, sandbox, staff."""

from __future__ import annotations

import asyncio
import json
import subprocess
import tempfile
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import httpx
import pyotp

from app.cases.actions import save_settings
from app.cases.queries import ReviewSettings
from app.checkout.actions.ending import expire_locked_in_tx
from app.kernel import clock, db
from app.supervisor import postgres
from e2e.sandbox import Sandbox
from e2e.shop import Session, Shop
from e2e.walker import Walker
from tests.support.product import ROOT, Product, running
from tests.support.proven import assert_proven

if TYPE_CHECKING:
    from e2e.abroad import Abroad

STAFF_PASSWORD: Final = "a long sentence for the tests"
VAR: Final = ROOT / "var" / "e2e"


@dataclass(frozen=True, slots=True)
class Staff:
    """Who may sign in to the admin, with their second factor's secret."""

    email: str
    password: str
    totp_secret: str


@dataclass(frozen=True, slots=True)
class World:
    product: Product
    owner: Staff
    merchant_id: str
    webhook_secret: str
    api_key: str
    sandbox: Sandbox
    shop: Shop
    _signed_in: dict[str, str] = field(default_factory=dict, repr=False)
    abroad: list[Abroad] = field(default_factory=list, repr=False)
    """The shop of `e2e.abroad`, once somebody has asked for it."""

    @property
    def base_url(self) -> str:
        return self.product.base_url

    def command(self, *words: str, typed: str = "") -> str:
        """What `kolme` prints, with these words behind it."""
        done = subprocess.run(
            [ROOT / "bin/kolme", *words],
            input=typed,
            env={
                "PATH": "/usr/bin:/bin",
                "KOLME_VAR_DIR": str(self.product.var_dir),
                "PORT": str(self.product.port),
            },
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    def new_staff(self, email: str, merchant_id: str | None = None) -> Staff:
        """Another owner, made by the command line: each code of a second factor works once."""
        who = ("--merchant", merchant_id or self.merchant_id, "--email", email, "--name", "Sanna Salo")
        said = self.command("staff", "create", *who, typed=STAFF_PASSWORD + "\n")
        return Staff(email, STAFF_PASSWORD, said.split("shown once: ")[1].split()[0])

    def staff_cookies(self) -> dict[str, str]:
        """Cookies of somebody who is signed in to the admin."""
        if not self._signed_in:
            self._signed_in.update(self.signed_in(self.new_staff("gallery@havu-kivi.example")))
        return dict(self._signed_in)

    def signed_in(self, staff: Staff) -> dict[str, str]:
        """The cookies of this person, who signs in now."""
        walker = Walker.at(self.base_url, "/admin")
        code = pyotp.TOTP(staff.totp_secret).now()
        typed = {"E-mail": staff.email, "Password": staff.password, "Code from your app": code}
        walker.press("Sign in", typed)
        assert walker.heading == "Today", walker.heading
        return walker.cookies

    def expire(self, session: Session) -> None:
        """The time of this one session is over now, while the clock of all others stands still."""
        _aside(_expire(_database_url(self.product), session.id))

    def prove(self) -> None:
        """Whatever all these people did, every cent of it is accounted for."""
        assert_proven(KOLME_VAR_DIR=str(self.product.var_dir), PORT=str(self.product.port))


def _database_url(product: Product) -> str:
    return (product.var_dir / "database_url").read_text(encoding="utf-8").strip()


def _aside(work: Coroutine[None, None, None]) -> None:
    """In a thread: the browser's own event loop runs in this one."""
    with ThreadPoolExecutor(1) as aside:
        aside.submit(asyncio.run, work).result()


async def _nobody_is_drawn(url: str, merchant_id: str) -> None:
    """No order is looked at by chance: what waits in a queue is what a test has put there."""
    await db.start_pool(url, min_size=1, max_size=1)
    try:
        shop_id = await db.fetch_value("SELECT id FROM merchants WHERE public_id = $1", merchant_id)
        none = ReviewSettings(sample_ppm=0, second_above_minor=None)
        await save_settings(shop_id, none, merchant_id, actor="staff:test", now=clock.wall())
    finally:
        await db.close_pool()


async def _expire(url: str, session_id: str) -> None:
    await db.start_pool(url, min_size=1, max_size=1)
    try:
        merchant_id = await db.fetch_value(
            "SELECT merchant_id FROM checkout_sessions WHERE public_id = $1", session_id
        )
        await db.in_tx(lambda: expire_locked_in_tx(merchant_id, session_id, clock.wall()))
    finally:
        await db.close_pool()


@contextmanager
def a_world() -> Iterator[World]:
    """Runs the product in a folder of its own until the block ends. What it said stays in var/e2e/product.log."""
    with tempfile.TemporaryDirectory(prefix="kolme-e2e-", ignore_cleanup_errors=True) as folder:
        var_dir = Path(folder)
        _careless_database(var_dir)
        # The browsers and the programs of a test each come from an address of their own; we vouch for it.
        with running(var_dir, KOLME_TRUSTED_PROXIES="127.0.0.1, ::1", KOLME_REVIEW_UNDO_S="0") as product:
            try:
                with _client(product) as client:
                    world = _world(product, client)
                    _aside(_nobody_is_drawn(_database_url(product), world.merchant_id))
                    yield world
                    for shop in world.abroad:
                        shop.close()
            finally:
                VAR.mkdir(parents=True, exist_ok=True)
                (VAR / "product.log").write_text(product.said(), encoding="utf-8")


def _careless_database(var_dir: Path) -> None:
    """The product finds its database running, on one that waits for no disk: what these tests write is thrown away, and
    what outlives a fall is asked in tests/faults."""
    careless = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
    postgres.start(var_dir / "postgres", options=careless)


def _secrets(product: Product) -> dict[str, object]:
    read: dict[str, object] = json.loads((product.var_dir / "demo.json").read_text(encoding="utf-8"))
    return read


def _client(product: Product) -> httpx.Client:
    key = _secrets(product)["api_key"]
    return httpx.Client(base_url=product.base_url, headers={"Authorization": f"Bearer {key}"}, timeout=20)


def _world(product: Product, client: httpx.Client) -> World:
    secrets = _secrets(product)
    admin = secrets["admin"]
    assert isinstance(admin, dict)
    return World(
        product=product,
        owner=Staff(admin["email"], admin["password"], admin["totp_secret"]),
        merchant_id=str(secrets["merchant_id"]),
        webhook_secret=str(secrets["webhook_secret"]),
        api_key=str(secrets["api_key"]),
        sandbox=Sandbox(client),
        shop=Shop(client, product.base_url),
    )
