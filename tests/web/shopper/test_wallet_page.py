"""The wallet, as its owner sees it: every cent with where it came from and went, points, and the way out."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from app.kernel import clock, db
from app.kernel.money import Money
from app.loyalty.rules import Tier
from app.merchants.queries import Merchant, forget_kept_merchants
from app.wallet import actions as wallets
from app.wallet.queries import wallet
from app.wallet.rules import WalletCause
from tests.factories.checkout import PHONE, a_line, a_merchant
from tests.factories.invoices import a_purchase, drawn, paid
from tests.factories.loyalty import AT_ONCE, PLAIN, a_shop, buyer_of, earned, wallet_switched
from tests.factories.wallets import owes
from tests.web.shopper.test_account import another, sign_in
from tests.web.shopper.test_flow import HTMX, the_code
from tests.web.shopper.test_purchases import a_phone_is_proved, words

IBAN = "FI21 1234 5600 0007 85"


async def an_owner(client: httpx.AsyncClient, shop: Merchant) -> tuple[str, str]:
    """Somebody who has bought for 240 euros and is signed in: their id and the order's."""
    order = await a_purchase(shop, a_line(price="240.00"))
    await a_phone_is_proved()
    await sign_in(client)
    return await buyer_of(shop, order), order


async def came(
    shop: Merchant,
    who: str,
    amount_minor: int,
    about: str,
    cause: WalletCause = WalletCause.REFUND,
    *,
    key: str = "first",
    lapses_in: timedelta | None = None,
) -> None:
    now = await clock.business_now()
    until = now + lapses_in if lapses_in else None
    amount = Money(amount_minor, shop.currency)
    await db.in_tx(
        lambda: wallets.add(shop, who, amount, cause=cause, about=about, key=key, now=now, expires_at=until)
    )


async def test_one_shop_opens_its_wallet_at_once_and_an_empty_one_says_how_money_comes_in(
    client: httpx.AsyncClient,
) -> None:
    await an_owner(client, await a_shop(None))
    page = await client.get("/wallet")
    assert page.status_code == 200
    assert page.headers["cache-control"] == "no-store"
    text = words(page.text)
    assert "Wallet Havu & Kivi" in text
    assert "€0.00" in text
    assert "Nothing has come in yet." in text
    assert "Turn points into money" not in text


async def test_every_cent_is_explained_from_the_page_alone(client: httpx.AsyncClient) -> None:
    shop = await a_shop(None)
    who, order = await an_owner(client, shop)
    await came(shop, who, 40_00, order)
    await came(shop, who, 5_50, "wad_1", WalletCause.GIFT, key="second")
    now = await clock.business_now()
    hold = await db.in_tx(
        lambda: wallets.hold(
            shop,
            who,
            Money(12_00, "EUR"),
            about=order,
            key="hold",
            expires_at=now + timedelta(minutes=30),
            now=now,
        )
    )
    await db.in_tx(lambda: wallets.capture(shop, who, hold.id, about=order, key="paid", now=now))
    text = words((await client.get("/wallet")).text)
    assert "Balance €33.50" in text
    assert "Money back for a purchase SHOP-1001 Since" in text
    assert "left of €40.00 · never lapses €28.00" in text
    assert "A gift from the shop Since" in text
    moves = text.partition("Balance after")[2]
    assert re.search(
        r"Paid for a purchase SHOP-1001 -€12.00 €33.50 .* A gift from the shop \+€5.50 €45.50"
        r" .* Money back for a purchase SHOP-1001 \+€40.00 €40.00",
        moves,
    ), moves
    assert f'href="/purchases/{order}"' in (await client.get("/wallet")).text


async def test_what_is_set_aside_is_told_with_its_order(client: httpx.AsyncClient) -> None:
    shop = await a_shop(None)
    who, order = await an_owner(client, shop)
    await came(shop, who, 40_00, order)
    now = await clock.business_now()
    until = now + timedelta(minutes=30)
    await db.in_tx(
        lambda: wallets.hold(
            shop, who, Money(15_00, "EUR"), about=order, key="hold", expires_at=until, now=now
        )
    )
    text = words((await client.get("/wallet")).text)
    assert "Balance €40.00 Can be paid with now €25.00 Set aside for order SHOP-1001 until" in text


