"""What the sandbox bank stands on: the product's own tables, or nothing but this process."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

from app.kernel import clock
from app.messages import sandbox
from app.messages.sandbox import SandboxPerson


class StoredMemory:
    """In the database, for a bank that several web processes serve together."""

    async def remember_once(self, key: str, value: Mapping[str, object], ttl_s: int) -> bool:
        return await sandbox.remember_once(key, value, ttl_s)

    async def recall(self, key: str) -> object | None:
        return await sandbox.recall(key)


class StoredPeople:
    """The sandbox's named shoppers."""

    async def find(self, country: str, search: str, at_most: int) -> Sequence[SandboxPerson]:
        return await sandbox.people(country, search, at_most)

    async def by_subject(self, subject: str) -> SandboxPerson | None:
        return await sandbox.person_by_subject(subject)


class OwnMemory:
    """In this process, for a bank that is a process of its own and the only one."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[object, datetime]] = {}

    async def remember_once(self, key: str, value: Mapping[str, object], ttl_s: int) -> bool:
        now = clock.wall()
        self._kept = {known: kept for known, kept in self._kept.items() if kept[1] > now}
        if key in self._kept:
            return False
        self._kept[key] = (value, now + timedelta(seconds=ttl_s))
        return True

    async def recall(self, key: str) -> object | None:
        kept = self._kept.get(key)
        return kept[0] if kept is not None and kept[1] > clock.wall() else None


class OwnPeople:
    """A fixed list of people."""

    def __init__(self, people: Sequence[SandboxPerson]) -> None:
        self._people = tuple(people)

    async def find(self, country: str, search: str, at_most: int) -> Sequence[SandboxPerson]:
        wanted = search.lower()
        found = [
            person
            for person in self._people
            if person.country == country and (wanted in person.name.lower() or wanted in (person.phone or ""))
        ]
        return found[:at_most]

    async def by_subject(self, subject: str) -> SandboxPerson | None:
        return next((person for person in self._people if person.subject == subject), None)


def people_in(path: Path) -> OwnPeople:
    """People from a JSON file: a list of objects with the fields of `SandboxPerson`. Raises ValueError,
    KeyError."""
    listed: list[Mapping[str, str]] = json.loads(path.read_text(encoding="utf-8"))
    return OwnPeople([_person(each) for each in listed])


def _person(found: Mapping[str, str]) -> SandboxPerson:
    return SandboxPerson(
        subject=found["subject"],
        name=found["name"],
        kind=found["kind"],
        phone=found.get("phone"),
        national_number=found["national_number"],
        birthdate=date.fromisoformat(found["birthdate"]),
        country=found["country"],
    )
