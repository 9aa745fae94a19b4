"""A shop that calls the merchant API, and asks it for the truth afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import httpx

from e2e.sandbox import Shopper

_numbers = count(1001)


@dataclass(frozen=True, slots=True)
class Session:
    """`path` is where the shopper begins."""

    id: str
    path: str
    order_id: str
    reference: str
    total_minor: int


@dataclass(slots=True)
class Shop:
    """`base_url` is where shoppers come back to: the demo shop's front."""

    client: httpx.Client
    base_url: str
    country: str = "FI"

    def open_session(
        self,
        price_minor: int = 129_00,
        *,
        knows: Shopper | None = None,
        locale: str | None = None,
        expires_in_s: int | None = None,
        buyer: str = "consumer",
        country: str | None = None,
        currency: str = "EUR",
    ) -> Session:
        """A basket of one line to be paid. The shop passes on phone, postcode and e-mail of whom it `knows`."""
        reference = f"E2E-{next(_numbers)}"
        wanted: dict[str, object] = {
            "reference": reference,
            "country": country or self.country,
            "currency": currency,
            "buyer": buyer,
            "lines": [
                {
                    "name": "Wool blanket",
                    "quantity": 1,
                    "unit_price_minor": price_minor,
                    "vat_percent": "25.5",
                }
            ],
            "success_url": f"{self.base_url}/demo?came=back",
            "cancel_url": f"{self.base_url}/demo?turned=back",
        }
        if knows is not None:
            known = {"phone": knows.phone, "postcode": knows.postcode, "email": knows.email}
            wanted["customer"] = {name: value for name, value in known.items() if value}
        if locale is not None:
            wanted["locale"] = locale
        if expires_in_s is not None:
            wanted["expires_in_s"] = expires_in_s
        answer = self.client.post("/api/v1/sessions", json=wanted)
        assert answer.status_code == 201, answer.text
        made = answer.json()
        return Session(made["id"], f"/pay/{made['id']}", made["order_id"], reference, made["total_minor"])

    def edit(self, session: Session, lines: Sequence[Mapping[str, object]]) -> None:
        """Changes what a session's order holds, whoever is paying it."""
        version = self.order_of(session)["version"]
        wanted = {"version": version, "lines": [{"vat_percent": "25.5", **line} for line in lines]}
        answer = self.client.patch(f"/api/v1/orders/{session.order_id}", json=wanted)
        assert answer.status_code == 200, answer.text

    def cancel(self, session: Session) -> None:
        answer = self.client.post(f"/api/v1/sessions/{session.id}/cancel")
        assert answer.status_code == 200, answer.text

    def state_of(self, session: Session) -> str:
        return str(self._read(f"/api/v1/sessions/{session.id}")["state"])

    def order_of(self, session: Session) -> dict[str, Any]:
        return self._read(f"/api/v1/orders/{session.order_id}")

    def documents_of(self, session: Session) -> list[dict[str, Any]]:
        """The invoices of this session's order, the newest first."""
        found: list[dict[str, Any]] = self._read(f"/api/v1/invoices?order_id={session.order_id}")["data"]
        return found

    def events_of(self, session: Session) -> list[str]:
        """The types of everything that happened to this session and its order, newest first."""
        newest = self._read("/api/v1/events?limit=100")
        return [event["type"] for event in newest["data"] if event["data"].get("session_id") == session.id]

    def _read(self, path: str) -> dict[str, Any]:
        answer = self.client.get(path)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found