async def test_the_balance_of_a_past_day_and_a_day_that_is_none(client: httpx.AsyncClient) -> None:
    shop = await a_shop(None)
    who, order = await an_owner(client, shop)
    await came(shop, who, 40_00, order)
    today = shop.local_date(await clock.business_now())
    text = words((await client.get(f"/wallet?on={today.isoformat()}")).text)
    assert "ended there was €40.00 in it." in text
    before = today - timedelta(days=1)
    assert "ended there was nothing in it." in words((await client.get(f"/wallet?on={before}")).text)
    for typed in ("yesterday", "2026-02-30", "9999-12-31", "0001-01-01", "2026-11-2'"):
        answer = await client.get("/wallet", params={"on": typed})
        assert answer.status_code == 200, typed


async def test_the_statement_is_paged_without_a_gap(client: httpx.AsyncClient) -> None:
    shop = await a_shop(None)
    who, order = await an_owner(client, shop)
    for number in range(30):
        await came(shop, who, 100, order, key=f"n{number}")
    page = (await client.get("/wallet")).text
    assert len(re.findall(r"<tr><td>", page)) == 25
    older = re.search(r'href="(/wallet\?shop=\w+&amp;before=\d+)"', page)
    assert older is not None
    rest = (await client.get(older[1].replace("&amp;", "&"))).text
    assert len(re.findall(r"<tr><td>", rest)) == 5
    assert (await client.get("/wallet?before=garbage")).status_code == 404


async def test_a_statement_as_csv_has_every_movement_and_as_pdf_is_a_pdf(client: httpx.AsyncClient) -> None:
    shop = await a_shop(None)
    who, order = await an_owner(client, shop)
    await came(shop, who, 40_00, order)
    await came(shop, who, 1_25, "wad_1", WalletCause.GIFT, key="second")
    sheet = await client.get("/wallet/statement.csv")
    assert sheet.status_code == 200
    assert sheet.headers["cache-control"] == "no-store"
    rows = list(csv.reader(io.StringIO(sheet.text.removeprefix("\ufeff"))))
    assert rows[0] == ["When", "What", "Order", "Came in", "Went out", "Balance after", "Currency"]
    assert [row[1:] for row in rows[1:]] == [
        ["A gift from the shop", "", "1.25", "", "41.25", "EUR"],
        ["Money back for a purchase", "SHOP-1001", "40.00", "", "40.00", "EUR"],
    ]
    printed = await client.get(f"/wallet/statement.pdf?shop={shop.public_id}")
    assert printed.headers["content-type"] == "application/pdf"
    assert printed.content.startswith(b"%PDF")


async def test_points_are_turned_once_however_often_the_button_is_pressed(client: httpx.AsyncClient) -> None:
    shop = await a_shop(AT_ONCE)
    who, order = await an_owner(client, shop)
    assert await earned(shop, order) == 240
    page = (await client.get("/wallet")).text
    text = words(page)
    assert "You give 200 points You get €2.00 Points after it 40 points Balance after it €2.00" in text
    form = dict(
        re.findall(r'name="(shop|points|key)" value="([^"]+)"', page.partition("/wallet/points")[2])[:3]
    )
    done = f"/wallet?shop={shop.public_id}&done=turned"
    for _ in range(2):
        answer = await client.post("/wallet/points", data=form)
        assert (answer.status_code, answer.headers["location"]) == (303, done)
    text = words((await client.get(done)).text)
    assert "Your points are money now." in text
    assert "Balance €2.00" in text
    assert "Points turned into money: 200 points +€2.00 €2.00" in text
    assert "Turned into money: €2.00" in text
    sheet = (await client.get("/wallet/statement.csv")).text
    assert '"Points turned into money: 200 points","","2.00",,"2.00","EUR"' in sheet
    assert "Earned by a purchase SHOP-1001" in text
    assert await balance(shop, who) == 2_00


async def balance(shop: Merchant, who: str) -> int:
    return (await wallet(shop, who, await clock.business_now())).balance_minor


