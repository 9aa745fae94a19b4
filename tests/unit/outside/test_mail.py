"""Mail over SMTP: what a mail server gets, and what its refusals mean."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import UUID

import pytest

from app.messages.ports import Mail, NeverTaken, NotTaken
from app.outside.mail import SmtpMail
from app.settings import MailDoor
from tests.support.mail_server import MailServer


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with MailServer().listening() as server:
        yield server


def door(port: int) -> SmtpMail:
    return SmtpMail(
        MailDoor(
            host="127.0.0.1", port=port, tls=False, username="", sender="receipts@kolme.example", password=""
        )
    )


def a_mail(to: str = "aino@example.test", from_name: str = "Havu & Kivi") -> Mail:
    return Mail(
        to=to,
        subject="Receipt \u20ac129.00",
        text="Thank you \u2013 kiitos",
        html="<p>Thank you</p>",
        reply_to="shop@havu.example",
        from_name=from_name,
        message_id="receipt.ord_1",
        merchant_id=UUID(int=1),
    )


async def test_a_mail_goes_out_under_the_shops_name_and_answers_go_to_the_shop(server: MailServer) -> None:
    await door(server.port).send(a_mail(), timeout_s=5)
    [mail] = server.taken
    assert mail["From"] == "Havu & Kivi <receipts@kolme.example>"
    assert (mail["To"], mail["Reply-To"]) == ("aino@example.test", "shop@havu.example")
    assert mail["Subject"] == "Receipt \u20ac129.00"
    assert mail["Message-ID"] == "<receipt.ord_1@kolme.example>"
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert plain.get_content().strip() == "Thank you \u2013 kiitos"
    assert html.get_content().strip() == "<p>Thank you</p>"


async def test_a_mail_that_is_followed_asks_for_a_report_where_the_server_gives_one(
    server: MailServer,
) -> None:
    server.reports = True
    await door(server.port).send(replace(a_mail(), followed=True), timeout_s=5)
    assert "MAIL FROM:<receipts@kolme.example> RET=HDRS" in server.heard
    assert "RCPT TO:<aino@example.test> NOTIFY=SUCCESS,FAILURE" in server.heard
    assert len(server.taken) == 1


@pytest.mark.parametrize(("reports", "followed"), [(True, False), (False, True)])
async def test_no_other_mail_asks_for_one(server: MailServer, *, reports: bool, followed: bool) -> None:
    server.reports = reports
    await door(server.port).send(replace(a_mail(), followed=followed), timeout_s=5)
    assert not any("NOTIFY" in line or "RET=" in line for line in server.heard)
    assert len(server.taken) == 1


@pytest.mark.parametrize("name", ["Havu\r\nBcc: x@evil.example", 'Havu "the" Kivi', "K\u00e4p\u00e4l\u00e4"])
async def test_a_shops_name_adds_no_header(server: MailServer, name: str) -> None:
    try:
        await door(server.port).send(a_mail(from_name=name), timeout_s=5)
    except NeverTaken:
        return
    [mail] = server.taken
    assert mail["Bcc"] is None
    assert mail["To"] == "aino@example.test"


async def test_a_mailbox_that_does_not_exist_is_not_tried_again(server: MailServer) -> None:
    server.recipient_says = "550 no such mailbox"
    with pytest.raises(NeverTaken):
        await door(server.port).send(a_mail(), timeout_s=5)


async def test_an_address_that_is_none_is_not_tried_again(server: MailServer) -> None:
    with pytest.raises(NeverTaken):
        await door(server.port).send(a_mail(to="nobody\r\nRCPT TO:<x@evil.example>"), timeout_s=5)
    assert server.taken == []


@pytest.mark.parametrize(
    ("recipient_says", "data_says"),
    [("450 later", "250 taken"), ("250 fine", "451 later"), ("250 fine", "554 no")],
)
async def test_everything_else_a_server_says_is_worth_another_try(
    server: MailServer, recipient_says: str, data_says: str
) -> None:
    server.recipient_says, server.data_says = recipient_says, data_says
    with pytest.raises(NotTaken) as refused:
        await door(server.port).send(a_mail(), timeout_s=5)
    assert not isinstance(refused.value, NeverTaken)


async def test_a_server_that_says_nothing_is_not_waited_for(server: MailServer) -> None:
    server.hangs = True
    with pytest.raises(NotTaken, match="no_answer"):
        await door(server.port).send(a_mail(), timeout_s=0.2)


async def test_a_server_that_is_away_is_not_waited_for() -> None:
    with pytest.raises(NotTaken, match="no_answer"):
        await door(9).send(a_mail(), timeout_s=5)
