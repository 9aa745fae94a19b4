"""The verb of the law files: an operator vouches for figures that were not read in the law itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final

from app.kernel import audit, db, ids
from app.law.errors import ClaimUnknown, WordRefused
from app.law.queries import confirmations, forget_kept_confirmations
from app.law.rules import Claim, law_of

BY_MAX: Final = 200
SOURCE_MAX: Final = 500

_CONFIRM = """
INSERT INTO law_confirmations (id, country, key, value, since, source, confirmed_by, confirmed_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (country, key, value, since) DO NOTHING
"""


async def confirm(
    country: str, keys: Sequence[str], *, by: str, source: str | None, on: date, now: datetime
) -> tuple[Claim, ...]:
    """Vouch for figures as they stand on that day: those named, or all that still want it when none is.

    `source` says where it was read; without one it is the law file's. Answers what was confirmed by this call; what
    was confirmed before stays as it was. Raises CountryNotServed, ClaimUnknown for a key that wants nothing, and
    WordRefused.
    """
    by, source = by.strip(), (source or "").strip()
    if not (1 <= len(by) <= BY_MAX and by.isprintable()):
        raise WordRefused("by")
    if not (len(source) <= SOURCE_MAX and source.isprintable()):
        raise WordRefused("source")
    claims = {claim.key: claim for claim in law_of(country).claims(on)}
    for key in keys:
        if key not in claims:
            raise ClaimUnknown(country, key)

    async def write() -> tuple[Claim, ...]:
        open_ones = [claim for claim, given in (await confirmations(country, on)).items() if given is None]
        chosen = tuple(claim for claim in open_ones if not keys or claim.key in keys)
        for claim in chosen:
            await db.execute(
                _CONFIRM,
                ids.internal_id(),
                country,
                claim.key,
                claim.value,
                claim.since,
                source or claim.source,
                by,
                now,
            )
        if chosen:
            detail = {"country": country, "keys": [claim.key for claim in chosen]}
            await audit.record("operator", "law.confirmed", country, merchant_id=None, at=now, detail=detail)
        return chosen

    written = await db.in_tx(write)
    forget_kept_confirmations()
    return written