async def test_points_that_are_not_usable_yet_say_when_and_have_no_button(client: httpx.AsyncClient) -> None:
    shop = await a_shop(PLAIN)
    _, order = await an_owner(client, shop)
    await earned(shop, order)
    page = (await client.get("/wallet")).text
    assert "240 points" in words(page)
    assert "Can be used now 0 points From" in words(page)
    assert 'action="/wallet/points"' not in page


async def test_fewer_points_are_shown_with_their_figures_before_the_press(client: httpx.AsyncClient) -> None:
    shop = await a_shop(AT_ONCE)
    _, order = await an_owner(client, shop)
    await earned(shop, order)
    text = words((await client.get("/wallet?turn=100")).text)
    assert "You give 100 points You get €1.00 Points after it 140 points" in text
    for wished in ("99", "1000", "-5", "x", "9" * 30):
        assert "You give 200 points" in words((await client.get("/wallet", params={"turn": wished})).text)


@pytest.mark.parametrize(
    ("points", "key"), [("1000", "k" * 20), ("150", "k" * 20), ("-100", "k" * 20), ("100", "k"), ("", "")]
)
async def test_a_made_up_turn_changes_nothing_and_says_so(
    client: httpx.AsyncClient, points: str, key: str
) -> None:
    shop = await a_shop(AT_ONCE)
    who, order = await an_owner(client, shop)
    await earned(shop, order)
    form = {"shop": shop.public_id, "points": points, "key": key}
    answer = await client.post("/wallet/points", data=form)
    assert answer.status_code == 409
    assert "Nothing was turned" in answer.text
    assert await balance(shop, who) == 0


async def test_a_wallet_of_a_shop_that_is_not_one_s_own_is_not_found(client: httpx.AsyncClient) -> None:
    shop = await a_shop(AT_ONCE)
    await an_owner(client, shop)
    other = await a_merchant("Lumo")
    for path in ("/wallet", "/wallet/statement.csv", "/wallet/statement.pdf", "/wallet/payout"):
        assert (await client.get(f"{path}?shop={other.public_id}")).status_code == 404, path
    form = {"shop": other.public_id, "points": "100", "key": "k" * 20}
    for path in ("/wallet/points", "/wallet/payout"):
        assert (await client.post(path, data=form)).status_code == 404
    async with another(client) as stranger:
        assert (await stranger.get(f"/wallet?shop={shop.public_id}")).status_code == 303
        assert (await stranger.post("/wallet/points", data=form)).headers[
            "location"
        ] == "/account?next=/wallet"


async def test_several_shops_are_chosen_from_with_what_is_in_each(client: httpx.AsyncClient) -> None:
    first = await a_shop(None)
    who, order = await an_owner(client, first)
    second = await a_merchant("Lumo")
    await a_purchase(second)
    await came(first, who, 7_00, order)
    text = words((await client.get("/wallet")).text)
    assert "Havu & Kivi €7.00 Lumo €0.00" in text
    assert "Balance €7.00" in words((await client.get(f"/wallet?shop={first.public_id}")).text)


@pytest.mark.parametrize("movements", [1, 30])
async def test_the_page_costs_the_same_whatever_is_in_the_wallet(
    client: httpx.AsyncClient, movements: int
) -> None:
    shop = await a_shop(AT_ONCE)
    who, order = await an_owner(client, shop)
    await earned(shop, order)
    for number in range(movements):
        await came(shop, who, 100, order, key=f"n{number}")
    with db.counting() as counts:
        await client.get("/wallet")
    # Who asks, the shops; lots, holds, movements, those of points; points, of four statements; the tier; payouts; the
    # orders' numbers; points that were turned.
    assert (counts.queries, counts.writes) == (14, 0)


# --- the shop has switched its wallet off ---


async def a_closed_wallet(
    client: httpx.AsyncClient, amount_minor: int = 40_00, *, owed_minor: int = 0
) -> tuple[Merchant, str]:
    shop = await a_shop(None)
    who, order = await an_owner(client, shop)
    [invoice] = await drawn(shop, order)
    await paid(shop, invoice, 240_00 - owed_minor)
    if amount_minor:
        await came(shop, who, amount_minor, order)
    shop = await wallet_switched(shop, on=False)
    forget_kept_merchants()
    await db.in_tx(lambda: db.execute("DELETE FROM limits WHERE scope = 'code.phone.minute'"))
    return shop, who


