"""The worker: delivers what the outbox holds and does what falls due. Any number of them may run.

A job is claimed under a lease, so a worker that is killed loses nothing: its jobs come back when the lease ends. New
jobs are heard of by NOTIFY within milliseconds; a poll every two seconds finds what nobody told of (a retry that fell
due, a clock that moved). Two times are kept apart as everywhere: jobs fall due by business time, leases end by wall
time.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog

from app import doors, reactions
from app.agreements import actions as agreements
from app.agreements.jobs import draw as draw_agreement
from app.cases.actions import lapse_blind
from app.checkout import exchanging, giving_back, paying, proving, renewals
from app.checkout.actions import answering, expire_due, expire_orders
from app.checkout.disputing import AskingForDisputes
from app.identity.actions.codes import mark_unknown_sends
from app.invoices import actions as invoices
from app.invoices.jobs import draw
from app.invoices.labelling import label_paying
from app.kernel import clock, db, listening, logs, outbox
from app.kernel.jobs import (
    Chore,
    Done,
    EndedAlready,
    GiveUp,
    Handler,
    Now,
    Outcome,
    TryAgain,
    again_or_give_up,
    business_now,
)
from app.kernel.outbox import Job, LeaseLost
from app.ledger import actions as ledger
from app.ledger.errors import MoneyFrozen
from app.links import reminding, sending
from app.links.bulk import actions as bulk
from app.links.bulk import jobs as bulk_jobs
from app.messages import actions as messages
from app.messages import (
    answers,
    delivered,
    insurance,
    letters,
    payment_link,
    questions,
    refunds,
    reminders,
    subscription,
    withdrawal,
)
from app.messages import delivery as mail_delivery
from app.payments import actions as payments
from app.payments.jobs import tell_forgotten
from app.payments.ports import PaymentProvider, ProviderMethod
from app.payments.probing import Probing
from app.prices import actions as prices
from app.privacy import retention
from app.returns import actions as returns
from app.rewards import jobs as rewards_jobs
from app.risk import model_actions as risk_models
from app.risk.teaching import teach
from app.settings import Settings
from app.subscriptions import actions as subscriptions
from app.subscriptions.jobs import begin as begin_subscription
from app.wallet import actions as wallets
from app.wallet.liability import count_liability
from app.webhooks import actions as webhooks
from app.webhooks import delivery as webhook_delivery

CONCURRENCY: Final = 8
# Longer than any one try may take: 10 s for a webhook or a mail, and the database around it.
NICENESS: Final = 10
LEASE_S: Final = 30
POLL_S: Final = 2.0
CHORES_EVERY_S: Final = 5.0
DRAIN_S: Final = 25.0
BACK_OFF_S: Final = (0.5, 1.0, 2.0, 5.0, 10.0)
EXPIRE_AT_ONCE: Final = 100
INVOICES_AT_ONCE: Final = 100
LESSONS_AT_ONCE: Final = 20
SEAL_EVERY: Final = timedelta(minutes=1)
PROVE_EVERY: Final = timedelta(minutes=5)
LABEL_EVERY: Final = timedelta(hours=6)
LESSONS_EVERY: Final = timedelta(hours=1)
# More tries than any kind of job asks for: a job that comes so often ends the worker that takes it up.
ATTEMPTS_MAX: Final = 25

_log = structlog.get_logger("worker")


def handlers(through: doors.WorkerDoors) -> Mapping[str, Handler]:
    """Who does which kind of job."""
    return {
        outbox.EVENT_KIND: reactions.react,
        webhooks.JOB_KIND: lambda job: webhook_delivery.deliver(job, through.webhooks),
        messages.JOB_KIND: lambda job: mail_delivery.deliver(job, through.mail, through.base_url),
        messages.LETTER_JOB: lambda job: letters.deliver(job, through.letters),
        refunds.JOB_KIND: lambda job: refunds.deliver_refund(job, through.mail),
        insurance.JOB_KIND: lambda job: insurance.deliver(job, through.mail, through.base_url),
        returns.TELL_JOB: lambda job: refunds.deliver_return(job, through.mail),
        answers.JOB_KIND: lambda job: answers.deliver(
            job, answers.Doors(through.sms, through.mail, through.base_url)
        ),
        questions.JOB_KIND: lambda job: questions.deliver(
            job, answers.Doors(through.sms, through.mail, through.base_url)
        ),
        answering.CARRY_OUT_JOB: answering.work,
        invoices.DRAW_JOB: lambda job: draw(job, through.operator),
        agreements.DRAW_JOB: lambda job: draw_agreement(job, through.operator),
        bulk.JOB_KIND: bulk_jobs.work,
        rewards_jobs.EARN_JOB: rewards_jobs.earn,
        rewards_jobs.TAKE_BACK_JOB: rewards_jobs.take_back,
        agreements.REMIND_JOB: lambda job: withdrawal.remind(job, through.mail, through.sms),
        sending.SEND_JOB: lambda job: payment_link.deliver(
            job, payment_link.Doors(through.sms, through.mail, through.base_url)
        ),
        delivered.REPORT_JOB: delivered.take_report,
        risk_models.LEARN_JOB: teach,
        paying.CHECK_JOB: lambda job: paying.look(
            job, paying.PaymentDoors(through.providers, through.base_url)
        ),
        payments.FORGET_JOB: lambda job: tell_forgotten(job, through.providers),
        subscriptions.BEGIN_JOB: begin_subscription,
        subscriptions.CHARGE_JOB: lambda job: renewals.charge(
            job, paying.PaymentDoors(through.providers, through.base_url)
        ),
        subscriptions.EXCHANGE_JOB: lambda job: exchanging.look(
            job, paying.PaymentDoors(through.providers, through.base_url)
        ),
        subscriptions.MAIL_JOB: lambda job: subscription.deliver(job, through.mail, through.base_url),
        giving_back.GIVE_BACK_JOB: lambda job: giving_back.work(
            job, paying.PaymentDoors(through.providers, through.base_url)
        ),
        invoices.REMIND_JOB: lambda job: reminders.remind(
            job, reminders.Doors(through.sms, through.mail, through.letters)
        ),
    }


def chores(providers: Mapping[ProviderMethod, PaymentProvider] | None = None) -> Sequence[Chore]:
    """What falls due by the clock alone; each answers how much it did. `providers` are probed."""

    async def expire_sessions(now: Now) -> int:
        return await expire_due(now.business, EXPIRE_AT_ONCE)

    async def give_up_on_codes(now: Now) -> int:
        return await db.in_tx(lambda: mark_unknown_sends(now.wall))

    async def learn_of_payments(now: Now) -> int:
        return await label_paying(now.business)

    async def ask_for_lessons(now: Now) -> int:
        return await risk_models.ask_for_lessons(now.business, LESSONS_AT_ONCE)

    async def seal(now: Now) -> int:
        return await proving.seal_due(now.business)

    async def prove(now: Now) -> int:
        await proving.prove_new(now.business)
        return 0

    by_business_time = (
        expire_orders,
        lapse_blind,
        reminding.remind_due,
        invoices.issue_due,
        invoices.post_due_charges,
        invoices.mark_overdue,
        invoices.remind_due,
        ledger.expire_holds,
        wallets.lapse_due,
        count_liability,
        subscriptions.advance_due,
        subscriptions.remind_due,
        prices.count_due,
        prices.close_due,
    )

    async def ask_about_payments(now: Now) -> int:
        return await paying.reconcile_due(now)

    async def ask_about_exchanges(now: Now) -> int:
        return await exchanging.reconcile_due(now)

    async def give_money_back(now: Now) -> int:
        return await giving_back.give_back_due(now)

    return (
        expire_sessions,
        ask_about_payments,
        ask_about_exchanges,
        give_money_back,
        give_up_on_codes,
        *(_by_business_time(verb) for verb in by_business_time),
        retention.seldom(seal, SEAL_EVERY),
        retention.seldom(prove, PROVE_EVERY),
        retention.seldom(learn_of_payments, LABEL_EVERY),
        retention.seldom(ask_for_lessons, LESSONS_EVERY),
        Probing(providers or {}),
        AskingForDisputes(providers or {}),
        *retention.rules(),
    )


def _by_business_time(verb: Callable[[datetime, int], Awaitable[int]]) -> Chore:
    async def chore(now: Now) -> int:
        return await verb(now.business, INVOICES_AT_ONCE)

    chore.__name__ = verb.__name__
    return chore


class Worker:
    """Drains the outbox with up to `concurrency` jobs at once. One instance a process."""

    def __init__(
        self, jobs: Mapping[str, Handler], due: Sequence[Chore] = (), *, concurrency: int = CONCURRENCY
    ) -> None:
        self._handlers = jobs
        self._chores = due
        self._concurrency = concurrency
        self._running: set[asyncio.Task[None]] = set()
        self._woken = asyncio.Event()
        self._stopping = False
        self._chores_at = 0.0
        self._offset_s: int | None = None

    async def run_once(self) -> int:
        """Do everything that is due now, and what follows from it, then return how many tries were made. For tests."""
        tries = 0
        while True:
            now = await self._now()
            did = await self._do_chores(now)
            batch = await outbox.claim(self._concurrency, LEASE_S, now=now.business)
            for job in batch:
                await self._try(job)
            tries += len(batch)
            if not batch and not did:
                return tries

    async def run(self) -> None:
        """Work until `stop`; then let what runs come to its end."""
        failures = 0
        while not self._stopping:
            try:
                busy = await self._round()
                failures = 0
            except db.DatabaseUnavailable as error:
                wait_s = BACK_OFF_S[min(failures, len(BACK_OFF_S) - 1)]
                failures += 1
                _log.warning("database_away", error=type(error).__name__, wait_s=wait_s)
                await self._sleep(wait_s)
                continue
            if not busy:
                await self._sleep(POLL_S)
        if self._running:
            await asyncio.wait(self._running, timeout=DRAIN_S)

    def wake(self) -> None:
        """There may be something to do."""
        self._woken.set()

    def stop(self) -> None:
        """Claim nothing more."""
        self._stopping = True
        self._woken.set()

    async def _round(self) -> bool:
        """Claim as much as there are hands for. True when more may be waiting."""
        self._woken.clear()
        now = await self._now()
        loop = asyncio.get_running_loop()
        if loop.time() >= self._chores_at or self._clock_moved(now):
            self._chores_at = loop.time() + CHORES_EVERY_S
            await self._do_chores(now)
        free = self._concurrency - len(self._running)
        if free == 0:
            # A hand that becomes free wakes this loop.
            return False
        batch = await outbox.claim(free, LEASE_S, now=now.business)
        for job in batch:
            task = asyncio.create_task(self._try(job))
            self._running.add(task)
            task.add_done_callback(self._ended)
        return len(batch) == free

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._woken.set()

    async def _now(self) -> Now:
        wall = clock.wall()
        offset_s = await clock.read_offset_s()
        return Now(clock.business(offset_s), wall)

    def _clock_moved(self, now: Now) -> bool:
        """Whether somebody moved the sandbox's clock since the last look: then things may be due at once."""
        offset_s = round((now.business - now.wall).total_seconds())
        moved = self._offset_s is not None and offset_s != self._offset_s
        self._offset_s = offset_s
        return moved

    async def _do_chores(self, now: Now) -> int:
        did = 0
        for chore in self._chores:
            try:
                did += await chore(now)
            except (db.ConnectionLost, db.PoolExhausted):
                raise
            except MoneyFrozen:
                # Told already by the proof that froze it. What falls due waits.
                _log.warning("money_frozen", chore=getattr(chore, "__name__", "chore"))
            except Exception:  # noqa: BLE001 - logged whole
                # One chore that fails must not keep the others, and the deliveries, from being done.
                _log.exception("chore_failed", chore=getattr(chore, "__name__", "chore"))
        return did

    async def _try(self, job: Job) -> None:
        """One try of one job, whose end is always written down unless the database is away: then the lease ends it."""
        outcome = await self._outcome(job)
        try:
            match outcome:
                case Done(detail):
                    await outbox.succeed(job, detail)
                case TryAgain(error, run_at):
                    await outbox.retry(job, error=error, run_at=run_at)
                case GiveUp(error):
                    await outbox.retry(job, error=error, run_at=None)
                    _log.error("job_given_up", kind=job.kind, job=str(job.id), about=job.about, error=error)
                case EndedAlready():
                    pass
        except LeaseLost:
            _log.warning("lease_lost", kind=job.kind, job=str(job.id))
        except db.DatabaseUnavailable as error:
            _log.warning("end_not_written", kind=job.kind, job=str(job.id), error=type(error).__name__)

    async def _outcome(self, job: Job) -> Outcome:
        handler = self._handlers.get(job.kind)
        if handler is None:
            return GiveUp(f"nobody knows how to do a job of kind {job.kind}")
        if job.attempt > ATTEMPTS_MAX:
            return GiveUp(f"no end after {ATTEMPTS_MAX} tries")
        try:
            return await handler(job)
        except LeaseLost:
            _log.warning("lease_lost", kind=job.kind, job=str(job.id))
            return EndedAlready()
        except db.ConnectionLost:
            # Nothing is known against the job: it comes back when the database has, not after the waits of failures.
            _log.warning("database_lost_in_job", kind=job.kind, job=str(job.id), attempt=job.attempt)
            return TryAgain(
                "the database went away meanwhile", business_now(job) + timedelta(seconds=job.attempt)
            )
        except Exception as error:  # noqa: BLE001 - logged whole, and written down as a failed try
            # The text of an unknown error may hold anything; its kind is enough for the record, the rest is in the log.
            _log.exception("job_failed", kind=job.kind, job=str(job.id), attempt=job.attempt)
            return again_or_give_up(job, f"failed with {type(error).__name__}")

    async def _sleep(self, wait_s: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._woken.wait(), wait_s)


async def listen(dsn: str, worker: Worker) -> None:
    """Wake the worker when a job is written. While the listening is interrupted the poll serves."""
    await listening.listen(dsn, outbox.CHANNEL, lambda _: worker.wake(), began=worker.wake)


async def run(settings: Settings) -> None:
    """The worker process, until SIGTERM or SIGINT; what runs then is let come to its end."""
    logs.configure()
    # A delivery may wait a moment, a shopper may not: where both share a machine, pages and the database go first.
    os.nice(NICENESS)
    doors.turn_keys(settings)
    through = doors.worker_doors(settings)
    worker = Worker(handlers(through), chores(through.providers))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, worker.stop)
    # Each running job needs one connection at a time, and the loop itself another.
    await db.start_pool(settings.database_url, min_size=1, max_size=CONCURRENCY + 2)
    listener = asyncio.create_task(listen(settings.database_url, worker))
    try:
        await worker.run()
    finally:
        listener.cancel()
        await asyncio.gather(listener, return_exceptions=True)
        await db.close_pool()
