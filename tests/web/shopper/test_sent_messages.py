"""What the page of a purchase calls the messages that left about it."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import get_args
from uuid import UUID

import pytest

from app.kernel import db, outbox
from app.kernel.i18n import LANGUAGES, speaking
from app.kernel.templating import environment
from app.messages.sent import What, sent_about
from tests.factories.checkout import a_merchant

NOW = datetime(2026, 12, 7, 12, 0, tzinfo=UTC)
ORDER = "ord_1"


async def a_door_took(merchant_id: UUID, kind: str) -> None:
    async def taken() -> None:
        job = await outbox.put(merchant_id, kind, {}, about=ORDER)
        await db.execute(
            "INSERT INTO outbox_tries (merchant_id, outbox_id, attempt, started_at, ended_at, outcome, detail)"
            " VALUES ($1, $2, 1, $3, $3, 'done', 'handed to the mail server')",
            merchant_id,
            job,
            NOW,
        )

    await db.in_tx(taken)


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize(("kind", "what"), [("refund_mail", "refund"), ("return_mail", "return")])
async def test_a_mail_of_a_refund_and_of_a_return_is_told_for_what_it_is(kind: str, what: str) -> None:
    shop = await a_merchant()
    await a_door_took(shop.id, kind)
    assert [sent.what for sent in await sent_about(shop.id, ORDER)] == [what]


def name_of(lang: str, what: str, number: str | None = None, *, is_receipt: bool = False) -> str:
    words = environment(lang).get_template("shopper/_purchase_words.html").module
    sent = SimpleNamespace(what=what, number=number, is_receipt=is_receipt)
    with speaking(lang):
        return str(words.sent_name(sent)).strip()  # type: ignore[attr-defined]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_message_has_a_name_of_its_own(lang: str) -> None:
    names = {name_of(lang, what) for what in get_args(What)}
    assert len(names) == len(get_args(What))


def test_the_mail_of_a_receipt_is_no_invoice() -> None:
    assert name_of("en", "invoice", "2026-00004", is_receipt=True) == "Receipt 2026-00004"
    assert name_of("en", "invoice", "2026-00001") == "Invoice 2026-00001"
