"""Who pays how at a shop: the owner sees what holds, changes it in one go, and reads how the law is read."""

from __future__ import annotations

import httpx
import pytest
from litestar.types import ASGIApp

from app.kernel import db
from app.merchants.queries import Merchant, merchant_by_id
from tests.support import pages
from tests.web.admin.conftest import a_person, sign_in

ADDRESS = "/admin/settings/paying"
TYPED = {"credit_limit": "1500.00", "code_alone": "200,00", "passkeys": "never"}


async def saved(merchant: Merchant) -> tuple[int, int | None, bool | None, bool]:
    found = await merchant_by_id(merchant.id)
    assert found is not None
    return (
        found.credit_limit_minor,
        found.code_alone_max_minor,
        found.passkey_counts,
        found.recognise_returning,
    )


async def audited() -> list[tuple[str, object]]:
    rows = await db.fetch_all("SELECT actor, detail FROM audit_log WHERE action = 'merchant.paying_rules'")
    return [(row["actor"], row["detail"]) for row in rows]


async def test_the_page_shows_what_holds_and_which_reading_of_the_law_is_active(
    desk: httpx.AsyncClient,
) -> None:
    page = (await desk.get("/admin/settings")).text
    assert 'value="2000.00"' in page
    assert 'value="as-codes" checked' in page
    assert 'name="recognise" value="1" checked' in page
    active = page.index("A code is enough for customers who have been identified before")
    assert page.index(">active<") > active
    assert page.count(">active<") == 1
    assert "KSL 6:12c" in page


async def test_one_post_changes_all_four_and_the_audit_log_says_who_and_what_was_before(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    answer = await desk.post(ADDRESS, data=TYPED)
    assert answer.headers["location"] == "/admin/settings?saved=paying"
    assert await saved(merchant) == (150_000, 20_000, False, False)
    [(actor, detail)] = await audited()
    assert actor.startswith("staff:")
    assert detail == {
        "changed": {
            "credit_limit_minor": [200_000, 150_000],
            "code_alone_max_minor": [None, 20_000],
            "passkey_counts": [None, False],
            "recognise_returning": [True, False],
        }
    }
    assert "It holds from now on" in (await desk.get("/admin/settings?saved=paying")).text


async def test_an_empty_sum_for_codes_is_the_law_files_again(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    await desk.post(ADDRESS, data=TYPED)
    await desk.post(ADDRESS, data=TYPED | {"code_alone": "", "passkeys": "as-codes", "recognise": "1"})
    assert await saved(merchant) == (150_000, None, None, True)


async def test_saving_what_holds_already_writes_nothing_down(desk: httpx.AsyncClient) -> None:
    same = {"credit_limit": "2000", "code_alone": "", "passkeys": "as-codes", "recognise": "1"}
    assert (await desk.post(ADDRESS, data=same)).status_code == 303
    assert await audited() == []


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"credit_limit": "a lot"}, "Enter a sum above zero"),
        ({"credit_limit": ""}, "Enter a sum above zero"),
        ({"credit_limit": "0"}, "Enter a sum above zero"),
        ({"credit_limit": "-5"}, "Enter a sum above zero"),
        ({"credit_limit": "99999999999999"}, "Enter a sum above zero"),
        ({"code_alone": "500.01"}, "The law file of your country allows €500.00 at most."),
        ({"code_alone": "much"}, "Enter a sum like 200.00, or leave the field empty."),
        ({"passkeys": "sometimes"}, "Choose one of the three."),
        ({"passkeys": ""}, "Choose one of the three."),
    ],
)
async def test_what_cannot_be_is_told_at_its_field_and_nothing_is_saved(
    desk: httpx.AsyncClient, merchant: Merchant, typed: dict[str, str], words: str
) -> None:
    page = await desk.post(ADDRESS, data=TYPED | typed)
    assert page.status_code == 422
    assert words in page.text
    for name in ("credit_limit", "code_alone"):
        assert f'value="{(TYPED | typed)[name]}"' in page.text
    assert await saved(merchant) == (200_000, None, None, True)
    assert await audited() == []


async def test_nobody_but_an_owner_changes_them(app: ASGIApp, merchant: Merchant) -> None:
    person = await a_person(merchant, "riku@havu.example", role="reviewer")
    async with pages.browser(app) as client:
        await sign_in(client, person)
        assert (await client.post(ADDRESS, data=TYPED)).status_code == 403
    assert await saved(merchant) == (200_000, None, None, True)
