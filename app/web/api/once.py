"""`Idempotency-Key`: the same key and body get the same answer, and the work is done once.

The claim of the key, the work and the stored answer are one transaction. A refusal rolls all of it back, so that a
corrected request may use the same key again.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from litestar import Response

from app.kernel import db, idempotency, keys
from app.web.api.problems import InputRefused
from app.web.shared.rendering import NO_STORE

if TYPE_CHECKING:
    from litestar import Request

JSON_TYPE: Final = "application/json"
HEADER: Final = "idempotency-key"
# Answers may hold a secret that is shown once (an endpoint's), so none is stored in the clear.
_SEALED_FOR: Final = "idempotency.answer"
_KEY: Final = re.compile(r"[\x20-\x7e]{1,255}")


@dataclass(frozen=True, slots=True)
class Answer:
    """A finished answer: JSON bytes, or nothing with 204."""

    status: int
    body: bytes

    def response(self) -> Response[bytes]:
        headers = {"Cache-Control": NO_STORE}
        return Response(self.body, status_code=self.status, media_type=JSON_TYPE, headers=headers)


def key_of(request: Request[Any, Any, Any]) -> str | None:
    """The caller's key, None without one. Raises InputRefused (400): empty, too long, not ASCII, repeated."""
    given = request.headers.getall(HEADER, [])
    if not given:
        return None
    if len(given) > 1 or not _KEY.fullmatch(given[0]):
        raise InputRefused(
            400,
            "idempotency_key_malformed",
            detail="Idempotency-Key is one header of 1-255 printable ASCII characters.",
        )
    return given[0]


async def once(
    request: Request[Any, Any, Any],
    merchant_id: UUID,
    body: bytes,
    work: Callable[[], Awaitable[Answer]],
    landed: Callable[[], Awaitable[Answer | None]] | None = None,
) -> Response[bytes]:
    """Run `work` in one transaction, or answer as the first request with this key was answered.

    Keys belong to one merchant, method and address. A request without one has `landed` to find the effects of a run
    whose COMMIT lost its answer (see `db.in_tx`). Raises KeyReused, StillRunning, and what `work` raises.
    """
    key = key_of(request)
    if key is None:
        return (await db.in_tx(work, landed=landed)).response()
    scope = f"{request.method} {request.scope['path']}"
    digest = hashlib.sha256(body).digest()

    async def claimed() -> Answer:
        match await idempotency.claim(merchant_id, scope, key, digest):
            case idempotency.Replay() as stored:
                opened = keys.process_keyring().open(_SEALED_FOR, stored.body)
                return Answer(stored.status, opened)
            case idempotency.Fresh():
                answer = await work()
                sealed = keys.process_keyring().seal(_SEALED_FOR, answer.body)
                await idempotency.remember(
                    merchant_id, scope, key, status=answer.status, body=sealed, content_type=JSON_TYPE
                )
                return answer

    return (await db.in_tx(claimed)).response()
