"""Staff make plans, look who has one, and end one."""

from __future__ import annotations

import httpx
import pytest

from app.kernel import clock, db, ids
from app.merchants.queries import Merchant
from app.subscriptions import actions
from app.subscriptions.queries import periods_of, plan_page
from app.subscriptions.states import SubscriptionState as S
from tests.factories.checkout import a_merchant
from tests.factories.subscriptions import Days, a_plan, a_subscription, again
from tests.support.providers import FakeProvider

PLANS = "/admin/subscriptions/plans"
TYPED = {"name_fi": "Kahvi", "name_en": "Coffee", "amount": "19,90", "vat": "14", "unit": "month"}


async def test_a_plan_is_made_once_however_often_its_form_is_sent(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    key = str(ids.internal_id())
    typed = TYPED | {"key": key, "notice_days": "14"}
    assert (await desk.post(f"{PLANS}/new", data=typed)).status_code == 303
    answer = await desk.post(f"{PLANS}/new", data=typed)
    assert answer.status_code == 303, answer.text
    [plan] = (await plan_page(merchant.id)).plans
    assert (plan.terms.amount_minor, plan.terms.every, plan.terms.notice_days) == (19_90, 1, 14)
    assert "Kahvi" in (await desk.get(answer.headers["location"])).text
    assert plan.public_id in (await desk.get(PLANS)).text


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("name_fi", ""),
        ("name_fi", "4242 4242 4242 4242"),
        ("amount", "a lot"),
        ("amount", ""),
        ("vat", "x"),
        ("every", "99"),
        ("every", "many"),
        ("trial_days", "200"),
        ("notice_days", "-1"),
        ("minimum_periods", "25"),
    ],
)
async def test_what_will_not_do_is_said_at_its_field_and_the_rest_stays_typed(
    desk: httpx.AsyncClient, merchant: Merchant, field: str, text: str
) -> None:
    answer = await desk.post(f"{PLANS}/new", data=TYPED | {field: text})
    assert answer.status_code == 422
    assert f'id="f-{field}-wrong"' in answer.text
    assert 'value="Coffee"' in answer.text
    assert "4242" not in answer.text
    assert (await plan_page(merchant.id)).plans == ()


async def test_another_price_holds_for_the_next_and_those_who_have_it_are_asked_once(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    sub = await a_subscription(merchant, FakeProvider())
    address = f"{PLANS}/{sub.plan_public_id}"
    assert (await desk.post(f"{address}/price", data={"amount": "x", "version": "1"})).status_code == 422
    await desk.post(f"{address}/price", data={"amount": "24.90", "version": "1"})
    stale = await desk.post(f"{address}/price", data={"amount": "29.90", "version": "1"})
    assert stale.status_code == 422, "somebody else was first"
    for told in ("1", "0"):
        answer = await desk.post(f"{address}/tell")
        assert answer.headers["location"] == f"{address}?told={told}"
    found = await again(merchant, sub)
    assert found.asked is not None
    assert (found.terms.amount_minor, found.asked.terms.amount_minor) == (19_90, 24_90)
    assert "no answer yet" in (await desk.get(f"/admin/subscriptions/{sub.public_id}")).text
    assert "Asked, no answer yet" in (await desk.get(address)).text
    await actions.decline_price(merchant, sub.public_id, now=await clock.business_now())
    assert "Said no to" in (await desk.get(f"/admin/subscriptions/{sub.public_id}")).text
    assert (await desk.post(f"{address}/tell")).headers["location"] == f"{address}?told=0"
    page = (await desk.get(address)).text
    assert "Said no to this price" in page
    assert "no answer yet" not in page


async def test_one_is_found_by_its_state_read_and_ended(desk: httpx.AsyncClient, merchant: Merchant) -> None:
    sub = await a_subscription(merchant, FakeProvider())
    address = f"/admin/subscriptions/{sub.public_id}"
    assert sub.public_id in (await desk.get("/admin/subscriptions?state=active")).text
    assert sub.public_id not in (await desk.get("/admin/subscriptions?state=ended")).text
    assert sub.public_id in (await desk.get("/admin/subscriptions?state=lost&cursor=x")).text
    page = (await desk.get(address)).text
    assert "Visa 4242" in page
    assert "SHA-256" in page
    for _ in range(2):
        await desk.post(f"{address}/cancel")
        assert (await again(merchant, sub)).state is S.CANCELLING
    await desk.post(f"{address}/end")
    ended = await again(merchant, sub)
    assert (ended.state, ended.end_reason) == (S.ENDED, "by_shop")


async def test_what_is_another_shops_or_never_was_is_not_found(desk: httpx.AsyncClient) -> None:
    other = await a_merchant("Another shop")
    sub, plan = await a_subscription(other, FakeProvider()), await a_plan(other)
    for path in (
        f"/admin/subscriptions/{sub.public_id}",
        "/admin/subscriptions/nonsense",
        f"{PLANS}/{plan}",
        f"{PLANS}/nonsense",
    ):
        assert (await desk.get(path)).status_code == 404
        for change in ("end", "cancel", "tell", "explode"):
            assert (await desk.post(f"{path}/{change}")).status_code == 404
    assert (await again(other, sub)).state is S.ACTIVE
    assert await db.fetch_value("SELECT state FROM subscription_plans WHERE public_id = $1", plan) == "active"


async def test_the_order_of_a_renewal_has_a_page_like_any_other(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    provider = FakeProvider()
    sub = await a_subscription(merchant, provider)
    await Days(provider).go_to(sub.course.ends_on)
    renewal = (await periods_of(merchant.id, sub.id))[0].order_public_id
    page = await desk.get(f"/admin/orders/{renewal}")
    assert page.status_code == 200
    assert "Coffee, " in page.text
