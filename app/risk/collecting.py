"""Collecting the facts of a purchase: one statement, over what was decided before.

Nothing is counted by walking over a table. Each subject (phone, e-mail, address, device, network, customer) has an
index that gives its newest rows, and of those at most `SCAN_MAX` are looked at: who has more has passed every threshold
long ago. So a decision costs the same with a million orders behind it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
import structlog

from app.identity.rules import CODE_TRIES
from app.kernel import db
from app.kernel.phone import CALLING_CODES, route_of
from app.risk.conditions import MerchantRule
from app.risk.digests import Digests, digests_of
from app.risk.facts import Facts, Purchase
from app.risk.goods import bare, is_express, is_throwaway, names_differ, words_of
from app.risk.rules import PARCEL_POINT
from app.risk.scoring import StoredModel

SCAN_MAX: Final = 200
RULES_MAX: Final = 200

_log = structlog.get_logger("risk")


@dataclass(frozen=True, slots=True)
class Collected:
    """The facts, the digests under which this purchase will be found by later ones, and who is asked about it: the
    shop's rules that are not off, those that rest for this customer, and its newest model."""

    facts: Facts
    digests: Digests
    rules: tuple[MerchantRule, ...] = ()
    snoozed: frozenset[str] = frozenset()
    model: StoredModel | None = None


class _Counts(msgspec.Struct, frozen=True):
    """Other orders of one subject, by time, and those of the very same goods. `people`: phones other than this one.
    `bad`: orders that a person has called somebody's fraud; one that is only unpaid is a matter of credit."""

    h1: int = 0
    h24: int = 0
    d30: int = 0
    same_h1: int = 0
    same_h24: int = 0
    same_d7: int = 0
    people: int = 0
    bad: int = 0


_NOTHING: Final = _Counts()


def _each(digests: str, keys: int) -> str:
    """Its digests under each key of the ring, as rows. A list that stands in the statement, because the planner takes
    an array to be long, and would plan anew at each press."""
    return ", ".join(f"(({digests}::bytea[])[{place}])" for place in range(1, keys + 1))


def _newest_of(subject: str, digests: str, since: str, keys: int) -> str:
    """Its newest rows, this session and this order left out. Digests are looked for one by one: an index gives the
    newest of one digest without sorting."""
    return f"""
    SELECT '{subject}' AS subject, r.* FROM (VALUES {_each(digests, keys)}) AS d (digest) CROSS JOIN LATERAL (
        SELECT id, order_id, at, outcome, basket, phone, address FROM risk_decisions
        WHERE merchant_id = $1 AND {subject} = d.digest AND at <= $4 {since}
          AND session_id <> $2 AND order_id <> $3
        ORDER BY at DESC LIMIT {SCAN_MAX}
    ) r"""  # noqa: S608 - words of this module alone


def _first_of(subject: str, digests: str, keys: int) -> str:
    """When it was first seen here."""
    return f"""
        SELECT min(r.at) FROM (VALUES {_each(digests, keys)}) AS d (digest) CROSS JOIN LATERAL (
            SELECT at FROM risk_decisions WHERE merchant_id = $1 AND {subject} = d.digest AND at <= $4
            ORDER BY at LIMIT 1) r"""  # noqa: S608 - words of this module alone


def _seen(keys: int) -> str:
    month, week = "AND at > $4 - interval '30 days'", "AND at > $4 - interval '7 days'"
    return " UNION ALL ".join(
        (
            _newest_of("phone", "$8", "", keys),
            _newest_of("email", "$9", month, keys),
            _newest_of("address", "$10", month, keys),
            _newest_of("device", "$11", month, keys),
            _newest_of("network", "$12", week, keys),
        )
    )


