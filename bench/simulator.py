"""A simulated year of shops, shoppers and four kinds of attack, seeded: the same number gives the same year.

Shoppers have habits, and good people have odd days: a gift goes elsewhere, a number is new, a code is mistyped five
times, a whole office shares one network, a parcel locker is the address of hundreds. Attacks (`bench/attacks.py`) are
loud and quiet ones. What comes of an order is known 30 to 90 days later, and not always truly: some who meant to pay
do not, and some attacks are never found.

    for press in presses(seed=7): ...      # every press of "Confirm" in order of time

It was written before any model, knows none, and gives no field that the product would not know: `kind` and `is_bad`
are for scoring and learning alone.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

Kind = Literal["good", "stolen", "reshipping", "repeated", "spray"]

BEGIN: Final = datetime(2025, 9, 1, tzinfo=UTC)
DAYS: Final = 300
PEOPLE: Final = 2_600
LABEL_DAYS: Final = (30, 90)

# Of good orders: bills that an honest shopper leaves unpaid. Of attacks: those that nobody ever tells from the rest.
HONEST_UNPAID: Final = 0.007
NEVER_FOUND: Final = 0.04

MOBILE_NETWORKS: Final = 12
LOCKERS: Final = 14
OFFICES: Final = 18
BUILDINGS: Final = 22


@dataclass(frozen=True, slots=True)
class Goods:
    sku: str
    category: str
    word: str
    price_minor: int
    is_resold: bool
    """Whether a thief easily sells it: a console, a phone, a gift card."""


@dataclass(frozen=True, slots=True)
class Shop:
    number: int
    goods: tuple[Goods, ...]
    share: float
    """Of all orders of the year."""

    @property
    def resold(self) -> tuple[Goods, ...]:
        """What attackers want here; the dearer half of the shelf where nothing is easily sold on."""
        found = tuple(one for one in self.goods if one.is_resold)
        return found or tuple(sorted(self.goods, key=lambda one: -one.price_minor)[: len(self.goods) // 2])


@dataclass(frozen=True, slots=True)
class Line:
    goods: Goods
    quantity: int

    @property
    def total_minor(self) -> int:
        return self.goods.price_minor * self.quantity


@dataclass(frozen=True, slots=True)
class Identity:
    """What an order tells of who buys: keys without meaning, as the product keeps digests."""

    customer: str
    phone: str
    email: str
    address: str
    postcode: str
    device: str
    network: str
    name_differs: bool | None = None
    is_phone_abroad: bool = False
    is_email_throwaway: bool = False


@dataclass(frozen=True, slots=True)
class Press:
    """One press of "Confirm". `is_bad` is what is learnt of it at `label_at`; `kind` is what it really was."""

    at: datetime
    shop: int
    who: Identity
    lines: tuple[Line, ...]
    is_express: bool
    wrong_codes: int
    method: str
    kind: Kind
    is_bad: bool
    label_at: datetime

    @property
    def total_minor(self) -> int:
        return sum(line.total_minor for line in self.lines)


@dataclass(slots=True)
class Person:
    """A shopper and their habits; numbers and addresses change as life goes on."""

    who: Identity
    per_year: float
    usual: float
    """How dear a basket is against the shop's own middle: 1 is the middle."""
    favourite: int
    hour: int
    express: float
    partner_device: str
    away_network: str
    is_business: bool = False


@dataclass(frozen=True, slots=True)
class World:
    """What attackers find: shops, people, shared places."""

    rng: random.Random
    shops: tuple[Shop, ...]
    people: list[Person]
    lockers: tuple[str, ...]
    mobile: tuple[str, ...]


# (category, word, cheapest, dearest in minor units, easily sold on)
_SHELVES: Final[tuple[tuple[tuple[str, str, int, int, bool], ...], ...]] = (
    (
        ("phones", "smartphone", 199_00, 1_099_00, True),
        ("consoles", "console", 299_00, 599_00, True),
        ("audio", "headphones", 29_00, 349_00, True),
        ("cables", "cable", 9_00, 49_00, False),
        ("kitchen", "kettle", 25_00, 199_00, False),
    ),
    (
        ("coats", "coat", 69_00, 399_00, False),
        ("shoes", "shoes", 39_00, 219_00, True),
        ("shirts", "shirt", 12_00, 69_00, False),
        ("bags", "bag", 29_00, 449_00, True),
    ),
    (
        ("skin", "cream", 9_00, 79_00, False),
        ("perfume", "perfume", 39_00, 189_00, True),
        ("linen", "linen", 19_00, 149_00, False),
        ("gift cards", "gift card", 25_00, 200_00, True),
        ("lamps", "lamp", 29_00, 289_00, False),
    ),
)
_SHARES: Final = (0.42, 0.35, 0.23)


