"""The product knows no named shopper: only the sandbox's own rooms, the outside and the seeds speak of
one."""

from __future__ import annotations

import re
from pathlib import Path

from app.messages.sandbox_shoppers import KINDS

ROOT = Path(__file__).resolve().parents[2]
# The table's declaration stands with those of its floor.
MAY_KNOW = (
    "app/messages/sandbox",
    "app/messages/tables.py",
    "app/outside/",
    "app/seeds.py",
    "app/web/sandbox/",
    "templates/sandbox/",
)
# `declined` and `held` are also names of an outcome and `business` of a buyer, and people "return" in comments: a kind
# is a quoted word of its own.
KIND_WORDS = [kind for kind in KINDS if kind not in {"declined", "held", "business"}]
FORBIDDEN = re.compile(
    "|".join(rf"""["']{re.escape(kind)}["']""" for kind in KIND_WORDS) + "|sandbox_shopper"
)


def test_no_room_of_the_product_knows_a_kind_of_shopper_or_asks_who_lives_in_the_sandbox() -> None:
    offenders = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in product_files()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if FORBIDDEN.search(line)
    ]

    assert offenders == []


def test_no_room_of_the_product_knows_a_seeded_person_by_name() -> None:
    from app.seeds import PEOPLE  # noqa: PLC0415 - the seeds pull in the whole product

    names = re.compile("|".join(re.escape(name) for name in PEOPLE.values()))

    assert [str(path) for path in product_files() if names.search(path.read_text(encoding="utf-8"))] == []


def product_files() -> list[Path]:
    files = [
        *(ROOT / "app").rglob("*.py"),
        *(ROOT / "templates").rglob("*.*"),
        *(ROOT / "static").rglob("*.js"),
    ]
    return [path for path in files if not str(path.relative_to(ROOT)).startswith(MAY_KNOW)]