async def test_a_wallet_that_is_closed_says_so_and_offers_its_money(client: httpx.AsyncClient) -> None:
    shop, _ = await a_closed_wallet(client)
    page = await client.get("/wallet")
    assert "This shop has closed its wallet" in page.text
    assert "stays yours" in page.text
    assert f'href="/wallet/payout?shop={shop.public_id}"' in page.text


async def test_money_is_paid_out_after_a_code_that_names_sum_and_account(client: httpx.AsyncClient) -> None:
    shop, who = await a_closed_wallet(client)
    token = client.cookies["kolme_customer"]
    asked = await client.post(
        "/wallet/payout", data={"shop": shop.public_id, "iban": IBAN, "holder": "Aino Virta"}
    )
    assert asked.status_code == 200, asked.text
    message = await db.fetch_value("SELECT body FROM sandbox_messages ORDER BY id DESC LIMIT 1")
    assert "pay out €40.00 to the account ending in 0785" in message
    assert IBAN.replace(" ", "") not in message + asked.text
    sealed = re.search(r'name="typed" value="([^"]+)"', asked.text)
    assert sealed is not None
    form = {"shop": shop.public_id, "typed": sealed[1]}
    wrong = "000000" if await the_code() != "000000" else "111111"
    refused = await client.post("/wallet/payout/confirm", data={**form, "code": wrong})
    assert "You have 4 tries left" in refused.text
    answer = await client.post("/wallet/payout/confirm", data={**form, "code": await the_code()})
    assert answer.headers.get("location") == f"/wallet?shop={shop.public_id}&done=payout", answer.text
    assert client.cookies["kolme_customer"] != token, "a new secret, because more was allowed with it"
    text = words((await client.get(answer.headers["location"])).text)
    assert "The payout is on its way" in text
    assert "To the account ending in 0785" in text
    assert "Can be paid with now €0.00 Set aside for a payout €40.00" in text
    again = await client.post("/wallet/payout/confirm", data={**form, "code": await the_code()})
    assert again.status_code == 422
    assert await db.fetch_value("SELECT count(*) FROM wallet_payouts") == 1
    assert await balance(shop, who) == 40_00


@pytest.mark.parametrize(
    ("owed_minor", "sum_shown", "sentence"),
    [
        (
            15_00,
            "€25.00 from your wallet",
            "You still owe €15.00 for purchases at Havu & Kivi. That much stays",
        ),
        (40_00, "€0.00 from your wallet", "Nothing can be paid out until they are paid"),
    ],
)
async def test_what_is_owed_to_the_shop_stays_in_the_wallet_and_the_page_says_so(
    client: httpx.AsyncClient, owed_minor: int, sum_shown: str, sentence: str
) -> None:
    shop, _ = await a_closed_wallet(client, owed_minor=owed_minor)
    await db.in_tx(lambda: db.execute("UPDATE customer_sessions SET way = 'bank'"))
    text = words((await client.get(f"/wallet/payout?shop={shop.public_id}")).text)
    assert sum_shown in text
    assert sentence in text
    form = {"shop": shop.public_id, "iban": IBAN, "holder": "Aino Virta"}
    answer = await client.post("/wallet/payout", data=form)
    asked = await db.fetch_value("SELECT sum(amount_minor)::bigint FROM wallet_payouts")
    if owed_minor == 40_00:
        assert answer.status_code == 409
        assert sentence in words(answer.text)
        assert f'value="{IBAN}"' in answer.text
        assert asked is None
    else:
        assert answer.headers["location"].endswith("done=payout")
        assert asked == 25_00