def shops_of(rng: random.Random) -> tuple[Shop, ...]:
    """Three shops, whose prices differ from world to world."""
    made = []
    for number, (shelves, share) in enumerate(zip(_SHELVES, _SHARES, strict=True)):
        goods = tuple(
            Goods(f"{number}-{category[:3]}-{turn}", category, word, _price(rng, low, high), is_resold)
            for category, word, low, high, is_resold in shelves
            for turn in range(9)
        )
        made.append(Shop(number, goods, share))
    return tuple(made)


def _price(rng: random.Random, low: int, high: int) -> int:
    """Cheap things are more common than dear ones."""
    above: float = (high - low) * rng.random() ** 1.7
    return round((low + above) / 100) * 100 - 10


def world_of(seed: int) -> World:
    """The shops, people and shared places of one seed."""
    rng = random.Random(seed)  # noqa: S311 - a simulation is repeated by its seed
    lockers = tuple(f"locker-{turn}" for turn in range(LOCKERS))
    mobile = tuple(f"mobile-{turn}" for turn in range(MOBILE_NETWORKS))
    world = World(rng, shops_of(rng), [], lockers, mobile)
    for number in range(PEOPLE):
        world.people.append(_person(world, number))
    return world


def _person(world: World, number: int) -> Person:
    rng = world.rng
    home, network = f"home-{number}", f"net-{number}"
    if rng.random() < 0.06:
        home = f"building-{rng.randrange(BUILDINGS)}"
    if rng.random() < 0.10:
        network = f"office-{rng.randrange(OFFICES)}"
    if rng.random() < 0.35:
        network = rng.choice(world.mobile)
    if number and rng.random() < 0.12:
        other = rng.choice(world.people).who
        home, network = other.address, other.network
    if rng.random() < 0.14:
        home = rng.choice(world.lockers)
    who = Identity(
        customer=f"c{number}",
        phone=f"phone-{number}",
        email=f"mail-{number}",
        address=home,
        postcode=_postcode(home),
        device=f"device-{number}",
        network=network,
        name_differs=None if rng.random() < 0.4 else rng.random() < 0.03,
        is_phone_abroad=rng.random() < 0.05,
        is_email_throwaway=rng.random() < 0.008,
    )
    return Person(
        who=who,
        per_year=min(14.0, 1.2 + rng.expovariate(1 / 4.2)),
        usual=rng.lognormvariate(0, 0.45),
        favourite=rng.choices(range(3), _SHARES)[0],
        hour=rng.choice((8, 12, 15, 18, 19, 20, 20, 21, 21, 22)),
        express=rng.choice((0.02, 0.1, 0.4)),
        partner_device=f"device-{max(0, number - 1)}",
        away_network=f"away-{rng.randrange(400)}",
        is_business=rng.random() < 0.03,
    )


def _postcode(place: str) -> str:
    return f"{sum(place.encode()) * 37 % 90_000 + 10_000:05d}"


def presses(seed: int, days: int = DAYS) -> Iterator[Press]:
    """Every press of one simulated year in order of time; about 13,000, of them about 1.3 % attacks."""
    from bench.attacks import attacks_of  # noqa: PLC0415 - attacks are made of this file's own words

    world = world_of(seed)
    made = [press for person in world.people for press in _orders_of(world, person, days)]
    made.extend(_hot_offers(world, days))
    made.extend(attacks_of(world, days))
    yield from sorted(made, key=lambda press: press.at)


def labelled(rng: random.Random, kind: Kind, at: datetime) -> tuple[bool, datetime]:
    """What is learnt of an order, and when. For good orders the silence is what is learnt."""
    is_bad = rng.random() < HONEST_UNPAID if kind == "good" else rng.random() >= NEVER_FOUND
    return is_bad, at + timedelta(days=rng.uniform(*LABEL_DAYS))


# --- good people ----------------------------------------------------------------------------------------------


def _orders_of(world: World, person: Person, days: int) -> Iterator[Press]:
    rng = world.rng
    day = rng.uniform(0, 365 / person.per_year)
    while day < days:
        yield from _bought(world, person, _hour(rng, day, person.hour))
        day += rng.expovariate(person.per_year / 365)


