"""The `kolme` command: what an operator types before the first shopper comes."""

from __future__ import annotations

import asyncio
import os
import sys
from decimal import Decimal
from pathlib import Path

import asyncpg
import pytest

from app import cli
from app.merchants.rules import MODULE_PRICE_MAX_MINOR

ROOT = Path(__file__).resolve().parents[2]


class Kolme:
    """Runs `kolme ...` as a process of its own on one database."""

    def __init__(self, database_url: str, var_dir: Path) -> None:
        self._environ = {**os.environ, "DATABASE_URL": database_url, "KOLME_VAR_DIR": str(var_dir)}

    async def says(self, *words: str, typed: str = "") -> tuple[int, str, str]:
        """Exit status, what it printed, what it complained of."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "app", *words),
            cwd=ROOT,
            env=self._environ,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        printed, complained = await process.communicate(typed.encode())
        assert process.returncode is not None
        return process.returncode, printed.decode().strip(), complained.decode().strip()


@pytest.fixture
def kolme(database_url: str, tmp_path: Path) -> Kolme:
    return Kolme(database_url, tmp_path)


A_SHOP = ("merchant", "create", "--name", "Kauppa", "--country", "FI", "--email", "shop@shop.example")


async def test_an_operator_says_what_a_module_costs_a_shop(kolme: Kolme, database_url: str) -> None:
    _, merchant, _ = await kolme.says(*A_SHOP, "--credit-limit-minor", "200000")
    module = ("merchant", "module", "--merchant", merchant, "--module", "wallet")
    assert await kolme.says(*module, "--price-minor", "1900") == (0, "", "")
    status, _, complaint = await kolme.says(*module, "--price-minor", str(MODULE_PRICE_MAX_MINOR + 1))
    assert (status, f"--price-minor: at most {MODULE_PRICE_MAX_MINOR}" in complaint) == (2, True)
    connection = await asyncpg.connect(database_url)
    row = await connection.fetchrow("SELECT module, is_on, price_minor FROM merchant_modules")
    await connection.close()
    assert tuple(row) == ("wallet", False, 1900)


async def test_an_operator_says_what_a_shop_pays(kolme: Kolme, database_url: str) -> None:
    _, merchant, _ = await kolme.says(*A_SHOP, "--credit-limit-minor", "200000")
    prices = ("merchant", "prices", "--merchant", merchant)
    status, said, _ = await kolme.says(*prices, "--percent-bps", "150", "--monthly-minor", "2900")
    assert (status, "from the next purchase" in said) == (0, True)
    assert await kolme.says(*prices, "--percent-bps", "1001") == (
        1,
        "",
        "Refused: price_plan_refused percent out_of_range.",
    )
    connection = await asyncpg.connect(database_url)
    row = await connection.fetchrow("SELECT number, percent_bps, monthly_minor, currency FROM price_plans")
    await connection.close()
    assert tuple(row) == (1, 150, 2900, "EUR")


async def test_an_operator_makes_a_shop_its_owner_and_its_key(kolme: Kolme, database_url: str) -> None:
    status, merchant, complaint = await kolme.says(*A_SHOP, "--credit-limit-minor", "200000")
    assert (status, complaint) == (0, "")
    assert merchant.startswith("m_")

    status, staff, complaint = await kolme.says(
        *(
            "staff",
            "create",
            "--merchant",
            merchant,
            "--email",
            "owner@shop.example",
            "--name",
            "Oona Omistaja",
        ),
        typed="a long enough password\n",
    )
    assert (status, complaint) == (0, "")
    assert "otpauth://" in staff

    status, key, complaint = await kolme.says("key", "create", "--merchant", merchant, "--name", "shop")
    assert (status, complaint) == (0, "")
    assert key.startswith("sk_test_")

    connection = await asyncpg.connect(database_url)
    counts = await connection.fetchrow(
        "SELECT (SELECT count(*) FROM merchants) m, (SELECT count(*) FROM staff) s,"
        " (SELECT count(*) FROM api_keys) k, (SELECT count(*) FROM plans WHERE active) p"
    )
    await connection.close()
    assert tuple(counts) == (1, 1, 1, 2)


async def test_an_operator_makes_the_plans_of_a_shop_one_by_one(kolme: Kolme, database_url: str) -> None:
    _, merchant, _ = await kolme.says(*A_SHOP, "--credit-limit-minor", "200000", "--without-plans")
    plan = ("plan", "create", "--merchant", merchant, "--max-amount-minor", "300000")
    invoice = ("--kind", "invoice", "--due-days", "30", "--paper-fee-minor", "300")
    months = ("--kind", "instalments", "--key", "half-year", "--nominal-rate", "9.5")
    bounds = ("--min-months", "3", "--max-months", "6", "--min-instalment-minor", "2000")
    assert await kolme.says(*plan, *invoice) == (0, "invoice", "")
    assert await kolme.says(*plan, *months, *bounds) == (0, "half-year", "")
    status, _, complaint = await kolme.says(*plan, *invoice)
    assert status == 1
    assert complaint.startswith("Refused: ")
    status, _, complaint = await kolme.says(*plan, "--kind", "instalments", "--nominal-rate", "much")
    assert status == 2
    assert "a number such as 14.9" in complaint

    status, _, complaint = await kolme.says(
        *plan, *months, *bounds, "--key", "dear", "--nominal-rate", "19.9"
    )
    assert status == 1
    assert complaint.startswith(
        "Refused: cap_broken interest_cap_margin_percent: at most 15.00 %, this plan comes to 19.90 %"
    )

    connection = await asyncpg.connect(database_url)
    rows = await connection.fetch(
        "SELECT key, currency, due_days, paper_fee_minor, nominal_rate, max_months FROM plans ORDER BY position"
    )
    await connection.close()
    assert [tuple(row) for row in rows] == [
        ("invoice", "EUR", 30, 300, 0, 0),
        ("half-year", "EUR", 0, 0, Decimal("9.5"), 6),
    ]


A_PLAN = ("plan", "create", "--merchant", "m_nobody", "--kind", "instalments", "--max-amount-minor", "300000")


@pytest.mark.parametrize(
    ("option", "value", "wanted"),
    [
        ("--max-amount-minor", "0", "a whole number above zero"),
        ("--max-amount-minor", "-5", "a whole number above zero"),
        ("--max-amount-minor", "12.90", "a whole number above zero"),
        ("--min-months", "0", "a whole number above zero"),
        ("--max-months", "three", "a whole number above zero"),
        ("--fee-minor", "\u0665", "a whole number above zero"),
        ("--nominal-rate", "NaN", "a number such as 14.9"),
        ("--nominal-rate", "-1", "a number such as 14.9"),
        ("--nominal-rate", "1e9", "a number such as 14.9"),
        ("--nominal-rate", "1_4", "a number such as 14.9"),
        ("--nominal-rate", "14,9", "a number such as 14.9"),
        ("--kind", "loan", "invalid choice"),
    ],
)
def test_a_figure_of_a_plan_that_is_none_is_refused_at_its_option(
    option: str, value: str, wanted: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main([*A_PLAN, f"{option}={value}"])
    assert ended.value.code == 2
    complaint = capsys.readouterr().err
    assert f"argument {option}: " in complaint
    assert wanted in complaint


async def test_a_plan_out_of_its_bounds_is_named_and_leaves_nothing(kolme: Kolme, database_url: str) -> None:
    _, merchant, _ = await kolme.says(*A_SHOP, "--credit-limit-minor", "200000", "--without-plans")
    plan = ("plan", "create", "--merchant", merchant, "--kind", "instalments")
    for words, field in (
        (("--max-amount-minor", str(10**13)), "max_amount_minor"),
        (("--max-amount-minor", "300000", "--min-months", "3", "--max-months", "121"), "max_months"),
        (("--max-amount-minor", "300000", "--min-amount-minor", "300001"), "max_amount_minor"),
    ):
        assert await kolme.says(*plan, *words) == (1, "", f"Refused: plan_refused {field}.")

    connection = await asyncpg.connect(database_url)
    assert await connection.fetchval("SELECT count(*) FROM plans") == 0
    await connection.close()


async def test_a_refusal_is_a_sentence_and_no_traceback(kolme: Kolme) -> None:
    status, _, complaint = await kolme.says("key", "create", "--merchant", "m_nobody", "--name", "shop")
    assert (status, complaint) == (1, "There is no merchant m_nobody.")
    status, _, complaint = await kolme.says(*A_SHOP[:-1], "no-address", "--credit-limit-minor", "1")
    assert status == 1
    assert complaint.startswith("Refused: field_refused contact_email")


async def test_an_operator_vouches_for_the_law_of_a_country(kolme: Kolme) -> None:
    vouch = ("law", "confirm", "--country", "SE", "--by", "Olli")
    status, listed, _ = await kolme.says("law", "list", "--country", "SE")
    assert status == 0
    assert len(listed.splitlines()) == listed.count(": open")
    status, _, complaint = await kolme.says(*vouch)
    assert (status, complaint) == (1, "Name figures with --figure, or say --all.")
    status, _, complaint = await kolme.says("law", "confirm", "--country", "SE", "--all", "--by", " ")
    assert (status, complaint) == (1, "Refused: law_word_refused by.")
    status, _, complaint = await kolme.says(*vouch, "--figure", "nonsense")
    assert (status, complaint) == (1, "Refused: law_claim_unknown SE nonsense.")
    status, printed, _ = await kolme.says(*vouch, "--figure", "withdrawal_days", "--source", "riksdagen.se")
    assert printed.splitlines()[0] == "withdrawal_days = 14"
    status, printed, _ = await kolme.says(*vouch, "--all")
    assert (status, printed.splitlines()[-1]) == (0, "SE: 0 figures are open.")
    _, listed, _ = await kolme.says("law", "list", "--country", "SE")
    assert len(listed.splitlines()) == listed.count(": confirmed by Olli, ")


async def test_the_books_of_a_new_deployment_hold(kolme: Kolme) -> None:
    assert await kolme.says("check-books") == (0, "The books hold.", "")


async def test_damaged_books_end_the_check_with_a_finding(kolme: Kolme, database_url: str) -> None:
    await kolme.says(*A_SHOP, "--credit-limit-minor", "200000")
    damaged = await asyncpg.connect(database_url)
    # No verb writes this: an account that holds money which no posting explains.
    await damaged.execute(
        """INSERT INTO ledger_accounts (merchant_id, id, address, kind, normal_side, currency, balance_minor)
           SELECT id, gen_random_uuid(), 'x', 'asset', 'debit', 'EUR', 1 FROM merchants"""
    )
    status, printed, complaint = await kolme.says("check-books")
    assert status == 1
    assert "I3" in printed
    assert complaint.startswith("The books do not hold: ")
    because = ("--because", "an account was made by hand")
    assert (await kolme.says("freeze", *because))[1] == "It was frozen already."
    assert (await kolme.says("unfreeze", *because))[0] == 1
    await damaged.execute("DELETE FROM ledger_accounts")
    await damaged.close()
    assert await kolme.says("unfreeze", *because) == (0, "The books hold.\nMoney moves again.", "")
    assert await kolme.says("check-books", "--new") == (0, "The books hold.", "")


async def test_migrating_twice_changes_nothing(kolme: Kolme) -> None:
    assert await kolme.says("migrate") == (0, "", "")
    assert await kolme.says("migrate") == (0, "", "")


async def test_wrong_usage_is_told_with_the_way_to_write_it(kolme: Kolme) -> None:
    status, _, complaint = await kolme.says("serve", "--workers", "0")
    assert status == 2
    assert "a number from 1 to 64" in complaint


async def test_a_command_without_its_database_ends_with_one_sentence_and_names_no_secret(
    tmp_path: Path,
) -> None:
    nobody_listens = Kolme("postgresql://kolme:hunter2@127.0.0.1:1/kolme", tmp_path)

    for command in ("worker", "check-books"):
        status, printed, complaint = await nobody_listens.says(command)

        assert (status, printed) == (1, "")
        assert complaint.startswith("The database cannot be reached: it does not answer")
        assert "hunter2" not in complaint
        assert "Traceback" not in complaint
