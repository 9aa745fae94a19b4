"""Keys: what is signed or sealed for one purpose is worth nothing for another, altered, or under another key."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.keys import Keyring, KeyringInvalid, SealBroken

FIRST = Keyring.new_line("k1")
SECOND = Keyring.new_line("k2")
RING = Keyring.parse(FIRST)
TURNED = Keyring.parse(f"{SECOND}\n\n  {FIRST}  \n")
STRANGER = Keyring.parse(Keyring.new_line("k1"))


@given(st.binary(max_size=200))
def test_a_signed_text_gives_its_payload_back(payload: bytes) -> None:
    assert RING.unsign("cookie", RING.sign("cookie", payload)) == payload


@given(st.binary(max_size=200))
def test_a_sealed_value_opens(plaintext: bytes) -> None:
    sealed = RING.seal("claims", plaintext)
    assert RING.open("claims", sealed) == plaintext
    assert len(plaintext) < 8 or plaintext not in sealed


def test_a_signed_text_is_safe_in_a_url_and_a_cookie() -> None:
    text = RING.sign("cookie", bytes(range(256)))
    assert set(text) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")


def test_every_altered_character_of_a_signed_text_is_noticed() -> None:
    text = RING.sign("cookie", b"total=39900")
    for place, character in enumerate(text):
        for other in "Aa0-_.=! é\0":
            if other != character:
                assert RING.unsign("cookie", text[:place] + other + text[place + 1 :]) is None
    for altered in (
        "",
        ".",
        "..",
        "k1..",
        text[:-1],
        text + "A",
        text + "=",
        text + "\n",
        f" {text}",
        f"{text}.x",
    ):
        assert RING.unsign("cookie", altered) is None


def test_every_altered_bit_of_a_sealed_value_is_noticed() -> None:
    sealed = RING.seal("claims", b"010190-123A")
    for place in range(len(sealed)):
        for bit in range(8):
            altered = bytearray(sealed)
            altered[place] ^= 1 << bit
            with pytest.raises(SealBroken):
                RING.open("claims", bytes(altered))
    for length in range(len(sealed)):
        with pytest.raises(SealBroken):
            RING.open("claims", sealed[:length])


def test_purposes_do_not_know_each_other() -> None:
    assert RING.unsign("session", RING.sign("cookie", b"x")) is None
    with pytest.raises(SealBroken):
        RING.open("phones", RING.seal("claims", b"x"))
    assert RING.mac("a", "x") != RING.mac("b", "x")


def test_a_ring_of_other_keys_is_a_stranger_even_under_the_same_id() -> None:
    assert STRANGER.unsign("cookie", RING.sign("cookie", b"x")) is None
    with pytest.raises(SealBroken):
        STRANGER.open("claims", RING.seal("claims", b"x"))
    assert STRANGER.mac("a", "x") != RING.mac("a", "x")


def test_two_seals_of_one_value_differ() -> None:
    assert RING.seal("claims", b"x") != RING.seal("claims", b"x")


def test_after_a_turn_the_old_key_verifies_and_opens_and_the_new_one_signs() -> None:
    assert TURNED.unsign("cookie", RING.sign("cookie", b"x")) == b"x"
    assert TURNED.open("claims", RING.seal("claims", b"x")) == b"x"
    assert TURNED.mac_matches("code", RING.mac("code", "123456"), "123456")
    assert not TURNED.mac_matches("code", RING.mac("code", "123456"), "123457")
    assert TURNED.sign("cookie", b"x").startswith("k2.")
    assert RING.unsign("cookie", TURNED.sign("cookie", b"x")) is None


def test_a_digest_is_told_under_every_key_the_current_one_first() -> None:
    assert TURNED.macs("phone", "+358") == (TURNED.mac("phone", "+358"), RING.mac("phone", "+358"))


def test_the_borders_between_parts_count() -> None:
    assert RING.mac("p", "ab", "c") != RING.mac("p", "a", "bc") != RING.mac("p", "abc")
    assert RING.mac("p", "ab") != RING.mac("p", "ab", "")
    assert RING.mac("p", "ab") == RING.mac("p", b"ab")
    assert len(RING.mac("p")) == 32


@pytest.mark.parametrize(
    "text",
    [
        "",
        "k1",
        "k1:",
        "k1:not base64!",
        "k1:AAAA",
        "k1:" + "A" * 43 + "=",
        "K1:" + FIRST[3:],
        f"{FIRST}\n{FIRST}",
        ":" + FIRST[3:],
        "a" * 17 + FIRST[2:],
    ],
    # The keys are new in every run, and test names must not be.
    ids=[
        "empty",
        "no key",
        "empty key",
        "no base64",
        "short",
        "all zero",
        "bad id",
        "twice",
        "no id",
        "long id",
    ],
)
def test_a_bad_key_file_is_refused_without_quoting_it(text: str) -> None:
    with pytest.raises(KeyringInvalid) as refused:
        Keyring.parse(text)
    assert FIRST[3:] not in str(refused.value)


def test_a_ring_does_not_show_its_keys() -> None:
    assert FIRST[3:] not in repr(RING)
    assert repr(TURNED) == "Keyring(current='k2', keys=2)"
