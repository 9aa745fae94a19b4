"""The `kolme` command: one small function a command.

A new command is a function that takes the parsed arguments and an entry in `_parser`. Imports stand inside
the functions, so that `kolme --help` needs no database and `kolme migrate` loads no web server.
"""

from __future__ import annotations

import argparse
import asyncio
import getpass
import multiprocessing
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from app.settings import Settings, load
from app.settings.typed import module_price, not_negative, percent, positive, worker_count

if TYPE_CHECKING:
    from app.merchants.queries import Merchant

    Subcommands = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 - the type has no public name

HEADER_BYTES_MAX = 32 * 1024
HEADER_READ_TIMEOUT_MS = 10_000
# What a request may still take after SIGTERM; the supervisor's own patience is a little longer.
DRAIN_S = 3
PROOF_TIMEOUT_S = 600.0
# A report gives back what it speaks of, or its header alone; what lies behind this says nothing more.
MAIL_REPORT_BYTES_MAX = 4 * 1024 * 1024
COUNTRIES = ("FI", "SE", "DK", "BG")

Command = Callable[[argparse.Namespace], None]


class Stopped(Exception):
    """A command cannot do what was asked. `sentence` says why."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


def _settings() -> Settings:
    return load(os.environ)


def _web_app(_target: str) -> Any:
    """Runs in each of the web server's processes: none of them outlives the one that holds the port."""
    from app.supervisor.family import die_with_parent

    parent = multiprocessing.parent_process()
    if parent is not None and parent.pid is not None:
        die_with_parent(parent.pid)
    from app.main import create_app

    return create_app()


def serve(arguments: argparse.Namespace) -> None:
    """The web process: granian on uvloop, `--workers` processes behind one socket."""
    from granian.constants import HTTPModes, Interfaces, Loops
    from granian.http import HTTP1Settings
    from granian.server import Server

    from app.supervisor.family import die_with_supervisor

    die_with_supervisor()
    settings = _settings()
    Server(
        "app.main:create_app",
        factory=True,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        loop=Loops.uvloop,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(
            header_read_timeout=HEADER_READ_TIMEOUT_MS, max_buffer_size=HEADER_BYTES_MAX
        ),
        websockets=False,
        workers=arguments.workers,
        workers_kill_timeout=DRAIN_S,
        # A lone process that fails ends the command, so that whoever started it (the supervisor) sees it.
        respawn_failed_workers=arguments.workers > 1,
        log_access=False,
    ).serve(target_loader=_web_app)


def worker(_arguments: argparse.Namespace) -> None:
    """The worker process: drains the outbox and runs what falls due."""
    from app.supervisor.family import die_with_supervisor
    from app.worker import run

    die_with_supervisor()
    asyncio.run(run(_settings()))


def migrate(_arguments: argparse.Namespace) -> None:
    """Brings the database up to the newest migration."""
    from app.migrate import migrate as run_migrations

    asyncio.run(run_migrations(_settings().database_url))


def up(_arguments: argparse.Namespace) -> None:
    """Everything on this machine, until Ctrl-C."""
    from app.supervisor.run import run

    asyncio.run(run(os.environ))


async def _in_product(
    verb: Callable[[datetime], Awaitable[None]], *, statement_timeout_s: float = 5.0
) -> None:
    """Runs a verb with keys and database at hand; it is given the business time."""
    from app.kernel import clock, db
    from app.kernel.keys import keyring_of, use_keyring

    settings = _settings()
    use_keyring(keyring_of(settings.master_secrets))
    await db.start_pool(
        settings.database_url, min_size=1, max_size=2, statement_timeout_s=statement_timeout_s
    )
    try:
        await verb(await clock.business_now())
    finally:
        await db.close_pool()


def mail_report(_arguments: argparse.Namespace) -> None:
    """Takes a mail that a mail server wrote about one of ours, from standard input."""
    from app.messages.delivered import take_returned_mail

    raw = sys.stdin.buffer.read(MAIL_REPORT_BYTES_MAX)

    async def verb(_now: datetime) -> None:
        outcome = await take_returned_mail(raw)
        print(f"Noted: {outcome}." if outcome else "It speaks of nothing that we follow.")

    asyncio.run(_in_product(verb))


def check_books(arguments: argparse.Namespace) -> None:
    """Proves the invariants of the books, over everything or over what is new. Ends with 1 when one does not hold;
    then money is frozen."""
    asyncio.run(_in_product(lambda now: _prove(now, new=arguments.new), statement_timeout_s=PROOF_TIMEOUT_S))


async def _prove(now: datetime, *, new: bool) -> None:
    from app.checkout import proving

    found = await (proving.prove_new(now) if new else proving.prove_everything(now))
    for violation in found.violations:
        print(f"{violation.invariant}: {violation.where}")
    if found.violations:
        raise Stopped(f"The books do not hold: {len(found.violations)} findings. Money is frozen.")
    print("The books hold.")


