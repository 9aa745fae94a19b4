"""The four attacks of the simulator. Each has loud and quiet days: about a third of all attackers are patient, buy at
usual hours for usual sums and wait for the ordinary delivery."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from bench.simulator import BEGIN, Goods, Identity, Kind, Line, Press, Shop, World, basket, labelled

QUIET: Final = 0.35

# Campaigns a year of each kind, before chance.
STOLEN_A_YEAR: Final = 42
RESHIPPING_A_YEAR: Final = 9
REPEATED_A_YEAR: Final = 9
SPRAYS_A_YEAR: Final = 9


def attacks_of(world: World, days: int) -> Iterator[Press]:
    """Every order of every attack, in no order."""
    for make, a_year in (
        (_stolen, STOLEN_A_YEAR),
        (_reshipping, RESHIPPING_A_YEAR),
        (_repeated, REPEATED_A_YEAR),
        (_spray, SPRAYS_A_YEAR),
    ):
        for _ in range(round(a_year * days / 365 * world.rng.uniform(0.8, 1.2))):
            yield from make(world, world.rng.uniform(0, days))


def _key(rng: random.Random, what: str) -> str:
    return f"{what}-{rng.getrandbits(48):x}"


def _stranger(rng: random.Random, network: str, address: str, *, is_quiet: bool) -> Identity:
    """Somebody the shop has never seen, made up or stolen."""
    return Identity(
        customer=_key(rng, "c"),
        phone=_key(rng, "phone"),
        email=_key(rng, "mail"),
        address=address,
        postcode=f"{rng.randrange(10_000, 99_999)}",
        device=_key(rng, "device"),
        network=network,
        name_differs=None if rng.random() < 0.5 else rng.random() < (0.15 if is_quiet else 0.4),
        is_phone_abroad=rng.random() < (0.08 if is_quiet else 0.2),
        is_email_throwaway=rng.random() < (0.03 if is_quiet else 0.25),
    )


def _network(world: World) -> str:
    """Attackers come from a rented server, a stranger's home, or the same mobile network as everybody."""
    rng = world.rng
    if rng.random() < 0.3:
        return rng.choice(world.mobile)
    return rng.choice(world.people).who.network if rng.random() < 0.3 else _key(rng, "net")


def _when(rng: random.Random, day: float, *, is_quiet: bool) -> datetime:
    hour = (
        rng.choice((10, 13, 17, 19, 20, 21)) if is_quiet else rng.choice((0, 1, 2, 3, 4, 9, 14, 18, 22, 23))
    )
    return BEGIN + timedelta(days=int(day), hours=hour, minutes=rng.randrange(60), seconds=rng.randrange(60))


