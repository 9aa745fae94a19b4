"""The law's information on the credit: the page, the fold-out, the PDF, the warning wherever credit is offered, and
the signed agreement for the browser that signed it."""

from __future__ import annotations

import html
import re
from typing import Final

import httpx
import pypdfium2
import pytest

from app.agreements.queries import document_of_order
from app.agreements.words import worded
from app.doors import WorkerDoors
from app.kernel import db
from app.kernel.i18n import LANGUAGES, format_money, format_percent, translations
from app.kernel.money import Money
from app.law.rules import COUNTRIES, law_of
from app.messages.sandbox_outbox import messages
from app.outside.mail import SandboxLetterbox
from app.plans.quote import Quote
from app.webhooks.ports import OutgoingWebhook, WebhookReply
from app.worker import Worker, chores, handlers
from tests.factories.agreements import a_sheet, signed
from tests.factories.checkout import PHONE, POSTCODE, a_merchant, a_session
from tests.factories.invoices import days_later
from tests.web.shopper.test_flow import a_known_register_entry, hidden, the_code

WARNING: Final = "Caution! Borrowing money costs money."


class NoWebhooks:
    async def post(self, webhook: OutgoingWebhook) -> WebhookReply:
        raise AssertionError(f"nobody listens, and yet {webhook.url} was to be told")


def warning_in(lang: str) -> str:
    return translations(lang).ugettext(WARNING)


