"""The programme's page: saved as typed or not at all, with every fault at its field, and a preview of what is typed."""

from __future__ import annotations

import html
import re

import httpx

from app.loyalty.checks import CATEGORIES_MAX
from app.loyalty.queries import latest_programme, programme_versions
from app.loyalty.rules import CategoryRate, Rate, Tier, Turning
from app.merchants.queries import Merchant
from app.web.admin.loyalty_forms import form_of, moved_up, read
from app.web.shared.forms import Form
from tests.factories.loyalty import PLAIN
from tests.support import pages
from tests.web.admin.conftest import a_person, sign_in

PAGE = "/admin/settings/loyalty"
PREVIEW = f"{PAGE}/preview"
TYPED = {
    "version": "0",
    "active": "1",
    "rate": "1",
    "rounding": "down",
    "pending": "14",
    "expiry": "24",
    "per-unit": "100",
    "minimum": "100",
    "step": "100",
    "price": "49.90",
}


def text_of(answer: httpx.Response) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


async def test_a_programme_is_saved_as_it_is_typed_and_holds(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    more = {
        "category-0": "Home",
        "category-0-rate": "2,5",
        "category-2": "Gift cards",
        "category-2-rate": "0",
        "tier-1": "Gold",
        "tier-1-from": "500",
        "tier-1-times": "1.5",
    }
    answer = await desk.post(PAGE, data=TYPED | more)
    assert answer.headers["location"] == f"{PAGE}?saved=1"
    held = await latest_programme(merchant.id)
    assert held is not None
    programme = held.programme
    assert (programme.active, programme.rate, programme.turning) == (
        True,
        Rate.per_unit(1_00),
        Turning(100, 100, 100),
    )
    assert programme.categories == (
        CategoryRate("Home", Rate.per_unit(2_50)),
        CategoryRate("Gift cards", None),
    )
    assert programme.tiers == (Tier("Gold", 500, 1_50),)
    page = await desk.get(f"{PAGE}?saved=1")
    assert "Saved. It holds for what is paid from now on." in text_of(page)
    assert 'name="category-1" type="text" value="Gift cards"' in page.text
    assert "Omena Owner" in text_of(page)


async def test_the_page_of_a_shop_without_a_programme_proposes_one_that_is_off(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    page = await desk.get(PAGE)
    assert page.status_code == 200
    assert 'name="active" value="1">' in page.text
    assert "A €49.90 order would earn 49 points." in text_of(page)
    assert await latest_programme(merchant.id) is None


FAULTS = (
    ("rate", "many", "Enter a number from 0 to 100, like 1 or 1.5."),
    ("rate", "100.01", "Enter a number from 0 to 100, like 1 or 1.5."),
    ("rate", "-1", "Enter a number from 0 to 100, like 1 or 1.5."),
    ("rate", "", "Enter a number from 0 to 100, like 1 or 1.5."),
    ("rounding", "up", "Choose one of the two."),
    ("pending", "121", "Enter whole days, from 0 to 120."),
    ("pending", "1.5", "Enter whole days, from 0 to 120."),
    ("expiry", "0", "Enter whole months, from 1 to 120, or leave the field empty."),
    ("per-unit", "0", "Enter whole points, from 1 to 1,000,000."),
    ("per-unit", "300", "One step must be worth whole cents."),
    ("minimum", "150", "Enter a number of whole steps."),
    ("minimum", "9999999999", "Enter whole points, from 1 to 1,000,000."),
    ("step", "-5", "Enter whole points, from 1 to 1,000,000."),
    ("category-0-rate", "2", "Enter a name, or empty the whole row."),
    ("category-0", "Home", "Enter a number from 0 to 100, like 1 or 1.5."),
    ("category-0", "x" * 61, "This is too long."),
    ("period-0", "Summer", "Enter a day like 2026-11-22."),
    ("tier-0-from", "x", "Enter whole points, from 0 to 1,000,000."),
)

# Where a field is read together with another one, it is told at that one.
ELSEWHERE = {
    "per-unit-300": "step",
    "category-0-rate": "category-0",
    "category-0": "category-0-rate",
    "period-0": "period-0-first",
}


async def test_what_cannot_be_is_told_at_its_field_and_nothing_typed_is_lost(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    for name, typed, told in FAULTS:
        answer = await desk.post(
            PAGE, data=TYPED | {name: typed, "category-1": "Kept", "category-1-rate": "3"}
        )
        assert answer.status_code == 422, (name, typed)
        assert told in text_of(answer), (name, typed)
        assert 'value="Kept"' in answer.text, (name, typed)
        if name != "rounding":
            at = (
                name
                if told.startswith("This is")
                else ELSEWHERE.get(f"{name}-{typed}", ELSEWHERE.get(name, name))
            )
            assert f'id="f-{at}-wrong"' in answer.text, (name, typed)
            assert f'value="{typed}"' in answer.text, (name, typed)
    assert await programme_versions(merchant.id) == ()


async def test_a_period_that_ends_before_it_begins_and_a_tier_twice_are_refused(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    period = {
        "period-0": "P",
        "period-0-first": "2026-12-02",
        "period-0-last": "2026-12-01",
        "period-0-times": "2",
    }
    tiers = {
        "tier-0": "Silver",
        "tier-0-from": "100",
        "tier-0-times": "1",
        "tier-1": "Gold",
        "tier-1-from": "100",
        "tier-1-times": "2",
    }
    answer = await desk.post(PAGE, data=TYPED | period | tiers)
    assert answer.status_code == 422
    assert "The last day comes before the first one." in text_of(answer)
    assert "Another tier begins at the same number of points." in text_of(answer)
    assert await programme_versions(merchant.id) == ()


async def test_more_rows_than_may_be_are_refused(desk: httpx.AsyncClient) -> None:
    rows = {f"category-{index}": f"C{index}" for index in range(CATEGORIES_MAX + 1)}
    rates = {f"category-{index}-rate": "1" for index in range(CATEGORIES_MAX + 1)}
    answer = await desk.post(PAGE, data=TYPED | rows | rates)
    assert answer.status_code == 422
    assert "There are more rows than a programme can have." in text_of(answer)


async def test_the_preview_follows_what_is_typed_and_saves_nothing(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    typed = TYPED | {
        "rate": "2",
        "category-0": "Home",
        "category-0-rate": "3",
        "tier-0": "Gold",
        "tier-0-from": "0",
        "tier-0-times": "2",
        "price": "10,00",
    }
    piece = await desk.post(PREVIEW, data=typed, headers={"HX-Request": "true"})
    assert piece.status_code == 200
    assert piece.text.lstrip().startswith('<div id="preview"')
    assert "A €10.00 order would earn 20 points. Worth €0.20 when turned into money." in text_of(piece)
    assert "All others 20 40 Home 30 60" in text_of(piece)
    page = await desk.post(PREVIEW, data=typed)
    assert "A €10.00 order would earn 20 points." in text_of(page)
    assert 'name="category-0" type="text" value="Home"' in page.text
    assert await programme_versions(merchant.id) == ()


async def test_a_preview_of_what_cannot_be_read_says_so(desk: httpx.AsyncClient) -> None:
    no_price = "Enter the price of an order, like 49.90."
    unreadable = "The preview comes back as soon as everything that is typed can be read."
    cases = (("price", "free"), ("price", "-1"), ("price", "0"), ("rate", "x"))
    for name, typed in cases:
        answer = await desk.post(PREVIEW, data=TYPED | {name: typed}, headers={"HX-Request": "true"})
        assert answer.status_code == 200, typed
        assert (no_price if name == "price" else unreadable) in text_of(answer), typed


async def test_who_saves_over_a_newer_version_is_told_first_and_may_do_it_knowingly(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    await desk.post(PAGE, data=TYPED)
    answer = await desk.post(PAGE, data=TYPED | {"rate": "5"})
    assert answer.status_code == 409
    assert "Somebody else has saved version 1 meanwhile" in text_of(answer)
    assert 'name="rate" type="text" value="5"' in answer.text
    assert len(await programme_versions(merchant.id)) == 1
    again = await desk.post(PAGE, data=TYPED | {"rate": "5", "version": "1"})
    assert again.status_code == 303
    page = await desk.get(PAGE)
    assert "Version 2 on Changed: basic rate" in text_of(page)


async def test_a_version_that_nobody_saw_saves_nothing(desk: httpx.AsyncClient, merchant: Merchant) -> None:
    for version in ("", "x", "-1", "99999999999"):
        assert (await desk.post(PAGE, data=TYPED | {"version": version})).status_code == 409, version
    assert await programme_versions(merchant.id) == ()


async def test_only_the_owner_sees_the_programme(app: object, merchant: Merchant) -> None:
    cashier = await a_person(merchant, "till@havu.example", role="cashier")
    async with pages.browser(app) as client:  # type: ignore[arg-type]  # the fixture's application
        await sign_in(client, cashier)
        assert (await client.get(PAGE)).status_code == 403
        assert (await client.post(PAGE, data=TYPED)).status_code == 403


def test_a_saved_programme_survives_its_form() -> None:
    assert read(moved_up(form_of(PLAIN, 3))) == PLAIN


def test_rows_that_are_emptied_let_those_behind_them_move_up() -> None:
    form = moved_up(Form({"tier-0": "", "tier-2": "Gold", "tier-2-from": "5", "rate": "1"}))
    assert (form.value("tier-0"), form.value("tier-0-from"), form.value("tier-2")) == ("Gold", "5", "")
