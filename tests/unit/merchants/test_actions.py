"""Shops, keys, staff and endpoints on a real database."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import replace
from datetime import timedelta

import pytest

from app.kernel import clock, db
from app.merchants import actions, queries
from app.merchants.errors import (
    ApiKeyUnknown,
    EndpointUnknown,
    FieldRefused,
    StaffEmailTaken,
    TooManyEndpoints,
)
from app.merchants.queries import Merchant
from tests.factories.checkout import a_merchant

A_SHOP = actions.NewMerchant(
    name="Havu & Kivi", country="FI", contact_email="shop@havu.example", credit_limit_minor=200_000
)


@pytest.fixture
async def merchant(db: str) -> Merchant:
    return await a_merchant()


async def audited() -> list[str]:
    return [row["action"] for row in await db.fetch_all("SELECT action FROM audit_log ORDER BY id")]


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize(
    ("country", "currency", "locale", "zone"),
    [
        ("FI", "EUR", "fi", "Europe/Helsinki"),
        ("SE", "SEK", "sv", "Europe/Stockholm"),
        ("DK", "DKK", "da", "Europe/Copenhagen"),
        ("BG", "EUR", "bg", "Europe/Sofia"),
    ],
)
async def test_a_shop_starts_from_what_its_country_uses(
    country: str, currency: str, locale: str, zone: str
) -> None:
    shop = await actions.create_merchant(replace(A_SHOP, country=country), now=clock.wall())

    assert (shop.currency, shop.locale, shop.time_zone, shop.creditor) == (currency, locale, zone, "operator")
    assert await queries.merchant_by_public_id(shop.public_id) == shop
    assert await audited() == ["merchant.created"]


@pytest.mark.usefixtures("db")
async def test_a_shop_with_a_wrong_field_is_not_made() -> None:
    for field, wrong in (
        ("country", replace(A_SHOP, country="US")),
        ("time_zone", replace(A_SHOP, time_zone="Europe/Atlantis")),
        ("contact_email", replace(A_SHOP, contact_email="shop")),
        ("return_hosts", replace(A_SHOP, return_hosts=("https://shop.example",))),
    ):
        with pytest.raises(FieldRefused) as refused:
            await actions.create_merchant(wrong, now=clock.wall())
        assert refused.value.field == field
    assert await db.fetch_value("SELECT count(*) FROM merchants") == 0


async def test_a_key_opens_its_shop_in_one_query_and_is_stored_as_a_digest(merchant: Merchant) -> None:
    secret = await actions.create_api_key(merchant.id, "shop", mode="test", now=clock.wall())
    with db.counting() as counts:
        found = await queries.authenticate_key(secret)

    assert found == queries.AuthenticatedKey(merchant, 0)
    assert counts.queries == 1
    assert secret.startswith("sk_test_")
    stored = await db.fetch_value("SELECT string_agg(k::text, ' ') FROM api_keys k")
    assert secret not in stored
    (listed,) = await queries.list_api_keys(merchant.id)
    assert listed.hint == secret[-4:]


async def test_a_key_tells_how_far_the_clock_is_moved(merchant: Merchant) -> None:
    secret = await actions.create_api_key(merchant.id, "shop", mode="test", now=clock.wall())
    await db.in_tx(lambda: clock.set_offset_s(86_400))
    found = await queries.authenticate_key(secret)

    assert found is not None
    assert found.offset_s == 86_400


async def test_a_revoked_an_expired_and_an_unknown_key_open_nothing(merchant: Merchant) -> None:
    now = clock.wall()
    revoked = await actions.create_api_key(merchant.id, "old", mode="test", now=now)
    (key,) = await queries.list_api_keys(merchant.id)
    await actions.revoke_api_key(merchant.id, key.id, now=now)
    expired = await actions.create_api_key(merchant.id, "short", mode="test", now=now)
    await db.in_tx(
        lambda: db.execute(
            "UPDATE api_keys SET expires_at = $1 WHERE hint = $2", now - timedelta(seconds=1), expired[-4:]
        )
    )

    for secret in (revoked, expired, "sk_test_unknown", ""):
        assert await queries.authenticate_key(secret) is None
    with pytest.raises(ApiKeyUnknown):
        await actions.revoke_api_key(merchant.id, key.id, now=now)


async def test_a_shop_cannot_revoke_the_key_of_another(merchant: Merchant) -> None:
    other = await a_merchant("Pihla Oy")
    secret = await actions.create_api_key(other.id, "theirs", mode="test", now=clock.wall())
    (key,) = await queries.list_api_keys(other.id)

    with pytest.raises(ApiKeyUnknown):
        await actions.revoke_api_key(merchant.id, key.id, now=clock.wall())
    assert await queries.authenticate_key(secret) is not None


async def test_an_address_signs_in_to_one_shop_alone_however_it_is_written(merchant: Merchant) -> None:
    other, now = await a_merchant("Pihla Oy"), clock.wall()
    await actions.create_staff(
        merchant.id, "aino@havu.example", "Aino", "three steps and done", "owner", now=now
    )

    with pytest.raises(StaffEmailTaken):
        await actions.create_staff(
            other.id, "AINO@havu.example", "Aino", "three steps and done", "owner", now=now
        )
    for field, arguments in (
        ("password", ("b@havu.example", "B", "short", "owner")),
        ("role", ("b@havu.example", "B", "three steps and done", "king")),
        ("email", ("b", "B", "three steps and done", "owner")),
    ):
        with pytest.raises(FieldRefused) as refused:
            await actions.create_staff(merchant.id, *arguments, now=now)
        assert refused.value.field == field


async def test_an_endpoint_gives_its_secret_once_and_can_sign_with_it(merchant: Merchant) -> None:
    public_id, secret = await actions.create_webhook_endpoint(
        merchant.id, "http://localhost:8000/demo/webhook", ["order.paid"], clock.wall()
    )

    assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32
    (listed,) = await queries.list_webhook_endpoints(merchant.id)
    assert (listed.public_id, listed.types) == (public_id, ("order.paid",))
    (target,) = await queries.webhook_targets(merchant.id, "order.paid")
    assert (target.url, target.secret) == (listed.url, secret)
    assert secret not in repr(target)
    assert await queries.webhook_target(merchant.id, public_id) == target
    assert await queries.webhook_targets(merchant.id, "order.expired") == ()
    stored = await db.fetch_value("SELECT secret FROM webhook_endpoints")
    assert secret.encode() not in stored


async def test_a_deleted_endpoint_hears_nothing_more_and_a_foreign_one_cannot_be_deleted(
    merchant: Merchant,
) -> None:
    now = clock.wall()
    public_id, _ = await actions.create_webhook_endpoint(
        merchant.id, "https://a.example/", ["order.paid"], now
    )
    other = await a_merchant("Pihla Oy")

    with pytest.raises(EndpointUnknown):
        await actions.delete_webhook_endpoint(other.id, public_id, now)
    await actions.delete_webhook_endpoint(merchant.id, public_id, now)
    with pytest.raises(EndpointUnknown):
        await actions.delete_webhook_endpoint(merchant.id, public_id, now)
    assert await queries.list_webhook_endpoints(merchant.id) == ()
    assert await queries.webhook_targets(merchant.id, "order.paid") == ()
    assert await queries.webhook_target(merchant.id, public_id) is None


async def test_requests_at_once_cannot_pass_the_limit_of_endpoints_together(merchant: Merchant) -> None:
    async def one_more() -> bool:
        try:
            await actions.create_webhook_endpoint(
                merchant.id, "https://a.example/", ["order.paid"], clock.wall()
            )
        except TooManyEndpoints:
            return False
        return True

    made = await asyncio.gather(*(one_more() for _ in range(25)))

    assert sum(made) == 20
    assert len(await queries.list_webhook_endpoints(merchant.id)) == 20


async def test_a_verb_inside_a_callers_transaction_stands_or_falls_with_it(merchant: Merchant) -> None:
    async def refused_afterwards() -> None:
        await actions.create_webhook_endpoint(merchant.id, "https://a.example/", ["order.paid"], clock.wall())
        raise FieldRefused("body", "malformed")

    with pytest.raises(FieldRefused):
        await db.in_tx(refused_afterwards)
    assert await queries.list_webhook_endpoints(merchant.id) == ()


async def test_sessions_that_ended_are_swept_at_the_next_sign_in(merchant: Merchant) -> None:
    import pyotp  # noqa: PLC0415

    now = clock.wall()
    new = await actions.create_staff(
        merchant.id, "aino@havu.example", "Aino", "three steps and done", "owner", now=now
    )
    totp = pyotp.TOTP(new.totp_secret)
    for step in (0, 1):
        at = now + timedelta(hours=13 * step)
        await actions.sign_in(
            "aino@havu.example",
            "three steps and done",
            totp.at(at),
            address="203.0.113.7",
            replaces=None,
            at=at,
        )

    assert await db.fetch_value("SELECT count(*) FROM staff_sessions") == 1