def freeze(arguments: argparse.Namespace) -> None:
    """Stops all money: nothing is paid, refunded or given until `kolme unfreeze`."""

    async def verb(now: datetime) -> None:
        from app.ledger.actions import freeze_now

        print("Money is frozen." if await freeze_now(arguments.because, now) else "It was frozen already.")

    asyncio.run(_in_product(verb))


def unfreeze(arguments: argparse.Namespace) -> None:
    """Lets money move again, once a proof over everything finds nothing."""

    async def verb(now: datetime) -> None:
        from app.ledger.actions import unfreeze_now

        await _prove(now, new=False)
        print("Money moves again." if await unfreeze_now(arguments.because, now) else "It was not frozen.")

    asyncio.run(_in_product(verb, statement_timeout_s=PROOF_TIMEOUT_S))


async def _merchant(public_id: str) -> Merchant:
    from app.merchants.queries import merchant_by_public_id

    merchant = await merchant_by_public_id(public_id)
    if merchant is None:
        raise Stopped(f"There is no merchant {public_id}.")
    return merchant


def create_merchant(arguments: argparse.Namespace) -> None:
    """A shop, with the standard plans unless it is asked for none; staff and keys have commands of their own."""
    from app.merchants.actions import NewMerchant
    from app.merchants.actions import create_merchant as create
    from app.plans.actions import create_plan
    from app.plans.rules import standard_plans

    async def verb(now: datetime) -> None:
        new = NewMerchant(
            name=arguments.name,
            country=arguments.country,
            contact_email=arguments.email,
            credit_limit_minor=arguments.credit_limit_minor,
            creditor=arguments.creditor,
            return_hosts=arguments.return_host,
            code_alone_max_minor=arguments.strong_above_minor,
            passkey_counts={"always": True, "never": False}.get(arguments.passkeys),
        )
        merchant = await create(new, now=now)
        for plan in () if arguments.without_plans else standard_plans(merchant.currency):
            await create_plan(merchant.id, plan, now=now)
        print(merchant.public_id)

    asyncio.run(_in_product(verb))


def set_module(arguments: argparse.Namespace) -> None:
    """What a module costs a shop a month, or that its price plan includes it. The shop's owner switches it."""
    from app.merchants.actions import OPERATOR
    from app.merchants.modules import set_module_price

    async def verb(now: datetime) -> None:
        merchant = await _merchant(arguments.merchant)
        await set_module_price(merchant, arguments.module, arguments.price_minor, actor=OPERATOR, now=now)

    asyncio.run(_in_product(verb))


def set_prices(arguments: argparse.Namespace) -> None:
    """What a shop pays: a percent of its purchases, an amount a month, or both."""
    from app.merchants.actions import OPERATOR
    from app.prices.actions import set_plan

    async def verb(now: datetime) -> None:
        merchant = await _merchant(arguments.merchant)
        bps, monthly = arguments.percent_bps, arguments.monthly_minor
        plan = await set_plan(merchant, bps, monthly, actor=OPERATOR, now=now)
        print(f"The percent holds from the next purchase, the month's amount from {plan.monthly_from}.")

    asyncio.run(_in_product(verb))


def create_staff(arguments: argparse.Namespace) -> None:
    """A person who may sign in to the admin. The password is typed or piped, so that no process list shows it."""
    from app.merchants.actions import create_staff as create

    password = getpass.getpass("Password: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")

    async def verb(now: datetime) -> None:
        merchant = await _merchant(arguments.merchant)
        staff = await create(merchant.id, arguments.email, arguments.name, password, arguments.role, now=now)
        print(f"{staff.public_id}\nSecond factor, shown once: {staff.totp_secret}\n{staff.enrolment_uri}")

    asyncio.run(_in_product(verb))


def create_key(arguments: argparse.Namespace) -> None:
    """A secret for the merchant API, shown once."""
    from app.merchants.actions import create_api_key

    async def verb(now: datetime) -> None:
        merchant = await _merchant(arguments.merchant)
        print(await create_api_key(merchant.id, arguments.name, mode=_settings().mode, now=now))

    asyncio.run(_in_product(verb))


def create_plan(arguments: argparse.Namespace) -> None:
    """One more way to pay at a shop, in its own currency."""
    from app.plans.actions import create_plan as create
    from app.plans.quote import Plan

    terms = {name: getattr(arguments, name) for name in _PLAN_TERMS if getattr(arguments, name) is not None}

    async def verb(now: datetime) -> None:
        merchant = await _merchant(arguments.merchant)
        plan = Plan(
            key=arguments.key or arguments.kind,
            kind=arguments.kind,
            currency=merchant.currency,
            min_amount_minor=arguments.min_amount_minor,
            max_amount_minor=arguments.max_amount_minor,
            **terms,
        )
        await create(merchant.id, plan, now=now)
        print(plan.key)

    asyncio.run(_in_product(verb))


