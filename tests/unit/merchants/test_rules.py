"""What a shop's fields may hold."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pyotp
import pytest

from app.merchants import passwords, rules, second_factor
from app.merchants.errors import FieldRefused


def reason_of(check: Callable[..., object], *arguments: object, **named: object) -> str:
    with pytest.raises(FieldRefused) as refused:
        check(*arguments, **named)
    return refused.value.reason


def test_a_name_is_one_line_without_invisible_signs() -> None:
    assert rules.name_of("  Havu \n & Kivi ") == "Havu & Kivi"
    assert reason_of(rules.name_of, " \n ") == "empty"
    assert reason_of(rules.name_of, "x" * 101) == "too_long"
    assert reason_of(rules.name_of, "Havu\u202eiviK") == "malformed"


@pytest.mark.parametrize(
    "text", ["", "aino", "aino@", "@havu.fi", "a b@havu.fi", "a@b", "a@havu.fi,b@havu.fi", "a@@havu.fi"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    assert reason_of(rules.email_of, text) in {"empty", "malformed"}


def test_an_address_is_kept_as_it_was_written() -> None:
    assert rules.email_of(" Aino.Virta+shop@Havu.example ") == "Aino.Virta+shop@Havu.example"


def test_a_password_has_twelve_characters_at_least_and_two_keyboards_type_the_same() -> None:
    assert reason_of(rules.password_of, "eleven char") == "too_short"
    assert reason_of(rules.password_of, "x" * 257) == "too_long"
    full_width = "".join(chr(ord(sign) + 0xFEE0) for sign in "password1234")
    assert rules.password_of(full_width) == "password1234"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://shop.example/hook",
        "//shop.example/hook",
        "https://",
        "https://user:secret@shop.example/",
        "https://good.example@evil.example/",
        "https://shop.example/ hook",
        "https://shop.example/\r\nX: y",
        "https://shop.example/#part",
        "https://shop.example:99999/",
        "https:\\\\shop.example",
        "javascript:alert(1)",
        "https://kauppa\u0131.example/",
    ],
)
def test_what_is_no_address_for_webhooks_is_refused(url: str) -> None:
    assert reason_of(rules.webhook_url_of, url, https_only=False) == "malformed"


def test_live_webhooks_go_over_https_alone() -> None:
    assert rules.webhook_url_of("http://localhost:8000/demo/webhook", https_only=False)
    assert reason_of(rules.webhook_url_of, "http://shop.example/hook", https_only=True) == "not_https"


def test_webhook_types_are_known_ones_each_once() -> None:
    assert rules.webhook_types_of(["order.paid", "order.expired", "order.paid"]) == [
        "order.expired",
        "order.paid",
    ]
    assert reason_of(rules.webhook_types_of, []) == "empty"
    assert reason_of(rules.webhook_types_of, ["order.payed"]) == "unknown"


@pytest.mark.parametrize(
    "host", ["https://shop.example", "shop.example:443", "shop.example/", "-shop.example", "sh op", ""]
)
def test_a_return_host_is_a_host_name_alone(host: str) -> None:
    assert rules.return_host_of(" Shop.Example ") == "shop.example"
    assert reason_of(rules.return_host_of, host) == "malformed"


def test_an_accent_is_six_hexadecimal_digits() -> None:
    assert rules.accent_of("#1F4F46") == "#1f4f46"
    assert rules.accent_of(None) is None
    assert reason_of(rules.accent_of, "red") == "malformed"


async def test_a_password_matches_itself_and_nothing_else() -> None:
    stored = await passwords.hashed("three steps and done")

    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await passwords.matches("three steps and done", stored)
    assert not await passwords.matches("three steps and doné", stored)
    assert not await passwords.matches("three steps and done", None)
    assert not await passwords.matches("the password of nobody at all", None)
    assert not await passwords.matches("three steps and done", "not a hash")


def test_a_code_is_good_one_step_around_its_own() -> None:
    secret = second_factor.new_secret()
    at = datetime(2026, 11, 21, 12, 0, 15, tzinfo=UTC)
    step = int(at.timestamp()) // 30
    code = pyotp.TOTP(secret).at(at)

    assert second_factor.matching_step(secret, code, at) == step
    assert second_factor.matching_step(secret, f" {code[:3]} {code[3:]} ", at) == step
    assert second_factor.matching_step(secret, code, at + timedelta(seconds=30)) == step
    assert second_factor.matching_step(secret, code, at - timedelta(seconds=30)) == step
    assert second_factor.matching_step(secret, code, at + timedelta(seconds=60)) is None
    assert second_factor.matching_step(secret, code, at - timedelta(seconds=60)) is None
    for nonsense in ("", "abcdef", code + "0", code[:5], "\u0661" * 3):
        assert second_factor.matching_step(secret, nonsense, at) is None


def test_an_app_can_read_the_secret() -> None:
    secret = second_factor.new_secret()
    read = pyotp.parse_uri(second_factor.enrolment_uri(secret, "aino@havu.example"))

    assert isinstance(read, pyotp.TOTP)
    assert (read.secret, read.issuer, read.name) == (secret, "Kolme", "aino@havu.example")
