"""What a decision knows: what the purchase tells, and what was seen before of the same people, in this shop alone."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from app.identity.actions import browsers
from app.kernel import db, ids, keys
from app.kernel.counting import counting
from app.merchants.queries import Merchant
from app.risk.actions import assess_in_tx
from app.risk.collecting import collect
from app.risk.facts import Facts, Item
from app.risk.labels import Source, label_in_tx
from app.risk.rules import PARCEL_POINT
from tests.factories.checkout import a_merchant
from tests.factories.risk import BLANKET, NOON, a_purchase_at, remember

pytestmark = pytest.mark.usefixtures("db")

OTHER_PHONE = "+358480000202"
A_MINUTE, AN_HOUR, A_DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
async def merchant() -> Merchant:
    return await a_merchant()


async def facts_of(merchant: Merchant, **changed: object) -> Facts:
    return (await collect(await a_purchase_at(merchant, **changed))).facts


async def a_customer() -> UUID:
    customer_id = ids.internal_id()
    async with db.tx():
        await db.execute(
            """INSERT INTO customers (id, public_id, country, state, created_at)
               VALUES ($1, $2, 'FI', 'active', $3)""",
            customer_id,
            ids.public_id("cust"),
            NOON,
        )
    return customer_id


async def test_a_first_purchase_knows_what_it_tells_and_nothing_before(merchant: Merchant) -> None:
    parcel = Item(None, "Express to the door", None, 1, 900, "shipping")
    facts = await facts_of(
        merchant, items=(BLANKET, parcel), email="aino@mailinator.com", phone="+46700000001"
    )
    assert (facts.skus, facts.categories, facts.words, facts.pieces) == (
        ("B-1",),
        ("home",),
        ("blanket", "wool"),
        1,
    )
    assert (facts.hour, facts.express, facts.throwaway_email, facts.phone_abroad) == (12, True, True, True)
    assert (facts.first_order, facts.phone_days, facts.email_days, facts.usual_minor) == (True, 0, 0, None)
    assert (facts.phone_30d, facts.address_30d, facts.network_24h, facts.same_7d) == (0, 0, 0, 0)


async def test_what_is_not_known_is_told_as_unknown(merchant: Merchant) -> None:
    unknown = {"phone": None, "email": None, "street": None, "network": "", "verified_name": None}
    await remember(merchant, **unknown)
    facts = await facts_of(merchant, **unknown)
    assert (facts.phone_days, facts.email_days, facts.address, facts.name_differs) == (None, None, None, None)
    assert (facts.phone_abroad, facts.same_1h, facts.device_24h, facts.network_1h) == (None, 0, 0, 0)


async def test_each_window_counts_what_lies_in_it(merchant: Merchant) -> None:
    for ago in (A_MINUTE, 2 * AN_HOUR, 25 * AN_HOUR, 8 * A_DAY, 31 * A_DAY):
        await remember(merchant, at=NOON - ago)
    facts = await facts_of(merchant)
    assert (facts.phone_1h, facts.phone_24h, facts.phone_30d) == (1, 2, 4)
    assert (facts.email_24h, facts.email_30d) == (2, 4)
    assert (facts.address_24h, facts.address_30d) == (2, 4)
    assert (facts.device_24h, facts.device_30d) == (2, 4)
    assert (facts.network_1h, facts.network_24h) == (1, 2)
    assert (facts.same_1h, facts.same_24h, facts.same_7d) == (1, 2, 3)
    assert (facts.own_same_1h, facts.own_same_24h) == (1, 2)
    assert (facts.phone_days, facts.email_days) == (31, 31)


async def test_other_goods_are_another_basket_however_the_lines_stand(merchant: Merchant) -> None:
    two = (BLANKET, Item("C-2", "Candle", "home", 2, 3_000, "item"))
    await remember(merchant, items=two)
    assert (
        await facts_of(merchant, items=(*reversed(two), Item(None, "Parcel", None, 1, 590, "shipping")))
    ).same_1h == 1
    assert (await facts_of(merchant)).same_1h == 0


async def test_an_address_is_the_same_however_it_is_written(merchant: Merchant) -> None:
    await remember(merchant, phone=OTHER_PHONE, street="SATAMAKATU  3.")
    facts = await facts_of(merchant)
    assert (facts.address_24h, facts.phone_24h, facts.address_people_30d) == (1, 0, 1)
    assert (await facts_of(merchant, street="Satamakatu 4")).address_24h == 0


async def test_other_peoples_phones_are_counted_and_ones_own_is_not(merchant: Merchant) -> None:
    for phone in (OTHER_PHONE, OTHER_PHONE, "+358480000303", "+358480000101"):
        await remember(merchant, phone=phone, email=None)
    facts = await facts_of(merchant)
    assert (facts.address_people_30d, facts.device_people_30d) == (2, 2)


async def test_the_same_goods_from_one_network_under_several_names_are_told_apart(merchant: Merchant) -> None:
    for turn in range(3):
        await remember(merchant, phone=f"+35848000030{turn}", email=None, street=f"Other {turn}")
    facts = await facts_of(merchant)
    assert (facts.same_1h, facts.own_same_1h) == (3, 0)


async def test_ones_own_session_and_order_never_count(merchant: Merchant) -> None:
    purchase = await a_purchase_at(merchant)
    for _ in range(5):
        await db.in_tx(lambda: assess_in_tx(purchase))
    assert (await collect(purchase)).facts.phone_1h == 0
    assert (await facts_of(merchant)).phone_1h == 1


async def test_another_shop_s_orders_are_nobody_s_here(merchant: Merchant) -> None:
    for _ in range(3):
        await remember(await a_merchant("Next door"))
    facts = await facts_of(merchant)
    assert (facts.phone_30d, facts.same_7d, facts.phone_days, facts.network_24h) == (0, 0, 0, 0)


async def test_what_lies_after_the_press_is_not_looked_at(merchant: Merchant) -> None:
    await remember(merchant, at=NOON + A_MINUTE)
    assert (await facts_of(merchant)).phone_30d == 0


async def test_a_customer_s_norm_is_the_middle_of_what_was_approved(merchant: Merchant) -> None:
    customer_id = await a_customer()
    for week, total_minor in enumerate((1_000, 2_000, 90_000), 1):
        await remember(merchant, customer_id=customer_id, total_minor=total_minor, at=NOON - 7 * week * A_DAY)
    await remember(merchant, customer_id=customer_id, total_minor=500_000, forced="hold")
    await remember(merchant, customer_id=customer_id, total_minor=700_000, currency="SEK")
    facts = await facts_of(merchant, customer_id=customer_id)
    assert (facts.orders_before, facts.usual_minor, facts.first_order) == (4, 2_000, False)


async def test_an_address_is_known_where_an_approved_order_of_this_person_went(merchant: Merchant) -> None:
    assert (await facts_of(merchant)).address_known is False
    await remember(merchant, forced="decline")
    assert (await facts_of(merchant)).address_known is False
    await remember(merchant)
    assert (await facts_of(merchant)).address_known is True
    assert (await facts_of(merchant, phone=OTHER_PHONE)).address_known is False


async def test_a_phone_is_as_old_as_its_customer(merchant: Merchant) -> None:
    assert (await facts_of(merchant, customer_since=NOON - 90 * A_DAY)).phone_days == 90


async def test_wrong_codes_of_the_browser_count_and_the_right_one_does_not(merchant: Merchant) -> None:
    async with db.tx():
        browser_id = await browsers.remember(browsers.read(None, wall=NOON), wall=NOON)
    assert browser_id is not None
    await a_code(browser_id, tries_left=0, state="burnt")
    await a_code(browser_id, tries_left=3, state="used")
    await a_code(browser_id, tries_left=0, state="burnt", at=NOON - 25 * AN_HOUR)
    assert (await facts_of(merchant, browser_id=browser_id)).wrong_codes_24h == 6


async def a_code(browser_id: UUID, *, tries_left: int, state: str, at: object = NOON - A_MINUTE) -> None:
    async with db.tx():
        await db.execute(
            """INSERT INTO code_challenges (id, browser_id, subject, country, phone, postcode, code_digest, tries_left,
                   state, created_at, expires_at, wall_created_at, wall_expires_at, approval_digest)
               VALUES ($1, $2, 'cs_1', 'FI', $3, '00100', '', $4, $5, $6, $6, $6, $6, '')""",
            ids.internal_id(),
            browser_id,
            OTHER_PHONE,
            tries_left,
            state,
            at,
        )


async def test_a_new_key_forgets_nobody(merchant: Merchant) -> None:
    old, new = bytes(range(32)), bytes(range(32, 64))
    was = keys.process_keyring()
    try:
        keys.use_keyring(keys.Keyring({"a": old}))
        await remember(merchant)
        keys.use_keyring(keys.Keyring({"b": new, "a": old}))
        await remember(merchant)
        assert (await facts_of(merchant)).phone_1h == 2
    finally:
        keys.use_keyring(was)


async def test_a_decision_takes_its_turn_asks_once_and_writes_once(merchant: Merchant) -> None:
    purchase = await a_purchase_at(merchant)
    async with db.tx():
        with counting() as counts:
            await assess_in_tx(purchase)
    assert (counts.queries, counts.writes) == (3, 1)


_OTHER_PHONES = """
INSERT INTO risk_decisions
SELECT (jsonb_populate_record(d, jsonb_build_object('id', gen_random_uuid(), 'phone', '\\x' || md5(n::text)))).*
FROM risk_decisions d, generate_series(1, $1) AS n
"""


@pytest.mark.parametrize(("people", "own"), [(PARCEL_POINT - 1, 1), (PARCEL_POINT, 0)])
async def test_the_basket_of_a_campaign_at_a_parcel_point_is_nobody_s_twin(
    merchant: Merchant, people: int, own: int
) -> None:
    await remember(merchant, phone=OTHER_PHONE)
    await db.execute_alone(_OTHER_PHONES, people - 1)
    facts = await facts_of(merchant)
    assert (facts.address_people_30d, facts.own_same_1h, facts.same_1h) == (people, own, 1)


@pytest.mark.parametrize(
    ("source", "is_bad", "expected"),
    [
        ("reviewer", True, 1),
        ("blind", True, 1),
        ("refund", True, 1),
        ("reviewer", False, 0),
        ("unpaid", True, 0),
    ],
)
async def test_what_a_person_called_bad_counts_and_an_unpaid_bill_does_not(
    merchant: Merchant, source: Source, is_bad: bool, expected: int
) -> None:
    earlier = await a_purchase_at(merchant, at=NOON - A_DAY)
    await db.in_tx(lambda: assess_in_tx(earlier))
    await db.in_tx(lambda: label_in_tx(merchant.id, earlier.session_id, source, is_bad=is_bad, now=NOON))
    assert (await facts_of(merchant)).bad_before == expected
    assert (await facts_of(merchant, phone=OTHER_PHONE)).bad_before == expected, "the address"
    assert (await facts_of(merchant, phone=OTHER_PHONE, street="Elsewhere 1")).bad_before == 0
