"""The doors that messages leave through. Each has a twin in `outside/` that remembers instead of sending."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Protocol
from uuid import UUID

from app.kernel.errors import Refusal


class NotTaken(Refusal):
    """The door did not take the message. `certain` says that it surely did not leave; otherwise nobody knows."""

    code: ClassVar[str] = "message_not_taken"

    def __init__(self, reason: str, *, certain: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.certain = certain


class NeverTaken(NotTaken):
    """The door will not take this message however often it is asked: it names somebody who does not exist."""

    code: ClassVar[str] = "message_never_taken"

    def __init__(self, reason: str) -> None:
        super().__init__(reason, certain=True)


@dataclass(frozen=True, slots=True)
class Sms:
    """A text message to a phone in E.164. Neither phone nor text shows in a representation or a log. `merchant_id` is
    None where the operator speaks for all shops."""

    to: str = field(repr=False)
    text: str = field(repr=False)
    merchant_id: UUID | None


class SmsDoor(Protocol):
    async def send(self, message: Sms, timeout_s: float) -> None:
        """Hand the message to the gateway, never inside a transaction. Raises NotTaken."""
        ...


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a message, such as `application/pdf`."""

    name: str
    content_type: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Mail:
    """An e-mail, plain and HTML. `message_id` is stable over retries, so that a mailbox can tell a repeat.

    `followed` asks the mail server to report what becomes of it, where the server can.
    """

    to: str = field(repr=False)
    subject: str = field(repr=False)
    text: str = field(repr=False)
    html: str = field(repr=False)
    reply_to: str
    from_name: str
    message_id: str
    merchant_id: UUID
    attachments: tuple[Attachment, ...] = ()
    followed: bool = False


@dataclass(frozen=True, slots=True)
class Letter:
    """A sheet to be printed and posted. `to` is the address, line by line; `letter_id` is stable over retries."""

    to: tuple[str, ...] = field(repr=False)
    subject: str = field(repr=False)
    sheet: Attachment
    letter_id: str
    merchant_id: UUID


class LetterDoor(Protocol):
    async def send(self, letter: Letter, timeout_s: float) -> None:
        """Hand the sheet to the printer, never inside a transaction. Raises NotTaken."""
        ...


class MailDoor(Protocol):
    async def send(self, message: Mail, timeout_s: float) -> None:
        """Hand the message to the mail server, never inside a transaction. Raises NotTaken."""
        ...
