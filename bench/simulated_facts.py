"""What each shop of the simulated year would know at each press: the same counts as the product's one statement takes
from its table, here from memory. A shop knows of its own orders alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from statistics import median_low

from app.risk.facts import Facts
from app.risk.goods import words_of
from app.risk.rules import PARCEL_POINT
from bench.simulator import Press

HOUR, DAY, WEEK, MONTH = timedelta(hours=1), timedelta(days=1), timedelta(days=7), timedelta(days=30)

# The product's statement looks at no more of one key than this.
SCANNED_AT_MOST = 200


@dataclass(slots=True)
class _Seen:
    """What one shop remembers: by each key the presses so far, newest last."""

    by: dict[str, list[Press]] = field(default_factory=lambda: defaultdict(list))
    first: dict[str, Press] = field(default_factory=dict)

    def since(self, key: str, press: Press, span: timedelta) -> list[Press]:
        return [one for one in self.by[key][-SCANNED_AT_MOST:] if press.at - one.at <= span]

    def days(self, key: str, press: Press) -> int:
        known = self.first.get(key)
        return (press.at - known.at).days if known else 0

    def remember(self, press: Press) -> None:
        who = press.who
        for key in (who.customer, who.phone, who.email, who.address, who.device, who.network):
            self.by[key].append(press)
            self.first.setdefault(key, press)


def with_facts(presses: Iterable[Press]) -> Iterator[tuple[Press, Facts]]:
    """Each press, in the order given, with what its shop knew just before."""
    shops: dict[int, _Seen] = defaultdict(_Seen)
    for press in presses:
        seen = shops[press.shop]
        yield press, _facts(seen, press)
        seen.remember(press)


def _facts(seen: _Seen, press: Press) -> Facts:
    who = press.who
    before = seen.by[who.customer]
    month = {
        "phone": seen.since(who.phone, press, MONTH),
        "email": seen.since(who.email, press, MONTH),
        "address": seen.since(who.address, press, MONTH),
        "device": seen.since(who.device, press, MONTH),
    }
    network = seen.since(who.network, press, WEEK)
    same = [
        [one for one in found if one.lines == press.lines and press.at - one.at <= WEEK]
        for found in (month["phone"], month["address"], month["device"], network)
    ]
    people = len({one.who.phone for one in month["address"]} - {who.phone})
    own = same[:1] if people >= PARCEL_POINT else same[:2]

    def within(found: list[Press], span: timedelta) -> int:
        return sum(press.at - one.at <= span for one in found)

    return Facts(
        total_minor=press.total_minor,
        currency="EUR",
        method=press.method,
        buyer="consumer",
        hour=press.at.hour,
        pieces=sum(line.quantity for line in press.lines),
        skus=tuple(sorted({line.goods.sku for line in press.lines})),
        categories=tuple(sorted({line.goods.category for line in press.lines})),
        words=words_of(line.goods.word for line in press.lines),
        postcode=who.postcode,
        address=who.address,
        express=press.is_express,
        orders_before=len(before),
        usual_minor=median_low([one.total_minor for one in before]) if before else None,
        first_order=not before,
        phone_days=seen.days(who.phone, press),
        email_days=seen.days(who.email, press),
        address_known=any(one.who.address == who.address for one in before),
        same_1h=max(within(found, HOUR) for found in same),
        same_24h=max(within(found, DAY) for found in same),
        same_7d=max(len(found) for found in same),
        own_same_1h=max(within(found, HOUR) for found in own),
        own_same_24h=max(within(found, DAY) for found in own),
        phone_1h=within(month["phone"], HOUR),
        phone_24h=within(month["phone"], DAY),
        phone_30d=len(month["phone"]),
        email_24h=within(month["email"], DAY),
        email_30d=len(month["email"]),
        address_24h=within(month["address"], DAY),
        address_30d=len(month["address"]),
        device_24h=within(month["device"], DAY),
        device_30d=len(month["device"]),
        network_1h=within(network, HOUR),
        network_24h=within(network, DAY),
        address_people_30d=people,
        device_people_30d=len({one.who.phone for one in month["device"]} - {who.phone}),
        wrong_codes_24h=press.wrong_codes,
        name_differs=who.name_differs,
        phone_abroad=who.is_phone_abroad,
        throwaway_email=who.is_email_throwaway,
    )
