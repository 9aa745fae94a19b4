"""One try of a shop's nightly lesson: what is known is read, learnt in a process of its own, and kept as a version."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Final

import msgspec
import structlog

from app.kernel import db, outbox
from app.kernel.jobs import EndedAlready, GiveUp, Outcome, again_or_give_up, business_now
from app.kernel.outbox import Job
from app.risk.errors import ModelBroken
from app.risk.learning import Learnt, Lesson
from app.risk.model_actions import keep_in_tx
from app.risk.model_queries import examples_of
from app.risk.prior import prior
from app.risk.scoring import Content

# Within a job's lease, with room to read and to keep.
TIMEOUT_S: Final = 22
ROOT: Final = Path(__file__).resolve().parents[2]

_log = structlog.get_logger("risk")


class LessonFailed(Exception):
    """The process ended without a model."""


async def teach(job: Job) -> Outcome:
    """Learn and keep what was learnt, and end the job; the last model stays where this comes to nothing."""
    lesson = Lesson(await examples_of(job.merchant_id), _prior())
    if not lesson.examples:
        return GiveUp("nothing is known of any order")
    try:
        learnt = await learnt_apart(lesson)
    except LessonFailed as failed:
        return again_or_give_up(job, str(failed))

    async def keep() -> None:
        version = await keep_in_tx(job.merchant_id, learnt, business_now(job))
        await outbox.succeed(job, f"version {version}")

    await db.in_tx(keep)
    return EndedAlready()


def _prior() -> Content | None:
    """A shop's model starts from nothing where the file it would start from is missing or damaged. The page of the
    model says so."""
    try:
        return prior()
    except ModelBroken as broken:
        _log.error("prior_broken", part=broken.part)
        return None


async def learnt_apart(lesson: Lesson) -> Learnt:
    """The lesson in a process of its own, which is given nothing but the lesson. Raises LessonFailed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "app.risk.learning",
        cwd=ROOT,
        env={name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        told, _ = await asyncio.wait_for(process.communicate(msgspec.json.encode(lesson)), TIMEOUT_S)
    except TimeoutError:
        raise LessonFailed(f"no end after {TIMEOUT_S} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise LessonFailed(f"ended with {process.returncode}")
    try:
        return msgspec.json.decode(told, type=Learnt)
    except msgspec.DecodeError:
        raise LessonFailed("told something else than a model") from None
