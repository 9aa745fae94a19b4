"""What a deployment in test mode is born with: a demo merchant, its plans, staff, key and webhook, and
people to shop as.

Runs at every start and changes nothing that stands. Secrets are written to `var/demo.json` once; while that
file is kept they stay, and a lost file means new ones, because the database holds digests only.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Final

import msgspec

from app.invoices.actions import set_seller
from app.invoices.queries import Seller, seller_of
from app.kernel import clock, db
from app.kernel.ids import token
from app.loyalty.actions import save_programme
from app.loyalty.queries import latest_programme
from app.loyalty.rules import Programme, Rate, Turning
from app.merchants import actions as merchants
from app.merchants import modules
from app.merchants.queries import (
    Merchant,
    authenticate_key,
    list_api_keys,
    list_webhook_endpoints,
    merchant_of_staff,
)
from app.merchants.rules import WEBHOOK_TYPES
from app.messages.sandbox_shoppers import ShopperKind, shoppers
from app.plans.actions import create_plan
from app.plans.queries import plans_of
from app.plans.quote import Plan
from app.prices.actions import set_plan
from app.prices.queries import versions_of
from app.settings import Settings
from app.till import actions as till
from app.till.actions.setup import ProductDetails
from app.till.queries import tills_of
from app.web.sandbox.bank import issuer_at
from app.web.sandbox.people import make

OWNER_EMAIL: Final = "owner@havu-kivi.example"
PEOPLE: Final[Mapping[ShopperKind, str]] = MappingProxyType(
    {
        "returning": "Aino Lehtovaara",
        "first-timer": "Elias Kuusisto",
        "no-phone": "Kerttu Rantakoski",
        "declined": "Otso Harjunpää",
        "credit-ban": "Helmi Saarikoski",
        "register-down": "Niilo Metsäranta",
        "held": "Ilona Vesimaa",
    }
)
DEMO_PLANS: Final = (
    Plan(
        key="invoice-14",
        kind="invoice",
        currency="EUR",
        min_amount_minor=1_00,
        max_amount_minor=5_000_00,
        due_days=14,
    ),
    Plan(
        key="instalments-14-9",
        kind="instalments",
        currency="EUR",
        min_amount_minor=60_00,
        max_amount_minor=5_000_00,
        nominal_rate=Decimal("14.9"),
        min_months=3,
        max_months=36,
        min_instalment_minor=20_00,
    ),
)

_SHOP: Final = merchants.NewMerchant(
    name="Havu & Kivi",
    country="FI",
    contact_email="hello@havu-kivi.example",
    credit_limit_minor=5_000_00,
    locale="fi",
    accent="#9a4f2e",
    return_hosts=("localhost",),
)
# Numbers of zeros, which nobody has.
_SELLER: Final = Seller(
    company_id="0000000-0",
    vat_id="FI00000000",
    street="Satamakatu 3",
    postcode="00160",
    city="Helsinki",
)
# What the demo shop's till sells, in the shop's language; prices with VAT.
_VAT: Final = Decimal("25.5")
_PRICE_LIST: Final = (
    ("Villapeite", "Koti", "HK-101", 129_00),
    ("Pellavapyyhe", "Koti", "HK-102", 34_00),
    ("Kuusentuoksuinen kynttilä", "Koti", "HK-103", 24_50),
    ("Retkilyhty", "Retki", "HK-201", 79_00),
    ("Puukko, visakoivu", "Retki", "HK-202", 96_00),
    ("Merinosukat", "Retki", "HK-203", 18_90),
    ("Valurautapannu", "Keittiö", "HK-301", 89_00),
    ("Koivukuppi", "Keittiö", "HK-302", 18_50),
    ("Pannukahvi 500 g", "Keittiö", "HK-303", 9_90),
    ("Leikkuulauta", "Keittiö", "HK-304", 42_00),
)
# A point for each euro, a euro for a hundred of them.
_PROGRAMME: Final = Programme(
    active=True,
    rate=Rate.per_unit(1_00),
    categories=(),
    periods=(),
    tiers=(),
    rounding="down",
    shipping_earns=False,
    wallet_part_earns=False,
    pending_days=14,
    expiry_months=24,
    turning=Turning(points_per_unit=100, minimum_points=100, step_points=100),
)
_KEY_NAME: Final = "Demo shop"
_FILE_NAME: Final = "demo.json"


class Admin(msgspec.Struct, frozen=True):
    url: str
    email: str
    password: str
    totp_secret: str


class Demo(msgspec.Struct, frozen=True):
    """`var/demo.json`, as docs and tests read it."""

    base_url: str
    merchant_id: str
    api_key: str
    webhook_secret: str
    admin: Admin


async def seed_demo(settings: Settings) -> None:
    """Makes what is missing and writes `var/demo.json`. The pool and the key ring are the caller's. Test
    mode only."""
    if not settings.is_test:
        raise ValueError("seeds are for test mode: a live deployment is filled by its operator")
    now = await clock.business_now()
    path = settings.var_dir / _FILE_NAME
    known = _read(path)
    merchant = await _merchant(now)
    await _plans(merchant, now)
    await _seller(merchant)
    await _till(merchant, now)
    await _modules(merchant, now)
    await _prices(merchant, now)
    await _loyalty(merchant, now)
    _write(
        path,
        Demo(
            base_url=settings.base_url,
            merchant_id=merchant.public_id,
            api_key=await _api_key(merchant, known, now),
            webhook_secret=await _webhook(merchant, known, f"{settings.base_url}/demo/webhook", now),
            admin=await _admin(merchant, known, f"{settings.base_url}/admin", now),
        ),
    )
    await _people(settings, now)


async def _merchant(now: datetime) -> Merchant:
    """Known by its owner, whose address nobody else can take."""
    found = await merchant_of_staff(OWNER_EMAIL)
    if found is not None:
        return found
    merchant = await merchants.create_merchant(_SHOP, now=now)
    # A password that nobody knows yet: `_admin` makes the first one that somebody does.
    await merchants.create_staff(merchant.id, OWNER_EMAIL, "Oona Omistaja", token(), "owner", now=now)
    return merchant


async def _seller(merchant: Merchant) -> None:
    """What the demo shop's invoices say of it; what somebody changed meanwhile stays."""
    if await seller_of(merchant.id) == Seller():
        await db.in_tx(lambda: set_seller(merchant.id, _SELLER))


