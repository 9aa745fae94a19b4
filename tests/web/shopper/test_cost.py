"""What each request of the shortest purchase costs the database. A figure that grows here was grown on purpose."""

from __future__ import annotations

import httpx
import pytest

from app import doors
from app.checkout.actions import identify_by_code, request_code
from app.kernel import clock, db
from tests.factories.checkout import (
    ADDRESS,
    PHONE,
    POSTCODE,
    Shopper,
    a_known_person,
    a_merchant,
    a_session,
)
from tests.factories.wallets import switched
from tests.factories.wallets_in_flow import a_shop_with_wallets, money_of_aino
from tests.support.providers import FakeProvider
from tests.web.shopper.test_flow import HTMX, a_known_register_entry, hidden, the_code

# Path, queries, writes, commits. Of the code's, one query and one commit are the sandbox
# phone's own row, and one of each notes after the answer that the code was sent.
COST = [
    ("first page", 1, 0, 0),
    ("first page", 4, 3, 1),
    ("/code", 7, 6, 3),
    # One of them holds browser and session, so that a code that is typed and one that is asked for never wait for
    # each other.
    ("/identify", 10, 3, 2),
    # One query waits for its turn among presses of one phone, one asks what is known of such purchases, and one writes
    # down what was decided about this one.
    ("/confirm", 12, 8, 1),
]


@pytest.fixture(autouse=True)
def _nothing_kept_runs_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a process keeps for seconds is kept for the whole test: on a slow machine it would be read again."""
    for kept in ("merchants.queries.CACHE_S", "plans.queries.CACHE_S", "payments.health.KEPT_S"):
        monkeypatch.setattr(f"app.{kept}", 3_600.0)


async def test_a_purchase_is_five_requests_and_as_few_commits(client: httpx.AsyncClient) -> None:
    await a_known_register_entry()
    merchant = await a_merchant()
    await client.get(f"/pay/{await a_session(merchant)}")
    form = {"method": "invoice", "delivery": "email"}
    assert await what_it_costs(client, await a_session(merchant), form) == COST


async def what_it_costs(
    client: httpx.AsyncClient, session: str, choice: dict[str, str]
) -> list[tuple[str, int, int, int]]:
    """Path, queries, writes and commits of each request of a purchase by code."""
    seen: list[tuple[str, int, int, int]] = []
    page = ""

    async def ask(path: str, form: dict[str, str] | None) -> None:
        nonlocal page
        with db.counting() as counts:
            url = f"/pay/{session}{path}"
            answer = (
                await client.get(url) if form is None else await client.post(url, data=form, headers=HTMX)
            )
        assert answer.status_code == 200, answer.text
        page = answer.text
        seen.append((path or "first page", counts.queries, counts.writes, counts.commits))

    await ask("", None)
    await ask("", choice)
    await ask("/code", {"phone": PHONE, "postcode": POSTCODE})
    await ask("/identify", {"code": await the_code()})
    await ask("/confirm", {"shown": hidden(page, "shown")})
    return seen


# With the wallet nothing is asked about credit. Setting the money aside, with its two balances on the page, stands in
# the place of the decision; confirming spends it and tells of the wallet.
COST_BY_WALLET = [
    ("first page", 1, 0, 0),
    ("first page", 4, 3, 1),
    ("/code", 7, 6, 3),
    ("/identify", 16, 6, 2),
    ("/confirm", 21, 11, 1),
]


async def test_a_purchase_by_wallet_costs_as_few(client: httpx.AsyncClient) -> None:
    merchant = await a_shop_with_wallets()
    await money_of_aino(merchant, 20_000)
    await client.get(f"/pay/{await a_session(merchant)}")
    assert await what_it_costs(client, await a_session(merchant), {"method": "wallet"}) == COST_BY_WALLET


async def test_a_shop_with_wallets_costs_a_shopper_without_money_nothing(client: httpx.AsyncClient) -> None:
    await a_known_register_entry()
    merchant = await switched(await a_merchant())
    await client.get(f"/pay/{await a_session(merchant)}")
    form = {"method": "invoice", "delivery": "email"}
    assert await what_it_costs(client, await a_session(merchant), form) == COST


# Nobody is identified. Confirming writes the payment down before the provider hears of it, and its address afterwards;
# coming back reads, and the look that follows notes what the provider said, claims the money, and makes the purchase.
COST_BY_CARD = [
    ("first page", 1, 0, 0),
    ("first page", 4, 3, 1),
    # Three of them decide about the purchase's risk.
    ("/confirm", 10, 5, 2),
    ("/go", 2, 0, 0),
    ("/return", 2, 0, 0),
    ("/check", 15, 8, 2),
]


@pytest.fixture
def cards(monkeypatch: pytest.MonkeyPatch) -> FakeProvider:
    card = FakeProvider("card")
    monkeypatch.setattr(doors, "providers", lambda _settings: {"card": card})
    return card


async def test_a_guests_purchase_by_card_is_counted(cards: FakeProvider, client: httpx.AsyncClient) -> None:
    merchant = await a_merchant()
    session = await a_session(merchant)
    seen: list[tuple[str, int, int, int]] = []

    async def ask(path: str, form: dict[str, str] | None) -> str:
        with db.counting() as counts:
            url = f"/pay/{session}{path}"
            answer = (
                await client.get(url) if form is None else await client.post(url, data=form, headers=HTMX)
            )
        assert answer.status_code in {200, 303}, answer.text
        seen.append((path or "first page", counts.queries, counts.writes, counts.commits))
        return answer.text

    await client.get(f"/pay/{await a_session(merchant)}")
    await ask("", None)
    page = await ask("", {"method": "card"})
    await ask("/confirm", {"shown": hidden(page, "shown"), "name": "Aino Virta"})
    await ask("/go", None)
    [ref] = cards.book
    cards.approve(ref)
    await ask("/return", None)
    assert "Purchase confirmed" in await ask("/check", {"asked": "1", "seen": "pending"})
    assert seen == COST_BY_CARD


async def test_asking_for_a_code_and_typing_it_are_a_transaction_each_and_eight_round_trips(
    client: httpx.AsyncClient,
) -> None:
    """The verbs alone; around them a request reads its session once, and after the answer it notes that a code left."""
    del client  # It opens the database.
    await a_known_person()
    shopper = Shopper.at(await a_session(await a_merchant()))
    await shopper.choose()
    flow = await shopper.flow()
    with db.counting() as asking:
        issued, _ = await request_code(
            flow, PHONE, POSTCODE, shopper.browser, address=ADDRESS, wall=clock.wall()
        )
    flow = await shopper.flow()
    with db.counting() as typing:
        found = await identify_by_code(
            flow, issued.code, code_is_enough=True, address=ADDRESS, wall=clock.wall()
        )
    assert found.outcome == "identified"
    for name, counts in (("asking for a code", asking), ("typing a code", typing)):
        print(f"{name}: {counts.commits} transaction, {counts.round_trips} round trips")  # noqa: T201
        assert counts.commits <= 3
        assert counts.round_trips <= 8
