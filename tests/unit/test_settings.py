"""Live mode starts with everything set, and without any one of it refuses in a sentence that names it."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.settings import WELL_KNOWN_TEST_SECRET, Settings, SettingsError, load

LOOPBACK_DOORS = {
    "KOLME_SMTP_URL": "smtp://receipts@127.0.0.1:2525",
    "KOLME_MAIL_FROM": "receipts@shop.example",
    "KOLME_SMS_URL": "http://127.0.0.1:2526/messages",
    "KOLME_BANK_FI_ISSUER": "http://127.0.0.1:2527/bank",
    "KOLME_BANK_FI_CLIENT_ID": "kolme",
    "KOLME_REGISTER_URL": "http://127.0.0.1:2528",
}
SECRET_FILES = {
    "master": "0123456789abcdef0123456789abcdef-of-an-operator",
    "sms_token": "sms-token",
    "bank_keys/sign-2026.pem": "-----BEGIN PRIVATE KEY-----",
    "bank_keys/decrypt-2026.pem": "-----BEGIN PRIVATE KEY-----",
    "register_token": "register-token",
    "smtp_password": "smtp-password",
}
# What has a default that is right in live mode too, and what is a choice.
OPTIONAL = {
    "HOST",
    "PORT",
    "KOLME_VAR_DIR",
    "KOLME_TRUSTED_PROXIES",
    "KOLME_ALLOW_LOOPBACK_WEBHOOKS",
    "KOLME_BANK_FI_PROFILE",
    "KOLME_BANK_DK_ISSUER",
    "KOLME_BANK_SE_ISSUER",
    "KOLME_LETTER_DIR",
    "KOLME_OPERATOR_ADDRESS",
    "KOLME_OPERATOR_BIC",
    "KOLME_OPERATOR_EMAIL",
    "KOLME_CARD_URL",
    "KOLME_MOBILEPAY_URL",
    "KOLME_SMS_GATEWAY",
    "KOLME_SMS_USER",
    "KOLME_SMS_SENDER",
    "KOLME_SMS_A_DAY",
    "KOLME_SMS_A_DAY_AND_SHOP",
    "KOLME_REVIEW_UNDO_S",
}
LIVE = {
    "KOLME_MODE": "live",
    "KOLME_BASE_URL": "https://pay.shop.example",
    "DATABASE_URL": "postgresql://kolme@127.0.0.1/kolme",
    "KOLME_OPERATOR_NAME": "Operator Oy",
    "KOLME_OPERATOR_ID": "1234567-8",
    "KOLME_OPERATOR_IBAN": "FI21 1234 5600 0007 85",
    **LOOPBACK_DOORS,
}
TEST = {"DATABASE_URL": "postgresql://kolme@127.0.0.1/kolme"}


class Watched(dict[str, str]):
    """An environment that remembers what it was asked for."""

    def __init__(self, environ: dict[str, str]) -> None:
        super().__init__(environ)
        self.asked: set[str] = set()

    def get(self, name: str, default: str = "") -> str:  # type: ignore[override]
        self.asked.add(name)
        return super().get(name, default)


@pytest.fixture
def live(tmp_path: Path) -> dict[str, str]:
    """A complete live environment, its secret files in place."""
    (tmp_path / "bank_keys").mkdir()
    for name, value in SECRET_FILES.items():
        (tmp_path / name).write_text(value + "\n")
    return {**LIVE, "KOLME_SECRETS_DIR": str(tmp_path)}


def sentence_of(environ: dict[str, str]) -> str:
    with pytest.raises(SettingsError) as refusal:
        load(environ)
    sentence = refusal.value.sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence
    return sentence


def test_live_mode_starts_when_everything_is_set(live: dict[str, str]) -> None:
    settings = load(live)
    assert settings.is_live
    assert settings.mail is not None
    assert (settings.mail.host, settings.mail.port, settings.mail.username) == ("127.0.0.1", 2525, "receipts")
    assert settings.sms is not None
    assert settings.sms.token == "sms-token"
    assert settings.banks["FI"].client_id == "kolme"
    assert settings.register is not None
    assert settings.operator.iban == "FI2112345600000785"
    assert not settings.allow_loopback_webhooks


@pytest.mark.parametrize("name", [*sorted(set(LIVE) - {"KOLME_MODE"}), "KOLME_SECRETS_DIR"])
def test_live_mode_refuses_to_start_without(live: dict[str, str], name: str) -> None:
    del live[name]
    assert name in sentence_of(live)


def test_every_setting_that_is_read_is_needed_here_or_known_to_have_a_default(live: dict[str, str]) -> None:
    watched = Watched(live)
    load(watched)
    assert watched.asked == set(live) | OPTIONAL


@pytest.mark.parametrize("name", sorted(SECRET_FILES))
def test_live_mode_refuses_to_start_without_the_secret_file(live: dict[str, str], name: str) -> None:
    (Path(live["KOLME_SECRETS_DIR"]) / name).unlink()
    sentence = sentence_of(live)
    assert name.replace("-2026", "-*") in sentence
    assert "KOLME_SECRETS_DIR" in sentence


def test_live_mode_refuses_a_short_master_secret(live: dict[str, str]) -> None:
    (Path(live["KOLME_SECRETS_DIR"]) / "master").write_text("x" * 31)
    assert "too short" in sentence_of(live)


def test_live_mode_refuses_the_master_secret_that_everyone_knows(live: dict[str, str]) -> None:
    (Path(live["KOLME_SECRETS_DIR"]) / "master").write_text(WELL_KNOWN_TEST_SECRET)
    assert "everyone knows" in sentence_of(live)


@pytest.mark.parametrize("iban", ["FI21 1234 5600 0007 86", "1234", "FI"])
def test_an_account_number_that_cannot_be_paid_to_is_refused(live: dict[str, str], iban: str) -> None:
    assert "KOLME_OPERATOR_IBAN" in sentence_of({**live, "KOLME_OPERATOR_IBAN": iban})


def test_the_code_of_the_operators_bank_is_optional_and_checked(live: dict[str, str]) -> None:
    assert load(live).operator.bic is None
    assert load({**live, "KOLME_OPERATOR_BIC": "ndea fihh"}).operator.bic == "NDEAFIHH"
    assert "KOLME_OPERATOR_BIC" in sentence_of({**live, "KOLME_OPERATOR_BIC": "NDEA"})


def test_live_mode_refuses_a_plain_http_base_url(live: dict[str, str]) -> None:
    sentence = sentence_of({**live, "KOLME_BASE_URL": "http://pay.shop.example"})
    assert "KOLME_BASE_URL" in sentence
    assert "https" in sentence


def test_live_mode_refuses_webhooks_to_this_machine(live: dict[str, str]) -> None:
    assert "KOLME_ALLOW_LOOPBACK_WEBHOOKS" in sentence_of({**live, "KOLME_ALLOW_LOOPBACK_WEBHOOKS": "on"})


def test_live_mode_reads_nothing_that_test_mode_left_behind(live: dict[str, str], tmp_path: Path) -> None:
    leftovers = tmp_path / "var"
    (leftovers / "secrets").mkdir(parents=True)
    (leftovers / "secrets" / "master").write_text(SECRET_FILES["master"])
    (leftovers / "database_url").write_text(LIVE["DATABASE_URL"])
    live["KOLME_VAR_DIR"] = str(leftovers)
    for name in ("DATABASE_URL", "KOLME_SECRETS_DIR"):
        assert name in sentence_of({key: value for key, value in live.items() if key != name})


def test_each_country_can_have_a_bank_and_one_is_enough(live: dict[str, str], tmp_path: Path) -> None:
    assert set(load(live).banks) == {"FI"}
    live |= {"KOLME_BANK_SE_ISSUER": "https://broker.example/", "KOLME_BANK_SE_CLIENT_ID": "kolme-se"}
    banks = load(live).banks
    assert set(banks) == {"FI", "SE"}
    # Compared character by character: the slash at the end is the issuer's own.
    assert (banks["SE"].issuer, banks["SE"].client_id) == ("https://broker.example/", "kolme-se")
    live = {name: value for name, value in live.items() if not name.startswith("KOLME_BANK_FI")}
    assert set(load(live).banks) == {"SE"}


def test_a_banks_profile_is_a_file(live: dict[str, str], tmp_path: Path) -> None:
    live["KOLME_BANK_FI_PROFILE"] = str(tmp_path / "none.toml")
    assert "KOLME_BANK_FI_PROFILE" in sentence_of(live)
    (tmp_path / "mine.toml").write_text("")
    live["KOLME_BANK_FI_PROFILE"] = str(tmp_path / "mine.toml")
    assert load(live).banks["FI"].profile == tmp_path / "mine.toml"


@pytest.fixture
def card(live: dict[str, str]) -> dict[str, str]:
    """A live environment that takes cards as well."""
    for name, value in {"card_secret_key": "rk_live_of_ours", "card_webhook_secret": "whsec_of_ours"}.items():
        (Path(live["KOLME_SECRETS_DIR"]) / name).write_text(value + "\n")
    return {**live, "KOLME_CARD_URL": "https://api.stripe.com/"}


def test_cards_are_a_choice_in_live_mode_too(live: dict[str, str]) -> None:
    assert load(live).card is None


def test_an_account_for_cards_is_an_address_and_two_secret_files(card: dict[str, str]) -> None:
    door = load(card).card
    assert door is not None
    assert (door.url, door.secret_key) == ("https://api.stripe.com", "rk_live_of_ours")
    assert "of_ours" not in repr(door)


@pytest.mark.parametrize("name", ["card_secret_key", "card_webhook_secret"])
def test_cards_are_refused_when_half_of_the_account_is_set(card: dict[str, str], name: str) -> None:
    path = Path(card["KOLME_SECRETS_DIR"]) / name
    path.write_text("sk_test_of_another_mode\n")
    assert name in sentence_of(card)
    path.unlink()
    assert name in sentence_of(card)


def test_secrets_for_cards_without_an_address_are_refused_in_live_mode(card: dict[str, str]) -> None:
    """Somebody meant to take cards, and would wonder why nobody can pay by one."""
    assert "KOLME_CARD_URL" in sentence_of({**card, "KOLME_CARD_URL": ""})


def test_the_key_for_cards_travels_encrypted(card: dict[str, str]) -> None:
    assert "KOLME_CARD_URL" in sentence_of({**card, "KOLME_CARD_URL": "http://api.stripe.com"})


def test_test_mode_never_takes_real_money_from_cards(tmp_path: Path) -> None:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "card_webhook_secret").write_text("whsec_of_ours")
    (secrets / "card_secret_key").write_text("sk_live_of_ours")
    environ = {**TEST, "KOLME_VAR_DIR": str(tmp_path), "KOLME_CARD_URL": "https://api.stripe.com"}
    assert "sk_test_" in sentence_of(environ)
    (secrets / "card_secret_key").write_text("sk_test_of_ours")
    assert load(environ).card is not None


@pytest.fixture
def mobilepay(live: dict[str, str]) -> dict[str, str]:
    """A live environment that offers MobilePay as well."""
    names = ("mobilepay_client_secret", "mobilepay_subscription_key", "mobilepay_webhook_secret")
    for name in names:
        (Path(live["KOLME_SECRETS_DIR"]) / name).write_text(f"{name}-of-ours\n")
    return {
        **live,
        "KOLME_MOBILEPAY_URL": "https://api.vipps.no/",
        "KOLME_MOBILEPAY_MSN": "123456",
        "KOLME_MOBILEPAY_CLIENT_ID": "kolme",
    }


def test_mobilepay_is_a_choice_in_live_mode_too(live: dict[str, str], mobilepay: dict[str, str]) -> None:
    assert load(live).mobilepay is None
    door = load(mobilepay).mobilepay
    assert door is not None
    assert (door.url, door.msn, door.client_id) == ("https://api.vipps.no", "123456", "kolme")
    assert "of-ours" not in repr(door)


def test_two_secrets_of_mobilepays_calls_hold_while_one_is_exchanged(mobilepay: dict[str, str]) -> None:
    (Path(mobilepay["KOLME_SECRETS_DIR"]) / "mobilepay_webhook_secret").write_text("next\nbefore\n")
    door = load(mobilepay).mobilepay
    assert door is not None
    assert door.webhook_secrets == ("next", "before")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KOLME_MOBILEPAY_MSN", ""),
        ("KOLME_MOBILEPAY_MSN", "12-34"),
        ("KOLME_MOBILEPAY_CLIENT_ID", ""),
        ("KOLME_MOBILEPAY_URL", "http://api.vipps.no"),
    ],
)
def test_mobilepay_is_refused_when_half_of_it_is_set(
    mobilepay: dict[str, str], name: str, value: str
) -> None:
    assert name in sentence_of({**mobilepay, name: value})


@pytest.mark.parametrize("kind", ["client_secret", "subscription_key", "webhook_secret"])
def test_mobilepay_needs_each_of_its_secret_files(mobilepay: dict[str, str], kind: str) -> None:
    (Path(mobilepay["KOLME_SECRETS_DIR"]) / f"mobilepay_{kind}").unlink()
    assert f"mobilepay_{kind}" in sentence_of(mobilepay)


def in_test_mode(tmp_path: Path, **more: str) -> Settings:
    return load({**TEST, "KOLME_VAR_DIR": str(tmp_path), **more})


def test_test_mode_needs_nothing_and_uses_the_sandbox_doors(tmp_path: Path) -> None:
    settings = in_test_mode(tmp_path)
    assert settings.is_test
    assert (settings.base_url, settings.host, settings.port) == ("http://localhost:8000", "127.0.0.1", 8000)
    doors = (settings.mail, settings.sms, settings.register, settings.card, settings.mobilepay)
    assert set(doors) == {None}
    assert not settings.banks
    assert settings.allow_loopback_webhooks


def test_test_mode_makes_its_master_secret_once_for_its_owner_alone(tmp_path: Path) -> None:
    first = in_test_mode(tmp_path).master_secret
    assert len(first) >= 32
    assert in_test_mode(tmp_path).master_secret == first
    assert stat.S_IMODE((tmp_path / "secrets" / "master").stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "secrets").iterdir()] == ["master"]


def test_processes_that_start_together_agree_on_one_master_secret(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(lambda _: in_test_mode(tmp_path).master_secret, range(32)))
    assert len(made) == 1


def test_the_address_of_the_embedded_database_is_read_from_var(tmp_path: Path) -> None:
    (tmp_path / "database_url").write_text("postgresql://postgres@/kolme?host=/somewhere\n")
    settings = load({"KOLME_VAR_DIR": str(tmp_path)})
    assert settings.database_url == "postgresql://postgres@/kolme?host=/somewhere"


def test_without_any_database_the_way_to_get_one_is_told(tmp_path: Path) -> None:
    assert "make run" in sentence_of({"KOLME_VAR_DIR": str(tmp_path)})


def test_the_base_url_follows_the_port_and_loses_its_last_slash(tmp_path: Path) -> None:
    assert in_test_mode(tmp_path, PORT="8123").base_url == "http://localhost:8123"
    assert in_test_mode(tmp_path, KOLME_BASE_URL="https://pay.example/").base_url == "https://pay.example"


def test_trusted_proxies_are_addresses_and_networks(tmp_path: Path) -> None:
    proxies = in_test_mode(tmp_path, KOLME_TRUSTED_PROXIES="10.0.0.0/8, ::1").trusted_proxies
    assert [str(network) for network in proxies] == ["10.0.0.0/8", "::1/128"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KOLME_MODE", "production"),
        ("PORT", "http"),
        ("PORT", "0"),
        ("PORT", "65536"),
        ("KOLME_BASE_URL", "pay.example"),
        ("KOLME_BASE_URL", "https://pay.example/shop"),
        ("KOLME_BASE_URL", "https://user@pay.example"),
        ("KOLME_BASE_URL", "https://pay.example:port"),
        ("KOLME_TRUSTED_PROXIES", "10.0.0.0/33"),
        ("KOLME_ALLOW_LOOPBACK_WEBHOOKS", "perhaps"),
        ("KOLME_SMTP_URL", "mail.example"),
        ("KOLME_SMS_URL", "ftp://sms.example"),
        ("DATABASE_URL", "sqlite:///kolme.db"),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused_by_name(tmp_path: Path, name: str, value: str) -> None:
    assert name in sentence_of({**TEST, "KOLME_VAR_DIR": str(tmp_path), name: value})


def test_no_secret_shows_when_settings_are_printed(live: dict[str, str]) -> None:
    shown = repr(load(live))
    for value in [*SECRET_FILES.values(), LIVE["DATABASE_URL"]]:
        assert value not in shown
