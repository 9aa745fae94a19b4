"""The sandbox's MobilePay for tests, our adapter in front of it, and a person who answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, cast

import httpx
from litestar.types import ASGIApp

from app.kernel import clock
from app.kernel.money import Money
from app.outside.mobilepay import MobilePay
from app.payments.ports import NewPayment
from app.settings import Settings
from app.web.sandbox.mobilepay import mobilepay_router
from app.web.sandbox.mobilepay_twin import API_PATH, PATH, Twin, keys_of
from tests.support.pages import application

ADDRESS = f"http://127.0.0.1:8000{PATH}"


@dataclass(frozen=True, slots=True)
class Book:
    """Keeps what the twin would call us with."""

    calls: list[Mapping[str, object]] = field(default_factory=list)

    async def call(self, events: Sequence[Mapping[str, object]]) -> None:
        self.calls.extend(events)

    def names(self) -> list[object]:
        return [event.get("name", event.get("eventType")) for event in self.calls]


@dataclass(frozen=True, slots=True)
class Sandbox:
    app: ASGIApp
    twin: Twin
    book: Book
    mobilepay: MobilePay

    async def answer(self, url: str, answer: str) -> httpx.Response:
        """The person's phone, which is a browser on the twin's own site."""
        headers = {"Sec-Fetch-Site": "same-origin"}
        async with httpx.AsyncClient(transport=transport_to(self.app), headers=headers) as phone:
            return await phone.post(url, data={"answer": answer})

    async def look(self, url: str) -> httpx.Response:
        async with httpx.AsyncClient(transport=transport_to(self.app)) as phone:
            return await phone.get(url)


def a_sandbox(settings: Settings, *, total_timeout_s: float = 30.0) -> Sandbox:
    book = Book()
    twin = Twin(ADDRESS, keys_of(settings), book)
    app = application(settings, [mobilepay_router(twin)], machine_paths=(f"{API_PATH}/",))
    adapter = MobilePay(
        twin.door,
        manage_url="http://localhost:8000/purchases",
        transport=transport_to(app),
        total_timeout_s=total_timeout_s,
    )
    return Sandbox(app, twin, book, adapter)


def transport_to(app: ASGIApp) -> httpx.ASGITransport:
    # Litestar and httpx describe ASGI in types that are equal in all but name.
    return httpx.ASGITransport(cast("Any", app))


def a_payment(**changes: object) -> NewPayment:
    new = NewPayment(
        key="pay_0123456789abcdefghjkmnpqrs:create",
        reference="pay_0123456789abcdefghjkmnpqrs",
        amount=Money(12_345, "EUR"),
        description="A shop, order 1",
        return_url="http://localhost:8000/pay/pay_0123456789abcdefghjkmnpqrs/return",
        cancel_url="http://localhost:8000/pay/cs_1",
        lang="fi",
        country="FI",
        expires_at=clock.wall() + timedelta(minutes=10),
    )
    return replace(new, **changes)  # type: ignore[arg-type]
