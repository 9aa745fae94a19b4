"""Whatever a person types for six digits is read as six digits, and nothing else is."""

from __future__ import annotations

from collections import Counter

import pytest

from app.identity.rules import block_of, network_of, new_code, read_code


@pytest.mark.parametrize(
    "typed",
    [
        "123456",
        " 123456\n",
        "123 456",
        "12-34-56",
        "123\u2013456",
        "123\u2212456",
        "1 2 3 4 5 6",
        "123\u00a0456",
        "\uff11\uff12\uff13\uff14\uff15\uff16",
        "\u0661\u0662\u0663\u0664\u0665\u0666",
        "\u06f1\u06f2\u06f3\u06f4\u06f5\u06f6",
        "\u0967\u0968\u0969\u096a\u096b\u096c",
        "\u202a123456\u202c",
    ],
)
def test_every_spelling_of_six_digits_is_read(typed: str) -> None:
    assert read_code(typed) == "123456"


@pytest.mark.parametrize(
    "typed", ["", "12345", "1234567", "12345a", "\u00b2\u00b2\u00b2\u00b2\u00b2\u00b2", "one"]
)
def test_anything_else_is_no_code(typed: str) -> None:
    assert read_code(typed) is None


def test_codes_are_six_digits_of_every_kind() -> None:
    made = [new_code() for _ in range(2_000)]
    assert all(len(code) == 6 and code.isdigit() for code in made)
    # Each digit at each place about two hundred times; a hundred is far outside of what chance does.
    for place in range(6):
        counted = Counter(code[place] for code in made)
        assert len(counted) == 10
        assert min(counted.values()) > 100


@pytest.mark.parametrize(
    ("address", "block"),
    [
        ("203.0.113.7", "203.0.113.0/24"),
        ("203.0.113.255", "203.0.113.0/24"),
        ("203.0.114.1", "203.0.114.0/24"),
        ("2001:db8:1:2::/64", "2001:db8:1:2::/64"),
        ("unknown", "unknown"),
    ],
)
def test_addresses_are_counted_by_their_block(address: str, block: str) -> None:
    assert block_of(address) == block


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("8.8.8.8", "8.8.8.0/24"),
        ("2a00:1450:4001::/64", "2a00:1450:4001::/64"),
        ("127.0.0.1", ""),
        ("10.1.2.3", ""),
        ("192.168.0.7", ""),
        ("fe80::/64", ""),
        ("unknown", ""),
        ("", ""),
    ],
)
def test_only_an_address_of_the_open_net_tells_one_place_from_another(address: str, network: str) -> None:
    assert network_of(address) == network
