"""The floors drawn in docs/house.md are the floors that are linted."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def linted(contract_id: str) -> list[list[str]]:
    """Each floor from the top down, each as its rooms in order."""
    configuration = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contracts = configuration["tool"]["importlinter"]["contracts"]
    [contract] = [contract for contract in contracts if contract["id"] == contract_id]
    return [re.findall(r"\w+", layer) for layer in contract["layers"]]


def drawn() -> list[list[list[str]]]:
    """Every picture of floors in the house's page."""
    pictures = re.findall(
        r"^```\n(.*?)^```", (ROOT / "docs" / "house.md").read_text(), re.DOTALL | re.MULTILINE
    )
    return [[floor.split(" | ") for floor in picture.splitlines()] for picture in pictures]


@pytest.mark.parametrize(("contract_id", "picture"), [("floors", 0), ("audiences", 1)])
def test_the_drawn_floors_are_the_linted_ones(contract_id: str, picture: int) -> None:
    assert drawn()[picture] == linted(contract_id)


def test_every_room_of_the_floors_is_described() -> None:
    page = (ROOT / "docs" / "house.md").read_text()
    described = set(re.findall(r"`(\w+)`", page.split("## The rooms")[1].split("## The words")[0]))
    assert {room for floor in linted("floors") for room in floor} <= described


def test_every_feature_is_kept_from_http() -> None:
    """A new feature folder must be named in the rule, or the rule would pass it by."""
    configuration = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contracts = configuration["tool"]["importlinter"]["contracts"]
    [contract] = [contract for contract in contracts if contract["id"] == "no-web-below"]
    kept = {module.removeprefix("app.") for module in contract["source_modules"]}
    above = {"cli", "main", "worker", "supervisor", "demo", "seeds", "doors", "web", "outside", "migrate"}
    below = {room for floor in linted("floors") for room in floor} - above
    built = {path.stem for path in (ROOT / "app").iterdir() if path.name != "__pycache__"}
    assert kept == below & built