def _wanted(rng: random.Random, shop: Shop, *, is_quiet: bool) -> tuple[Line, ...]:
    """What is easily sold on, mostly; a quiet attacker fills the basket as others do."""
    if is_quiet:
        return basket(rng, shop.goods, rng.uniform(0.8, 1.8))
    dear: list[Goods] = sorted(shop.resold, key=lambda one: -one.price_minor)
    return tuple(Line(one, 1) for one in rng.sample(dear[: max(3, len(dear) // 2)], rng.choice((1, 1, 2))))


def _order(
    rng: random.Random, kind: Kind, at: datetime, shop: Shop, who: Identity, lines: tuple[Line, ...], *, is_quiet: bool,
    wrong_codes: int = 0,
) -> Press:  # fmt: skip
    is_bad, label_at = labelled(rng, kind, at)
    return Press(
        at=at,
        shop=shop.number,
        who=who,
        lines=lines,
        is_express=rng.random() < (0.1 if is_quiet else 0.5),
        wrong_codes=wrong_codes,
        method=rng.choice(("invoice", "invoice", "invoice", "instalments", "card")),
        kind=kind,
        is_bad=is_bad,
        label_at=label_at,
    )


def _stolen(world: World, day: float) -> Iterator[Press]:
    """Somebody else's name, once to three times; in one of three cases the account of a customer of the shop."""
    rng = world.rng
    is_quiet = rng.random() < QUIET
    shop = rng.choices(world.shops, [one.share for one in world.shops])[0]
    address = rng.choice(world.lockers) if rng.random() < 0.3 else _key(rng, "drop")
    who = _stranger(rng, _network(world), address, is_quiet=is_quiet)
    if rng.random() < 0.33:
        victim = rng.choice(world.people)
        who = replace(
            victim.who, device=who.device, network=who.network, address=address, postcode=who.postcode
        )
        shop = world.shops[victim.favourite]
    for turn in range(rng.choice((1, 1, 2, 3))):
        at = _when(rng, day + turn * rng.uniform(0.05, 3), is_quiet=is_quiet)
        lines = _wanted(rng, shop, is_quiet=is_quiet)
        codes = rng.choice((0, 0, 0, 1, 2))
        yield _order(rng, "stolen", at, shop, who, lines, is_quiet=is_quiet, wrong_codes=codes)


def _reshipping(world: World, day: float) -> Iterator[Press]:
    """One address where many "people" have goods sent for three to six weeks."""
    rng = world.rng
    address, lasts = _key(rng, "mule"), rng.uniform(18, 45)
    devices = [_key(rng, "device") for _ in range(3)]
    shop = rng.choice(world.shops)
    for _ in range(rng.randrange(4, 11)):
        is_quiet = rng.random() < 0.6
        who = _stranger(rng, _network(world), address, is_quiet=is_quiet)
        if rng.random() < 0.4:
            who = replace(who, device=rng.choice(devices))
        at = _when(rng, day + rng.uniform(0, lasts), is_quiet=is_quiet)
        yield _order(
            rng, "reshipping", at, shop, who, _wanted(rng, shop, is_quiet=is_quiet), is_quiet=is_quiet
        )


def _repeated(world: World, day: float) -> Iterator[Press]:
    """The same basket again and again within a day or two: few addresses, few devices, some telephone cards."""
    rng = world.rng
    is_quiet = rng.random() < QUIET
    shop = rng.choice(world.shops)
    lines = _wanted(rng, shop, is_quiet=False)
    network, device = _network(world), _key(rng, "device")
    addresses = [_key(rng, "drop") for _ in range(rng.choice((1, 2)))]
    cards = [_stranger(rng, network, addresses[0], is_quiet=is_quiet) for _ in range(rng.randrange(1, 5))]
    at = _when(rng, day, is_quiet=is_quiet)
    for _ in range(rng.randrange(4, 9)):
        who = replace(rng.choice(cards), address=rng.choice(addresses))
        if not is_quiet or rng.random() < 0.5:
            who = replace(who, device=device)
        yield _order(rng, "repeated", at, shop, who, lines, is_quiet=is_quiet)
        at += timedelta(minutes=rng.uniform(4, 60) * (12 if is_quiet else 1))


def _spray(world: World, day: float) -> Iterator[Press]:
    """Codes are tried on many numbers from one network; where one opens, something is bought at once."""
    rng = world.rng
    is_quiet = rng.random() < QUIET
    network = _key(rng, "net")
    shop = rng.choice(world.shops)
    at = _when(rng, day, is_quiet=is_quiet)
    for _ in range(rng.randrange(3, 9)):
        address = rng.choice(world.lockers) if rng.random() < 0.6 else _key(rng, "drop")
        who = _stranger(rng, network, address, is_quiet=is_quiet)
        if is_quiet:
            who = replace(who, network=_network(world))
        lines = _wanted(rng, shop, is_quiet=is_quiet)
        codes = rng.choice((1, 2, 3, 4, 5))
        yield _order(rng, "spray", at, shop, who, lines, is_quiet=is_quiet, wrong_codes=codes)
        at += timedelta(minutes=rng.uniform(5, 120) * (6 if is_quiet else 1))