def _hour(rng: random.Random, day: float, usual: int) -> datetime:
    hour = rng.randrange(24) if rng.random() < 0.08 else round(rng.gauss(usual, 2)) % 24
    return BEGIN + timedelta(days=int(day), hours=hour, minutes=rng.randrange(60), seconds=rng.randrange(60))


def _bought(world: World, person: Person, at: datetime) -> Iterator[Press]:
    """One order of a good person, with whatever is odd about the day; seldom the same again a little later."""
    rng = world.rng
    who = _life_goes_on(world, person)
    size = person.usual
    if rng.random() < 0.04:
        # A wedding, a move, a holiday: once, much more than ever before.
        size *= rng.uniform(2.5, 6)
    shop = world.shops[person.favourite if rng.random() < 0.75 else rng.randrange(3)]
    lines = basket(rng, shop.goods, size)
    press = _press(rng, person, who, at, shop.number, lines)
    yield press
    if rng.random() < 0.025:
        # One more of the same: a size that did not fit, a second room.
        again = at + timedelta(minutes=rng.choice((4, 20, 90, 900, 4_000)))
        is_bad, label_at = labelled(rng, "good", again)
        yield replace(press, at=again, is_bad=is_bad, label_at=label_at, wrong_codes=0)


def _press(
    rng: random.Random, person: Person, who: Identity, at: datetime, shop: int, lines: tuple[Line, ...]
) -> Press:
    wrong_codes = rng.choice((1, 1, 1, 2, 2, 3, 5)) if rng.random() < 0.06 else 0
    is_bad, label_at = labelled(rng, "good", at)
    return Press(
        at=at,
        shop=shop,
        who=who,
        lines=lines,
        is_express=rng.random() < person.express,
        wrong_codes=wrong_codes,
        method=rng.choice(("invoice", "invoice", "instalments", "card", "mobilepay")),
        kind="good",
        is_bad=is_bad,
        label_at=label_at,
    )


def _life_goes_on(world: World, person: Person) -> Identity:
    """Who the order says it is today: some changes stay, others are of the day alone."""
    rng = world.rng
    if rng.random() < 0.012:
        person.who = replace(person.who, phone=f"phone-new-{rng.getrandbits(40):x}")
    if rng.random() < 0.02:
        person.who = replace(person.who, device=f"device-new-{rng.getrandbits(40):x}")
    if rng.random() < 0.01:
        home = f"home-new-{rng.getrandbits(40):x}"
        person.who = replace(person.who, address=home, postcode=_postcode(home))
    who = person.who
    if rng.random() < 0.06:
        # A present, or the summer house.
        where = (
            rng.choice(world.people).who.address if rng.random() < 0.5 else f"else-{rng.getrandbits(40):x}"
        )
        who = replace(who, address=where, postcode=_postcode(where))
    if rng.random() < 0.03:
        who = replace(who, network=person.away_network)
    if rng.random() < 0.25:
        who = replace(who, network=rng.choice(world.mobile))
    if rng.random() < 0.03:
        who = replace(who, device=person.partner_device)
    if rng.random() < 0.04:
        # A private window, or a browser that forgets.
        who = replace(who, device=f"device-once-{rng.getrandbits(40):x}")
    return who


def basket(rng: random.Random, goods: Sequence[Goods], size: float) -> tuple[Line, ...]:
    """A few lines of a shelf whose prices suit somebody who spends `size` times the middle."""
    wanted = min(4, 1 + int(rng.expovariate(1 / (0.5 * size))))
    picked = sorted(rng.sample(goods, min(len(goods), 4 * wanted)), key=lambda one: one.price_minor)
    # The dearer the habit, the further up the shelf.
    start = min(
        len(picked) - wanted, int(rng.random() * min(1.0, 0.45 * size + 0.15) * (len(picked) - wanted + 1))
    )
    return tuple(
        Line(one, 2 if one.price_minor < 60_00 and rng.random() < 0.2 else 1)
        for one in picked[start : start + wanted]
    )


def _hot_offers(world: World, days: int) -> Iterator[Press]:
    """An evening on which everybody wants the same thing: identical baskets of people who have nothing in common."""
    rng = world.rng
    for _ in range(max(1, days // 45)):
        shop = rng.choice(world.shops)
        lines = (Line(rng.choice(shop.resold), 1),)
        evening = rng.uniform(0, days)
        for person in rng.sample(world.people, 40):
            at = _hour(rng, evening, 20)
            yield _press(rng, person, _life_goes_on(world, person), at, shop.number, lines)
