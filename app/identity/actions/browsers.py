"""The browser's session: a secret in a signed cookie, whose row is born at the browser's first POST.

The cookie carries a 256-bit token and the wall times it was last seen and first made, signed by us: an id that somebody
else chose is never adopted, and neither idleness nor the end of its life needs a write or a look. The database keeps
only the token's digest.

A token is exchanged when the browser's rights grow. If that answer is lost on its way, the browser still has the one
before: for some seconds, and from the same device alone, it opens the row and is handed the new one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from app.kernel import clock, db, ids, keys
from app.kernel.keys import SealBroken

_PURPOSE: Final = "browser"
_DEVICE: Final = "browser-device"
_HANDOVER: Final = "browser-handover"
GRACE: Final = timedelta(seconds=10)
IDLE: Final = timedelta(minutes=15)
LIFE: Final = timedelta(hours=12)
REFRESH: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class BrowserToken:
    """What the cookie says. `fresh` means that this browser brought no valid cookie, or has a new secret. The absolute
    life counts from `born_at`, over every secret; without one it begins with the next cookie. `device` is a digest of
    what tells one device from another, as far as a request shows it."""

    token: str
    seen_at: datetime
    fresh: bool
    born_at: datetime | None = None
    device: bytes = b""

    @property
    def digest(self) -> bytes:
        return ids.digest(self.token)

    def __repr__(self) -> str:
        return f"BrowserToken(fresh={self.fresh})"


def device_of(user_agent: str, address: str) -> bytes:
    """The same for requests of one program at one network address; nothing can be read out of it."""
    return keys.process_keyring().mac(_DEVICE, user_agent, address)


def read(cookie: str | None, *, wall: datetime, device: bytes = b"") -> BrowserToken:
    """The token of a cookie, or a new one when there is none, when it is not ours, idled too long or is too old.

    A row is born after its cookie, so a cookie that is young enough never meets a row whose life is over.
    """
    payload = keys.process_keyring().unsign(_PURPOSE, cookie) if cookie else None
    parts = payload.decode().split(" ") if payload is not None else []
    if len(parts) == 3:
        seen_at, born_at = (datetime.fromtimestamp(int(part), tz=UTC) for part in parts[1:])
        if timedelta(minutes=-1) <= wall - seen_at <= IDLE and wall - born_at < LIFE:
            return BrowserToken(parts[0], seen_at, fresh=False, born_at=born_at, device=device)
    return BrowserToken(ids.token(), wall, fresh=True, born_at=wall, device=device)


def write(token: str, *, wall: datetime, born_at: datetime | None = None) -> str:
    """The cookie's text for a token seen now."""
    times = f"{int(wall.timestamp())} {int((born_at or wall).timestamp())}"
    return keys.process_keyring().sign(_PURPOSE, f"{token} {times}".encode())


# A row that exists is returned as it is; its absolute life never grows. Whoever comes with the new secret has got it,
# so the one before is over.
_REMEMBER: Final = """
INSERT INTO browsers AS b (id, token_digest, created_at, expires_at, device) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (token_digest) DO UPDATE
SET device = $5, previous_digest = NULL, previous_until = NULL, handover = NULL WHERE b.expires_at > $3
RETURNING id
"""


async def remember(token: BrowserToken, *, wall: datetime) -> UUID | None:
    """The row of this browser, born here if need be; None when its absolute life is over. In a transaction."""
    device = token.device or None
    found = await db.fetch_value(_REMEMBER, ids.internal_id(), token.digest, wall, wall + LIFE, device)
    assert found is None or isinstance(found, UUID)
    return found


# Parameters 1 to 4, as `asked_to_rotate` gives them, so that a larger statement may begin with it.
ROTATE_SQL: Final = """
UPDATE browsers SET previous_digest = token_digest, previous_until = $3, handover = $4, token_digest = $2
WHERE id = $1 RETURNING id
"""


async def rotate(browser_id: UUID, token: str) -> None:
    """A new token for a row whose rights have grown: what was planted before is worth nothing, anywhere but on the
    device that the row knows, and nothing there some seconds later. In a transaction."""
    await db.execute(ROTATE_SQL, *asked_to_rotate(browser_id, token))


def asked_to_rotate(browser_id: UUID, token: str) -> tuple[object, ...]:
    sealed = keys.process_keyring().seal(_HANDOVER, token.encode())
    return browser_id, ids.digest(token), clock.wall() + GRACE, sealed


def handed_over(sealed: bytes | None) -> str | None:
    """The token that a browser should have got with an answer that was lost."""
    try:
        return None if sealed is None else keys.process_keyring().open(_HANDOVER, sealed).decode()
    except SealBroken:
        return None


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


async def forget_handovers(wall: datetime, limit: int) -> int:
    """Forget up to `limit` secrets before the present ones, once nobody may come with them; for the retention job."""
    status = await db.execute(
        """UPDATE browsers SET previous_digest = NULL, previous_until = NULL, handover = NULL WHERE id IN (
               SELECT id FROM browsers WHERE previous_digest IS NOT NULL AND previous_until < $1 LIMIT $2)""",
        wall,
        limit,
    )
    return int(status.split()[-1])


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