def new_key(_arguments: argparse.Namespace) -> None:
    """A new master secret beside the ones there are. It counts once every process has started again."""
    from app.settings import master_files, write_master_secret

    folder = _settings().secrets_dir
    name = f"master-{max(master_files(folder)) + 1}"
    write_master_secret(folder, name)
    print(f"{folder / name}\nNow start every process again, then run `kolme keys rotate`.")


def rotate_keys(arguments: argparse.Namespace) -> None:
    """Seals every stored secret with the newest key. May be ended and begun again at any time."""
    from app.privacy.resealing import reseal_all

    async def verb(_now: datetime) -> None:
        sealed: dict[str, int] = {}
        async for progress in reseal_all(arguments.batch):
            sealed[f"{progress.column.table}.{progress.column.column}"] = progress.sealed
        for name, count in sealed.items():
            print(f"{name}: {count} sealed anew")
        print("Every stored secret is under the newest key.")

    asyncio.run(_in_product(verb))


def list_law(arguments: argparse.Namespace) -> None:
    """Every figure that rests on a secondary source or none, and who vouched for it."""
    from app.law.queries import confirmations

    async def verb(now: datetime) -> None:
        for claim, given in (await confirmations(arguments.country, now.date())).items():
            word = f"confirmed by {given.confirmed_by}, {given.confirmed_at:%Y-%m-%d}" if given else "open"
            print(f"{claim.key} = {claim.value} (since {claim.since}, {claim.trust}: {claim.source}): {word}")

    asyncio.run(_in_product(verb))


def confirm_law(arguments: argparse.Namespace) -> None:
    """Vouches for figures as they stand today; live mode offers credit in a country once none is open."""
    from app.law.actions import confirm
    from app.law.queries import confirmations

    if bool(arguments.figure) == arguments.all:
        raise Stopped("Name figures with --figure, or say --all.")
    by, source = arguments.by, arguments.source

    async def verb(now: datetime) -> None:
        country, today = arguments.country, now.date()
        for claim in await confirm(country, arguments.figure, by=by, source=source, on=today, now=now):
            print(f"{claim.key} = {claim.value}")
        still_open = [*(await confirmations(country, today)).values()].count(None)
        print(f"{country}: {still_open} figures are open.")

    asyncio.run(_in_product(verb))


# What a plan may say besides its kind and its sums; what is left out is nought.
_PLAN_TERMS: Final[Mapping[str, tuple[Callable[[str], object], str]]] = {
    "due_days": (positive, "invoice: days to pay"),
    "paper_fee_minor": (positive, "invoice: for one on paper"),
    "nominal_rate": (percent, "instalments: percent a year"),
    "min_months": (positive, "instalments: the shortest"),
    "max_months": (positive, "instalments: the longest"),
    "interest_free_months": (positive, "instalments: at the beginning"),
    "min_instalment_minor": (positive, "instalments: the smallest one"),
    "fee_minor": (positive, "instalments: with each one"),
    "arrangement_fee_minor": (positive, "instalments: once"),
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="kolme", description="A pay-later checkout that merchants host themselves."
    )
    commands = parser.add_subparsers(title="commands", metavar="", required=True)
    add = partial(_add, commands)
    add("up", up, "run everything on this machine: database, web, worker (what `make run` does)")
    served = add("serve", serve, "run the web process")
    served.add_argument("--workers", type=worker_count, default=1, metavar="N", help="processes (default 1)")
    add("worker", worker, "run the worker process")
    add("migrate", migrate, "bring the database up to date")
    checked = add("check-books", check_books, "prove that the books balance and every history is lawful")
    checked.add_argument("--new", action="store_true", help="only what is new since the last proof")
    for name, command, words in (
        ("freeze", freeze, "stop all money"),
        ("unfreeze", unfreeze, "let money move again, once everything is proven"),
    ):
        add(name, command, words).add_argument("--because", required=True, help="for whoever asks later")
    add("mail-report", mail_report, "note what a mail server reports of a mail (a mail, on standard input)")
    _add_merchant_commands(commands)
    _add_law_commands(commands)
    _add_keys_commands(commands)
    return parser


def _add(commands: Subcommands, name: str, command: Command, words: str) -> argparse.ArgumentParser:
    entry = commands.add_parser(name, help=words, description=words)
    entry.set_defaults(command=command)
    return entry


def _group(commands: Subcommands, name: str, words: str) -> Subcommands:
    return commands.add_parser(name, help=words, description=words).add_subparsers(metavar="", required=True)


