"""The pages of the sandbox's MobilePay: one that asks, one that asks for more than once, and the phone with both."""

from __future__ import annotations

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor

from app.kernel import ids
from app.outside.mobilepay import MobilePay
from app.web.sandbox.mobilepay_twin import PATH, Twin, keys_from
from e2e.stop import Stop
from e2e.world import World
from tests.support.sandbox_mobilepay import Book, a_payment

_PAY = f"{PATH}/pay/{{reference:str}}"
_AGREE = f"{PATH}/agree/{{agreement_id:str}}"


def asks(world: World) -> Stop:
    return Stop(_opened(world))


def asks_for_later(world: World) -> Stop:
    return Stop(_opened(world, save=True))


def phone(world: World) -> Stop:
    _opened(world)
    return Stop(re.sub(r"/agree/.*", "/", _opened(world, save=True)))


def _opened(world: World, *, save: bool = False) -> str:
    """Where the person answers a payment that some shop has just opened."""
    mobilepay = MobilePay(_twin(world).door, manage_url=f"{world.base_url}/purchases")
    reference = ids.public_id("pay")
    new = a_payment(key=reference, reference=reference, save=save, return_url=f"{world.base_url}/demo")
    with ThreadPoolExecutor(1) as aside:
        # In a thread: the browser's own event loop runs in this one.
        return aside.submit(asyncio.run, mobilepay.create(new)).result().url


def _twin(world: World) -> Twin:
    """As the deployment itself knows it."""
    secret = (world.product.var_dir / "secrets" / "master").read_text(encoding="utf-8").strip()
    address = f"http://127.0.0.1:{world.product.port}{PATH}"
    return Twin(address, keys_from(secret.encode()), Book())


ALL = (
    ("sandbox-mobilepay", _PAY, asks),
    ("sandbox-mobilepay-agreement", _AGREE, asks_for_later),
    ("sandbox-mobilepay-phone", PATH, phone),
)
