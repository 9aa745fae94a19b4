"""What shoppers are told of refunds and returns: once, itemised, and in the language they bought in."""

from __future__ import annotations

import re
from uuid import UUID

import pytest

from app.invoices.credits import Pieces
from app.kernel import clock, db, i18n
from app.kernel.jobs import Event
from app.merchants.queries import Merchant
from app.messages import actions as messages
from app.messages import refunds
from app.messages.ports import Mail
from app.returns import actions
from app.returns.actions import NewReturn
from app.returns.rules import Conditions
from tests.factories.checkout import a_line
from tests.factories.invoices import a_purchase, drawn
from tests.factories.returns import STAFF, refunded
from tests.factories.wallets import switched


async def mailed(merchant: Merchant, refund: str) -> Mail:
    mail = await refunds.refund_mail(merchant.id, refund)
    assert mail is not None
    return mail


@pytest.mark.parametrize("lang", i18n.LANGUAGES)
async def test_a_refund_is_told_in_the_language_of_the_purchase(
    merchant: Merchant, lang: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def bought_in(_merchant_id: UUID, _order: str) -> str:
        return lang

    monkeypatch.setattr(refunds, "language_of_order", bought_in)
    order = await a_purchase(merchant, months=6)
    await drawn(merchant, order, lang)
    refund = await refunded(merchant, order, (Pieces(0, 1),), fee_minor=9_000)
    mail = await mailed(merchant, refund.public_id)
    assert mail.to == "aino@example.test"
    assert [each.name for each in mail.attachments] == [f"credit-note-{refund.credit_note_number}.pdf"]
    for said in (mail.text, mail.html):
        assert "Wool blanket" in said
        # The goods, the fee and the sum, as money of the language.
        assert len(re.findall(r"129[.,]00|90[.,]00|39[.,]00", said)) >= 4
    if lang == "en":
        for said in ("Return fee: -€90.00", "Off what you owe: €39.00", "Your payments are now"):
            assert said in mail.text
    else:
        assert "Where the money went" not in mail.text


async def test_a_refund_into_the_wallet_says_that_debts_stay(merchant: Merchant) -> None:
    merchant = await switched(merchant)
    order = await a_purchase(merchant)
    await drawn(merchant, order)
    refund = await refunded(merchant, order, 2_900, to="wallet")
    text = (await mailed(merchant, refund.public_id)).text
    assert "Into your wallet: €29.00" in text
    assert "What you still owe stays as it was." in text
    assert "Off what you owe" not in text


async def test_the_credit_note_comes_with_the_mail_of_its_refund_and_not_twice(merchant: Merchant) -> None:
    order = await a_purchase(merchant)
    await drawn(merchant, order)
    refund = await refunded(merchant, order, 2_900)
    issued = {"invoice_id": refund.credit_note_public_id, "order_id": order}
    told = {"refund_id": refund.public_id, "order_id": order}
    now = await clock.business_now()
    for _ in range(2):
        for data, react in ((issued, messages.send_invoice), (told, refunds.send_refund)):
            event = Event(merchant.id, "evt_1", "x", data, order, now)
            await db.in_tx(lambda react=react, event=event: react(event))  # type: ignore[misc]
    jobs = await db.fetch_all(
        "SELECT kind FROM outbox WHERE kind IN ('mail', 'refund_mail') AND about = $1", order
    )
    assert [row["kind"] for row in jobs] == ["refund_mail"]


async def test_a_return_is_told_when_it_is_announced_and_when_it_is_refused(merchant: Merchant) -> None:
    order = await a_purchase(merchant, a_line("Soap", "4.50", quantity=3))
    await drawn(merchant, order)
    now = await clock.business_now()
    await actions.save_conditions(merchant, Conditions(14, fee_minor=100), actor=STAFF, now=now)
    new = NewReturn((Pieces(0, 2),), "changed_mind", "original", "shopper")
    found = await db.in_tx(lambda: actions.announce(merchant, order, new, now))
    mail = await refunds.return_mail(merchant.id, found.public_id, "announced")
    assert mail is not None
    assert mail.subject == "Your return R-00001 to Havu & Kivi"
    for said in ("Soap \u00d7 2", "The goods: €9.00", "Return fee: -€1.00", "The way it was paid: €8.00"):
        assert said in mail.text
    reason = "It was <used>."
    await db.in_tx(lambda: actions.refuse_return(merchant, found.public_id, reason, actor=STAFF, now=now))
    mail = await refunds.return_mail(merchant.id, found.public_id, "refused")
    assert mail is not None
    assert reason in mail.text
    assert "It was &lt;used&gt;." in mail.html