# Given to `statement` below. $1 merchant, $2 session, $3 order, $4 now, $5 customer, $6 currency, $7 browser; $8 to
# $13: digests of phone, e-mail, address, device, network, basket.
_REST: Final = f"""
), counted AS (
    SELECT subject,
           count(DISTINCT order_id) FILTER (WHERE at > $4 - interval '1 hour') AS h1,
           count(DISTINCT order_id) FILTER (WHERE at > $4 - interval '24 hours') AS h24,
           count(DISTINCT order_id) FILTER (WHERE at > $4 - interval '30 days') AS d30,
           count(DISTINCT order_id) FILTER (WHERE same AND at > $4 - interval '1 hour') AS same_h1,
           count(DISTINCT order_id) FILTER (WHERE same AND at > $4 - interval '24 hours') AS same_h24,
           count(DISTINCT order_id) FILTER (WHERE same AND at > $4 - interval '7 days') AS same_d7,
           count(DISTINCT phone) FILTER (WHERE phone <> ALL($8)) AS people,
           count(DISTINCT order_id) FILTER (WHERE subject IN ('phone', 'address') AND EXISTS (
               SELECT FROM risk_labels l WHERE l.merchant_id = $1 AND l.decision_id = seen.id
               AND l.source <> 'unpaid' AND l.is_bad)) AS bad
    FROM seen CROSS JOIN LATERAL (SELECT basket = ANY($13) AS same) s
    GROUP BY subject
), bought AS (
    SELECT order_id, amount_minor, currency, address, outcome FROM risk_decisions
    WHERE customer_id = $5 AND merchant_id = $1 AND at <= $4 AND session_id <> $2 AND order_id <> $3
    ORDER BY at DESC LIMIT {SCAN_MAX}
)
SELECT (SELECT jsonb_object_agg(subject, to_jsonb(counted) - 'subject') FROM counted) AS counted,
       (SELECT count(DISTINCT order_id) FROM bought WHERE outcome = 'approve') AS orders_before,
       (SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY amount_minor) FROM bought
        WHERE outcome = 'approve' AND currency = $6) AS usual_minor,
       EXISTS (SELECT FROM bought WHERE outcome = 'approve' AND address = ANY($10))
           OR EXISTS (SELECT FROM seen WHERE subject = 'phone' AND outcome = 'approve' AND address = ANY($10))
           AS address_known,
       (SELECT coalesce(sum(tried), 0) FROM (
            SELECT {CODE_TRIES} - tries_left - (state = 'used')::int AS tried FROM code_challenges
            WHERE browser_id = $7 AND created_at > $4 - interval '24 hours'
            LIMIT {SCAN_MAX}) t) AS wrong_codes,
       (SELECT jsonb_agg(to_jsonb(r)) FROM (
            SELECT id, public_id, name, version, conditions, outcome, mode FROM risk_rules
            WHERE merchant_id = $1 AND mode IN ('on', 'shadow') ORDER BY id
            LIMIT {RULES_MAX}) r) AS rules,
       (SELECT array_agg(rule) FROM risk_snoozes
        WHERE merchant_id = $1 AND customer_id = $5 AND until > $4) AS snoozed,
       (SELECT to_jsonb(m) FROM (
            SELECT id, version, mode, content, encode(digest, 'hex') AS digest FROM risk_models
            WHERE merchant_id = $1 ORDER BY version DESC LIMIT 1) m) AS model"""  # noqa: S608 - words of this module alone


@lru_cache(maxsize=8)
def statement(keys: int) -> str:
    """The one statement that collects, for digests under so many keys."""
    return (
        f"WITH seen AS ({_seen(keys)}\n{_REST},"
        f"\n       ({_first_of('phone', '$8', keys)}) AS phone_since"
        f",\n       ({_first_of('email', '$9', keys)}) AS email_since"
    )


async def collect(purchase: Purchase) -> Collected:
    """What is known at this press. Its own session and order never count."""
    digests = digests_of(purchase)
    row = await db.fetch_one(*asked_to_collect(purchase, digests))
    assert row is not None, "a statement without a table of its own has one row"
    return Collected(
        _facts(purchase, digests, row),
        digests,
        rules=_readable_rules(row["rules"] or ()),
        snoozed=frozenset(row["snoozed"] or ()),
        model=None if row["model"] is None else msgspec.convert(row["model"], StoredModel),
    )


def asked_to_collect(purchase: Purchase, digests: Digests) -> tuple[str, *tuple[object, ...]]:
    """The statement and its parameters."""
    return (
        statement(max(len(digests.phone), len(digests.basket), len(digests.network), 1)),
        purchase.merchant_id,
        purchase.session_id,
        purchase.order_id,
        purchase.at,
        purchase.customer_id,
        purchase.currency,
        purchase.browser_id,
        digests.phone,
        digests.email,
        digests.address,
        digests.device,
        digests.network,
        digests.basket,
    )