async def test_a_debt_that_came_while_the_code_was_on_its_way_leaves_the_money_where_it_is(
    client: httpx.AsyncClient,
) -> None:
    shop, who = await a_closed_wallet(client)
    form = {"shop": shop.public_id, "iban": IBAN, "holder": "Aino Virta"}
    sealed = re.search(r'name="typed" value="([^"]+)"', (await client.post("/wallet/payout", data=form)).text)
    assert sealed is not None
    await owes(shop, who, 15_00)
    answer = await client.post(
        "/wallet/payout/confirm",
        data={"shop": shop.public_id, "typed": sealed[1], "code": await the_code()},
    )
    assert answer.status_code == 409
    text = words(answer.text)
    assert "You still owe €15.00" in text
    assert "€25.00 from your wallet" in text
    assert 'value="FI2112345600000785"' in answer.text
    assert await db.fetch_value("SELECT count(*) FROM wallet_payouts") == 0


async def test_a_code_for_one_account_lets_nothing_go_to_another(client: httpx.AsyncClient) -> None:
    shop, _ = await a_closed_wallet(client)
    form = {"shop": shop.public_id, "iban": IBAN, "holder": "Aino Virta"}
    await client.post("/wallet/payout", data=form)
    code = await the_code()
    await db.in_tx(lambda: db.execute("DELETE FROM limits WHERE scope = 'code.phone.minute'"))
    other = await client.post("/wallet/payout", data={**form, "iban": "FI49 5000 9420 0287 30"})
    sealed = re.search(r'name="typed" value="([^"]+)"', other.text)
    assert sealed is not None
    answer = await client.post(
        "/wallet/payout/confirm", data={"shop": shop.public_id, "typed": sealed[1], "code": code}
    )
    assert answer.status_code == 422
    assert await db.fetch_value("SELECT count(*) FROM wallet_payouts") == 0


@pytest.mark.parametrize(
    ("field", "sentence"),
    [
        ({"iban": "FI21 1234 5600 0007 86"}, "This is no account number (IBAN)."),
        ({"iban": ""}, "Enter the account number."),
        ({"holder": " "}, "Enter whose account it is."),
    ],
)
async def test_an_account_that_cannot_be_is_told_at_its_field(
    client: httpx.AsyncClient, field: dict[str, str], sentence: str
) -> None:
    shop, _ = await a_closed_wallet(client)
    form = {"shop": shop.public_id, "iban": IBAN, "holder": "Aino Virta", **field}
    answer = await client.post("/wallet/payout", data=form, headers=HTMX)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert await db.fetch_value("SELECT count(*) FROM wallet_payouts") == 0


async def test_whoever_came_by_their_bank_just_now_needs_no_code_and_later_must_prove_it_again(
    client: httpx.AsyncClient,
) -> None:
    shop, _ = await a_closed_wallet(client)
    await db.in_tx(lambda: db.execute("UPDATE customer_sessions SET way = 'bank'"))
    old = "UPDATE customer_sessions SET created_at = created_at - interval '6 minutes'"
    form = {"shop": shop.public_id, "iban": IBAN, "holder": "Aino Virta"}
    answer = await client.post("/wallet/payout", data=form)
    assert answer.headers.get("location", "").endswith("done=payout")
    await db.in_tx(lambda: db.execute(old))
    await db.in_tx(lambda: db.execute("UPDATE customers SET phone = NULL"))
    assert "nothing in it that could be paid out" in (await client.post("/wallet/payout", data=form)).text


async def test_while_the_wallet_is_on_nothing_is_paid_out_by_its_owner(client: httpx.AsyncClient) -> None:
    shop = await a_shop(None)
    who, order = await an_owner(client, shop)
    await came(shop, who, 40_00, order)
    for answer in (
        await client.get(f"/wallet/payout?shop={shop.public_id}"),
        await client.post("/wallet/payout", data={"shop": shop.public_id, "iban": IBAN, "holder": "A"}),
    ):
        assert answer.headers["location"] == "/wallet"
    assert await db.fetch_value("SELECT count(*) FROM wallet_payouts") == 0


async def test_a_tier_says_how_far_the_next_one_is(client: httpx.AsyncClient) -> None:
    tiers = (Tier("Silver", 100, 1_20), Tier("Gold", 1_000, 1_50))
    shop = await a_shop(replace(AT_ONCE, tiers=tiers))
    _, order = await an_owner(client, shop)
    await earned(shop, order)
    text = words((await client.get("/wallet")).text)
    assert "Your tier Silver 760 points more to Gold" in text
    assert PHONE not in text
