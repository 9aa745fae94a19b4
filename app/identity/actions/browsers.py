"""The browser's session: a secret in a signed cookie, whose row is born at the browser's first POST.

The cookie carries a 256-bit token and the wall times it was last seen and first made, signed by us: an id that somebody
else chose is never adopted, and neither idleness nor the end of its life needs a write or a look. The database keeps
only the token's digest.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from app.kernel import db, ids, keys

_PURPOSE: Final = "browser"
IDLE: Final = timedelta(minutes=15)
LIFE: Final = timedelta(hours=12)
REFRESH: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class BrowserToken:
    """What the cookie says. `fresh` means that this browser brought no valid cookie, or has a new secret. The absolute
    life counts from `born_at`, over every secret; without one it begins with the next cookie."""

    token: str
    seen_at: datetime
    fresh: bool
    born_at: datetime | None = None

    @property
    def digest(self) -> bytes:
        return ids.digest(self.token)

    def __repr__(self) -> str:
        return f"BrowserToken(fresh={self.fresh})"


def read(cookie: str | None, *, wall: datetime) -> BrowserToken:
    """The token of a cookie, or a new one when there is none, when it is not ours, idled too long or is too old.

    A row is born after its cookie, so a cookie that is young enough never meets a row whose life is over.
    """
    payload = keys.process_keyring().unsign(_PURPOSE, cookie) if cookie else None
    parts = payload.decode().split(" ") if payload is not None else []
    if len(parts) == 3:
        seen_at, born_at = (datetime.fromtimestamp(int(part), tz=UTC) for part in parts[1:])
        if timedelta(minutes=-1) <= wall - seen_at <= IDLE and wall - born_at < LIFE:
            return BrowserToken(parts[0], seen_at, fresh=False, born_at=born_at)
    return BrowserToken(ids.token(), wall, fresh=True, born_at=wall)


def write(token: str, *, wall: datetime, born_at: datetime | None = None) -> str:
    """The cookie's text for a token seen now."""
    times = f"{int(wall.timestamp())} {int((born_at or wall).timestamp())}"
    return keys.process_keyring().sign(_PURPOSE, f"{token} {times}".encode())


# A row that exists is returned as it is; its absolute life never grows.
_REMEMBER: Final = """
INSERT INTO browsers AS b (id, token_digest, created_at, expires_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (token_digest) DO UPDATE SET token_digest = b.token_digest WHERE b.expires_at > $3
RETURNING id
"""


async def remember(token: BrowserToken, *, wall: datetime) -> UUID | None:
    """The row of this browser, born here if need be; None when its absolute life is over. In a transaction."""
    found = await db.fetch_value(_REMEMBER, ids.internal_id(), token.digest, wall, wall + LIFE)
    assert found is None or isinstance(found, UUID)
    return found


async def rotate(browser_id: UUID, token: str) -> None:
    """A new token for a row whose rights have grown: what was planted before is worth nothing. In a transaction."""
    await db.execute("UPDATE browsers SET token_digest = $2 WHERE id = $1", browser_id, ids.digest(token))


async def hold(browser_id: UUID, token: BrowserToken) -> bool:
    """Keep this browser as it is until the transaction ends. False when its secret was exchanged meanwhile: another tab
    of it was faster."""
    held = await db.fetch_value(
        "SELECT id FROM browsers WHERE id = $1 AND token_digest = $2 FOR UPDATE", browser_id, token.digest
    )
    return held is not None


async def is_known(token: str) -> bool:
    """Whether a browser carries this secret: for a commit whose answer was lost."""
    found = await db.fetch_value("SELECT true FROM browsers WHERE token_digest = $1", ids.digest(token))
    return found is True


async def forget_expired(wall: datetime, limit: int) -> int:
    """Delete up to `limit` rows past their absolute life that nothing refers to; for the retention job. In a
    transaction."""
    status = await db.execute(
        """DELETE FROM browsers WHERE id IN (
               SELECT b.id FROM browsers b WHERE b.expires_at < $1
               AND NOT EXISTS (SELECT FROM code_challenges c WHERE c.browser_id = b.id)
               AND NOT EXISTS (SELECT FROM passkey_challenges p WHERE p.browser_id = b.id)
               AND NOT EXISTS (SELECT FROM checkout_sessions s WHERE s.browser_id = b.id)
               ORDER BY b.expires_at LIMIT $2)""",
        wall,
        limit,
    )
    return int(status.split()[-1])