async def _till(merchant: Merchant, now: datetime) -> None:
    """A counter that somebody can sell at at once; what was set up since stays."""
    if await tills_of(merchant.id):
        return
    await till.make_till(merchant.id, "Till 1", "T1", now=now)
    for name, category, sku, price_minor in _PRICE_LIST:
        details = ProductDetails(name, category, sku, price_minor, _VAT)
        await till.add_product_to_list(merchant.id, details, now=now)


async def _modules(merchant: Merchant, now: datetime) -> None:
    """The wallet, included and on; whoever switched it off meanwhile keeps it off."""
    if not await modules.was_decided(merchant.id, "wallet"):
        await modules.switch_module(
            merchant, "wallet", on=True, seen_price_minor=0, actor=merchants.OPERATOR, now=now
        )


async def _prices(merchant: Merchant, now: datetime) -> None:
    """A percent and an amount a month, so that there is something to read when the clock is moved."""
    if not await versions_of(merchant.id):
        await set_plan(merchant, 150, 29_00, actor=merchants.OPERATOR, now=now)


async def _loyalty(merchant: Merchant, now: datetime) -> None:
    """A plain programme; what was saved since stays."""
    if await latest_programme(merchant.id) is None:
        await save_programme(
            merchant.id, merchant.public_id, _PROGRAMME, seen_version=0, actor=merchants.OPERATOR, now=now
        )


async def _plans(merchant: Merchant, now: datetime) -> None:
    offered = {plan.key for plan in await plans_of(merchant.id)}
    for plan in DEMO_PLANS:
        if plan.key not in offered:
            await create_plan(merchant.id, plan, now=now)


async def _api_key(merchant: Merchant, known: Demo | None, now: datetime) -> str:
    found = await authenticate_key(known.api_key) if known is not None else None
    if known is not None and found is not None and found.merchant.id == merchant.id:
        return known.api_key
    for key in await list_api_keys(merchant.id):
        if key.name == _KEY_NAME and key.revoked_at is None:
            await merchants.revoke_api_key(merchant.id, key.id, now=now)
    return await merchants.create_api_key(merchant.id, _KEY_NAME, mode="test", now=now)


async def _webhook(merchant: Merchant, known: Demo | None, url: str, now: datetime) -> str:
    """The demo shop's receiver, at its address of today, with the secret that it knows."""
    ours = known if known is not None and known.merchant_id == merchant.public_id else None
    for endpoint in await list_webhook_endpoints(merchant.id):
        if not endpoint.url.endswith("/demo/webhook"):
            continue
        if ours is not None and endpoint.url == url:
            return ours.webhook_secret
        await merchants.delete_webhook_endpoint(merchant.id, endpoint.public_id, now)
    _, secret = await merchants.create_webhook_endpoint(
        merchant.id, url, sorted(WEBHOOK_TYPES), now, secret=ours.webhook_secret if ours is not None else None
    )
    return secret


async def _admin(merchant: Merchant, known: Demo | None, url: str, now: datetime) -> Admin:
    if known is not None and known.merchant_id == merchant.public_id:
        return Admin(url, OWNER_EMAIL, known.admin.password, known.admin.totp_secret)
    password = "-".join(secrets.token_hex(3) for _ in range(4))
    renewed = await merchants.renew_staff_secrets(OWNER_EMAIL, password, now=now)
    return Admin(url, OWNER_EMAIL, password, renewed.totp_secret)


async def _people(settings: Settings, now: datetime) -> None:
    door = settings.banks.get("FI")
    issuer = door.issuer if door is not None else issuer_at(settings.port)
    living = {person.name for person in await shoppers(at_most=10_000)}
    for kind, name in PEOPLE.items():
        if name not in living:
            await make(kind, issuer, now, name=name)


def _read(path: Path) -> Demo | None:
    """None when there is no file, or it is no longer what we wrote."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Demo)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _write(path: Path, demo: Demo) -> None:
    """Whole or not at all, readable by its owner alone."""
    draft = path.with_suffix(f".{os.getpid()}.draft")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as stream:
        stream.write(msgspec.json.format(msgspec.json.encode(demo), indent=2) + b"\n")
    draft.replace(path)