def _readable_rules(stored: Sequence[Mapping[str, object]]) -> tuple[MerchantRule, ...]:
    """A rule that cannot be read stops nobody's purchase: the others are asked, and the log names it."""
    rules = []
    for rule in stored:
        try:
            rules.append(msgspec.convert(rule, MerchantRule))
        except msgspec.ValidationError:
            _log.error("rule_unreadable", rule=rule["public_id"])
    return tuple(rules)


def _facts(purchase: Purchase, digests: Digests, row: db.Record) -> Facts:
    counted = msgspec.convert(row["counted"] or {}, dict[str, _Counts])
    phone, email, address, device, network = (
        counted.get(subject, _NOTHING) for subject in ("phone", "email", "address", "device", "network")
    )
    # What very many people have sent to one place is sent to a parcel point: it makes no order the other's twin.
    own = (phone,) if address.people >= PARCEL_POINT else (phone, address)
    anyones = (phone, address, device, network)
    goods = [item for item in purchase.items if item.type == "item"]
    return Facts(
        total_minor=purchase.total_minor,
        currency=purchase.currency,
        method=purchase.method,
        buyer=purchase.buyer,
        hour=purchase.at.astimezone(ZoneInfo(purchase.time_zone)).hour,
        pieces=sum(item.quantity for item in goods),
        skus=tuple(sorted({item.sku for item in goods if item.sku})),
        categories=tuple(sorted({item.category for item in goods if item.category})),
        words=words_of(item.name for item in goods),
        basket=digests.basket[0].hex() if digests.basket else "",
        postcode=purchase.postcode,
        address=digests.address[0].hex() if digests.address else None,
        express=is_express(item.name for item in purchase.items if item.type == "shipping"),
        orders_before=row["orders_before"],
        usual_minor=row["usual_minor"],
        first_order=not row["orders_before"],
        phone_days=_days(purchase.at, row["phone_since"], purchase.customer_since) if digests.phone else None,
        email_days=_days(purchase.at, row["email_since"]) if digests.email else None,
        address_known=row["address_known"],
        same_1h=max(counts.same_h1 for counts in anyones),
        same_24h=max(counts.same_h24 for counts in anyones),
        same_7d=max(counts.same_d7 for counts in anyones),
        own_same_1h=max(counts.same_h1 for counts in own),
        own_same_24h=max(counts.same_h24 for counts in own),
        bad_before=max(counts.bad for counts in own),
        phone_1h=phone.h1,
        phone_24h=phone.h24,
        phone_30d=phone.d30,
        email_24h=email.h24,
        email_30d=email.d30,
        address_24h=address.h24,
        address_30d=address.d30,
        device_24h=device.h24,
        device_30d=device.d30,
        network_1h=network.h1,
        network_24h=network.h24,
        address_people_30d=address.people,
        device_people_30d=device.people,
        wrong_codes_24h=row["wrong_codes"],
        name_differs=_name_differs(purchase),
        phone_abroad=None if purchase.phone is None else _is_abroad(purchase.phone, purchase.country),
        throwaway_email=is_throwaway(purchase.email),
        postcode_differs=_postcode_differs(purchase),
    )


def _days(now: datetime, *since: datetime | None) -> int:
    """Whole days since the first of these; 0 where this is the first time."""
    return max((now - min((at for at in since if at is not None), default=now)).days, 0)


def _name_differs(purchase: Purchase) -> bool | None:
    """Whether a name that was typed or passed is another than that of the identification. A company's name is no
    person's."""
    told = (purchase.name, purchase.passed_name if purchase.buyer == "consumer" else None)
    answers = [names_differ(purchase.verified_name, name) for name in told]
    return None if all(answer is None for answer in answers) else any(answers)


def _postcode_differs(purchase: Purchase) -> bool | None:
    """Whether it goes elsewhere than the shop was told."""
    told, passed = bare(purchase.postcode or ""), bare(purchase.passed_postcode or "")
    return told != passed if told and passed else None


def _is_abroad(phone: str, country: str) -> bool:
    return route_of(phone) != str(CALLING_CODES.get(country, ""))