def _add_merchant_commands(commands: Subcommands) -> None:
    shops = _group(commands, "merchant", "shops")
    module = _add(shops, "module", set_module, "what a module costs a shop a month")
    module.add_argument("--merchant", required=True, help="its id")
    module.add_argument("--module", required=True, choices=["wallet"])
    module.add_argument("--price-minor", type=module_price, required=True, help="in cents, 0 for included")
    prices = _add(shops, "prices", set_prices, "what a shop pays: percent of purchases, monthly, or both")
    prices.add_argument("--merchant", required=True, help="its id")
    prices.add_argument("--percent-bps", type=not_negative, default=0, help="150 is 1.5 %%, at most 1000")
    prices.add_argument("--monthly-minor", type=not_negative, default=0, help="in cents or the like")
    shop = _add(shops, "create", create_merchant, "create a shop; prints its id")
    shop.add_argument("--name", required=True)
    shop.add_argument("--country", required=True, choices=COUNTRIES)
    shop.add_argument("--email", required=True, help="where shoppers and the operator reach it")
    shop.add_argument(
        "--credit-limit-minor", type=positive, required=True, help="per customer, in cents or the like"
    )
    shop.add_argument("--creditor", choices=["operator", "merchant"], default="operator")
    shop.add_argument("--return-host", action="append", default=[], help="live: where shoppers are led back")
    shop.add_argument(
        "--strong-above-minor", type=positive, help="above it a code is not enough: passkey or bank"
    )
    shop.add_argument(
        "--passkeys",
        choices=["as-codes", "always", "never"],
        default="as-codes",
        help="whether one identifies",
    )
    shop.add_argument(
        "--without-plans", action="store_true", help="offer nothing yet; else an invoice and instalments"
    )

    plans = _group(commands, "plan", "ways to pay at a shop")
    plan = _add(plans, "create", create_plan, "create a plan; prints its key")
    plan.add_argument("--merchant", required=True)
    plan.add_argument("--kind", required=True, choices=["invoice", "instalments"])
    plan.add_argument("--key", help="what it is called, once a shop (default: its kind)")
    plan.add_argument("--min-amount-minor", type=positive, default=1, help="smallest purchase (default 1)")
    plan.add_argument("--max-amount-minor", type=positive, required=True, help="the largest purchase")
    for name, (kind, words) in _PLAN_TERMS.items():
        plan.add_argument(f"--{name.replace('_', '-')}", type=kind, help=words)

    people = _group(commands, "staff", "people of a shop")
    staff = _add(people, "create", create_staff, "create a member of staff")
    staff.add_argument("--merchant", required=True, help="the id that `kolme merchant create` printed")
    staff.add_argument("--email", required=True)
    staff.add_argument("--name", required=True)
    staff.add_argument("--role", choices=["owner", "cashier", "reviewer", "support"], default="owner")

    keys = _group(commands, "key", "keys of the merchant API")
    key = _add(keys, "create", create_key, "create a key; prints it once")
    key.add_argument("--merchant", required=True)
    key.add_argument("--name", required=True, help="what the shop calls it")


def _add_law_commands(commands: Subcommands) -> None:
    law = _group(commands, "law", "what an operator vouches for before live mode offers credit")
    listed = _add(law, "list", list_law, "list the figures that want an operator's word")
    confirmed = _add(law, "confirm", confirm_law, "vouch for figures as they stand today")
    for entry in (listed, confirmed):
        entry.add_argument("--country", required=True, choices=COUNTRIES)
    confirmed.add_argument("--figure", action="append", default=[], help="a key of `kolme law list`; repeat")
    confirmed.add_argument("--all", action="store_true", help="every figure that is still open")
    confirmed.add_argument("--by", required=True, help="who vouches for it")
    confirmed.add_argument("--source", help="where it was read (default: what the law file says)")


def _add_keys_commands(commands: Subcommands) -> None:
    entries = _group(commands, "keys", "the deployment's own keys")
    _add(entries, "new", new_key, "write a new master secret beside the old one")
    rotated = _add(entries, "rotate", rotate_keys, "seal every stored secret with the newest key")
    rotated.add_argument("--batch", type=positive, default=200, metavar="N", help="rows a transaction")


def _sentence(error: Exception) -> str | None:
    """Errors meant for the person at the terminal carry a sentence; anything else keeps its traceback."""
    from app.kernel.errors import Refusal

    if isinstance(error, Refusal):
        return f"Refused: {' '.join([error.code, *map(str, error.args)])}."
    sentence = getattr(error, "sentence", None)
    return sentence if isinstance(sentence, str) else None


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command. Returns the exit status: 0 done, 1 a sentence on stderr, 2 wrong usage."""
    arguments = _parser().parse_args(argv)
    command: Command = arguments.command
    try:
        command(arguments)
    except Exception as error:
        sentence = _sentence(error)
        if sentence is None:
            raise
        print(sentence, file=sys.stderr)
        return 1
    return 0
