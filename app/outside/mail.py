"""The mail server, and the sandbox letterbox that stands in for it."""

from __future__ import annotations

import asyncio
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Final

import aiosmtplib

from app.kernel import clock, db
from app.messages.delivered import Reported, queue_report
from app.messages.ports import Mail, NeverTaken, NotTaken
from app.messages.sandbox_inbox import remember_message
from app.settings import MailDoor as MailSettings

_PERMANENT: Final = range(500, 600)


def composed(mail: Mail, sender: str) -> EmailMessage:
    """The message as it travels: from the operator's address under the shop's name, answers to the shop."""
    message = EmailMessage()
    message["From"] = Address(display_name=mail.from_name, addr_spec=sender)
    message["To"] = Address(addr_spec=mail.to)
    message["Reply-To"] = Address(addr_spec=mail.reply_to)
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(clock.wall())
    message["Message-ID"] = f"<{mail.message_id}@{sender.rpartition('@')[2]}>"
    # Out-of-office machines stay quiet.
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    for attachment in mail.attachments:
        main_type, _, subtype = attachment.content_type.partition("/")
        message.add_attachment(attachment.data, maintype=main_type, subtype=subtype, filename=attachment.name)
    return message


class SmtpMail:
    """A mail server over SMTP: TLS from the first byte, or STARTTLS where the server offers it."""

    def __init__(self, settings: MailSettings) -> None:
        self._settings = settings

    async def send(self, message: Mail, timeout_s: float) -> None:
        """Raises NeverTaken when the server knows no such mailbox, else NotTaken: worth another try."""
        db.refuse_in_transaction("mail")
        try:
            travelling = composed(message, self._settings.sender)
        except ValueError:
            # An address that no mail can carry; it was refused nowhere, and would never be taken.
            raise NeverTaken("address_malformed") from None
        try:
            async with asyncio.timeout(timeout_s), self._server(timeout_s) as server:
                # RFC 3461: the server, and those it hands on to, tell by a mail of their own what became of it.
                asks = message.followed and server.supports_extension("dsn")
                await server.send_message(
                    travelling,
                    mail_options=["RET=HDRS"] if asks else None,
                    rcpt_options=["NOTIFY=SUCCESS,FAILURE"] if asks else None,
                )
        except aiosmtplib.SMTPRecipientsRefused as refused:
            if all(recipient.code in _PERMANENT for recipient in refused.recipients):
                raise NeverTaken("recipient_refused") from None
            raise NotTaken("recipient_put_off", certain=True) from None
        except aiosmtplib.SMTPResponseException as refused:
            # Whatever else the server says is about us or itself, and may be mended while we wait.
            raise NotTaken(f"status_{refused.code}", certain=True) from None
        except (TimeoutError, OSError, aiosmtplib.SMTPException):
            raise NotTaken("no_answer", certain=False) from None

    def _server(self, timeout_s: float) -> aiosmtplib.SMTP:
        settings = self._settings
        return aiosmtplib.SMTP(
            hostname=settings.host,
            port=settings.port,
            use_tls=settings.tls,
            username=settings.username or None,
            password=settings.password or None,
            timeout=timeout_s,
        )


class SandboxLetterbox:
    """Test mode: every mail is kept, and seen beside the page.

    A mail to `bounce@...` is refused at once: no such mailbox. One to `late-bounce@...` comes back later, as from a
    server that forwards. Of every other it is reported that it has come.
    """

    async def send(self, message: Mail, timeout_s: float) -> None:
        del timeout_s
        db.refuse_in_transaction("mail")
        mailbox = message.to.partition("@")[0].lower()
        if mailbox == "bounce":
            raise NeverTaken("recipient_refused")
        await remember_message(
            "email",
            message.to,
            subject=message.subject,
            body=message.text,
            html=message.html,
            merchant_id=message.merchant_id,
            attachments=message.attachments,
        )
        if not message.followed:
            return
        outcome: Reported = "bounced" if mailbox == "late-bounce" else "delivered"
        await db.in_tx(lambda: queue_report(message.merchant_id, message.message_id, outcome))
