"""What is asked of a device, and how its passkey is called: rules that need no database."""

from __future__ import annotations

import pytest

from app.identity import passkeys
from app.identity.passkeys import Person, RelyingParty, SavedPasskey, challenge_of, device_of, relying_party

PARTY = RelyingParty("pay.example.com", "https://pay.example.com", "Kolme")


@pytest.mark.parametrize(
    ("base_url", "rp_id", "origin"),
    [
        ("https://pay.example.com", "pay.example.com", "https://pay.example.com"),
        ("https://Pay.Example.com:8443", "pay.example.com", "https://pay.example.com:8443"),
        ("http://localhost:8000", "localhost", "http://localhost:8000"),
    ],
)
def test_passkeys_are_bound_to_the_host_and_used_at_one_address(
    base_url: str, rp_id: str, origin: str
) -> None:
    assert relying_party(base_url, "Kolme") == RelyingParty(rp_id, origin, "Kolme")


@pytest.mark.parametrize(
    "base_url", ["http://127.0.0.1:8000", "https://[::1]:8000", "http://pay.example.com"]
)
def test_where_browsers_have_no_passkeys_there_is_no_party(base_url: str) -> None:
    assert relying_party(base_url, "Kolme") is None


def test_a_challenge_covers_every_part_and_where_each_begins() -> None:
    nonce = bytes(32)
    approved = ("cs_1", "12900", "EUR", "m_1", "ord_1:1")
    seen = {challenge_of(nonce, *approved), challenge_of(b"\1" * 32, *approved)}
    for place in range(len(approved)):
        changed = list(approved)
        changed[place] += "0"
        seen.add(challenge_of(nonce, *changed))
    assert len(seen) == len(approved) + 2
    assert challenge_of(nonce, "ab", "c") != challenge_of(nonce, "a", "bc")


def test_a_passkey_is_found_by_its_device_alone_opens_only_for_its_holder_and_says_nothing_of_its_maker() -> (
    None
):
    options = passkeys.saving_options(PARTY, Person(b"h" * 32, "Aino Virta"), b"c" * 32, [b"old"])
    assert options["authenticatorSelection"] == {
        "residentKey": "required",
        "requireResidentKey": True,
        "userVerification": "required",
    }
    assert options["attestation"] == "none"
    assert options["rp"] == {"name": "Kolme", "id": "pay.example.com"}
    assert options["excludeCredentials"] == [{"id": "b2xk", "type": "public-key"}]
    assert options["timeout"] == 300_000


def test_a_question_to_use_one_names_no_passkey_and_asks_for_the_holder() -> None:
    options = passkeys.use_options(PARTY, b"c" * 32)
    assert options["allowCredentials"] == []
    assert options["userVerification"] == "required"
    assert options["rpId"] == "pay.example.com"


@pytest.mark.parametrize(
    ("kept", "told", "copied"),
    [(0, 0, False), (0, 1, False), (5, 6, False), (5, 5, True), (5, 4, True), (5, 0, True)],
)
def test_a_counter_that_does_not_grow_is_a_copys_unless_nobody_counts(
    kept: int, told: int, *, copied: bool
) -> None:
    assert passkeys.looks_copied(SavedPasskey(b"", b"", kept), told) is copied


@pytest.mark.parametrize(
    ("agent", "device"),
    [
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) Safari/604.1", "iphone"),
        ("Mozilla/5.0 (iPad; CPU OS 18_0 like Mac OS X) Safari/604.1", "ipad"),
        ("Mozilla/5.0 (Linux; Android 16) Chrome/150.0 Mobile", "android"),
        ("Mozilla/5.0 (X11; CrOS x86_64 16000.0.0) Chrome/150.0", "chromebook"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/150.0", "windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Safari/605.1.15", "mac"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Firefox/150.0", "linux"),
        ("<script>alert(1)</script>", "other"),
        ("", "other"),
    ],
)
def test_a_passkey_is_called_by_a_word_of_a_short_list(agent: str, device: str) -> None:
    assert device_of(agent, apart=False) == device
    assert device_of(agent, apart=True) == "apart"
