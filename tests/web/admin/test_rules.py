"""A shop's own rules in the admin: typed without code, tried on past orders, switched, and left out for a customer."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from litestar.types import ASGIApp

from app.kernel import clock, ids
from app.merchants.queries import Merchant
from app.risk.conditions import Address, Area, Condition, FirstOrder, Goods, Identical, Value, Velocity
from app.risk.digests import address_of
from app.risk.facts import Item
from app.risk.rule_actions import make_rule, switch_rule
from app.risk.rule_checks import WantedRule
from app.risk.rule_queries import RuleView, rule_of, rules_of, running_snoozes
from app.web.admin.rules_forms import form_of, read
from tests.factories.checkout import a_merchant
from tests.factories.held_purchases import a_held_purchase
from tests.factories.risk import remember
from tests.factories.risk_rules import a_person
from tests.support import pages
from tests.web.admin.conftest import a_person as somebody_of_the_staff
from tests.web.admin.conftest import sign_in

PAGE = "/admin/settings/rules"
TYPED = {"name": "Gift cards", "outcome": "hold", "value": "500", "words": "gift card\r\nvoucher"}
NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)


def text_of(answer: httpx.Response) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


async def the_rule(merchant: Merchant) -> RuleView:
    [found] = await rules_of(merchant.id)
    return found


async def a_rule(merchant: Merchant, *conditions: Condition) -> str:
    wanted = WantedRule("Dear orders", conditions or (Value(50_000),), "hold")
    return await make_rule(merchant, wanted, form_key=ids.internal_id(), actor="staff:st_1", now=clock.wall())


async def test_a_rule_is_made_in_shadow_and_stands_in_the_list_in_words(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    answer = await desk.post(f"{PAGE}/new", data=TYPED)
    found = await the_rule(merchant)
    assert answer.headers["location"] == f"{PAGE}/{found.rule.public_id}?saved=made", answer.text
    assert found.rule.conditions == (Goods("words", ("gift card", "voucher")), Value(50_000))
    assert found.rule.mode == "shadow"
    page = text_of(await desk.get(PAGE))
    for words in ("Gift cards", "Names of goods with: gift card, voucher", "500.00", "In shadow"):
        assert words in page
    one = text_of(await desk.get(f"{PAGE}/{found.rule.public_id}?saved=made"))
    assert "nothing follows until you switch it on" in one


async def test_every_kind_of_condition_can_be_typed_and_comes_back_as_it_was_typed(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    typed = {
        "name": "Everything",
        "outcome": "decline",
        "first_order": "90.50",
        "identical": "3",
        "identical_within": "7d",
        "seen": "4",
        "seen_what": "phone_24h",
        "area": "001, 40 100",
        "street": "Satamakatu  3",
        "postcode": "FI-00140",
    }
    await desk.post(f"{PAGE}/new", data=typed)
    rule = (await the_rule(merchant)).rule
    address = tuple(each.hex() for each in address_of(merchant.id, "satamakatu 3", "00140", "FI"))
    assert address
    assert rule.outcome == "decline"
    assert rule.conditions == (
        FirstOrder(9_050),
        Identical(3, "7d"),
        Velocity("phone", 4, "24h"),
        Area(("001", "40100")),
        Address(address, "00140"),
    )
    again = read(form_of(rule), merchant, rule)
    assert isinstance(again, WantedRule)
    assert again.conditions == rule.conditions
    page = await desk.get(f"{PAGE}/{rule.public_id}")
    assert "Satamakatu" not in page.text, "an address is kept unreadable"
    assert "The address in 00140 that was typed before." in text_of(page)


async def test_what_is_wrong_is_told_at_its_field_and_nothing_typed_is_lost(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    typed = {"value": "a lot", "area": "0a", "street": "Satamakatu 3", "postcode": "1", "identical": "1"}
    answer = await desk.post(f"{PAGE}/new", data={"outcome": "hold", **typed})
    assert answer.status_code == 422
    for field in ("name", "value", "postcode"):
        assert f'id="f-{field}-wrong"' in answer.text
    for value in ("a lot", "0a", "Satamakatu 3"):
        assert f'value="{value}"' in answer.text
    readable = await desk.post(
        f"{PAGE}/new", data={"outcome": "hold", "area": "0a", "seen": "200", "seen_what": "phone_24h"}
    )
    assert readable.status_code == 422
    for field in ("name", "area", "seen"):
        assert f'id="f-{field}-wrong"' in readable.text
    nothing = await desk.post(f"{PAGE}/new", data={"name": "Nothing"})
    assert "Fill in at least one condition." in text_of(nothing)
    assert await rules_of(merchant.id) == ()


async def test_the_preview_tells_how_many_orders_whose_and_how_much_and_saves_nothing(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    aino = await a_person("Aino Virta")
    at = clock.wall() - timedelta(days=1)
    for total_minor in (60_000, 70_000, 100):
        await remember(merchant, total_minor=total_minor, customer_id=aino.id, at=at)
    answer = await desk.post(
        f"{PAGE}/preview", data={"outcome": "hold", "value": "500"}, headers={"HX-Request": "true"}
    )
    assert answer.status_code == 200
    assert not answer.text.lstrip().startswith("<!")
    shown = text_of(answer)
    assert "2 orders would have waited for a person." in shown
    assert "1,300.00" in shown
    assert "Orders looked at 3" in shown
    assert "Approved → Waits for a person" in shown
    assert "Of these, stopped without it anyway 0 Stopped by this rule alone 2" in shown
    assert len(re.findall(r'href="/admin/orders/ord_\w+"', answer.text)) == 2
    whole = await desk.post(f"{PAGE}/preview", data={"outcome": "decline", "value": "500"})
    assert "2 orders would have been declined." in text_of(whole)
    assert 'value="500"' in whole.text, "without scripts the page comes back with what was typed"
    assert await rules_of(merchant.id) == ()


async def test_another_shops_orders_are_in_no_preview(desk: httpx.AsyncClient) -> None:
    await remember(await a_merchant(), total_minor=60_000, at=clock.wall() - timedelta(days=1))
    answer = await desk.post(f"{PAGE}/preview", data={"value": "500"})
    assert "No order was confirmed in the last 90 days" in text_of(answer)


async def test_a_rule_is_switched_on_into_shadow_and_off_and_every_step_is_a_version(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    rule = await a_rule(merchant)
    for version, mode in enumerate(("on", "shadow", "off"), start=1):
        answer = await desk.post(f"{PAGE}/{rule}", data={"do": mode, "version": str(version)})
        assert answer.headers["location"] == f"{PAGE}/{rule}?saved={mode}", answer.text
        assert (await the_rule(merchant)).rule.mode == mode
    page = text_of(await desk.get(f"{PAGE}/{rule}"))
    assert "Version 4 Off Waits for a person Changed: on or off Omena Owner" in page


async def test_a_rule_is_put_away_by_a_second_press_and_restored_and_still_read_meanwhile(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    rule = await a_rule(merchant)
    assert "Removed rules" not in text_of(await desk.get(PAGE))
    page = await desk.get(f"{PAGE}/{rule}")
    assert "Remove the rule It looks at no order any more and leaves the list." in text_of(page)
    answer = await desk.post(f"{PAGE}/{rule}", data={"do": "removed", "version": "1"})
    assert answer.headers["location"] == f"{PAGE}/{rule}?saved=removed"
    away = await desk.get(answer.headers["location"])
    assert "Removed. It looks at no order any more." in text_of(away)
    assert "What it asked The order costs €500.00 or more" in text_of(away)
    assert 'value="off">Restore' in away.text
    assert 'id="f-name"' not in away.text
    listed = text_of(await desk.get(PAGE))
    assert "You have no rules of your own yet." in listed
    assert "Removed rules They look at no order." in listed
    assert "Dear orders" in listed
    await desk.post(f"{PAGE}/{rule}", data={"do": "off", "version": "2"})
    assert (await the_rule(merchant)).rule.mode == "off"
    assert "Removed rules" not in text_of(await desk.get(PAGE))


async def test_the_categories_of_recent_orders_can_be_chosen(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    assert "<datalist" not in (await desk.get(f"{PAGE}/new")).text
    await remember(merchant)
    await remember(merchant, items=(Item("P-1", "Phone", "phones", 1, 12_900, "item"),))
    await remember(await a_merchant(), items=(Item("X-1", "Chair", "chairs", 1, 12_900, "item"),))
    page = (await desk.get(f"{PAGE}/new")).text
    assert re.findall(
        r'<option value="(\w+)"></option>', page.partition("<datalist")[2].partition("</datalist")[0]
    ) == [
        "home",
        "phones",
    ]
    typed = {"name": "Phones", "outcome": "hold", "categories": "toys\r\nphones"}
    await desk.post(f"{PAGE}/new", data={**typed, "category_1": "phones", "category_3": "home"})
    assert (await the_rule(merchant)).rule.conditions == (Goods("categories", ("toys", "phones", "home")),)


async def test_whoever_was_outrun_is_told_and_saves_knowingly(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    rule = await a_rule(merchant)
    await switch_rule(merchant, rule, "on", seen_version=1, actor="staff:st_2", now=clock.wall())
    typed = {"name": "Dear orders", "value": "900", "outcome": "hold"}
    answer = await desk.post(f"{PAGE}/{rule}", data={**typed, "version": "1"})
    assert answer.status_code == 409
    assert "Somebody else has saved version 2 meanwhile" in text_of(answer)
    assert 'value="900"' in answer.text
    assert 'name="version" value="2"' in answer.text
    again = await desk.post(f"{PAGE}/{rule}", data={**typed, "version": "2"})
    assert again.headers["location"] == f"{PAGE}/{rule}?saved=changed"
    found = (await the_rule(merchant)).rule
    assert (found.conditions, found.mode) == ((Value(90_000),), "on")


async def test_the_address_of_a_rule_is_kept_changed_or_let_go(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    before = Address(("ab" * 32,), "00140")
    rule = await a_rule(merchant, Value(50_000), before)
    typed = {"name": "Dear orders", "value": "500", "outcome": "hold"}

    async def saved(version: int, **more: str) -> tuple[Condition, ...]:
        await desk.post(f"{PAGE}/{rule}", data={**typed, **more, "version": str(version)})
        return (await the_rule(merchant)).rule.conditions

    assert await saved(1, address_kept="1") == (Value(50_000), before)
    _, after = await saved(1, address_kept="1", street="Kauppakatu 1", postcode="33100")
    assert isinstance(after, Address)
    assert (after.postcode, after.digests == before.digests) == ("33100", False)
    assert await saved(2) == (Value(50_000),)


async def test_another_shops_rule_is_not_there(desk: httpx.AsyncClient) -> None:
    other = await a_merchant()
    rule = await a_rule(other)
    for answer in (
        await desk.get(f"{PAGE}/{rule}"),
        await desk.post(f"{PAGE}/{rule}", data={"do": "off", "version": "1"}),
        await desk.get(f"{PAGE}/rule_nothing"),
        await desk.post("/admin/rule-snoozes/end", data={"snooze": "x"}),
    ):
        assert answer.status_code == 404
    found = await rule_of(other.id, rule)
    assert found is not None
    assert found.rule.mode == "shadow"


async def test_whoever_reviews_leaves_a_rule_out_for_a_customer_and_the_owner_ends_it(
    app: ASGIApp, desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    aino = await a_person("Aino Virta")
    await remember(merchant, customer_id=aino.id)
    typed = {
        "rule": await a_rule(merchant),
        "customer": aino.public_id,
        "days": "30",
        "next": "/admin/reviews/case_1",
    }
    async with pages.browser(app) as reviewer:
        await sign_in(reviewer, await somebody_of_the_staff(merchant, "risto@havu.example", "reviewer"))
        answer = await reviewer.post("/admin/rule-snoozes", data=typed)
        assert answer.headers["location"] == "/admin/reviews/case_1#found"
        assert (await reviewer.get(PAGE)).status_code == 403
        assert (await reviewer.post("/admin/rule-snoozes", data={**typed, "days": "9999"})).status_code == 422
        foreign = {**typed, "customer": (await a_person("Anybody")).public_id}
        assert (await reviewer.post("/admin/rule-snoozes", data=foreign)).status_code == 404
        away = await reviewer.post("/admin/rule-snoozes", data={**typed, "next": "https://evil.example/"})
        assert away.headers["location"] == PAGE
    page = text_of(await desk.get(PAGE))
    assert "Aino Virta Dear orders · until" in page
    [snooze] = await running_snoozes(merchant.id, clock.wall())
    await desk.post("/admin/rule-snoozes/end", data={"snooze": str(snooze.id)})
    assert await running_snoozes(merchant.id, clock.wall()) == ()


@pytest.mark.parametrize("role", ["cashier", "support"])
async def test_nobody_else_changes_rules(app: ASGIApp, merchant: Merchant, role: str) -> None:
    rule = await a_rule(merchant)
    async with pages.browser(app) as client:
        await sign_in(client, await somebody_of_the_staff(merchant, f"{role}@havu.example", role))
        for answer in (
            await client.get(PAGE),
            await client.post(f"{PAGE}/new", data=TYPED),
            await client.post(f"{PAGE}/{rule}", data={"do": "on", "version": "1"}),
            await client.post("/admin/rule-snoozes", data={}),
        ):
            assert answer.status_code == 403


async def test_the_page_of_a_held_order_offers_the_rules_that_found_something(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    rule = await a_rule(merchant, Value(100))
    await switch_rule(merchant, rule, "on", seen_version=1, actor="staff:st_1", now=clock.wall())
    _, case = await a_held_purchase(merchant)
    page = (await desk.get(f"/admin/reviews/{case.public_id}")).text
    form = page.partition('action="/admin/rule-snoozes"')[2].partition("</form>")[0]
    assert f'<option value="{rule}">Dear orders</option>' in form
    fields = dict(re.findall(r'name="(\w+)" value="([^"]+)"', form))
    answer = await desk.post("/admin/rule-snoozes", data={**fields, "rule": rule, "days": "7"})
    assert answer.headers["location"] == f"/admin/reviews/{case.public_id}#found", answer.text
    [snooze] = await running_snoozes(merchant.id, clock.wall())
    assert snooze.rule == rule


async def test_the_case_tells_what_is_left_out_for_its_customer_and_whoever_reviews_puts_it_back(
    app: ASGIApp, desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    rule = await a_rule(merchant, Value(100))
    await switch_rule(merchant, rule, "on", seen_version=1, actor="staff:st_1", now=clock.wall())
    _, case = await a_held_purchase(merchant)
    address = f"/admin/reviews/{case.public_id}"
    form = (await desk.get(address)).text.partition('action="/admin/rule-snoozes"')[2].partition("</form>")[0]
    fields = dict(re.findall(r'name="(\w+)" value="([^"]+)"', form))
    await desk.post("/admin/rule-snoozes", data={**fields, "rule": rule, "days": "7"})
    async with pages.browser(app) as reviewer:
        await sign_in(reviewer, await somebody_of_the_staff(merchant, "risto@havu.example", "reviewer"))
        page = await reviewer.get(address)
        assert "Left out for this customer Dear orders until" in text_of(page)
        assert "Omena Owner Put it back : Dear orders" in text_of(page)
        assert f'<option value="{rule}">' not in page.text, "it is left out already"
        [snooze] = await running_snoozes(merchant.id, clock.wall())
        back = await reviewer.post(
            "/admin/rule-snoozes/end", data={"snooze": str(snooze.id), "next": address}
        )
        assert back.headers["location"] == f"{address}#found"
        again = await reviewer.get(address)
    assert "Left out for this customer" not in again.text
    assert f'<option value="{rule}">' in again.text