def text_of(page: httpx.Response | str) -> str:
    """What stands on a page: without markup, single spaces."""
    markup = page if isinstance(page, str) else page.text
    without = re.sub(r"<(style|script)\b.*?</\1>", " ", markup, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", without)).split())


async def chosen(client: httpx.AsyncClient, method: str = "instalments") -> str:
    """An open session with a plan, in this browser."""
    session = await a_session(await a_merchant())
    form = (
        {"method": "instalments", "months": "6"}
        if method == "instalments"
        else {"method": "invoice", "delivery": "email"}
    )
    answer = await client.post(f"/pay/{session}", data=form)
    assert answer.status_code == 303, answer.text
    return session


async def at_confirm(client: httpx.AsyncClient, method: str = "instalments") -> str:
    await a_known_register_entry()
    session = await chosen(client, method)
    await client.post(f"/pay/{session}/code", data={"phone": PHONE, "postcode": POSTCODE})
    answer = await client.post(f"/pay/{session}/identify", data={"code": await the_code()})
    assert answer.headers["location"] == f"/pay/{session}/confirm", answer.text
    return session


async def confirmed(client: httpx.AsyncClient, lang: str = "en") -> str:
    session = await at_confirm(client, "invoice")
    page = await client.get(f"/pay/{session}/confirm", params={"lang": lang})
    answer = await client.post(f"/pay/{session}/confirm", data={"shown": hidden(page.text, "shown")})
    assert answer.headers["location"] == f"/pay/{session}/outcome"
    return session


async def stored_quote(session: str) -> Quote:
    content = await db.fetch_value(
        "SELECT q.content FROM checkout_sessions s JOIN quotes q ON q.merchant_id = s.merchant_id"
        " AND q.id = s.quote_id WHERE s.public_id = $1",
        session,
    )
    return Quote.from_data(content)


async def work() -> None:
    await Worker(handlers(WorkerDoors(SandboxLetterbox(), NoWebhooks())), chores()).run_once()


@pytest.mark.parametrize("lang", LANGUAGES)
async def test_the_page_tells_the_stored_quote_in_every_language(
    client: httpx.AsyncClient, lang: str
) -> None:
    session = await chosen(client)
    quote = await stored_quote(session)
    page = await client.get(f"/pay/{session}/standard-information", params={"lang": lang})
    assert page.status_code == 200
    assert f'<html lang="{lang}"' in page.text
    text = text_of(page)
    figures = [quote.amount_minor, quote.total_payable_minor, quote.interest_minor]
    figures += [figure for row in quote.schedule for figure in (row.amount_minor, row.balance_after_minor)]
    for figure in figures:
        assert " ".join(format_money(Money(figure, "EUR"), lang).split()) in text
    assert " ".join(format_percent(quote.apr, lang).split()) in text
    assert quote.id in text
    assert quote.hash in text
    assert warning_in(lang) in text


async def test_the_pdf_tells_the_same_and_is_kept_by_no_cache(client: httpx.AsyncClient) -> None:
    session = await chosen(client)
    quote = await stored_quote(session)
    answer = await client.get(f"/pay/{session}/standard-information.pdf")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
    assert answer.headers["cache-control"] == "no-store"
    assert f'filename="standard-information-{quote.id}.pdf"' in answer.headers["content-disposition"]
    document = pypdfium2.PdfDocument(answer.content)
    text = " ".join(page.get_textpage().get_text_range() for page in document)
    document.close()
    for figure in (quote.amount_minor, quote.total_payable_minor):
        assert format_money(Money(figure, "EUR"), "en") in text
    assert quote.hash in text


async def test_the_fold_out_of_step_3_has_the_first_page_and_leads_to_the_rest(
    client: httpx.AsyncClient,
) -> None:
    session = await at_confirm(client)
    page = await client.get(f"/pay/{session}/confirm")
    whole = await client.get(f"/pay/{session}/standard-information")
    [folded] = re.findall(r'<dl class="sheet">.*?</dl>', page.text, re.DOTALL)
    first, second, _ = re.findall(r'<dl class="sheet">.*?</dl>', whole.text, re.DOTALL)
    assert folded == first
    assert folded != second
    for path in ("standard-information", "standard-information.pdf"):
        assert f'href="/pay/{session}/{path}"' in page.text
    assert "Unofficial wording" in text_of(page)


@pytest.mark.parametrize("method", ["invoice", "instalments"])
async def test_step_3_explains_in_plain_words(client: httpx.AsyncClient, method: str) -> None:
    session = await at_confirm(client, method)
    quote = await stored_quote(session)
    text = text_of(await client.get(f"/pay/{session}/confirm"))
    total = format_money(Money(quote.total_payable_minor, "EUR"), "en")
    assert f"pay back {total}" in text
    assert "If you pay late" in text
    assert "early, at any time" in text
    assert "withdraw from the credit within 14 days" in text


async def test_without_a_plan_there_is_no_sheet(client: httpx.AsyncClient) -> None:
    session = await a_session(await a_merchant())
    for path in ("standard-information", "standard-information.pdf", "agreement"):
        assert (await client.get(f"/pay/{session}/{path}")).status_code == 404
        assert (await client.get(f"/pay/cs_00000000000000000000000000/{path}")).status_code == 404


async def test_another_browser_finds_neither_sheet_nor_agreement(client: httpx.AsyncClient) -> None:
    session = await confirmed(client)
    await work()
    client.cookies.clear()
    for path in ("standard-information", "standard-information.pdf", "agreement"):
        answer = await client.get(f"/pay/{session}/{path}")
        assert answer.status_code == 404
        assert "Aino" not in answer.text


async def test_the_agreement_is_there_for_who_signed_it_once_the_worker_has_drawn_it(
    client: httpx.AsyncClient,
) -> None:
    session = await confirmed(client)
    outcome = await client.get(f"/pay/{session}/outcome")
    assert f'href="/pay/{session}/agreement"' in outcome.text
    early = await client.get(f"/pay/{session}/agreement")
    assert (early.status_code, early.headers["location"]) == (303, f"/pay/{session}/outcome?agreement=soon")
    assert "It is being written" in text_of(await client.get(early.headers["location"]))
    await work()
    row = await db.fetch_one("SELECT merchant_id, public_id FROM orders")
    assert row is not None
    kept = await document_of_order(row["merchant_id"], row["public_id"])
    answer = await client.get(f"/pay/{session}/agreement")
    assert kept is not None
    assert answer.content == kept.data
    assert answer.headers["content-type"] == "application/pdf"
    assert kept.name in answer.headers["content-disposition"]


@pytest.mark.parametrize("lang", LANGUAGES)
async def test_the_warning_stands_on_every_page_that_offers_credit(
    client: httpx.AsyncClient, lang: str
) -> None:
    session = await at_confirm(client, "invoice")
    merchant = await db.fetch_value("SELECT public_id FROM merchants")
    pages = (
        f"/pay/{session}?lang={lang}&method=invoice",
        f"/pay/{session}?lang={lang}&method=instalments",
        f"/pay/{session}?lang={lang}&compare=1",
        f"/pay/{session}/confirm?lang={lang}",
        f"/pay/{session}/standard-information?lang={lang}",
        f"/widget?amount_minor=12900&merchant={merchant}&lang={lang}",
    )
    for path in pages:
        assert warning_in(lang) in text_of(await client.get(path)), path


async def test_each_way_to_pay_that_lends_carries_the_warning_in_step_1(client: httpx.AsyncClient) -> None:
    page = await client.get(f"/pay/{await a_session(await a_merchant())}")
    panels = page.text.split('class="choice-panel')[1:]
    ways = re.findall(r'name="method" value="(\w+)"', page.text)
    warned = [way for way, panel in zip(ways, panels, strict=True) if WARNING in panel]
    assert warned == ["invoice", "instalments"]


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("country", COUNTRIES)
@pytest.mark.parametrize("months", [0, 12])
def test_the_warning_stands_on_every_document_and_mail_of_a_credit(
    country: str, lang: str, months: int
) -> None:
    # One warning is known; a country that wants another one names it in its file, and gets words of its own.
    assert law_of(country).credit_warning == "credit_costs_money"
    sheet = a_sheet(country, months)
    for each in (sheet, signed(sheet)):
        assert worded(each, lang).warning == warning_in(lang)


@pytest.mark.parametrize("lang", LANGUAGES)
async def test_receipt_agreement_and_reminder_carry_the_warning_in_the_language_of_the_purchase(
    client: httpx.AsyncClient, lang: str
) -> None:
    await confirmed(client, lang)
    await work()
    await days_later(8)
    await work()
    warned = [each for each in await messages(channel="email") if warning_in(lang) in each.body]
    assert len(warned) == 3
    for mail in warned:
        assert warning_in(lang) in text_of(str(mail.html))
