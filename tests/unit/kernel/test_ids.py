"""Ids: ordered inside, unguessable outside, one spelling each."""

from __future__ import annotations

import re
import uuid
from collections import Counter

import pytest

from app.kernel import ids


def test_a_public_id_has_its_prefix_and_26_characters_without_look_alikes() -> None:
    for _ in range(1000):
        text = ids.public_id("cs")
        assert re.fullmatch(r"cs_[0-7][0-9a-hjkmnp-tv-z]{25}", text)
        assert ids.is_public_id("cs", text)


def test_public_ids_carry_128_random_bits() -> None:
    drawn = [ids.public_id("cs").removeprefix("cs_") for _ in range(4000)]
    assert len(set(drawn)) == 4000
    numbers = [sum(ids.ALPHABET.index(c) << (5 * i) for i, c in enumerate(reversed(text))) for text in drawn]
    assert max(numbers) < 2**128
    for bit in range(128):
        ones = sum(number >> bit & 1 for number in numbers)
        assert 1700 < ones < 2300, f"bit {bit} is set in {ones} of 4000: nine standard deviations off"
    letters = Counter("".join(text[1:] for text in drawn))
    assert set(letters) == set(ids.ALPHABET)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "cs_",
        "cs_0123",
        "ord_00000000000000000000000000",
        "cs_80000000000000000000000000",
        "cs_0000000000000000000000000o",
        "cs_0000000000000000000000000I",
        "cs_0000000000000000000000000\n",
        "cs_00000000000000000000000000\n",
        "cs_000000000000000000000000000",
        "cs_0000000000000000000000000\0",
        "cs_0000000000000000000000000é",
        "CS_00000000000000000000000000",
    ],
)
def test_what_could_not_be_an_id_is_told(text: str) -> None:
    assert not ids.is_public_id("cs", text)
    assert ids.is_public_id("cs", "cs_00000000000000000000000000")


def test_internal_ids_are_ordered_uuids_of_version_seven() -> None:
    drawn = [ids.internal_id() for _ in range(1000)]
    assert drawn == sorted(drawn)
    assert len(set(drawn)) == 1000
    assert {(type(number), number.version) for number in drawn} == {(uuid.UUID, 7)}


def test_a_token_is_256_bits_and_only_its_digest_is_kept() -> None:
    tokens = {ids.token() for _ in range(1000)}
    assert len(tokens) == 1000
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", token) for token in tokens)
    assert ids.digest("abc").hex() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
