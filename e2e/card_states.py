"""The pages of the sandbox's Stripe: the card page, and the page of a card's bank."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from app.doors import card_door
from app.kernel import ids
from app.settings import load
from app.web.sandbox.stripe import PATH
from e2e.stop import Stop
from e2e.world import World
from tests.support.sandbox_stripe import a_payment

_PAY = f"{PATH}/pay/{{session_id:str}}"


def pays(world: World) -> Stop:
    return Stop(_opened(world))


def confirms(world: World) -> Stop:
    return Stop(f"{_opened(world)}/challenge")


def _opened(world: World) -> str:
    """The page of a payment that some shop has just opened."""
    environ = {
        "KOLME_VAR_DIR": str(world.product.var_dir),
        "PORT": str(world.product.port),
        "DATABASE_URL": (world.product.var_dir / "database_url").read_text(encoding="utf-8").strip(),
    }
    cards = card_door(load(environ))
    assert cards is not None, "test mode takes cards"
    back = f"{world.base_url}/demo"
    new = replace(a_payment(ids.public_id("pay")), lang="auto", return_url=back, cancel_url=back)
    with ThreadPoolExecutor(1) as aside:
        # In a thread: the browser's own event loop runs in this one.
        return aside.submit(asyncio.run, cards.create(new)).result().url


ALL = (
    ("sandbox-card", _PAY, pays),
    ("sandbox-card-bank", f"{_PAY}/challenge", confirms),
)
