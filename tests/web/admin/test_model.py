"""What is learnt, as an owner sees it: how it does beside the rules, and whether it is on."""

from __future__ import annotations

import html
import re
from typing import Any

import httpx
import pytest

from app.kernel import clock, db, templating
from app.kernel.i18n import speaking
from app.merchants.queries import Merchant
from app.risk.features import REASON_OF
from app.risk.model_queries import newest_model
from app.risk.scoring import Explanation
from tests.factories.held_purchases import a_held_purchase
from tests.factories.risk_models import a_model, some_figures
from tests.web.admin.conftest import a_person, sign_in

PAGE = "/admin/settings/model"


def text_of(answer: httpx.Response) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


async def test_before_the_first_lesson_the_page_says_when_it_comes(desk: httpx.AsyncClient) -> None:
    page = text_of(await desk.get(PAGE))
    assert "it is known of 50 orders what came of them; so far it is known of 0" in page
    assert "Switch on" not in page


async def test_a_model_is_shown_beside_the_rules_and_what_weighs_in_it(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    await a_model(merchant)
    page = text_of(await desk.get(PAGE))
    for words in (
        "In shadow",
        "900 orders from",
        "1.4%",
        "€12,345.00",
        "€2,500.00",
        "16 (80.0%)",
        "the sum",
        "Version 1",
    ):
        assert words in page, words


async def test_a_better_model_is_switched_on_and_off_again(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    version = await a_model(merchant)
    for mode in ("on", "off", "shadow"):
        answer = await desk.post(PAGE, data={"version": str(version), "do": mode})
        assert answer.headers["location"] == f"{PAGE}?saved={mode}", answer.text
        model = await newest_model(merchant.id)
        assert model is not None
        assert model.mode == mode
    assert "The model is on, from the next order." in text_of(await desk.get(f"{PAGE}?saved=on"))


async def test_a_model_that_is_no_better_has_no_button_and_is_refused_in_words(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    version = await a_model(merchant, some_figures(clock.wall(), only_model=3))
    page = text_of(await desk.get(PAGE))
    assert "Switch on" not in page
    assert "once it finds clearly more bad orders than the rules" in page
    answer = await desk.post(PAGE, data={"version": str(version), "do": "on"})
    assert answer.status_code == 409
    assert "it does not do clearly better than the rules" in text_of(answer)


async def test_with_too_few_orders_the_page_says_how_many_are_missing(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    await a_model(merchant, some_figures(clock.wall(), orders=120))
    assert "of 500 orders what came of them, and 20 of them were bad. So far: 120 and 40." in text_of(
        await desk.get(PAGE)
    )


@pytest.mark.parametrize("version", ["", "0", "7", "x", "9" * 40, "²"])
async def test_a_version_that_is_not_the_newest_is_told_and_changes_nothing(
    desk: httpx.AsyncClient, merchant: Merchant, version: str
) -> None:
    await a_model(merchant)
    answer = await desk.post(PAGE, data={"version": version, "do": "on"})
    assert answer.status_code == 409
    assert "There is a newer version by now" in text_of(answer)
    model = await newest_model(merchant.id)
    assert model is not None
    assert model.mode == "shadow"


async def test_an_owner_is_told_of_a_damaged_model_on_the_page_and_on_the_first_one(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    await a_model(merchant)
    await db.execute_alone("ALTER TABLE risk_models DISABLE TRIGGER risk_models_never_change")
    await db.execute_alone("UPDATE risk_models SET digest = $1", bytes(32))
    await db.execute_alone("ALTER TABLE risk_models ENABLE TRIGGER risk_models_never_change")
    page = text_of(await desk.get(PAGE))
    assert "The rules go on as before" in page
    assert "Switch on" not in page
    assert "The model of your orders is damaged" in text_of(await desk.get("/admin"))


async def test_only_an_owner_sees_or_switches_it(stranger: httpx.AsyncClient, merchant: Merchant) -> None:
    await sign_in(stranger, await a_person(merchant, "risto@havu.example", "reviewer"))
    assert (await stranger.get(PAGE)).status_code == 403
    assert (await stranger.post(PAGE, data={"version": "1", "do": "on"})).status_code == 403


async def test_a_reviewer_reads_why_the_model_found_an_order_odd(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    await a_model(merchant, threshold=0.0001)
    _, case = await a_held_purchase(merchant)
    page = text_of(await desk.get(f"/admin/reviews/{case.public_id}"))
    assert "Like orders that turned out badly" in page
    assert "What weighed most: " in page


async def test_what_was_learnt_is_not_told_before_a_blind_answer(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    await a_model(merchant, threshold=0.0001)
    _, case = await a_held_purchase(merchant)
    await db.execute_alone("UPDATE cases SET is_blind = true")
    assert "What weighed most" not in text_of(await desk.get(f"/admin/reviews/{case.public_id}"))


@pytest.mark.parametrize("lang", ["en", "fi", "sv", "da", "bg"])
def test_what_would_have_let_an_order_pass_is_told_in_words_for_every_reason(lang: str) -> None:
    with speaking(lang):
        words: Any = templating.environment(lang).get_template("admin/_model_words.html").module
        told = [str(words.fact_words(reason)) for reason in sorted({*REASON_OF.values(), "goods"})]
        value, codes = str(words.fact_words("value")), str(words.fact_words("codes"))
        both = str(words.why_learnt(Explanation(("value", "codes"), ("value",))))
    assert len(set(told)) == len(told)
    assert (both.count(value), both.count(codes)) == (2, 1)
