"""The sandbox as a test sees it: who shops, what reached their phone and letterbox, and what time it is."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import httpx

Kind = Literal[
    "returning", "first-timer", "no-phone", "declined", "credit-ban", "register-down", "held", "business"
]
Channel = Literal["sms", "email", "letter", "webhook"]

WAIT_S: Final = 20.0


@dataclass(frozen=True, slots=True)
class Shopper:
    """Somebody of the sandbox. `subject` is the bank's name for them."""

    name: str
    phone: str
    postcode: str
    email: str
    street: str
    city: str
    subject: str

    @property
    def typed_phone(self) -> str:
        """The number as people of that country write it."""
        return "0" + self.phone.removeprefix("+358")


@dataclass(frozen=True, slots=True)
class Message:
    id: str
    to: str
    subject: str
    body: str
    code: str | None
    links: tuple[str, ...]


@dataclass(slots=True)
class Sandbox:
    """`client` speaks to the product with the demo merchant's key."""

    client: httpx.Client
    _seen: dict[tuple[str, str], str] = field(default_factory=dict)

    def shopper(self, kind: Kind) -> Shopper:
        """A fresh one, with a phone that nobody has used."""
        made = self._sent("POST", "/sandbox/shoppers", {"kind": kind})
        fields = ("name", "postcode", "email", "street", "city", "subject")
        return Shopper(phone=made["phone"] or "", **{name: made[name] for name in fields})

    def next_message(self, to: str, channel: Channel) -> Message:
        """The first message to this address that was not returned before; waits until it is there."""
        since = self._seen.get((to, channel), "")
        deadline = time.monotonic() + WAIT_S
        while True:
            wait_s = max(0.0, deadline - time.monotonic())
            found = self.messages(to, channel, since=since, wait_s=wait_s)
            if found:
                self._seen[to, channel] = found[0].id
                return found[0]
            assert time.monotonic() < deadline, f"no {channel} has come"

    def code_of(self, shopper: Shopper) -> str:
        """The code in the next SMS to this shopper's phone."""
        code = self.next_message(shopper.phone, "sms").code
        assert code is not None, "the SMS holds a code"
        return code

    def messages(self, to: str, channel: Channel, *, since: str = "", wait_s: float = 0) -> list[Message]:
        asked = {"to": to, "channel": channel, "since": since, "wait_s": f"{wait_s:g}"}
        answer = self.client.get("/sandbox/outbox", params=asked, timeout=wait_s + 10)
        assert answer.status_code == 200, answer.text
        return [
            Message(one["id"], one["to"], one["subject"], one["body"], one["code"], tuple(one["links"]))
            for one in answer.json()
        ]

    def advance(self, seconds: int) -> None:
        """Moves the business clock, and returns once everything that was due by then is done."""
        self._sent("POST", "/sandbox/clock", {"advance_s": seconds}, timeout_s=40)

    def reset_clock(self) -> None:
        self._sent("DELETE", "/sandbox/clock")

    def _sent(
        self, method: str, path: str, body: dict[str, object] | None = None, timeout_s: float = 10
    ) -> Any:
        answer = self.client.request(method, path, json=body, timeout=timeout_s)
        assert answer.status_code < 300, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json()
