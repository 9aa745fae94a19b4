"""One try to have one letter printed."""

from __future__ import annotations

from typing import Final

from app.kernel.jobs import Done, GiveUp, Outcome, again_or_give_up
from app.kernel.outbox import Job
from app.messages.invoice import addressed, letter_of, sheet_content
from app.messages.ports import Letter, LetterDoor, NeverTaken, NotTaken

PRINT_TIMEOUT_S: Final = 10.0


async def deliver(job: Job, door: LetterDoor) -> Outcome:
    """Draw the sheet of the job's invoice and hand it to the printer. A repeat carries the same letter id."""
    public_id = str(job.payload["about"])
    found = await addressed(job.merchant_id, public_id)
    letter = None if found is None else await letter_of(found, sheet_content(found.invoice), public_id)
    if letter is None:
        return GiveUp("there is no whole postal address to send it to")
    return await post(job, letter, door)


async def post(job: Job, letter: Letter, door: LetterDoor) -> Outcome:
    """Hand over a finished letter."""
    try:
        await door.send(letter, PRINT_TIMEOUT_S)
    except NeverTaken as refused:
        return GiveUp(refused.reason)
    except NotTaken as refused:
        return again_or_give_up(job, refused.reason)
    return Done("handed to the printer")
