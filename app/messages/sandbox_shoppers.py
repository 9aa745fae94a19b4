"""The people of the sandbox: invented shoppers, each with a phone, a national number and a register entry of
their own.

Nobody real can be meant: the phones lie in 048, a mobile range that no operator holds, and the national
numbers are of kinds that no register gives to anybody (`sandbox_numbers`). Addresses end in `.example`.

A shopper here is only known to the twins (the bank vouches for them, the register knows them). Whether the
product knows them too is for the caller to arrange through the product's own verbs.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import ClassVar, Final, Literal, TypeAlias, get_args
from uuid import UUID

from app.checkout.assessing import HELD_HOST
from app.kernel import db, ids
from app.kernel.errors import Refusal
from app.messages.sandbox_numbers import company_number, national_number

ShopperKind = Literal[
    "returning", "first-timer", "no-phone", "declined", "credit-ban", "register-down", "held", "business"
]
KINDS: Final[tuple[ShopperKind, ...]] = get_args(ShopperKind)

_PHONE_PREFIX: Final = "+35848"
_PHONE_FREE_DIGITS: Final = 7
_ATTEMPTS: Final = 20
# Any constant does, as long as nothing else in this database takes the same advisory lock.
_LOCK_KEY: Final = 0x73686F70

_FIRST_NAMES: Final = [
    "Aino",
    "Eero",
    "Helmi",
    "Ilmari",
    "Kaisa",
    "Lauri",
    "Meri",
    "Niilo",
    "Oona",
    "Paavo",
    "Ronja",
    "Sampo",
    "Taimi",
    "Urho",
    "Venla",
    "Väinö",
    "Aava",
    "Elias",
    "Hilja",
    "Joel",
    "Kerttu",
    "Leevi",
    "Minea",
    "Otso",
]
_LAST_NAMES: Final = [
    "Aaltola",
    "Harjula",
    "Honkanen",
    "Ilola",
    "Jokela",
    "Kallio",
    "Kivelä",
    "Koskela",
    "Kuusela",
    "Lahtela",
    "Lehtola",
    "Metsälä",
    "Mäntylä",
    "Niemelä",
    "Ojala",
    "Peltola",
    "Rantala",
    "Saarela",
    "Toivola",
    "Vainio",
]
_HOMES: Final[Mapping[str, Sequence[tuple[str, str, str]]]] = MappingProxyType(
    {
        "FI": (
            ("00530", "Helsinki", "Kaarikuja"),
            ("02130", "Espoo", "Rantapolku"),
            ("20100", "Turku", "Myllymäki"),
            ("33200", "Tampere", "Puistorinne"),
            ("40100", "Jyväskylä", "Harjupolku"),
            ("70100", "Kuopio", "Satamakuja"),
            ("90100", "Oulu", "Saaripolku"),
            ("96200", "Rovaniemi", "Jokitörmä"),
        ),
        "SE": (("11455", "Stockholm", "Lindgatan"), ("41103", "Göteborg", "Hamnstigen")),
        "DK": (("2100", "København", "Lindevej"), ("8000", "Aarhus", "Havnestien")),
    }
)
# What people earn and owe is said in their own money: its name, and about how many of it make a euro.
_MONEY: Final[Mapping[str, tuple[str, int]]] = MappingProxyType(
    {"FI": ("EUR", 1), "SE": ("SEK", 11), "DK": ("DKK", 7)}
)

# What the sandbox register answers. The three that pass earn an ordinary wage and owe little.
# Income a month, then what is left of each loan and what it takes a month, then a ban; in cents.
_Earning: TypeAlias = tuple[int, tuple[tuple[int, int], ...], bool]
_STEADY: Final[_Earning] = (3_200_00, ((4_800_00, 160_00),), False)
_STRAINED: Final[_Earning] = (1_450_00, ((6_200_00, 310_00), (2_900_00, 225_00)), False)
_REGISTER: Final[Mapping[ShopperKind, _Earning]] = MappingProxyType(
    {
        "returning": _STEADY,
        "first-timer": _STEADY,
        "no-phone": _STEADY,
        "declined": _STRAINED,
        "credit-ban": (3_200_00, ((4_800_00, 160_00),), True),
        "register-down": _STEADY,
        "held": _STEADY,
        "business": _STEADY,
    }
)
# What a company of the country calls its form.
_COMPANY_FORMS: Final = {"FI": "Oy", "SE": "AB", "DK": "ApS"}


@dataclass(frozen=True, slots=True)
class SandboxShopper:
    """One invented person. `phone` is E.164 or None, `subject` the bank's name for them, `register` what the
    register twin answers (see `outside/register.py` for its fields)."""

    id: UUID
    kind: ShopperKind
    name: str
    phone: str | None
    postcode: str
    email: str
    street: str
    city: str
    country: str
    subject: str
    national_number: str = field(repr=False)
    birthdate: date = field(repr=False)
    register: Mapping[str, object] = field(repr=False)
    created_at: datetime


@dataclass(frozen=True, slots=True)
class SandboxCompany:
    """An invented company: its number is well formed and given to none."""

    number: str
    name: str


def company_of(shopper: SandboxShopper) -> SandboxCompany | None:
    """The company that a contact person buys for; None for everybody else."""
    if shopper.kind != "business" or shopper.phone is None:
        return None
    family = shopper.name.rpartition(" ")[2]
    number = company_number(shopper.country, int(shopper.phone[-5:]))
    return SandboxCompany(number, f"{family} {_COMPANY_FORMS.get(shopper.country, 'Oy')}")


Introduction: TypeAlias = Callable[[SandboxShopper], Awaitable[None]]


class UnknownKind(Refusal):
    """The sandbox makes no shopper of this kind."""

    code: ClassVar[str] = "unknown_kind"

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind


class UnknownShopper(Refusal):
    code: ClassVar[str] = "unknown_shopper"


_COLUMNS = """id, kind, name, phone, postcode, email, street, city, country, subject, national_number,
    birthdate, register, created_at"""

_INSERT = f"""
INSERT INTO sandbox_shoppers ({_COLUMNS})
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
"""  # noqa: S608 - the columns are the constant above

_TAKEN = "SELECT EXISTS (SELECT FROM sandbox_shoppers WHERE phone = $1 OR national_number = $2)"


def kind_of(text: str) -> ShopperKind:
    """The kind of that name. Raises UnknownKind."""
    if text not in KINDS:
        raise UnknownKind(text)
    return text


async def make_shopper(
    kind: ShopperKind,
    now: datetime,
    *,
    name: str | None = None,
    country: str = "FI",
    introduce: Introduction | None = None,
) -> SandboxShopper:
    """A fresh shopper that shares nothing with any other. `now`: business time. One transaction.

    `country` is where they live, earn and are registered; Finland for one that the sandbox knows no homes in. Their
    phone is Finnish all the same.

    `introduce` runs inside it and tells the product of them, so that nobody is made by half.
    """

    async def make() -> SandboxShopper:
        # Two at once would both look before either writes.
        await db.execute("SELECT pg_advisory_xact_lock($1)", _LOCK_KEY)
        for _ in range(_ATTEMPTS):
            shopper = _invented(kind, now, name, country if country in _HOMES else "FI")
            if not await db.fetch_value(_TAKEN, shopper.phone, shopper.national_number):
                await db.execute(_INSERT, *_row(shopper))
                if introduce is not None:
                    await introduce(shopper)
                return shopper
        raise RuntimeError("no free phone number was found for a sandbox shopper")

    return await db.in_tx(make)


async def set_register(subject: str, register: Mapping[str, object]) -> None:
    """What the register twin answers about one shopper from now on. Raises UnknownShopper. One
    transaction."""

    async def change() -> None:
        tag = await db.execute(
            "UPDATE sandbox_shoppers SET register = $2 WHERE subject = $1", subject, register
        )
        if tag != "UPDATE 1":
            raise UnknownShopper

    await db.in_tx(change)


async def shoppers(at_most: int = 200) -> list[SandboxShopper]:
    """Everybody, the seeded ones first; of a crowd the newest."""
    newest = f"SELECT {_COLUMNS} FROM sandbox_shoppers ORDER BY created_at DESC, id DESC LIMIT $1"  # noqa: S608
    rows = await db.fetch_all(f"SELECT * FROM ({newest}) AS newest ORDER BY created_at, id", at_most)  # noqa: S608
    return [_shopper(row) for row in rows]


async def shopper_by_subject(subject: str) -> SandboxShopper | None:
    row = await db.fetch_one(f"SELECT {_COLUMNS} FROM sandbox_shoppers WHERE subject = $1", subject)  # noqa: S608
    return None if row is None else _shopper(row)


async def shopper_by_national_number(national_number: str) -> SandboxShopper | None:
    row = await db.fetch_one(
        f"SELECT {_COLUMNS} FROM sandbox_shoppers WHERE national_number = $1",  # noqa: S608
        national_number,
    )
    return None if row is None else _shopper(row)


def _invented(kind: ShopperKind, now: datetime, name: str | None, country: str) -> SandboxShopper:
    name = name or f"{secrets.choice(_FIRST_NAMES)} {secrets.choice(_LAST_NAMES)}"
    postcode, city, street = secrets.choice(_HOMES[country])
    birthdate = date(1955, 1, 1) + timedelta(days=secrets.randbelow(50 * 365))
    free_digits = secrets.randbelow(10**_PHONE_FREE_DIGITS)
    return SandboxShopper(
        id=ids.internal_id(),
        kind=kind,
        name=name,
        phone=None if kind == "no-phone" else f"{_PHONE_PREFIX}{free_digits:0{_PHONE_FREE_DIGITS}d}",
        postcode=postcode,
        # What is confirmed with an address at that host waits for a person.
        email=f"{_mailbox(name)}.{free_digits:07d}@{HELD_HOST if kind == 'held' else 'kolme.example'}",
        street=f"{street} {1 + secrets.randbelow(60)}",
        city=city,
        country=country,
        subject=ids.public_id("person"),
        national_number=national_number(country, birthdate, secrets.randbelow(10_000)),
        birthdate=birthdate,
        register=_earning(kind, country),
        created_at=now,
    )


def _earning(kind: ShopperKind, country: str) -> dict[str, object]:
    """What the register answers of a kind, in the money of a country."""
    currency, times = _MONEY[country]
    income_minor, loans, has_ban = _REGISTER[kind]
    return {
        "income_minor_month": income_minor * times,
        "loans": [
            {"outstanding_minor": outstanding_minor * times, "monthly_minor": monthly_minor * times}
            for outstanding_minor, monthly_minor in loans
        ],
        "credit_ban": has_ban,
        "currency": currency,
        # The twin does not answer for them: a person decides.
        **({"closed": True} if kind == "register-down" else {}),
    }


def _mailbox(name: str) -> str:
    return name.lower().translate(str.maketrans("äöå ", "aoa."))


def _row(shopper: SandboxShopper) -> Sequence[object]:
    return (
        shopper.id,
        shopper.kind,
        shopper.name,
        shopper.phone,
        shopper.postcode,
        shopper.email,
        shopper.street,
        shopper.city,
        shopper.country,
        shopper.subject,
        shopper.national_number,
        shopper.birthdate,
        dict(shopper.register),
        shopper.created_at,
    )


def _shopper(row: db.Record) -> SandboxShopper:
    return SandboxShopper(**dict(row.items()))
